"""What a person orders is in the ledger: that it was given, changed and lifted, each once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from jitsi_tenant_operator.api.record import RecordEntry
from jitsi_tenant_operator.contract import ledger, overrides
from jitsi_tenant_operator.contract.calendar import Calendar
from jitsi_tenant_operator.contract.decide import decide
from jitsi_tenant_operator.contract.facts import Ledger, Maintenance

if TYPE_CHECKING:
    from tests.unit.contract.conftest import At, Story

DAY = "2026-09-01 12:00"


class Book:
    """A ledger to which every run adds what is missing, as the operator does."""

    def __init__(self, at: At, calendar: Calendar) -> None:
        self.entries: tuple[RecordEntry, ...] = ()
        self._at = at
        self._calendar = calendar

    def run(self, story: Story, day: str = DAY) -> list[tuple[str, str, str]]:
        """Record what is missing; what is recorded of orders since then."""
        known = ledger.ledger_of(self.entries) or Ledger(self._at("2026-06-01"))
        facts = replace(story.facts(), ledger=known)
        decision = decide(facts, story.effective(), self._at(day), self._calendar)
        found = overrides.happenings(facts, decision, story.effective())
        added = ledger.appended(self.entries, found, self._at(day))
        self.entries += added
        return [(entry.subject, entry.value, entry.why) for entry in added]


@pytest.fixture
def book(at: At, paris: Calendar) -> Book:
    return Book(at, paris)


def ordered(story: Story, **order: str) -> Story:
    return replace(story, suspension={"service": order})


SERVICE = "spec.suspension.service"


def test_an_order_is_recorded_when_given_changed_and_lifted(story: Story, book: Book) -> None:
    assert book.run(story) == []
    given = ordered(story, reason="Security", note="a stolen account")
    said = "suspended by order: a stolen account"
    assert book.run(given) == [(SERVICE, "Security", said)]
    assert book.run(given) == []
    changed = ordered(story, reason="Security", note="two stolen accounts")
    assert book.run(changed) == [(SERVICE, "Security", "suspended by order: two stolen accounts")]
    assert book.run(changed) == []
    assert book.run(story) == [(SERVICE, "Lifted", "the order Security was taken back")]
    assert book.run(story) == []
    assert book.run(given) == [(SERVICE, "Security", said)], "given again, it is recorded again"
    assert ledger.first_broken(book.entries) is None
    keys = [entry.key for entry in book.entries]
    assert len(keys) == len(set(keys))


def test_6_4_an_order_about_recording_bears_its_clause(story: Story, book: Book) -> None:
    suspended = story.recording_suspended("Incident", "2026-10-01 12:00")
    assert book.run(suspended) == [
        (
            "spec.suspension.recording",
            "Incident",
            "suspended by order until 2026-10-01T10:00:00+00:00",
        )
    ]
    assert book.entries[0].clause == "6.4"
    assert book.entries[0].by == "a person"


def test_a_contradictory_order_is_not_recorded(story: Story, book: Book) -> None:
    assert book.run(story.suspended("LatePayment")) == []
    assert [each[1] for each in book.run(story.suspended("LatePayment").overdue("2026-08-01"))] == [
        "LatePayment"
    ]


def test_who_confirmed_an_erasure_is_recorded(story: Story, book: Book) -> None:
    ((subject, value, _),) = book.run(story.confirmed())
    assert (subject, value, book.entries[0].by) == ("spec.termination.erasure", "Confirmed", "dpo")
    assert book.run(story.confirmed("DC-2")) == [], "a wrong reference confirms nothing"


def test_8_1_an_emergency_is_recorded_with_its_reason(story: Story, book: Book, at: At) -> None:
    window = Maintenance(
        "leak", at(DAY), at("2026-09-01 13:00"), at("2026-09-01 14:00"), True, "a leak"
    )
    touched = story.known(maintenances=(window,))
    ((subject, value, why),) = book.run(touched)
    assert (subject, value) == ("maintenance leak", "Emergency")
    assert why.endswith("without notice ahead: a leak")
    assert book.entries[0].clause == "8.1"
    assert book.run(touched) == []
    planned = replace(window, emergency=False)
    assert book.run(story.known(maintenances=(planned,))) == []
