"""Duration and renewal (clause 13.1): when the contract begins, ends, or goes on.

A tacit renewal happens unless one party's non-renewal was received by the last day for it, which
lies the notice period before the last day of the term. One received later counts for the end of
the next term. Renewals follow one another without end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from jitsi_tenant_operator.api.contract import Contract, NonRenewal, RenewalMode
from jitsi_tenant_operator.api.terms import Subject
from jitsi_tenant_operator.contract import words
from jitsi_tenant_operator.contract.calendar import Span
from jitsi_tenant_operator.contract.case import Case
from jitsi_tenant_operator.contract.decision import End, EndCause


@dataclass(frozen=True, slots=True)
class Periods:
    """The terms of a contract one after the other: number 0 is the initial one."""

    case: Case
    first: date
    contract: Contract

    def last_day(self, number: int) -> date:
        """The last day of a term."""
        period = self.contract.renewal.period or self.contract.term
        return self.case.calendar.last_day(self.first, self.contract.term, period, number)

    def end(self, number: int) -> datetime:
        """The instant at which a term is over."""
        return self.case.calendar.end_of(self.last_day(number))

    def latest_notice(self, number: int) -> datetime:
        """The instant by which a non-renewal must be received to end the contract with a term."""
        notice = self.contract.renewal.notice_period or self.contract.term
        return self.case.calendar.before(self.end(number), notice)

    def running(self) -> int:
        """The term that runs at this moment."""
        number = _first_later(self.end, self.case.moment.now)
        self.case.moment.reached(self.end(number))
        return number

    def ended_by(self, received: date) -> int:
        """The first term that a non-renewal received on a day comes in time for."""
        return _first_later(self.latest_notice, self.case.calendar.start_of(received))


def _first_later(instant_of: Callable[[int], datetime], at: datetime) -> int:
    """The first number whose instant is later than `at`; instants grow with the number."""
    high = 1
    while instant_of(high - 1) <= at:
        high *= 2
    low = high // 2
    while low < high:
        middle = (low + high) // 2
        if instant_of(middle) <= at:
            low = middle + 1
        else:
            high = middle
    return low


def periods(case: Case) -> Periods | None:
    """The terms of the contract; None for a draft, or where they cannot be counted in days."""
    contract = case.facts.contract
    if contract.signed_on is None:
        return None
    renewal = contract.renewal
    durations = {"term": contract.term}
    if renewal.mode is RenewalMode.TACIT and renewal.period is not None:
        durations["renewal.period"] = renewal.period
    countable = True
    for name, duration in durations.items():
        if not Span.parse(duration).in_days:
            countable = False
            case.doubt(
                f"spec.contract.{name}",
                f"{duration} counts hours, but a contract runs for whole days",
                "say it in days, months or years",
            )
    return Periods(case, contract.signed_on, contract) if countable else None


def ends(case: Case, runs: Periods | None) -> list[End]:
    """The ends that the duration, a non-renewal or an agreement sets."""
    over = None if runs is None else _end_of_term(case, runs)
    agreed = _agreed_end(case, over)
    return [end for end in (over, agreed) if end is not None]


def _end_of_term(case: Case, runs: Periods) -> End | None:
    mode = runs.contract.renewal.mode
    if mode is RenewalMode.TACIT:
        declared = case.facts.termination.non_renewal
        return None if declared is None else _declined(case, runs, declared)
    if mode is RenewalMode.MANUAL and (until := _renewed_until(case, runs)) is not None:
        return _end(
            case, until, EndCause.TERM_OVER, f"renewed by agreement until {words.day(until)}"
        )
    term = words.duration(runs.contract.term)
    rule = f"{term} from the signature on {words.day(runs.first)}, not renewed"
    return _end(case, runs.last_day(0), EndCause.TERM_OVER, rule)


def _renewed_until(case: Case, runs: Periods) -> date | None:
    until = runs.contract.renewal.renewed_until
    if until is None or until > runs.last_day(0):
        return until
    case.doubt(
        "spec.contract.renewal.renewedUntil",
        f"{until} is not after the end of the initial term, {runs.last_day(0)}",
        "set the last day of the renewal that was agreed",
    )
    return None


def _declined(case: Case, runs: Periods, declared: NonRenewal) -> End:
    number = runs.ended_by(declared.received_on)
    rule = (
        f"{_number(number)}, not renewed: the {declared.by.lower()}'s non-renewal was received on"
        f" {words.day(declared.received_on)}, at least"
        f" {words.duration(runs.contract.renewal.notice_period or runs.contract.term)} ahead"
    )
    return _end(case, runs.last_day(number), EndCause.NON_RENEWAL, rule)


def _number(number: int) -> str:
    return "the end of the initial term" if number == 0 else f"the end of renewal {number}"


def _agreed_end(case: Case, over: End | None) -> End | None:
    early = case.facts.termination.early_end
    if early is None:
        return None
    if over is not None and early.ends_on > over.day:
        case.doubt(
            "spec.termination.earlyEnd.endsOn",
            f"{early.ends_on} is later than the end of the contract, {over.day}",
            "set an earlier day, or renew the contract",
        )
        return None
    rule = f"agreed by the parties on {words.day(early.agreed_on)}"
    return _end(case, early.ends_on, EndCause.AGREEMENT, rule)


def _end(case: Case, day: date, cause: EndCause, rule: str) -> End:
    subject = Subject.RENEWAL if cause is EndCause.NON_RENEWAL else Subject.DURATION
    return End(day, case.calendar.end_of(day), cause, rule, case.ruled_by(subject))
