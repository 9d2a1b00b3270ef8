"""Facts that do not go together have no effect, and are reported with field and remedy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from jitsi_tenant_operator.api.contract import Party
from jitsi_tenant_operator.api.hold import HoldScope
from jitsi_tenant_operator.api.notice import Breach, NoticeKind
from jitsi_tenant_operator.contract.decision import EndCause
from jitsi_tenant_operator.contract.facts import Evidence, Export, Hold, Ledger, Maintenance

if TYPE_CHECKING:
    from tests.unit.contract.conftest import At, Story

FORMAL = NoticeKind.FORMAL_NOTICE
LATER, MUCH_LATER = "2026-10-01 12:00", "2027-03-01 12:00"
"""When most of these are looked at; the contract runs from June 2026 to May 2027."""

Tell = Callable[["Story", "At"], "Story"]

WITHOUT_EFFECT: dict[str, tuple[str, Tell]] = {
    "overdue since before the signature": (
        "spec.contract.payment.overdueSince",
        lambda story, at: story.overdue("2026-05-01"),
    ),
    "overdue since a day to come": (
        "spec.contract.payment.overdueSince",
        lambda story, at: story.overdue("2027-04-01"),
    ),
    "suspended for a payment that is not overdue": (
        "spec.suspension.service",
        lambda story, at: story.suspended("LatePayment"),
    ),
    "declined before the signature": (
        "spec.termination.nonRenewal.receivedOn",
        lambda story, at: story.declined("2026-05-31"),
    ),
    "declined on a day to come": (
        "spec.termination.nonRenewal.receivedOn",
        lambda story, at: story.declined("2027-03-02"),
    ),
    "an end before the agreement on it": (
        "spec.termination.earlyEnd.endsOn",
        lambda story, at: story.ends_early("2026-08-31", "2026-09-01"),
    ),
    "an agreement before the signature": (
        "spec.termination.earlyEnd.agreedOn",
        lambda story, at: story.ends_early("2026-08-31", "2026-05-01"),
    ),
    "an agreement to come": (
        "spec.termination.earlyEnd.agreedOn",
        lambda story, at: story.ends_early("2027-04-30", "2027-04-01"),
    ),
    "an early end that is not early": (
        "spec.termination.earlyEnd.endsOn",
        lambda story, at: story.manual().ends_early("2027-06-01", "2026-09-01"),
    ),
    "a return to come": (
        "spec.termination.restitutionAcknowledgedOn",
        lambda story, at: story.returned("2027-05-01"),
    ),
    "erasure of another contract": (
        "spec.termination.erasure.contractReference",
        lambda story, at: story.confirmed("DC-2"),
    ),
    "a notice received before it was sent": (
        "notice notice-0, acknowledged",
        lambda story, at: story.notice(
            FORMAL, "2026-08-01", sent="2026-08-03", acknowledged="2026-08-02"
        ),
    ),
    "a notice sent before it was made": (
        "notice notice-0, sent",
        lambda story, at: story.notice(
            FORMAL, "2026-08-03", sent="2026-08-02", acknowledged="2026-08-04"
        ),
    ),
    "a notice received on a day to come": (
        "notice notice-0, acknowledged",
        lambda story, at: story.notice(
            FORMAL, "2026-08-01", sent="2026-08-01", acknowledged="2028-08-02"
        ),
    ),
    "a remedy before the notice": (
        "notice notice-0, remedied",
        lambda story, at: story.notice(
            FORMAL,
            "2026-08-01",
            sent="2026-08-01",
            acknowledged="2026-08-02",
            remedied="2026-07-01",
        ),
    ),
    "a notice before the signature": (
        "notice notice-0, created",
        lambda story, at: story.notice(
            FORMAL, "2026-05-01", sent="2026-05-01", acknowledged="2026-08-02"
        ),
    ),
    "a prohibited use of the host's": (
        "notice notice-0, breach",
        lambda story, at: story.notice(
            FORMAL,
            "2026-08-01",
            by=Party.CLIENT,
            breach=Breach.PROHIBITED_USE,
            sent="2026-08-01",
            acknowledged="2026-08-02",
        ),
    ),
    "a formal notice about a payment that is not overdue": (
        "notice notice-0, breach",
        lambda story, at: story.notice(
            FORMAL,
            "2026-08-01",
            breach=Breach.LATE_PAYMENT,
            sent="2026-08-01",
            acknowledged="2026-08-02",
        ),
    ),
    "a notice in two versions": (
        "notice same",
        lambda story, at: story.notice(
            FORMAL, "2026-08-01", key="same", sent="2026-08-01", acknowledged="2026-08-02"
        ).notice(FORMAL, "2026-08-01", key="same", sent="2026-08-01", acknowledged="2026-08-03"),
    ),
    "a volume that will be full": (
        "recordings saturated",
        lambda story, at: story.known(recordings_saturated=at("2027-06-01")),
    ),
    "an export acknowledged before it was offered": (
        "export final, acknowledged",
        lambda story, at: story.known(
            exports=(Export("final", True, at("2026-08-02"), at("2026-08-01")),)
        ),
    ),
    "backups that expired before production was erased": (
        "evidence, backups expired",
        lambda story, at: story.known(evidence=Evidence(backups_expired=at("2026-08-01"))),
    ),
    "a file closed before the backups expired": (
        "evidence, closed",
        lambda story, at: story.known(evidence=Evidence(closed=at("2026-08-01"))),
    ),
    "an erasure to come": (
        "evidence, production erased",
        lambda story, at: story.known(evidence=Evidence(production_erased=at("2028-08-01"))),
    ),
}


@pytest.mark.parametrize("name", WITHOUT_EFFECT)
def test_it_is_reported_and_changes_nothing(story: Story, at: At, name: str) -> None:
    field, tell = WITHOUT_EFFECT[name]
    plain = story.manual() if "not early" in name else story.tacit("P12M", "P2M")
    told = tell(plain, at)
    for moment in (LATER, MUCH_LATER):
        found, without = told.at(moment).decision, plain.at(moment).decision
        assert [each.field for each in found.contradictions] == [field]
        assert all(each.problem and each.remedy for each in found.contradictions)
        bare = replace(found, contradictions=(), next=None)
        if "export" in name:
            continue  # it exists all the same, so none is due
        assert bare == replace(without, next=None)


@pytest.mark.parametrize(
    "tell",
    [
        lambda story: story.overdue("2026-09-01"),
        lambda story: story.declined("2026-09-01"),
        lambda story: story.ends_early("2026-09-30", "2026-09-01"),
        lambda story: story.returned("2026-09-01"),
        lambda story: story.confirmed(),
        lambda story: story.notice(FORMAL, "2026-09-01", sent="2026-09-01"),
    ],
)
def test_a_contract_that_is_not_signed_has_no_past(story: Story, tell: Any) -> None:
    found = tell(story.signed(None)).at("2027-10-01")
    assert found.axes == ("Draft", "Disabled", "Live")
    assert len(found.contradictions) == 1
    assert found.contradictions[0].problem == "the contract is not signed"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"term": "PT48H"}, "spec.contract.term"),
        ({"term": "P1YT5H"}, "spec.contract.term"),
        (
            {"renewal": {"mode": "Tacit", "period": "PT48H", "noticePeriod": "P1D"}},
            "spec.contract.renewal.period",
        ),
    ],
)
def test_13_1_a_contract_that_runs_for_hours_has_no_end_to_rely_on(
    story: Story, change: dict[str, Any], field: str
) -> None:
    odd = replace(story, contract=story.contract | change)
    found = odd.at("2030-01-01")
    assert found.axes == ("InForce", "Serving", "Live")
    assert found.doubts() == [field]
    assert odd.ends_early("2029-12-31", "2029-12-01").at("2030-01-01").contract == "Ended"


def test_13_1_a_renewal_that_ends_before_the_initial_term(story: Story, at: At) -> None:
    found = story.manual("2027-05-31").at("2027-01-01")
    assert found.doubts() == ["spec.contract.renewal.renewedUntil"]
    assert found.end.at == at("2027-05-31 24:00")


def test_13_3_an_erasure_due_before_the_time_to_retrieve_is_over(story: Story) -> None:
    odd = story.promised(endOfContract={"retrieval": "P60D", "erasure": "P30D"}).confirmed()
    found = odd.at("2027-07-15")
    assert found.doubts() == ["terms endOfContract.erasure"]
    assert found.data.waits == ("Restitution",)


@pytest.mark.parametrize(
    "change",
    [
        {"basis": " "},
        {"scope": frozenset()},
        {"placed": "2029-01-01"},
        {"released": "2026-06-30"},
        {"released": "2029-01-01"},
    ],
    ids=str,
)
def test_an_unclear_hold_holds(story: Story, at: At, change: dict[str, Any]) -> None:
    read: dict[str, Any] = {
        name: at(value) if isinstance(value, str) and value[:1] == "2" else value
        for name, value in change.items()
    }
    clear = Hold("dispute", frozenset(HoldScope), "court order", at("2026-07-01"))
    held = story.confirmed().known(holds=(replace(clear, **read),))
    found = held.at("2027-07-01")
    assert found.data.held_by == ("dispute",)
    assert found.data.state == "Retained"
    assert [field.startswith("hold dispute") for field in found.doubts()] == [True]


def _window(at: At, name: str, instants: tuple[str, str, str]) -> Maintenance:
    declared, start, end = map(at, instants)
    return Maintenance(name, declared, start, end)


WINDOW = ("2027-03-01 09:00", "2027-03-20 02:00", "2027-03-20 04:00")


@pytest.mark.parametrize(
    ("second", "field"),
    [
        (("2027-03-01 10:00", "2027-03-20 03:00", "2027-03-20 05:00"), "maintenance b"),
        (("2027-03-01 08:00", "2027-03-20 03:00", "2027-03-20 05:00"), "maintenance a"),
        (("2027-03-01 08:00", "2027-03-20 05:00", "2027-03-20 05:00"), "maintenance b"),
        (("2027-03-04 08:00", "2027-03-20 05:00", "2027-03-20 06:00"), "maintenance b"),
    ],
    ids=["later overlap", "earlier overlap", "no length", "declared in the future"],
)
def test_8_1_unclear_windows_are_set_aside(
    story: Story, at: At, second: tuple[str, str, str], field: str
) -> None:
    windows = tuple(
        _window(at, name, instants) for name, instants in (("a", WINDOW), ("b", second))
    )
    found = story.known(maintenances=windows).at("2027-03-02")
    assert found.doubts() == [field]
    assert {window.name for window in found.windows} == {"a", "b"} - {field[-1]}


def test_8_1_an_emergency_without_a_reason_is_a_plan(story: Story, at: At) -> None:
    urgent = replace(_window(at, "a", WINDOW), emergency=True)
    found = story.known(maintenances=(urgent,)).at("2027-03-20 03:00")
    assert found.doubts() == ["maintenance a"]
    assert found.windows[0].state == "Refused"


def test_8_1_an_emergency_stands_whatever_is_planned(story: Story, at: At) -> None:
    planned = _window(at, "a", WINDOW)
    urgent = replace(_window(at, "b", WINDOW), emergency=True, reason="disk")
    found = story.known(maintenances=(planned, urgent)).at("2027-03-20 03:00")
    assert found.doubts() == []
    assert {window.name: window.state for window in found.windows}["b"] == "Running"


def test_what_is_erased_is_not_served_again_when_the_contract_is_written_otherwise(
    story: Story, at: At
) -> None:
    erased = Evidence(erasure_started=at("2026-09-10"), production_erased=at("2026-09-11"))
    rewritten = story.tacit("P12M", "P2M").known(evidence=erased)
    found = rewritten.at("2026-10-01")
    assert found.axes == ("Ended", "Disabled", "Erased")
    assert found.end.cause is EndCause.ERASED_ALREADY
    assert found.doubts() == ["evidence"]
    assert story.signed(None).known(evidence=erased).at("2026-10-01").contract == "Ended"


def test_a_clock_that_goes_backwards_takes_nothing_back(story: Story, at: At) -> None:
    ledger = Ledger(latest=at("2027-06-01 10:00"))
    ended = story.known(ledger=ledger)
    right, wrong = ended.at("2027-06-01 10:00"), ended.at("2027-05-30 10:00")
    assert wrong.axes == right.axes == ("Ended", "Disabled", "Retained")
    assert wrong.actions == right.actions
    assert wrong.deadlines == right.deadlines
    assert wrong.doubts() == ["clock"]
    assert wrong.next == ledger.latest - timedelta(minutes=1)
    assert ended.at("2027-06-01 09:59").doubts() == [], "the clocks of two machines differ a little"
    assert right.next is not None
    assert right.next > ledger.latest + timedelta(seconds=1)
