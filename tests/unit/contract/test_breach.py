"""Clauses 5 and 13.2: formal notice, remedy, end; 15.4: what counts as receipt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jitsi_tenant_operator.api.contract import Party
from jitsi_tenant_operator.api.notice import Breach, Channel, NoticeKind
from jitsi_tenant_operator.contract.decision import EndCause
from jitsi_tenant_operator.contract.terms import TermSource

if TYPE_CHECKING:
    from tests.unit.contract.conftest import At, Story

FORMAL = NoticeKind.FORMAL_NOTICE


@pytest.mark.parametrize("by", list(Party))
def test_13_2_a_contract_ends_30_days_after_a_formal_notice_without_effect(
    story: Story, at: At, by: Party
) -> None:
    served = story.notice(
        FORMAL, "2026-09-01 09:00", by=by, sent="2026-09-01 09:05", acknowledged="2026-09-03 17:00"
    )
    running = served.at("2026-10-03 23:59")
    assert running.axes == ("UnderNotice", "Serving", "Live")
    assert running.phase == "UnderNotice"
    remedy = running.deadline("Remedy", "notice-0")
    assert (remedy.at, remedy.source) == (at("2026-10-03 24:00"), TermSource("cgu", "13.2"))
    over = served.at("2026-10-03 24:00")
    assert over.axes == ("Ended", "Disabled", "Retained")
    assert over.end.cause is EndCause.FORMAL_NOTICE


def test_13_2_the_time_to_remedy_moves_to_a_working_day_where_the_terms_say_so(
    story: Story, at: At
) -> None:
    served = story.promised(deadlines={"extendToWorkingDay": True}).notice(
        FORMAL, "2026-09-01", sent="2026-09-01", acknowledged="2026-09-03"
    )
    remedy = served.at("2026-10-01").deadline("Remedy", "notice-0")
    assert remedy.plain == at("2026-10-03 24:00")  # a Saturday
    assert remedy.at == at("2026-10-05 24:00")
    assert served.at("2026-10-05 23:59").contract == "UnderNotice"
    assert served.at("2026-10-05 24:00").contract == "Ended"


def test_13_2_a_breach_that_is_remedied_in_time_changes_nothing(story: Story) -> None:
    served = story.notice(
        FORMAL,
        "2026-09-01",
        sent="2026-09-01",
        acknowledged="2026-09-03",
        remedied="2026-10-03 23:59",
    )
    assert served.at("2026-10-03 23:59").contract == "InForce"
    assert served.at("2027-01-01").contract == "InForce"


def test_13_2_a_breach_that_is_remedied_too_late_does_not_bring_the_contract_back(
    story: Story,
) -> None:
    served = story.notice(
        FORMAL,
        "2026-09-01",
        sent="2026-09-01",
        acknowledged="2026-09-03",
        remedied="2026-10-03 24:00",
    )
    assert served.at("2026-10-04").contract == "Ended"


def test_13_2_a_notice_that_is_not_received_starts_nothing(story: Story) -> None:
    sent = story.notice(FORMAL, "2026-09-01", sent="2026-09-01", delivered="2026-09-01 00:01")
    assert sent.at("2027-05-01").axes == ("InForce", "Serving", "Live")
    assert "Remedy" not in sent.at("2026-09-15").names()


@pytest.mark.parametrize(
    ("channel", "delivered", "acknowledged", "received"),
    [
        (Channel.EMAIL, "2026-09-02 10:00", None, None),
        (Channel.EMAIL, "2026-09-02 10:00", "2026-09-05 10:00", "2026-09-05"),
        (Channel.WEBHOOK, "2026-09-02 10:00", None, None),
        (Channel.REGISTERED_LETTER, "2026-09-02 10:00", None, "2026-09-02"),
        (Channel.REGISTERED_LETTER, "2026-09-04 10:00", "2026-09-05 10:00", "2026-09-04"),
        (Channel.REGISTERED_LETTER, None, "2026-09-05 10:00", "2026-09-05"),
    ],
)
def test_15_4_receipt_is_the_acknowledgement_or_the_delivery_of_a_registered_letter(
    story: Story,
    at: At,
    channel: Channel,
    delivered: str | None,
    acknowledged: str | None,
    received: str | None,
) -> None:
    instants = {"delivered": delivered, "acknowledged": acknowledged}
    served = story.notice(
        FORMAL,
        "2026-09-01",
        channel=channel,
        sent="2026-09-01",
        **{name: value for name, value in instants.items() if value is not None},
    )
    found = served.at("2026-09-20")
    assert found.contract == ("InForce" if received is None else "UnderNotice")
    if received is not None:
        day = int(received[-2:])
        assert found.deadline("Remedy", "notice-0").at == at(f"2026-10-{day:02} 24:00")


def test_5_and_13_2_a_prohibited_use_leaves_48_hours_from_receipt(story: Story, at: At) -> None:
    served = story.suspended("ProhibitedUse").notice(
        FORMAL,
        "2027-03-27 08:00",
        breach=Breach.PROHIBITED_USE,
        sent="2027-03-27 08:01",
        acknowledged="2027-03-27 10:00",
    )
    running = served.at("2027-03-29 10:59")
    assert running.axes == ("UnderNotice", "Suspended", "Live")
    assert running.deadline("Remedy", "notice-0").at == at("2027-03-29 11:00")
    assert served.at("2027-03-29 11:00").axes == ("Ended", "Disabled", "Retained")


def test_5_hours_end_on_a_sunday_too(story: Story, at: At) -> None:
    served = story.promised(deadlines={"extendToWorkingDay": True}).notice(
        FORMAL,
        "2026-09-04 11:00",
        breach=Breach.PROHIBITED_USE,
        sent="2026-09-04 11:00",
        acknowledged="2026-09-04 12:00",
    )
    remedy = served.at("2026-09-05").deadline("Remedy", "notice-0")
    assert remedy.at == remedy.plain == at("2026-09-06 12:00")


def test_13_2_the_first_of_two_notices_without_effect_ends_the_contract(
    story: Story, at: At
) -> None:
    served = story.notice(
        FORMAL, "2026-09-01", sent="2026-09-01", acknowledged="2026-09-03"
    ).notice(FORMAL, "2026-09-02", sent="2026-09-02", acknowledged="2026-09-02")
    assert served.at("2026-10-02 23:59").contract == "UnderNotice"
    assert served.at("2026-10-02 24:00").end.at == at("2026-10-02 24:00")


def test_13_2_a_notice_that_runs_past_the_term_does_not_prolong_it(story: Story, at: At) -> None:
    served = story.notice(FORMAL, "2027-05-20", sent="2027-05-20", acknowledged="2027-05-21")
    assert served.at("2027-05-31 23:59").contract == "UnderNotice"
    found = served.at("2027-07-01")
    assert found.end.at == at("2027-05-31 24:00")
    assert "Remedy" not in found.names()


def test_13_2_a_receipt_that_is_recorded_late_counts_from_the_receipt(story: Story) -> None:
    sent = story.notice(FORMAL, "2026-09-01", sent="2026-09-01")
    assert sent.at("2026-10-20").contract == "InForce"
    recorded = story.notice(FORMAL, "2026-09-01", sent="2026-09-01", acknowledged="2026-09-03")
    assert recorded.at("2026-10-20").contract == "Ended"
