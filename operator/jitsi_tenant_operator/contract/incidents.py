"""Incidents (clause 15.1): each tenant that is touched is told once that one began, and once that
it is over.

An incident interrupts nothing by itself: what it has broken is broken already.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from jitsi_tenant_operator.api.notice import NoticeKind
from jitsi_tenant_operator.api.terms import Subject
from jitsi_tenant_operator.contract import words
from jitsi_tenant_operator.contract.case import Case
from jitsi_tenant_operator.contract.decision import Action, ActionKind, Window, WindowState
from jitsi_tenant_operator.contract.facts import Incident
from jitsi_tenant_operator.contract.terms import TermSource


def screened(case: Case) -> Iterator[Incident]:
    """The incidents that can be relied on: they have begun, and end where they say so."""
    by_name: dict[str, set[Incident]] = defaultdict(set)
    for incident in case.facts.incidents:
        by_name[incident.name].add(incident)
    for name in sorted(by_name):
        where, incident = f"incident {name}", next(iter(by_name[name]))
        if len(by_name[name]) > 1:
            problem = f"it is declared in {len(by_name[name])} versions"
            case.doubt(where, problem, "keep the true one")
        elif not case.moment.reached(incident.start):
            case.doubt(where, "it has not begun", "correct start, or declare maintenance")
        elif incident.ended is not None and not case.moment.reached(incident.ended):
            remedy = "remove end until it is over, and say in incident.expectedEnd what is expected"
            case.doubt(where, "it ends in the future", remedy)
            yield replace(incident, ended=None)
        elif incident.ended is not None and incident.ended <= incident.start:
            case.doubt(where, "it ends before it begins", "correct start or end")
        else:
            yield incident


def key(kind: NoticeKind, incident: Incident) -> str:
    """The key of a notice of an incident; another start makes it another incident."""
    return f"Notice/{kind}/{incident.name}/{incident.start.isoformat()}"


def windows(case: Case) -> Iterator[Window]:
    """How each incident stands towards the tenant: running or over once it was told of it."""
    for incident in case.facts.incidents:
        if not _concerns(case, incident):
            continue
        kind = NoticeKind.INCIDENT if incident.ended is None else NoticeKind.INCIDENT_OVER
        told = _sent(case, key(kind, incident))
        if told is None:
            state, why = WindowState.PENDING, "the client is still to be told"
        elif incident.ended is None:
            state = WindowState.RUNNING
            why = f"an incident since {words.instant(incident.start, case.calendar)}"
        else:
            state = WindowState.OVER
            why = f"over since {words.instant(incident.ended, case.calendar)}"
        yield Window(incident.name, state, incident.start, why, told)


def notify(case: Case) -> Iterator[Action]:
    """The notices that incidents call for; whoever was not told in time is told the end only."""
    for incident in case.facts.incidents:
        if not _concerns(case, incident):
            continue
        began = words.instant(incident.start, case.calendar)
        if incident.ended is None:
            kind, at, why = NoticeKind.INCIDENT, incident.start, f"an incident since {began}"
        else:
            kind, at = NoticeKind.INCIDENT_OVER, incident.ended
            why = f"the incident since {began} is over"
        yield Action(
            ActionKind.NOTIFY,
            key(kind, incident),
            at,
            why,
            _source(case),
            notice=kind,
            subject=incident.name,
        )


def _concerns(case: Case, incident: Incident) -> bool:
    """Whether the client had a contract while the incident lasted."""
    signed = case.facts.contract.signed_on
    return signed is not None and (
        incident.ended is None or incident.ended > case.calendar.start_of(signed)
    )


def _sent(case: Case, key_: str) -> datetime | None:
    sent = (notice.sent for notice in case.facts.notices if notice.key == key_)
    return min((at for at in sent if at is not None), default=None)


def _source(case: Case) -> TermSource:
    return case.terms.governing.get(Subject.FORCE_MAJEURE) or case.ruled_by(Subject.NOTICES)
