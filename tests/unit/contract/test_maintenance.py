"""Clause 8.1: planned maintenance is notified ahead, an emergency as soon as possible."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from jitsi_tenant_operator.api.notice import NoticeKind
from jitsi_tenant_operator.contract.facts import Maintenance
from jitsi_tenant_operator.contract.terms import TermSource

if TYPE_CHECKING:
    from tests.unit.contract.conftest import At, Story

KEY = "Notice/Maintenance/upgrade/2027-03-29T00:00:00+00:00/2027-03-29T02:00:00+00:00"


@pytest.fixture
def window(at: At) -> dict[str, Any]:
    return {
        "name": "upgrade",
        "declared": at("2027-03-01 09:00"),
        "start": at("2027-03-29 02:00"),
        "end": at("2027-03-29 04:00"),
    }


def test_8_1_the_notice_is_due_from_the_declaration_on(
    story: Story, at: At, window: dict[str, Any]
) -> None:
    found = story.known(maintenances=(Maintenance(**window),)).at("2027-03-01 09:00")
    assert found.windows[0].state == "Pending"
    assert found.due() == {KEY}
    latest = found.deadline("MaintenanceNotice", "upgrade")
    assert latest.at == at("2027-03-27 01:00")  # 48 hours before, an hour of which did not exist
    assert latest.source == TermSource("cgu", "8.1")


@pytest.mark.parametrize(
    ("sent", "state"),
    [
        ("2027-03-02 10:00", "Planned"),
        ("2027-03-27 01:00", "Planned"),
        ("2027-03-27 01:01", "Refused"),
        (None, "Refused"),
    ],
)
def test_8_1_a_window_that_is_notified_too_late_is_refused(
    story: Story, at: At, window: dict[str, Any], sent: str | None, state: str
) -> None:
    instants = {} if sent is None else {"sent": sent}
    told = story.known(maintenances=(Maintenance(**window),)).notice(
        NoticeKind.MAINTENANCE, "2027-03-02", key=KEY, **instants
    )
    assert told.at("2027-03-28 12:00").windows[0].state == state
    notified = told.at("2027-03-28 12:00").windows[0].notified
    assert notified == (None if sent is None else at(sent))
    running = told.at("2027-03-29 03:00").windows[0].state
    assert running == ("Running" if state == "Planned" else "Refused")
    assert told.at("2027-03-29 04:00").windows[0].state == "Over"


def test_8_1_a_longer_notice_of_the_commercial_document_counts(
    story: Story, at: At, window: dict[str, Any]
) -> None:
    promised = story.promised(maintenance={"notice": "P5D"})
    found = promised.known(maintenances=(Maintenance(**window),)).at("2027-03-02")
    assert found.deadline("MaintenanceNotice", "upgrade").at == at("2027-03-24 00:00")


def test_8_1_an_emergency_needs_no_time_ahead_but_a_notice_all_the_same(
    story: Story, window: dict[str, Any]
) -> None:
    urgent = Maintenance(**window, emergency=True, reason="a failing disk")
    found = story.known(maintenances=(urgent,)).at("2027-03-29 02:30")
    assert found.windows[0].state == "Running"
    assert found.windows[0].notified is None, "though it counts"
    assert found.due() == {KEY}
    assert "MaintenanceNotice" not in found.names()


def test_8_1_a_window_that_is_moved_is_notified_again(
    story: Story, at: At, window: dict[str, Any]
) -> None:
    told = story.notice(NoticeKind.MAINTENANCE, "2027-03-02", key=KEY, sent="2027-03-02")
    assert told.known(maintenances=(Maintenance(**window),)).at("2027-03-03").due() == set()
    moved = Maintenance(**{**window, "end": at("2027-03-29 05:00")})
    found = told.known(maintenances=(moved,)).at("2027-03-03")
    assert found.windows[0].state == "Pending"
    assert len(found.due()) == 1


def test_8_1_an_ended_contract_has_no_maintenance(story: Story, window: dict[str, Any]) -> None:
    ended = story.known(maintenances=(Maintenance(**window),)).ends_early(
        "2027-03-01", "2027-02-01"
    )
    assert ended.at("2027-03-03").windows == ()
