"""Clauses 3.1 and 9: a late payment is notified, then may suspend, until it is paid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jitsi_tenant_operator.api.contract import Party
from jitsi_tenant_operator.api.notice import Breach, Channel, NoticeKind
from jitsi_tenant_operator.contract.decision import Action
from jitsi_tenant_operator.contract.terms import TermSource

if TYPE_CHECKING:
    from tests.unit.contract.conftest import At, Story

LATE = NoticeKind.LATE_PAYMENT
KEY = "Notice/LatePayment/2026-09-30"


@pytest.fixture
def late(story: Story) -> Story:
    payment = {"noticeAfter": "P15D", "suspensionAfter": "P10D"}
    return story.overdue("2026-09-30").promised(payment=payment)


def test_9_the_client_is_notified_after_the_time_that_the_terms_set(late: Story, at: At) -> None:
    assert late.at("2026-10-15 23:59").due() == set()
    found = late.at("2026-10-15 24:00")
    (action,) = found.actions
    assert isinstance(action, Action)
    assert (action.key, action.notice, action.due) == (KEY, LATE, at("2026-10-15 24:00"))
    assert found.deadline("LatePaymentNotice").at == at("2026-10-15 24:00")
    assert found.service.state == "Serving"


def test_9_the_notice_is_due_once(late: Story) -> None:
    assert late.notice(LATE, "2026-10-16", key=KEY).at("2026-10-20").due() == set()


def test_9_the_service_is_suspended_after_the_notice(late: Story, at: At) -> None:
    sent = late.notice(LATE, "2026-10-16", key=KEY, sent="2026-10-16 09:00")
    assert sent.at("2026-10-26 23:59").axes == ("InForce", "Serving", "Live")
    found = sent.at("2026-10-26 24:00")
    assert found.axes == ("InForce", "Suspended", "Live")
    assert found.service.reasons == ("LatePayment",)
    assert found.phase == "Suspended"
    assert found.deadline("LatePaymentSuspension").at == at("2026-10-26 24:00")


def test_9_the_time_runs_from_receipt_where_that_is_recorded(late: Story, at: At) -> None:
    received = late.notice(
        LATE, "2026-10-16", key=KEY, sent="2026-10-16 09:00", acknowledged="2026-10-20 23:59"
    )
    assert received.at("2026-10-30 23:59").service.state == "Serving"
    assert received.at("2026-10-30 24:00").service.state == "Suspended"


def test_9_a_notice_that_is_not_sent_suspends_nothing(late: Story) -> None:
    created = late.notice(LATE, "2026-10-16", key=KEY)
    assert created.at("2027-05-01").service.state == "Serving"


def test_9_a_letter_sent_by_hand_counts_once_the_time_for_it_has_come(late: Story) -> None:
    letter = {"channel": Channel.REGISTERED_LETTER, "key": "letter"}
    early = late.notice(LATE, "2026-10-05", sent="2026-10-05", **letter)
    assert early.at("2026-10-15 24:00").due() == {KEY}
    assert early.at("2026-12-01").service.state == "Serving"
    in_time = late.notice(LATE, "2026-10-16", sent="2026-10-16", **letter)
    assert in_time.at("2026-10-20").due() == set()
    assert in_time.at("2026-10-27").service.state == "Suspended"


def test_9_and_13_2_a_formal_notice_for_it_counts_as_the_notice(late: Story) -> None:
    formal = late.notice(
        NoticeKind.FORMAL_NOTICE,
        "2026-10-16",
        breach=Breach.LATE_PAYMENT,
        sent="2026-10-16",
        acknowledged="2026-10-18",
    )
    assert formal.at("2026-10-28 24:00").axes == ("UnderNotice", "Suspended", "Live")
    assert formal.at("2026-11-17 24:00").axes == ("Ended", "Disabled", "Retained")


def test_9_a_formal_notice_that_was_remedied_is_about_another_payment(late: Story) -> None:
    formal = late.notice(
        NoticeKind.FORMAL_NOTICE,
        "2026-10-16",
        breach=Breach.LATE_PAYMENT,
        sent="2026-10-16",
        acknowledged="2026-10-18",
        remedied="2026-10-20",
    )
    found = formal.at("2026-12-01")
    assert found.axes == ("InForce", "Serving", "Live")
    assert found.due() == {KEY}


def test_9_a_notice_by_the_client_does_not_put_the_client_on_notice(late: Story) -> None:
    own = late.notice(LATE, "2026-10-16", by=Party.CLIENT, key="own", sent="2026-10-16")
    found = own.at("2026-12-01")
    assert found.service.state == "Serving"
    assert found.due() == {KEY}


def test_3_1_the_service_resumes_when_it_is_paid(late: Story, story: Story) -> None:
    sent = late.notice(LATE, "2026-10-16", key=KEY, sent="2026-10-16")
    assert sent.at("2026-11-01").service.state == "Suspended"
    paid = story.promised(payment=late.terms["payment"])
    assert paid.at("2026-11-01").axes == ("InForce", "Serving", "Live")


def test_9_another_invoice_needs_a_notice_of_its_own(late: Story) -> None:
    sent = late.notice(LATE, "2026-10-16", key=KEY, sent="2026-10-16").overdue("2026-10-31")
    found = sent.at("2026-11-15 24:00")
    assert found.service.state == "Serving"
    assert found.due() == {"Notice/LatePayment/2026-10-31"}


@pytest.mark.parametrize(
    "payment", [None, {"noticeAfter": "P15D"}, {"suspensionAfter": "P15D"}], ids=str
)
def test_9_without_both_times_nothing_happens_by_itself(
    story: Story, payment: dict[str, str] | None
) -> None:
    late = story.overdue("2026-09-30").promised(payment=payment)
    found = late.notice(LATE, "2026-10-20", sent="2026-10-20").at("2027-05-01")
    assert found.axes == ("InForce", "Serving", "Live")
    assert not found.notices()


def test_9_a_person_may_suspend_and_payment_resumes(story: Story) -> None:
    ordered = story.overdue("2026-09-30").suspended("LatePayment")
    found = ordered.at("2026-10-01")
    assert found.service.reasons == ("LatePayment",)
    assert found.service.source == TermSource("cgu", "9")
    paid = story.suspended("LatePayment").at("2026-10-01")
    assert paid.service.state == "Serving"
    assert paid.doubts() == ["spec.suspension.service"]


def test_9_both_times_move_to_a_working_day_where_the_terms_say_so(late: Story, at: At) -> None:
    moved = late.overdue("2026-10-02").promised(deadlines={"extendToWorkingDay": True})
    notice = moved.at("2026-10-03").deadline("LatePaymentNotice")
    assert (notice.plain, notice.at) == (at("2026-10-17 24:00"), at("2026-10-19 24:00"))
    sent = moved.notice(LATE, "2026-10-20", sent="2026-10-20", key="Notice/LatePayment/2026-10-02")
    suspension = sent.at("2026-10-21").deadline("LatePaymentSuspension")
    assert (suspension.plain, suspension.at) == (at("2026-10-30 24:00"), at("2026-10-30 24:00"))


def test_9_a_draft_and_an_ended_contract_have_no_arrears(late: Story) -> None:
    assert late.at("2027-06-01").axes == ("Ended", "Disabled", "Retained")
    assert not [action for action in late.at("2027-06-01").actions if action.notice is LATE]
