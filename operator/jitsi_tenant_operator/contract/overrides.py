"""What people ordered, for the ledger: who, what, why.

An order is recorded when it is given, when it is changed and when it is lifted, each time once. It
stands in an object that is overwritten; the ledger keeps what stood there.
"""

from __future__ import annotations

from collections.abc import Iterator

from jitsi_tenant_operator.api.contract import RecordingSuspension, ServiceSuspension
from jitsi_tenant_operator.api.record import RecordEvent
from jitsi_tenant_operator.api.terms import Subject
from jitsi_tenant_operator.contract.decision import Decision, WindowState
from jitsi_tenant_operator.contract.facts import Facts, Order
from jitsi_tenant_operator.contract.ledger import Happening
from jitsi_tenant_operator.contract.terms import EffectiveTerms, TermSource

A_PERSON = "a person"
LIFTED = "Lifted"
_SERVICE, _RECORDING = "spec.suspension.service", "spec.suspension.recording"
_ERASURE = "spec.termination.erasure"
_SHOWN = 800


def happenings(facts: Facts, decision: Decision, terms: EffectiveTerms) -> Iterator[Happening]:
    """What was ordered and the ledger does not have yet; nothing of what is contradictory."""
    if facts.ledger is None:
        return
    doubtful = {each.field for each in decision.contradictions}
    before = {order.subject: order for order in facts.ledger.orders}
    for subject, ordered in _ordered(facts):
        if any(field.startswith(subject) for field in doubtful):
            continue
        value, why, by = ordered
        last = before.get(subject)
        given = (value, why) if value != LIFTED else (LIFTED, _lifting(last))
        if last is None and value == LIFTED:
            continue
        if last is not None and (last.value == LIFTED == value or (last.value, last.why) == given):
            continue
        key = f"Override/{subject}/{last.number if last is not None else 'first'}/{value}"
        yield Happening(
            RecordEvent.OVERRIDE, subject, value, key, given[1], by, source=_source(subject, terms)
        )
    yield from _emergencies(facts, decision, terms)


def applied_at_once(uid: str, change: str) -> Happening:
    """That a person has a change made though it may cut meetings; `change` is its name."""
    return Happening(
        RecordEvent.OVERRIDE,
        "apply-changes",
        "AppliedAtOnce",
        f"Override/apply-changes/{uid}/{change}",
        f"change {change} is made although it may cut meetings, as the annotation says",
        A_PERSON,
    )


def _ordered(facts: Facts) -> Iterator[tuple[str, tuple[str, str, str]]]:
    """Each order with its value, why, and by whom; the value is LIFTED where there is none."""
    yield _SERVICE, _suspension(facts.suspension.service)
    yield _RECORDING, _suspension(facts.suspension.recording)
    confirmed = facts.termination.erasure
    if confirmed is None:
        yield _ERASURE, (LIFTED, "", A_PERSON)
    else:
        # Whose word it was is what the confirmation is for.
        why = f"the data of {confirmed.contract_reference} may be erased"
        yield _ERASURE, ("Confirmed", why, confirmed.confirmed_by)


def _suspension(order: ServiceSuspension | RecordingSuspension | None) -> tuple[str, str, str]:
    if order is None:
        return LIFTED, "", A_PERSON
    until = "" if order.until is None else f" until {order.until.isoformat()}"
    note = "" if order.note is None else f": {order.note[:_SHOWN]}"
    return order.reason.value, f"suspended by order{until}{note}", A_PERSON


def _lifting(last: Order | None) -> str:
    return f"the order {last.value} was taken back" if last is not None else ""


def _emergencies(facts: Facts, decision: Decision, terms: EffectiveTerms) -> Iterator[Happening]:
    """Work that did not wait for a notice in time, with the reason that was given."""
    counting = {
        window.name
        for window in decision.windows
        if window.state in (WindowState.PLANNED, WindowState.RUNNING)
    }
    for window in facts.maintenances:
        if window.emergency and window.name in counting:
            yield Happening(
                RecordEvent.OVERRIDE,
                f"maintenance {window.name}",
                "Emergency",
                f"Override/Emergency/{window.name}/{window.start.isoformat()}",
                f"from {window.start.isoformat()}, without notice ahead: {window.reason[:_SHOWN]}",
                A_PERSON,
                source=terms.sources.get("maintenance.notice"),
            )


def _source(subject: str, terms: EffectiveTerms) -> TermSource | None:
    ruled = {_RECORDING: Subject.RECORDING_SUSPENSION, _ERASURE: Subject.END_OF_CONTRACT}
    return terms.governing.get(ruled[subject]) if subject in ruled else None
