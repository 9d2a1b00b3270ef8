"""What lies ahead of a contract in force (clauses 13.1 and 13.3): its end, its renewal, reminders.

A reminder is due from its day on, until the next one is due or the end has come: whoever was not
reminded in time is reminded once, not several times at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from jitsi_tenant_operator.api.contract import RenewalMode
from jitsi_tenant_operator.api.notice import NoticeKind
from jitsi_tenant_operator.api.terms import Subject
from jitsi_tenant_operator.contract import words
from jitsi_tenant_operator.contract.case import Case
from jitsi_tenant_operator.contract.decision import Action, ActionKind, Deadline, End
from jitsi_tenant_operator.contract.term import Periods
from jitsi_tenant_operator.contract.terms import TermSource


@dataclass(frozen=True, slots=True)
class _Target:
    """What the client is reminded of."""

    kind: NoticeKind
    at: datetime
    last_day: date
    since: datetime


def deadlines(case: Case, runs: Periods, end: End | None) -> Iterator[Deadline]:
    """The dates of a contract that has not ended."""
    yield case.beginning(
        "ContractStart",
        case.calendar.start_of(runs.first),
        f"in force from the signature on {words.day(runs.first)}",
        case.ruled_by(Subject.DURATION),
    )
    if runs.contract.renewal.mode is RenewalMode.TACIT:
        yield from _renewal(case, runs, end)
    if end is not None:
        yield case.deadline("ContractEnd", end.at, end.rule, end.source)
    target = _target(case, runs, end)
    for duration, at in _reminders(case, target):
        yield case.beginning(
            f"{target.kind}{duration}",
            at,
            f"the client is reminded {words.duration(duration)} ahead",
            _reminder_source(case),
        )


def _renewal(case: Case, runs: Periods, end: End | None) -> Iterator[Deadline]:
    number = runs.running()
    if end is not None and end.at <= runs.end(number):
        return
    renewal, source = runs.contract.renewal, case.ruled_by(Subject.RENEWAL)
    notice = words.duration(renewal.notice_period or runs.contract.term)
    condition = "as the non-renewal came too late for this term"
    if case.facts.termination.non_renewal is None:
        condition = "unless a non-renewal is received in time"
        yield case.deadline(
            "NonRenewal",
            runs.latest_notice(number),
            f"a non-renewal must be received {notice} before the last day of the term,"
            f" {words.day(runs.last_day(number))}",
            source,
        )
    yield case.deadline(
        "Renewal",
        runs.end(number),
        f"tacit renewal for {words.duration(renewal.period or runs.contract.term)}, until"
        f" {words.day(runs.last_day(number + 1))}, {condition}",
        source,
    )


def reminder(case: Case, runs: Periods, end: End | None) -> Iterator[Action]:
    """The reminder that is due at this moment."""
    if not case.moment.begun(runs.first):
        return
    target = _target(case, runs, end)
    due = [found for found in _reminders(case, target) if case.moment.reached(found[1])]
    if not due or case.moment.reached(target.at):
        return
    duration, at = max(due, key=lambda found: (found[1], found[0]))
    yield Action(
        ActionKind.NOTIFY,
        f"Notice/{target.kind}/{target.last_day}/{duration}",
        at,
        f"{words.duration(duration)} before {words.day(target.last_day)}",
        _reminder_source(case),
        notice=target.kind,
    )


def _target(case: Case, runs: Periods, end: End | None) -> _Target:
    """The end if it is the next thing that happens to the term, else the renewal."""
    begin = case.calendar.start_of(runs.first)
    if runs.contract.renewal.mode is RenewalMode.TACIT:
        number = runs.running()
        over = runs.end(number)
        if end is None or over < end.at:
            since = runs.end(number - 1) if number else begin
            return _Target(NoticeKind.RENEWAL_AHEAD, over, runs.last_day(number), since)
    assert end is not None
    return _Target(NoticeKind.END_AHEAD, end.at, end.day, begin)


def _reminders(case: Case, target: _Target) -> list[tuple[str, datetime]]:
    """The reminders, each from the beginning of a day that lies far enough ahead."""
    found = []
    for duration in dict.fromkeys(case.reminders):
        latest = case.calendar.before(target.at, duration)
        at = case.calendar.start_of(case.calendar.day_before(latest))
        if at >= target.since:
            found.append((duration, at))
    return found


def _reminder_source(case: Case) -> TermSource:
    return case.terms.sources.get("endOfContract.reminders") or case.commercial
