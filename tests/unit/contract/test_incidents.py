"""Clause 15.1: who is touched by an incident is told of it once, and once of its end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from jitsi_tenant_operator.api.notice import NoticeKind
from jitsi_tenant_operator.contract.facts import Incident

if TYPE_CHECKING:
    from tests.unit.contract.conftest import At, Story

BEGAN = "Notice/Incident/flood/2026-09-01T10:00:00+00:00"
OVER = "Notice/IncidentOver/flood/2026-09-01T10:00:00+00:00"


@pytest.fixture
def flood(at: At) -> Incident:
    return Incident("flood", at("2026-09-01 12:00"), force_majeure=True)


def test_15_1_the_client_is_told_at_once_and_once(story: Story, at: At, flood: Incident) -> None:
    touched = story.known(incidents=(flood,))
    found = touched.at("2026-09-01 12:05")
    assert found.due() == {BEGAN}
    assert found.windows[0].state == "Pending"
    told = touched.notice(
        NoticeKind.INCIDENT, "2026-09-01 12:05", key=BEGAN, sent="2026-09-01 12:05"
    )
    for later in ("2026-09-01 12:06", "2026-10-01", "2026-12-24"):
        assert told.at(later).due() == set()
        assert told.at(later).windows[0].state == "Running"


def test_15_1_and_told_of_its_end(story: Story, at: At, flood: Incident) -> None:
    over = replace(flood, ended=at("2026-09-02 08:00"))
    told = story.known(incidents=(over,)).notice(
        NoticeKind.INCIDENT, "2026-09-01 12:05", key=BEGAN, sent="2026-09-01 12:05"
    )
    assert told.at("2026-09-02 08:10").due() == {OVER}
    again = told.notice(
        NoticeKind.INCIDENT_OVER, "2026-09-02 08:10", key=OVER, sent="2026-09-02 08:10"
    )
    found = again.at("2026-09-02 08:11")
    assert found.due() == set()
    assert found.windows[0].state == "Over"


def test_15_1_who_was_not_told_in_time_is_told_the_end_only(
    story: Story, at: At, flood: Incident
) -> None:
    over = replace(flood, ended=at("2026-09-02 08:00"))
    assert story.known(incidents=(over,)).at("2026-09-02 08:10").due() == {OVER}


def test_15_1_it_does_not_concern_who_came_afterwards(
    story: Story, at: At, flood: Incident
) -> None:
    over = replace(flood, ended=at("2026-09-02 08:00"))
    later = story.signed("2026-10-01").known(incidents=(over,)).at("2026-10-02")
    assert later.due() == set()
    assert later.windows == ()


def test_15_1_nor_a_draft_nor_who_is_gone(story: Story, flood: Incident) -> None:
    touched = story.known(incidents=(flood,))
    assert BEGAN not in touched.signed(None).at("2026-09-01 12:05").due()
    assert BEGAN not in touched.at("2027-06-02").due()


def test_15_1_an_incident_interrupts_nothing_by_itself(story: Story, flood: Incident) -> None:
    found = story.known(incidents=(flood,)).at("2026-09-01 12:05")
    assert (found.service.state, found.recording.state) == ("Serving", "Serving")


def test_an_end_in_the_future_is_an_expectation_and_tells_nobody_that_it_is_over(
    story: Story, at: At, flood: Incident
) -> None:
    early = story.known(incidents=(replace(flood, ended=at("2026-09-02 08:00")),))
    told = early.notice(NoticeKind.INCIDENT, "2026-09-01 12:05", key=BEGAN, sent="2026-09-01 12:05")
    found = told.at("2026-09-02 07:59")
    assert found.doubts() == ["incident flood"]
    assert found.due() == set()
    assert found.windows[0].state == "Running"


@pytest.mark.parametrize(
    ("start", "ended"),
    [("2026-09-02 12:00", None), ("2026-09-01 08:00", "2026-09-01 08:00")],
    ids=["not begun", "ends before it begins"],
)
def test_contradictory_incidents_are_told_to_nobody(
    story: Story, at: At, start: str, ended: str | None
) -> None:
    unclear = Incident("flood", at(start), None if ended is None else at(ended))
    found = story.known(incidents=(unclear,)).at("2026-09-01 12:05")
    assert found.doubts() == ["incident flood"]
    assert found.due() == set()


def test_an_incident_in_two_versions_is_told_to_nobody(story: Story, flood: Incident) -> None:
    found = story.known(incidents=(flood, replace(flood, force_majeure=False)))
    assert found.at("2026-09-01 12:05").doubts() == ["incident flood"]
