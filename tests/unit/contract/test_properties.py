"""What holds of every decision, whatever the facts."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st
from tests.unit.contract import strategies

from jitsi_tenant_operator.api.hold import HoldScope
from jitsi_tenant_operator.api.notice import NoticeKind
from jitsi_tenant_operator.contract.calendar import Calendar
from jitsi_tenant_operator.contract.decide import decide
from jitsi_tenant_operator.contract.decision import (
    ActionKind,
    ContractState,
    DataState,
    Decision,
    Phase,
    ServiceState,
)
from jitsi_tenant_operator.contract.facts import Evidence, Facts
from jitsi_tenant_operator.contract.terms import EffectiveTerms

T = TypeVar("T")

PRODUCTION = {HoldScope.RECORDINGS, HoldScope.ACCOUNTS, HoldScope.KEYS}
DATA = list(DataState)

with_any_facts = given(facts=strategies.facts(), terms=strategies.terms(), now=strategies.instants)
thorough = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@thorough
@given(
    facts=strategies.facts(strategies.any_durations),
    terms=strategies.terms(strategies.any_durations),
    now=st.datetimes(
        datetime(2000, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
        datetime(2200, 1, 1),  # noqa: DTZ001
        timezones=st.just(UTC),
    ),
)
def test_there_is_a_decision_on_any_facts(
    paris: Calendar, facts: Facts, terms: EffectiveTerms, now: datetime
) -> None:
    found = decide(facts, terms, now, paris)
    event(str(found.phase))
    assert found.phase in Phase
    assert all(each.field and each.problem and each.remedy for each in found.contradictions)
    assert all(each.name and each.rule and each.source.document for each in found.deadlines)
    assert all(each.plain <= each.at for each in found.deadlines)


@thorough
@with_any_facts
def test_the_order_of_facts_does_not_matter(
    paris: Calendar, facts: Facts, terms: EffectiveTerms, now: datetime
) -> None:
    found = decide(facts, terms, now, paris)
    for notices in itertools.permutations(facts.notices):
        turned = replace(
            facts,
            notices=(*notices, *notices[:1]),
            holds=None if facts.holds is None else facts.holds[::-1],
            maintenances=facts.maintenances[::-1],
            incidents=facts.incidents[::-1],
        )
        assert decide(turned, terms, now, paris) == found


@thorough
@given(
    facts=strategies.facts(),
    terms=strategies.terms(),
    now=strategies.instants,
    parts=st.lists(st.floats(0, 1, exclude_max=True), min_size=3, max_size=6),
)
def test_nothing_changes_before_next_and_something_at_it(
    paris: Calendar, facts: Facts, terms: EffectiveTerms, now: datetime, parts: list[float]
) -> None:
    found = decide(facts, terms, now, paris)
    if found.next is None:
        for days in (1, 40, 400, 4000, 20_000):
            assert decide(facts, terms, now + timedelta(days=days), paris) == found
        return
    assert found.next > now
    microsecond = timedelta(microseconds=1)
    between = [now + part * (found.next - now) for part in parts]
    for at in (*between, found.next - microsecond):
        assert decide(facts, terms, min(at, found.next - microsecond), paris) == found
    changed = decide(facts, terms, found.next, paris)
    assert replace(changed, next=None) != replace(found, next=None)


@thorough
@given(
    facts=strategies.facts(),
    terms=strategies.terms(),
    times=st.lists(strategies.instants, min_size=2, max_size=6).map(sorted),
)
def test_time_alone_takes_nothing_back(
    paris: Calendar, facts: Facts, terms: EffectiveTerms, times: list[datetime]
) -> None:
    for before, after in itertools.pairwise(decide(facts, terms, at, paris) for at in times):
        assert _advance(before) <= _advance(after)
        assert DATA.index(before.data.state) <= DATA.index(after.data.state)
        if before.contract is ContractState.ENDED:
            assert after.service.state is ServiceState.DISABLED


def _advance(found: Decision) -> int:
    order = [ContractState.DRAFT, ContractState.IN_FORCE, ContractState.ENDED]
    running = found.contract is ContractState.UNDER_NOTICE
    return order.index(ContractState.IN_FORCE if running else found.contract)


@thorough
@given(
    facts=strategies.facts(with_ledger=False),
    terms=strategies.terms(),
    times=st.lists(strategies.instants, min_size=2, max_size=4).map(sorted),
)
def test_deadlines_do_not_come_nearer_by_themselves(
    paris: Calendar, facts: Facts, terms: EffectiveTerms, times: list[datetime]
) -> None:
    first = decide(facts, terms, times[0], paris)
    assume(not any("yet to come" in each.problem for each in first.contradictions))
    for at in times[1:]:
        later = {
            (each.name, each.subject): each for each in decide(facts, terms, at, paris).deadlines
        }
        for deadline in first.deadlines:
            same = later.get((deadline.name, deadline.subject))
            assert same is None or deadline.at <= same.at
            assert same is None or deadline.at < same.at or same.passed >= deadline.passed


@thorough
@with_any_facts
def test_an_action_is_due_once(
    paris: Calendar, facts: Facts, terms: EffectiveTerms, now: datetime
) -> None:
    found = decide(facts, terms, now, paris)
    keys = [action.key for action in found.actions]
    assert len(set(keys)) == len(keys)
    assert not set(keys) & {notice.key for notice in facts.notices}
    if facts.ledger is not None:
        done = replace(facts.ledger, done=facts.ledger.done | set(keys))
        assert decide(replace(facts, ledger=done), terms, now, paris).actions == ()
    assert all(action.due is None or action.due <= _seen(facts, now) for action in found.actions)


def _seen(facts: Facts, now: datetime) -> datetime:
    """The instant that is decided for: a clock behind the ledger counts for nothing."""
    return now if facts.ledger is None else max(now, facts.ledger.latest, *_entries(facts))


def _entries(facts: Facts) -> list[datetime]:
    ledger = facts.ledger
    assert ledger is not None
    entries = (ledger.contract, ledger.service, ledger.recording, ledger.data)
    return [entry.since for entry in entries if entry is not None]


@thorough
@with_any_facts
def test_nothing_is_erased_but_as_13_3_allows(
    paris: Calendar, facts: Facts, terms: EffectiveTerms, now: datetime
) -> None:
    found = decide(facts, terms, now, paris)
    seen = _seen(facts, now)
    if not any(action.kind is ActionKind.ERASE for action in found.actions):
        return
    event("erased")
    assert found.contract is ContractState.ENDED
    assert facts.termination.erasure is not None
    assert facts.termination.erasure.contract_reference == facts.contract.reference
    assert facts.holds is not None
    for hold in facts.holds:
        released = hold.released is not None and hold.placed <= hold.released <= seen
        assert released or (hold.scope and not hold.scope & PRODUCTION)


@thorough
@with_any_facts
def test_nothing_ends_or_stops_without_cause(
    paris: Calendar, facts: Facts, terms: EffectiveTerms, now: datetime
) -> None:
    innocent = replace(
        facts,
        contract=facts.contract.model_copy(update={"payment": type(facts.contract.payment)()}),
        suspension=type(facts.suspension)(),
        termination=type(facts.termination)(),
        notices=tuple(each for each in facts.notices if each.kind is not NoticeKind.FORMAL_NOTICE),
        evidence=Evidence(),
        ledger=None,
        standing=None,
    )
    found = decide(innocent, terms, now, paris)
    if found.contract is not ContractState.ENDED:
        assert found.contract in (ContractState.DRAFT, ContractState.IN_FORCE)
        signed = facts.contract.signed_on
        serving = signed is not None and paris.start_of(signed) <= now
        assert (found.service.state is ServiceState.SERVING) == serving
    else:
        assert found.end is not None
        assert found.end.cause == "TermOver"
