"""What lies ahead, if each action is carried out when it falls due."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from tests.unit.contract import strategies

from jitsi_tenant_operator.contract.calendar import Calendar
from jitsi_tenant_operator.contract.decision import ActionKind
from jitsi_tenant_operator.contract.facts import Facts
from jitsi_tenant_operator.contract.outlook import Step, outlook
from jitsi_tenant_operator.contract.terms import EffectiveTerms

if TYPE_CHECKING:
    from tests.unit.contract.conftest import At, Story


def ahead(story: Story, at: At, now: str, until: str, paris: Calendar) -> list[Step]:
    return list(outlook(story.facts(), story.effective(), at(now), at(until), paris))


def done(steps: list[Step], at: datetime) -> list[str]:
    return [
        action.key
        for step in steps
        if step.at == at
        for action in step.done
        if action.kind is not ActionKind.RECORD
    ]


def test_the_life_of_a_contract_to_its_close(story: Story, at: At, paris: Calendar) -> None:
    steps = ahead(story.confirmed(), at, "2027-01-01", "2028-12-31", paris)
    data = [step.after.data.state for step in steps if step.before.data != step.after.data]
    assert list(dict.fromkeys(map(str, data))) == ["Erased", "BackupsExpired", "Closed"]
    assert done(steps, at("2027-05-31 24:00")) == [
        "Erase/DC-1",
        "Notice/Ended/2027-05-31",
        "Certify/DC-1/Production",
        "Notice/ErasureDone/DC-1/Production",
    ]
    gone = {step.at: str(step.after.data.state) for step in steps}
    assert gone[at("2027-08-11 24:00")] == "BackupsExpired"
    assert gone[at("2027-11-30 24:00")] == "Closed"


def test_a_payment_that_stays_overdue_leads_to_suspension(
    story: Story, at: At, paris: Calendar
) -> None:
    late = story.overdue("2026-09-30").promised(
        payment={"noticeAfter": "P15D", "suspensionAfter": "P10D"}
    )
    steps = ahead(late, at, "2026-10-01", "2026-12-31", paris)
    assert done(steps, at("2026-10-15 24:00")) == ["Notice/LatePayment/2026-09-30"]
    (suspended,) = [step for step in steps if step.before.service != step.after.service]
    assert suspended.at == at("2026-10-26 24:00")
    assert [deadline.name for deadline in suspended.reached] == ["LatePaymentSuspension"]
    assert done(steps, suspended.at) == [f"Notice/Suspension/{suspended.at.isoformat()}"]


def test_it_stops_where_a_person_must_act(story: Story, at: At, paris: Calendar) -> None:
    steps = ahead(story, at, "2027-01-01", "2040-01-01", paris)
    assert str(steps[-1].after.data.state) == "Retained"
    assert steps[-1].after.next is None


def test_a_renewed_contract_goes_on(story: Story, at: At, paris: Calendar) -> None:
    steps = ahead(story.tacit("P12M", "P2M"), at, "2026-07-01", "2030-01-01", paris)
    renewed = [step.at for step in steps if any(each.name == "Renewal" for each in step.reached)]
    assert renewed == [at(f"{year}-05-31 24:00") for year in (2027, 2028, 2029)]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(facts=strategies.facts(), terms=strategies.terms(), now=strategies.instants)
def test_it_always_comes_to_an_end_in_order_with_nothing_left_to_do(
    paris: Calendar, facts: Facts, terms: EffectiveTerms, now: datetime
) -> None:
    until = now.replace(year=now.year + 1, day=1)
    steps = list(outlook(facts, terms, now, until, paris))
    times = [step.at for step in steps]
    assert times == sorted(set(times))
    assert times[0] == now
    assert all(at < until for at in times[1:])
    assert all(step.after.actions == () for step in steps)
    keys = [action.key for step in steps for action in step.done]
    assert len(keys) == len(set(keys))
