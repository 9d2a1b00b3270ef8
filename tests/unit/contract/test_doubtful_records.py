"""What is recorded in a doubtful way changes nothing: neither forwards nor backwards."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from jitsi_tenant_operator.api.notice import Breach, NoticeKind
from jitsi_tenant_operator.contract.decision import ContractState
from jitsi_tenant_operator.contract.facts import Entry, Ledger, Standing

if TYPE_CHECKING:
    from tests.unit.contract.conftest import At, Story

FORMAL = NoticeKind.FORMAL_NOTICE


@pytest.fixture
def late(story: Story) -> Story:
    """A payment is overdue; the terms say what follows."""
    terms = {"noticeAfter": "P3D", "suspensionAfter": "P8D"}
    return story.overdue("2026-07-01").promised(payment=terms)


def test_an_entry_of_a_clock_that_was_far_ahead_holds_nothing_up(late: Story, at: At) -> None:
    ahead = late.known(ledger=Ledger(latest=at("2028-01-01")))
    for day in ("2026-07-02", "2026-07-05"):
        found, plain = ahead.at(day), late.at(day)
        assert found.doubts() == ["clock"]
        assert found.axes == plain.axes
        assert found.deadlines == plain.deadlines
        assert found.next == plain.next, "time goes on"


@pytest.mark.parametrize("kind", [FORMAL, NoticeKind.LATE_PAYMENT], ids=str)
@pytest.mark.parametrize(
    "odd",
    [
        {"sent": "2026-07-06", "acknowledged": "2026-08-01"},
        {"sent": "2026-08-01"},
        {"sent": "2026-07-06", "acknowledged": "2026-07-05"},
    ],
    ids=["received later", "sent later", "received before it was sent"],
)
def test_9_a_second_notice_of_one_key_lifts_no_suspension_and_makes_none(
    story: Story, late: Story, at: At, kind: NoticeKind, odd: dict[str, str]
) -> None:
    about: dict[str, Any] = {"breach": Breach.LATE_PAYMENT} if kind is FORMAL else {}
    served = late.notice(kind, "2026-07-05", key="one", sent="2026-07-05", **about)
    doubtful = served.notice(kind, "2026-07-05", key="one", **odd, **about)
    for state, reasons in (("Suspended", ("LatePayment",)), ("Serving", ())):
        ledger = Ledger(at("2026-07-15"), service=Entry(state, at("2026-07-15"), reasons))
        found = doubtful.known(ledger=ledger).at("2026-08-01")
        assert found.doubts() == ["notice one"]
        assert found.service.state == state
        assert found.service.reasons == reasons
        paid = replace(doubtful, contract=story.contract).known(ledger=ledger)
        assert paid.at("2026-08-01").service.state == "Serving", "whatever is in doubt"


def test_13_2_a_second_notice_of_one_key_brings_no_contract_back(story: Story, at: At) -> None:
    day = "2026-07-01"
    first = story.notice(FORMAL, day, key="one", sent=day, acknowledged=day)
    doubtful = first.notice(FORMAL, day, key="one", sent=day, acknowledged="2026-08-09")
    ledger = Ledger(at("2026-08-01"), contract=Entry("Ended", at("2026-08-01")))
    assert first.at("2026-08-10").contract == "Ended"
    found = doubtful.known(ledger=ledger).at("2026-08-10")
    assert (found.contract, found.service.state) == ("Ended", "Disabled")
    assert found.doubts() == ["notice one"]
    assert doubtful.at("2026-08-10").contract == "InForce", "it ends nothing either"


@pytest.mark.parametrize("suspended", [True, False])
def test_without_its_ledger_a_suspension_for_payment_stays_as_it_was(
    story: Story, late: Story, *, suspended: bool
) -> None:
    """The notice that it runs from may be known to the ledger alone."""
    standing = Standing(ContractState.IN_FORCE, late_payment=suspended)
    served = late.notice(NoticeKind.LATE_PAYMENT, "2026-07-05", sent="2026-07-05")
    for known in (late, served):
        found = known.known(standing=standing).at("2026-08-01")
        assert (found.service.state == "Suspended") == suspended
    paid = story.known(standing=standing).at("2026-08-01")
    assert paid.service.state == "Serving"


def test_without_its_ledger_a_draft_that_has_begun_is_no_draft_again(story: Story) -> None:
    """It was seen as a draft the last time; its term has come and gone since."""
    seen = story.known(standing=Standing(ContractState.DRAFT, late_payment=False))
    assert seen.at("2026-05-31").contract == "Draft"
    for day in ("2026-06-01", "2027-05-31", "2027-06-01", "2028-01-01"):
        assert seen.at(day).contract == "InForce"


def test_13_2_a_notice_that_never_was_in_order_keeps_no_contract_from_coming_back(
    story: Story, at: At
) -> None:
    """Another notice ended it, and that its breach was remedied in time becomes known late."""
    odd = story.notice(FORMAL, "2026-07-01", sent="2026-07-05", acknowledged="2026-07-02")
    served = {"sent": "2026-09-01", "acknowledged": "2026-09-03"}
    ended = Ledger(
        latest=at("2026-10-04"), contract=Entry("Ended", at("2026-10-04"), before="UnderNotice")
    )
    late = odd.known(ledger=ended)
    assert late.notice(FORMAL, "2026-09-01", **served).at("2026-10-10").contract == "Ended"
    remedied = late.notice(FORMAL, "2026-09-01", **served, remedied="2026-09-20")
    assert remedied.at("2026-10-10").contract == "InForce"
