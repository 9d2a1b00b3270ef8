"""Clauses 3.1 and 13.1: in force from signature, for its duration, renewed as it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jitsi_tenant_operator.contract.terms import TermSource

if TYPE_CHECKING:
    from tests.unit.contract.conftest import At, Story


def test_13_1_a_draft_serves_nobody_and_has_no_dates(story: Story) -> None:
    found = story.signed(None).at("2026-06-01 12:00")
    assert found.axes == ("Draft", "Disabled", "Live")
    assert found.phase == "Draft"
    assert found.names() == []
    assert found.next is None


def test_13_1_a_contract_is_in_force_from_the_day_of_its_signature(story: Story, at: At) -> None:
    before, on = story.at("2026-05-31 23:59"), story.at("2026-06-01 00:00")
    assert before.axes == ("Draft", "Disabled", "Live")
    assert before.next == at("2026-06-01 00:00")
    assert on.axes == ("InForce", "Serving", "Live")


def test_13_1_without_renewal_it_ends_with_its_last_day(story: Story, at: At) -> None:
    assert story.at("2027-05-31 23:59").axes == ("InForce", "Serving", "Live")
    assert story.at("2027-05-31 24:00").axes == ("Ended", "Disabled", "Retained")
    end = story.at("2027-01-01").deadline("ContractEnd")
    assert end.at == at("2027-05-31 24:00")
    assert end.source == TermSource("cgu", "13.1")
    assert end.rule == "12 months from the signature on Monday 1 June 2026, not renewed"


def test_13_1_the_end_is_not_moved_to_a_working_day(story: Story, at: At) -> None:
    moved = story.signed("2026-06-07").promised(deadlines={"extendToWorkingDay": True})
    end = moved.at("2027-01-01").deadline("ContractEnd")
    assert end.at == end.plain == at("2027-06-06 24:00")  # a Sunday


def test_13_1_a_contract_signed_on_a_sunday_is_in_force_at_once(story: Story) -> None:
    signed = story.signed("2026-11-22").promised(deadlines={"extendToWorkingDay": True})
    assert signed.at("2026-11-21 23:59").contract == "Draft"
    assert signed.at("2026-11-22 00:00").axes == ("InForce", "Serving", "Live")


def test_13_1_a_year_from_29_february_ends_on_28_february(story: Story, at: At) -> None:
    leap = story.signed("2028-02-29").tacit("P12M", "P2M")
    found = leap.at("2028-06-01")
    assert found.deadline("NonRenewal").at == at("2028-12-28 24:00")
    assert found.deadline("Renewal").at == at("2029-02-28 24:00")
    assert leap.at("2031-06-01").deadline("Renewal").at == at("2032-02-28 24:00")


@pytest.mark.parametrize(
    ("received", "last_day"),
    [
        ("2027-03-31", "2027-05-31"),
        ("2027-04-01", "2028-05-31"),
        ("2026-06-01", "2027-05-31"),
        ("2028-03-31", "2028-05-31"),
        ("2028-04-01", "2029-05-31"),
    ],
)
@pytest.mark.parametrize("by", ["Client", "Host"])
def test_13_1_a_non_renewal_in_time_ends_the_contract_and_a_late_one_the_next_term(
    story: Story, at: At, received: str, last_day: str, by: str
) -> None:
    declined = story.tacit("P12M", "P2M").declined(received, by)
    found = declined.at(f"{received} 12:00")
    assert found.end.at == at(f"{last_day} 24:00")
    assert declined.at(f"{last_day} 23:59").contract == "InForce"
    assert declined.at(f"{last_day} 24:00").contract == "Ended"


def test_13_1_tacit_renewals_follow_one_another_without_end(story: Story, at: At) -> None:
    renewed = story.tacit("P6M", "P1M")
    for year in range(2028, 2060, 4):
        found = renewed.at(f"{year}-03-01")
        assert found.axes == ("InForce", "Serving", "Live")
        assert found.end is None
        assert found.deadline("NonRenewal").at == at(f"{year}-04-30 24:00")
        assert found.deadline("Renewal").at == at(f"{year}-05-31 24:00")


def test_13_1_the_last_day_to_decline_is_not_moved_since_that_would_shorten_the_notice(
    story: Story, at: At
) -> None:
    renewed = story.tacit("P12M", "P3M").promised(deadlines={"extendToWorkingDay": True})
    latest = renewed.at("2027-01-01").deadline("NonRenewal")
    assert latest.at == latest.plain == at("2027-02-28 24:00")  # a Sunday


def test_13_1_a_late_non_renewal_says_that_it_came_too_late(story: Story) -> None:
    found = story.tacit("P12M", "P2M").declined("2027-04-01").at("2027-04-02")
    assert "too late" in found.deadline("Renewal").rule
    assert "NonRenewal" not in found.names()


def test_13_1_a_manual_renewal_lasts_until_its_last_day(story: Story, at: At) -> None:
    assert story.manual().at("2027-01-01").end.at == at("2027-05-31 24:00")
    renewed = story.manual("2027-12-31")
    assert renewed.at("2027-06-01").contract == "InForce"
    assert renewed.at("2027-12-31 23:59").contract == "InForce"
    assert renewed.at("2027-12-31 24:00").contract == "Ended"


def test_13_1_parties_may_agree_on_an_earlier_end(story: Story, at: At) -> None:
    agreed = story.tacit("P12M", "P2M").ends_early("2026-09-30", "2026-09-01")
    assert agreed.at("2026-09-02").end.at == at("2026-09-30 24:00")
    assert agreed.at("2026-09-30 23:59").contract == "InForce"
    assert agreed.at("2026-09-30 24:00").axes == ("Ended", "Disabled", "Retained")


def test_13_1_an_agreed_end_in_a_later_term_lets_the_first_one_renew(story: Story, at: At) -> None:
    found = story.tacit("P12M", "P2M").ends_early("2027-09-30", "2026-09-01").at("2026-10-01")
    assert found.deadline("Renewal").at == at("2027-05-31 24:00")
    assert found.deadline("ContractEnd").at == at("2027-09-30 24:00")


def test_13_1_the_earliest_end_counts(story: Story, at: At) -> None:
    both = story.tacit("P12M", "P2M").declined("2027-01-01").ends_early("2027-04-30", "2027-02-01")
    assert both.at("2027-03-01").end.at == at("2027-04-30 24:00")


@pytest.mark.parametrize("clock", ["2027-03-28 01:59", "2027-03-28 03:00", "2027-03-28 23:59"])
def test_13_1_a_term_that_ends_on_the_day_of_the_clock_change_ends_with_it(
    story: Story, at: At, clock: str
) -> None:
    assert story.signed("2026-03-29").at(clock).contract == "InForce"
    assert story.signed("2026-03-29").at("2027-03-29 00:00").contract == "Ended"


def test_13_1_and_13_3_reminders_come_before_an_end_and_before_a_renewal(
    story: Story, at: At
) -> None:
    terms = {"erasure": "P30D", "reminders": ["P2M", "P1M", "P1W"]}
    ends = story.promised(endOfContract=terms)
    assert ends.at("2026-07-01").deadline("EndAheadP2M").at == at("2027-03-31 00:00")
    assert ends.at("2027-03-30 23:59").due() == set()
    assert ends.at("2027-03-31 00:00").due() == {"Notice/EndAhead/2027-05-31/P2M"}
    assert ends.at("2027-04-30 12:00").due() == {"Notice/EndAhead/2027-05-31/P1M"}
    assert ends.at("2027-05-31 12:00").due() == {"Notice/EndAhead/2027-05-31/P1W"}
    renews = ends.tacit("P12M", "P2M")
    assert renews.at("2027-04-30 12:00").due() == {"Notice/RenewalAhead/2027-05-31/P1M"}
    assert renews.at("2028-05-24 00:00").due() == {"Notice/RenewalAhead/2028-05-31/P1W"}


def test_13_3_no_reminder_is_due_that_would_lie_before_the_contract(story: Story) -> None:
    terms = {"erasure": "P30D", "reminders": ["P2M", "P1W"]}
    short = story.signed("2026-06-01", "P1M").promised(endOfContract=terms)
    assert short.at("2026-06-10").due() == set()
    assert short.at("2026-06-25").due() == {"Notice/EndAhead/2026-06-30/P1W"}


def test_13_3_whoever_could_not_be_reminded_before_is_reminded_once(story: Story) -> None:
    terms = {"erasure": "P30D", "reminders": ["P2M", "P1M", "P1W"]}
    agreed = story.promised(endOfContract=terms).ends_early("2026-12-31", "2026-12-05")
    assert agreed.at("2026-12-05").due() == {"Notice/EndAhead/2026-12-31/P1M"}
