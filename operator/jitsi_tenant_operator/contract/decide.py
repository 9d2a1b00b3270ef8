"""The decision: from recorded facts, terms and an instant to everything that follows.

Pure and total: the same facts, in any order, give the same decision, and facts that contradict each
other are reported and have no effect. No duration stands here; all come from the effective terms.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from jitsi_tenant_operator.api.terms import Subject
from jitsi_tenant_operator.contract import (
    ahead,
    breach,
    data,
    incidents,
    journal,
    maintenance,
    payment,
    service,
    term,
)
from jitsi_tenant_operator.contract.breach import Remedy
from jitsi_tenant_operator.contract.calendar import Calendar
from jitsi_tenant_operator.contract.case import Case
from jitsi_tenant_operator.contract.decision import (
    Action,
    ActionKind,
    ContractState,
    Data,
    DataState,
    Deadline,
    Decision,
    End,
    EndCause,
    Phase,
    Recording,
    Service,
    ServiceState,
    Window,
)
from jitsi_tenant_operator.contract.facts import Facts
from jitsi_tenant_operator.contract.moment import (
    CLOCK_BEHIND,
    SKEW,
    Moment,
    is_far_ahead,
    reckoned,
)
from jitsi_tenant_operator.contract.payment import Arrears
from jitsi_tenant_operator.contract.screening import screened
from jitsi_tenant_operator.contract.screening_notices import is_unclear
from jitsi_tenant_operator.contract.term import Periods
from jitsi_tenant_operator.contract.terms import EffectiveTerms


def decide(facts: Facts, terms: EffectiveTerms, now: datetime, calendar: Calendar) -> Decision:
    """What follows of `facts` under `terms` at `now` (aware), until the instant `next`.

    A clock that is behind the ledger is reported, and the decision is that of the ledger's last
    entry: nothing that was decided is taken back because a clock went backwards. An entry that lies
    days ahead is reported and does not count for that.
    """
    found, ahead_of = _at(facts, terms, now, calendar)
    while ahead_of is not None:
        later, after = _at(facts, terms, ahead_of, calendar)
        if later != found:
            break
        ahead_of = after
    return replace(found, next=ahead_of)


def _at(
    facts: Facts, terms: EffectiveTerms, now: datetime, calendar: Calendar
) -> tuple[Decision, datetime | None]:
    """The decision without `next`, and the nearest instant ahead that anything was compared to."""
    moment = Moment(reckoned(now, facts.ledger), calendar)
    noticed = frozenset(notice.key for notice in facts.notices)
    given = Case(facts, terms, moment, calendar, noticed)
    reliable = screened(given)
    case = replace(given, facts=reliable, unclear=is_unclear(given, reliable.notices))
    clock = _weigh_clock(case, now)
    decision = _decision(case)
    if clock is None or moment.now > now:
        return decision, clock or moment.ahead
    return decision, clock if moment.ahead is None else min(clock, moment.ahead)


def _weigh_clock(case: Case, now: datetime) -> datetime | None:
    """Report a clock that does not go with the ledger; until when it counts as it does now."""
    ledger = case.facts.ledger
    if ledger is None or now >= ledger.latest:
        return None
    latest = ledger.latest
    if is_far_ahead(now, ledger):
        case.doubt(
            "clock",
            f"the ledger's last entry is of {latest.isoformat()}, which lies far ahead",
            "set the clock right if it is wrong; what is to come is decided by the clock",
        )
        return latest - CLOCK_BEHIND
    if latest - now <= SKEW:
        return latest
    case.doubt(
        "clock",
        f"it is behind the ledger, whose last entry is of {latest.isoformat()}",
        "set the clock right; until then everything stays as it is",
    )
    return latest - SKEW


@dataclass(frozen=True, slots=True)
class _Outline:
    """How the contract goes: its terms, its end, the notices and payments that bear on it."""

    runs: Periods | None
    end: End | None
    remedies: list[Remedy]
    arrears: Arrears | None
    state: ContractState

    @property
    def in_force(self) -> bool:
        """Whether it has begun and not ended."""
        return self.state in (ContractState.IN_FORCE, ContractState.UNDER_NOTICE)

    @property
    def past_end(self) -> End | None:
        """The end, once it has come."""
        return self.end if self.state is ContractState.ENDED else None


def _outline(case: Case) -> _Outline:
    runs = term.periods(case)
    remedies = breach.remedies(case)
    ends = [*term.ends(case, runs), *breach.ends(case, remedies)]
    first = min(ends, key=lambda end: (end.at, end.cause, end.rule), default=None)
    end = _erased_already(case, first)
    state = _state(case, end, remedies)
    stays = state if _erased_since(case) is not None else _as_recorded(case, state)
    if stays is not state:
        # Of a contract that stands though its facts say otherwise, no date can be told.
        runs, end, state = None, None, stays
    if state in (ContractState.ENDED, ContractState.DRAFT):
        return _Outline(runs, end, [], None, state)
    return _Outline(runs, end, remedies, payment.arrears(case), state)


def _state(case: Case, end: End | None, remedies: list[Remedy]) -> ContractState:
    signed = case.facts.contract.signed_on
    if end is not None and case.moment.reached(end.at):
        return ContractState.ENDED
    if signed is None or not case.moment.begun(signed):
        return ContractState.DRAFT
    return ContractState.UNDER_NOTICE if remedies else ContractState.IN_FORCE


def _as_recorded(case: Case, found: ContractState) -> ContractState:
    """`found`, or what is recorded where `found` rests on what cannot be relied on.

    Without its ledger a contract neither ends nor comes back. Where notices contradict each other,
    one that has ended does not come back; whatever else ends one still does.
    """
    standing, ledger = case.facts.standing, case.facts.ledger
    ended = ContractState.ENDED
    if standing is not None and (standing.contract == ended) != (found is ended):
        signed = case.facts.contract.signed_on
        # What has begun since it was seen as a draft does not go back to being one.
        begun = signed is not None and case.moment.begun(signed)
        draft = standing.contract is ContractState.DRAFT
        return ContractState.IN_FORCE if draft and begun else standing.contract
    recorded = ledger.contract if ledger is not None else None
    if case.unclear and recorded is not None and recorded.value == ended:
        return ended
    return found


def _erased_already(case: Case, end: End | None) -> End | None:
    """The end, which cannot be later than what was erased because of it."""
    erased = _erased_since(case)
    if erased is None or (end is not None and end.at <= erased):
        return end
    until = f"runs until {end.day}" if end is not None else "has no end"
    case.doubt(
        "evidence",
        f"erasure began on {erased.isoformat()}, but the contract {until}",
        "set spec.contract and spec.termination as they were; what is erased cannot be served",
    )
    return End(
        day=case.calendar.day_of(erased),
        at=erased,
        cause=EndCause.ERASED_ALREADY,
        rule="erasure has begun, so the contract had ended",
        source=case.ruled_by(Subject.END_OF_CONTRACT),
        whole_day=False,
    )


def _erased_since(case: Case) -> datetime | None:
    evidence = case.facts.evidence
    steps = (evidence.erasure_started, evidence.production_erased)
    return min((at for at in steps if at is not None), default=None)


def _decision(case: Case) -> Decision:
    outline = _outline(case)
    windows = maintenance.windows(case) if outline.in_force else ()
    whole = service.service(case, outline.state, outline.arrears)
    recording = service.recording(case, whole, windows)
    kept = data.data(case, outline.past_end)
    due = _due(case, outline, whole, recording, kept, windows)
    return Decision(
        phase=_phase(outline.state, whole, kept),
        contract=outline.state,
        service=whole,
        recording=recording,
        data=kept,
        end=outline.end,
        windows=(*windows, *(incidents.windows(case) if outline.in_force else ())),
        deadlines=tuple(sorted(_deadlines(case, outline, windows), key=_order)),
        actions=tuple(sorted(_without_done(case, due), key=lambda action: action.key)),
        contradictions=tuple(sorted(set(case.doubts))),
        called_for=frozenset(each.key for each in due if each.kind is ActionKind.NOTIFY),
    )


def _phase(contract: ContractState, whole: Service, kept: Data) -> Phase:
    if kept.state not in (DataState.LIVE, DataState.RETAINED):
        return Phase(kept.state)
    if contract in (ContractState.ENDED, ContractState.DRAFT):
        return Phase(contract)
    return Phase.SUSPENDED if whole.state is ServiceState.SUSPENDED else Phase(contract)


def _order(deadline: Deadline) -> tuple[datetime, str, str]:
    return deadline.at, deadline.name, deadline.subject


def _deadlines(case: Case, outline: _Outline, windows: tuple[Window, ...]) -> Iterator[Deadline]:
    yield from _hold_reviews(case)
    if outline.past_end is not None:
        end = outline.past_end
        yield case.deadline("ContractEnd", end.at, end.rule, end.source)
        yield from data.deadlines(case, end)
        return
    if outline.runs is not None:
        yield from ahead.deadlines(case, outline.runs, outline.end)
    yield from breach.deadlines(case, outline.remedies)
    if outline.arrears is not None:
        yield from payment.deadlines(case, outline.arrears)
    if outline.in_force:
        yield from service.deadlines(case)
    yield from maintenance.deadlines(case, windows)


def _hold_reviews(case: Case) -> Iterator[Deadline]:
    for hold in case.facts.holds or ():
        if hold.released is None and hold.review_on is not None:
            rule = f"the hold {hold.name} is to be reviewed by then"
            at = case.calendar.end_of(hold.review_on)
            source = case.ruled_by(Subject.END_OF_CONTRACT)
            yield case.deadline("HoldReview", at, rule, source, hold.name)


def _due(
    case: Case,
    outline: _Outline,
    whole: Service,
    recording: Recording,
    kept: Data,
    windows: tuple[Window, ...],
) -> list[Action]:
    """The actions that are due as things stand, done already or not."""
    found: list[Action] = [
        *journal.actions(case, outline.state, whole, recording, kept),
        *data.actions(case, kept, outline.past_end),
        *maintenance.notify(case, windows),
    ]
    if outline.past_end is not None:
        found.append(journal.ended(outline.past_end))
    elif outline.runs is not None:
        found += ahead.reminder(case, outline.runs, outline.end)
    if outline.arrears is not None:
        found += payment.notify(case, outline.arrears)
    if outline.in_force:
        found += incidents.notify(case)
    return found


def _without_done(case: Case, due: list[Action]) -> Iterator[Action]:
    """Those that are neither recorded as done nor noticed already.

    A notice that is gone before it was sent is to be made again: the client must not miss it.
    """
    ledger = case.facts.ledger
    done: frozenset[str] = frozenset()
    if ledger is not None:
        unsent = (each.key for each in ledger.notices if each.sent is None)
        done = ledger.done.difference(unsent)
    return (action for action in due if action.key not in done | case.noticed)
