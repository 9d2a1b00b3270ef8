"""Clauses 5 and 6.4: suspension of the service and of recording; 1, 2.1 and 6.1: the option."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from jitsi_tenant_operator.api.notice import NoticeKind
from jitsi_tenant_operator.contract.facts import Maintenance
from jitsi_tenant_operator.contract.terms import TermSource

if TYPE_CHECKING:
    from tests.unit.contract.conftest import At, Story


def test_5_a_prohibited_use_suspends_at_once(story: Story) -> None:
    found = story.suspended("ProhibitedUse").at("2026-09-01 03:00")
    assert found.axes == ("InForce", "Suspended", "Live")
    assert found.service.reasons == ("ProhibitedUse",)
    assert found.service.source == TermSource("cgu", "5")


@pytest.mark.parametrize("reason", ["Security", "ClientRequest", "ProhibitedUse"])
def test_a_suspension_lasts_until_it_is_removed_or_until_its_end(
    story: Story, at: At, reason: str
) -> None:
    assert story.suspended(reason).at("2027-05-01").service.state == "Suspended"
    ordered = story.suspended(reason, "2026-09-10 08:00")
    found = ordered.at("2026-09-10 07:59")
    assert found.service.until == found.next == at("2026-09-10 08:00")
    assert found.deadline("SuspensionEnd").at == at("2026-09-10 08:00")
    assert ordered.at("2026-09-10 08:00").service.state == "Serving"


def test_13_3_an_ended_contract_is_disabled_whatever_is_suspended(story: Story) -> None:
    found = story.suspended("Security").at("2027-06-01")
    assert found.axes == ("Ended", "Disabled", "Retained")
    assert found.service.source == TermSource("cgu", "13.3")


def test_the_gravest_reason_is_named_first_and_the_end_is_that_of_all(story: Story) -> None:
    payment = {"noticeAfter": "P1D", "suspensionAfter": "P1D"}
    late = story.overdue("2026-09-01").promised(payment=payment)
    both = late.notice(NoticeKind.LATE_PAYMENT, "2026-09-03", sent="2026-09-03").suspended(
        "ClientRequest", "2026-12-01"
    )
    found = both.at("2026-09-10")
    assert found.service.reasons == ("LatePayment", "ClientRequest")
    assert found.service.until is None


def test_the_end_of_a_suspension_is_known_when_every_reason_has_one(story: Story, at: At) -> None:
    ordered = story.recording_suspended("Incident", "2026-09-10")
    full = ordered.known(recordings_saturated=at("2026-09-01"))
    assert ordered.at("2026-09-05").recording.until == at("2026-09-10")
    found = full.at("2026-09-05").recording
    assert (found.reasons, found.until) == (("Incident", "StorageSaturated"), None)


def test_1_and_6_1_recording_needs_the_option_of_the_commercial_document(story: Story) -> None:
    assert story.at("2026-09-01").recording.state == "Serving"
    without = replace(story, contract=story.contract | {"options": []})
    found = without.at("2026-09-01").recording
    assert (found.state, found.source) == ("Disabled", TermSource("DC-1", None))


@pytest.mark.parametrize("reason", ["Incident", "StorageSaturated", "Security", "Maintenance"])
def test_6_4_recording_alone_can_be_suspended(story: Story, reason: str) -> None:
    found = story.recording_suspended(reason, "2026-09-10").at("2026-09-09")
    assert found.service.state == "Serving"
    assert (found.recording.state, found.recording.reasons) == ("Suspended", (reason,))
    assert found.recording.source == TermSource("cgu", "6.4")
    assert story.recording_suspended(reason, "2026-09-10").at("2026-09-10").recording.reasons == ()


def test_6_4_a_saturated_volume_suspends_recording_by_itself(story: Story, at: At) -> None:
    full = story.known(recordings_saturated=at("2026-09-01 12:00"))
    found = full.at("2026-09-01 12:00")
    assert found.service.state == "Serving"
    assert found.recording.reasons == ("StorageSaturated",)
    assert found.recording.until is None


def test_6_4_a_running_maintenance_suspends_recording_until_its_end(story: Story, at: At) -> None:
    window = Maintenance(
        "urgent",
        at("2026-09-01 10:00"),
        at("2026-09-01 12:00"),
        at("2026-09-01 14:00"),
        emergency=True,
        reason="disk",
        suspends_recording=True,
    )
    planned = story.known(maintenances=(window,))
    assert planned.at("2026-09-01 11:59").recording.state == "Serving"
    found = planned.at("2026-09-01 12:00")
    assert found.recording.reasons == ("Maintenance",)
    assert found.recording.until == at("2026-09-01 14:00")
    assert planned.at("2026-09-01 14:00").recording.state == "Serving"


def test_recording_stops_with_the_service_without_a_reason_of_its_own(story: Story) -> None:
    found = story.suspended("Security").at("2026-09-01")
    assert (found.recording.state, found.recording.reasons) == ("Suspended", ())
    assert story.at("2027-06-01").recording.state == "Disabled"
