"""What becomes of the client's data after the end (clauses 6.3, 11.3 and 13.3).

Nothing is erased but after the end of the contract, with the client's data acknowledged as returned
or the time to retrieve it over, with the word of a person, and with no hold on it. What was erased
is known from recorded evidence only, and holds that cannot be read hold everything.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from jitsi_tenant_operator.api.hold import HoldScope
from jitsi_tenant_operator.api.notice import NoticeKind
from jitsi_tenant_operator.api.terms import Subject
from jitsi_tenant_operator.contract import words
from jitsi_tenant_operator.contract.calendar import Due
from jitsi_tenant_operator.contract.case import Case
from jitsi_tenant_operator.contract.decision import (
    Action,
    ActionKind,
    Data,
    DataState,
    Deadline,
    End,
    Wait,
)

PRODUCTION = frozenset((HoldScope.RECORDINGS, HoldScope.ACCOUNTS, HoldScope.KEYS))
BACKUPS = frozenset((HoldScope.BACKUPS, HoldScope.KEYS))
EVERYTHING = frozenset(HoldScope)

UNREADABLE = "holds cannot be read"
"""Stands among the names of holds for all those that may be there."""


def data(case: Case, end: End | None) -> Data:
    """The data axis, for a contract that ended at `end` or has not ended."""
    evidence = case.facts.evidence
    if evidence.closed is not None:
        return Data(DataState.CLOSED)
    if evidence.backups_expired is not None:
        return _after(case, DataState.BACKUPS_EXPIRED, EVERYTHING, _logs_expiry(case, end))
    if evidence.production_erased is not None:
        return _after(case, DataState.ERASED, BACKUPS, _backups_expiry(case))
    if end is None:
        return Data(DataState.LIVE)
    waits, held = _before_erasure(case, end)
    if evidence.erasure_started is not None or not waits:
        return Data(DataState.ERASING, waits, held)
    returned = _returned(case)
    return Data(DataState.RESTITUTED if returned else DataState.RETAINED, waits, held)


def _after(
    case: Case, state: DataState, scope: frozenset[HoldScope], kept_until: datetime | None
) -> Data:
    held = _held(case, scope)
    waits = [Wait.HOLD] if held else []
    if kept_until is not None and not case.moment.reached(kept_until):
        waits.append(Wait.RETENTION)
    return Data(state, tuple(waits), held)


def _before_erasure(case: Case, end: End) -> tuple[tuple[Wait, ...], tuple[str, ...]]:
    held = _held(case, PRODUCTION)
    waits = []
    if not _returned(case) and not case.moment.reached(_retrieval(case, end).at):
        waits.append(Wait.RESTITUTION)
    if case.facts.termination.erasure is None:
        waits.append(Wait.CONFIRMATION)
    if held:
        waits.append(Wait.HOLD)
    return tuple(waits), held


def _returned(case: Case) -> bool:
    exports = case.facts.exports
    return case.facts.termination.restitution_acknowledged_on is not None or any(
        export.final and export.acknowledged is not None for export in exports
    )


def _held(case: Case, scope: frozenset[HoldScope]) -> tuple[str, ...]:
    holds = case.facts.holds
    if holds is None:
        return (UNREADABLE,)
    return tuple(
        sorted(
            {
                hold.name
                for hold in holds
                if hold.released is None and (not hold.scope or hold.scope & scope)
            }
        )
    )


def _retrieval(case: Case, end: End) -> Due:
    figure = case.figure("endOfContract.retrieval")
    return Due(end.at, end.at) if figure is None else case.due(end.event, figure)


def _backups_expiry(case: Case) -> datetime | None:
    """When the last backup has had its time as a daily and then as a weekly one."""
    evidence = case.facts.evidence
    last = evidence.last_backup or evidence.production_erased
    figures = [case.figure("backup.daily"), case.figure("backup.weekly")]
    kept = [figure.value for figure in figures if figure is not None]
    return None if last is None else case.calendar.kept_until(last, *kept)


def _logs_expiry(case: Case, end: End | None) -> datetime | None:
    figure = case.figure("logs.retention")
    if end is None or figure is None:
        return None
    return case.calendar.kept_until(end.day, figure.value)


def deadlines(case: Case, end: End) -> Iterator[Deadline]:
    """The dates after the end."""
    last = words.day(end.day)
    _weigh(case, end)
    figure = case.figure("endOfContract.retrieval")
    yield case.deadline(
        "DataRetrieval",
        _retrieval(case, end),
        "the client retrieves its data before the end"
        if figure is None
        else f"the client can retrieve its data for {words.duration(figure.value)} after {last}",
        case.ruled_by(Subject.END_OF_CONTRACT) if figure is None else figure.source,
    )
    for name, term, what in (
        ("ErasureDue", "endOfContract.erasure", "production data is erased within"),
        ("LogsExpiry", "logs.retention", "the last technical logs are kept for"),
        ("ConfidentialityEnd", "confidentiality.afterEnd", "confidentiality binds for"),
    ):
        figure = case.figure(term)
        if figure is not None:
            due = (
                case.due(end.event, figure)
                if name == "ErasureDue"
                else case.calendar.kept_until(end.day, figure.value)
            )
            rule = f"{what} {words.duration(figure.value)} after the end, {last}"
            yield case.deadline(name, due, rule, figure.source)
    yield from _backups_deadline(case)


def _weigh(case: Case, end: End) -> None:
    retrieval = case.figure("endOfContract.retrieval")
    erasure = case.figure("endOfContract.erasure")
    if retrieval is None or erasure is None:
        return
    if case.due(end.event, erasure).at < case.due(end.event, retrieval).at:
        case.doubt(
            "terms endOfContract.erasure",
            f"{erasure.value} is shorter than the time to retrieve the data, {retrieval.value}",
            "let a document of higher rank set a longer one; nothing is erased before",
        )


def _backups_deadline(case: Case) -> Iterator[Deadline]:
    daily, weekly = case.figure("backup.daily"), case.figure("backup.weekly")
    expiry = _backups_expiry(case) if case.facts.evidence.production_erased is not None else None
    if expiry is None or daily is None or weekly is None:
        return
    rule = (
        f"the last backup is kept for {words.duration(daily.value)} and then for"
        f" {words.duration(weekly.value)}"
    )
    yield case.deadline("BackupsExpiry", expiry, rule, weekly.source)


def actions(case: Case, found: Data, end: End | None) -> Iterator[Action]:
    """What is due for the data: export, erasure, expiry, closing, and proof of what was erased."""
    reference, state = case.facts.contract.reference, found.state
    source = case.ruled_by(Subject.END_OF_CONTRACT)
    if end is not None and state in (DataState.RETAINED, DataState.RESTITUTED):
        if not any(export.final for export in case.facts.exports):
            why = "all data is offered for its return"
            yield Action(ActionKind.EXPORT, f"Export/{reference}/{end.day}", end.at, why, source)
    elif state in _STEPS and not found.waits:
        kind, why = _STEPS[state]
        yield Action(kind, f"{kind}/{reference}", None, why, source)
    yield from _proofs(case)


_STEPS = {
    DataState.ERASING: (
        ActionKind.ERASE,
        "the erasure is confirmed, and nothing stands against it",
    ),
    DataState.ERASED: (ActionKind.EXPIRE_BACKUPS, "the last backup has had its time"),
    DataState.BACKUPS_EXPIRED: (ActionKind.CLOSE, "data, backups and logs have had their time"),
}
"""The next step from each state, once nothing stands against it."""


def _proofs(case: Case) -> Iterator[Action]:
    """A certificate and a notice for each of production and backups, once they are gone."""
    evidence, reference = case.facts.evidence, case.facts.contract.reference
    source = case.ruled_by(Subject.END_OF_CONTRACT)
    for what, at in (
        ("Production", evidence.production_erased),
        ("Backups", evidence.backups_expired),
    ):
        if at is None:
            continue
        why = f"gone since {words.instant(at, case.calendar)}"
        yield Action(
            ActionKind.CERTIFY, f"Certify/{reference}/{what}", at, why, source, subject=what
        )
        kind = NoticeKind.ERASURE_DONE
        key = f"Notice/{kind}/{reference}/{what}"
        yield Action(ActionKind.NOTIFY, key, at, why, source, notice=kind, subject=what)
