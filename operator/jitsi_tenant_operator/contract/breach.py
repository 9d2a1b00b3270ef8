"""Formal notices (clauses 5 and 13.2): either party's, and what follows when they have no effect.

The time to remedy runs from receipt. A breach that is remedied before it is over has no
consequence; else the contract ends with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from jitsi_tenant_operator.api.notice import Breach, NoticeKind
from jitsi_tenant_operator.contract import words
from jitsi_tenant_operator.contract.calendar import Due, Span
from jitsi_tenant_operator.contract.case import Case, Figure
from jitsi_tenant_operator.contract.decision import Deadline, End, EndCause
from jitsi_tenant_operator.contract.facts import Notice


@dataclass(frozen=True, slots=True)
class Remedy:
    """A formal notice that was received and not remedied in time, so far."""

    notice: Notice
    due: Due
    figure: Figure
    rule: str


def remedies(case: Case) -> list[Remedy]:
    """The formal notices whose time runs or has run out without remedy."""
    found = []
    for notice in case.facts.notices:
        if notice.kind is not NoticeKind.FORMAL_NOTICE or notice.received is None:
            continue
        prohibited = notice.breach is Breach.PROHIBITED_USE
        figure = case.figure(f"formalNotice.{'prohibitedUse' if prohibited else 'remedy'}")
        if figure is None:
            continue
        due = case.due(notice.received, figure)
        if notice.remedied is None or notice.remedied >= due.at:
            rule = (
                f"{words.duration(figure.value)} after the formal notice {notice.key} was received"
                f" on {words.instant(notice.received, case.calendar)}, without remedy"
            )
            found.append(Remedy(notice, due, figure, rule))
    return found


def ends(case: Case, found: list[Remedy]) -> Iterator[End]:
    """The ends that formal notices without effect bring."""
    for remedy in found:
        if case.moment.reached(remedy.due.at):
            yield End(
                day=case.calendar.day_of(remedy.due.at - timedelta(microseconds=1)),
                at=remedy.due.at,
                cause=EndCause.FORMAL_NOTICE,
                rule=remedy.rule,
                source=remedy.figure.source,
                whole_day=Span.parse(remedy.figure.value).in_days,
            )


def deadlines(case: Case, found: list[Remedy]) -> Iterator[Deadline]:
    """Until when each breach can be remedied."""
    for remedy in found:
        yield case.deadline(
            "Remedy", remedy.due, remedy.rule, remedy.figure.source, remedy.notice.key
        )
