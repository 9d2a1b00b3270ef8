"""The dates that software gets wrong: each case of the acceptance calendar, as a client sees it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from jitsi_tenant_operator.api.hold import HoldScope
from jitsi_tenant_operator.api.notice import Breach, NoticeKind
from jitsi_tenant_operator.contract.decision import EndCause
from jitsi_tenant_operator.contract.facts import Evidence, Hold, Ledger, Maintenance

if TYPE_CHECKING:
    from tests.unit.contract.conftest import At, Story

FORMAL = NoticeKind.FORMAL_NOTICE


def test_13_1_a_contract_of_29_february_2028(story: Story, at: At) -> None:
    leap = story.signed("2028-02-29")
    assert leap.at("2028-02-28 23:59").contract == "Draft"
    assert leap.at("2028-02-29 00:00").contract == "InForce"
    assert leap.at("2029-02-28 23:59").contract == "InForce"
    assert leap.at("2029-02-28 24:00").contract == "Ended"
    renewed = leap.tacit("P12M", "P2M").at("2031-06-01")
    assert renewed.deadline("Renewal").at == at("2032-02-28 24:00"), "and back to 29 February"


def test_11_3_six_months_after_31_august_end_with_february(story: Story, at: At) -> None:
    for ends, expiry in (("2026-08-31", "2027-02-28"), ("2027-08-31", "2028-02-29")):
        ended = (
            story.signed("2026-06-01", "P24M").ends_early(ends, "2026-07-01").at(f"{ends} 24:00")
        )
        assert ended.deadline("LogsExpiry").at == at(f"{expiry} 24:00")


def test_6_3_the_last_backup_of_week_53(story: Story, at: At) -> None:
    """From 28 December 2026 to 3 January 2027, a week of two years: ten days, then two months."""
    for day, expiry in (
        ("2026-12-28", "2027-03-07"),
        ("2026-12-31", "2027-03-10"),
        ("2027-01-03", "2027-03-13"),
    ):
        evidence = Evidence(last_backup=at(f"{day} 01:15"), production_erased=at(f"{day} 12:00"))
        gone = story.ends_early("2026-12-20", "2026-12-01").confirmed().known(evidence=evidence)
        assert gone.at("2027-02-01").deadline("BackupsExpiry").at == at(f"{expiry} 24:00")


@pytest.mark.parametrize(
    ("received", "end"),
    [
        ("2027-03-27 10:00", "2027-03-29 11:00"),  # an hour did not exist
        ("2027-10-30 10:00", "2027-11-01 09:00"),  # an hour came twice
        ("2027-06-05 10:00", "2027-06-07 10:00"),
    ],
)
def test_13_2_48_hours_over_a_change_of_the_clocks_are_48_hours(
    story: Story, at: At, received: str, end: str
) -> None:
    served = story.signed("2026-06-01", "P36M").notice(
        FORMAL,
        received,
        breach=Breach.PROHIBITED_USE,
        sent=received,
        acknowledged=received,
    )
    remedy = served.at(received).deadline("Remedy", "notice-0")
    assert remedy.at == at(end) == at(received) + timedelta(hours=48)
    assert served.at(end).contract == "Ended"


@pytest.mark.parametrize("received", ["2027-03-01 10:00", "2027-10-10 10:00"])
def test_13_2_days_over_a_change_of_the_clocks_end_at_midnight(
    story: Story, at: At, received: str
) -> None:
    served = story.signed("2026-06-01", "P36M").notice(
        FORMAL, received, sent=received, acknowledged=received
    )
    ends = {"2027-03-01 10:00": "2027-03-31 24:00", "2027-10-10 10:00": "2027-11-09 24:00"}
    assert served.at(received).deadline("Remedy", "notice-0").at == at(ends[received])


@pytest.mark.parametrize("extended", [False, True])
def test_13_1_a_tenant_that_is_created_on_a_sunday(story: Story, extended: bool) -> None:
    sunday = story.signed("2026-06-07").promised(deadlines={"extendToWorkingDay": extended})
    assert sunday.at("2026-06-06 24:00").service.state == "Serving"
    assert sunday.at("2027-06-05 24:00").contract == "InForce"
    assert sunday.at("2027-06-06 24:00").contract == "Ended", "no term is longer for a Sunday"


def test_13_1_an_end_during_an_outage_of_ten_days_is_not_later_for_it(story: Story, at: At) -> None:
    before = Ledger(latest=at("2027-05-27 10:00"))
    found = story.confirmed().known(ledger=before).at("2027-06-06 10:00")
    assert found.axes[:2] == ("Ended", "Disabled")
    assert found.end.at == at("2027-05-31 24:00")
    assert found.deadline("ErasureDue").at == at("2027-06-30 24:00")


def test_13_2_a_remedy_that_ran_out_during_an_outage(story: Story, at: At) -> None:
    served = story.notice(FORMAL, "2026-09-01", sent="2026-09-01", acknowledged="2026-09-03")
    back = served.known(ledger=Ledger(latest=at("2026-10-01"))).at("2026-10-11")
    assert (back.end.cause, back.end.at) == (EndCause.FORMAL_NOTICE, at("2026-10-03 24:00"))


def test_9_nobody_is_suspended_for_an_outage_in_which_no_notice_left(story: Story) -> None:
    late = story.promised(payment={"noticeAfter": "P3D", "suspensionAfter": "P8D"}).overdue(
        "2026-09-01"
    )
    found = late.at("2026-09-20")
    assert found.service.state == "Serving"
    told = late.notice(NoticeKind.LATE_PAYMENT, "2026-09-20", sent="2026-09-20 09:00")
    assert told.at("2026-09-28 23:59").service.state == "Serving"
    assert told.at("2026-09-28 24:00").service.state == "Suspended"


def test_8_1_a_window_whose_notice_fell_into_an_outage_does_not_count(story: Story, at: At) -> None:
    window = Maintenance(
        "w", at("2026-09-01"), at("2026-09-10 22:00"), at("2026-09-10 23:00"), closes_service=True
    )
    found = story.known(maintenances=(window,)).at("2026-09-10 22:30")
    assert found.windows[0].state == "Refused"
    assert not [each for each in found.notices() if each.notice is NoticeKind.MAINTENANCE]


def test_13_3_a_hold_that_is_released_after_the_date_of_expiry(story: Story, at: At) -> None:
    hold = Hold(
        "h", frozenset(HoldScope), "court order", at("2027-06-01"), released=at("2028-03-01")
    )
    erased = Evidence(last_backup=at("2027-06-01 01:15"), production_erased=at("2027-06-01 12:00"))
    held = story.confirmed().known(evidence=erased, holds=(hold,))
    last_moment = held.at("2028-02-29 23:59")
    assert last_moment.deadline("BackupsExpiry").passed
    assert "ExpireBackups/DC-1" not in last_moment.due()
    assert "ExpireBackups/DC-1" in held.at("2028-03-01").due()


def test_13_2_and_13_3_a_termination_during_a_hold(story: Story, at: At) -> None:
    hold = Hold("h", frozenset(HoldScope), "court order", at("2026-08-01"))
    served = (
        story.confirmed()
        .known(holds=(hold,))
        .notice(FORMAL, "2026-09-01", sent="2026-09-01", acknowledged="2026-09-03")
    )
    found = served.at("2026-10-03 24:00")
    assert found.axes == ("Ended", "Disabled", "Retained"), "a hold keeps data, not access"
    assert served.at("2030-01-01").data.waits == ("Hold",)


def test_a_clock_that_goes_backwards_over_an_end_brings_nobody_back(story: Story, at: At) -> None:
    ended = story.known(ledger=Ledger(latest=at("2027-06-01 10:00")))
    assert ended.at("2027-05-30 10:00").axes[:2] == ("Ended", "Disabled")
