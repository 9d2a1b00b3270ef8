"""Clauses 6.3, 11.3, 13.3: return, erasure and holds, and what is over before the file closes."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from jitsi_tenant_operator.api.hold import HoldScope
from jitsi_tenant_operator.contract.facts import Evidence, Export, Hold
from jitsi_tenant_operator.contract.terms import TermSource

if TYPE_CHECKING:
    from tests.unit.contract.conftest import At, Story


@pytest.fixture
def retrieving(story: Story) -> Story:
    """The client can retrieve its data for 15 days after the end."""
    return story.promised(endOfContract={"retrieval": "P15D", "erasure": "P30D"})


def test_13_3_at_the_end_access_is_disabled_and_data_is_kept(story: Story, at: At) -> None:
    found = story.at("2027-06-01")
    assert found.axes == ("Ended", "Disabled", "Retained")
    assert found.phase == "Ended"
    assert found.due() == {"Export/DC-1/2027-05-31", "Notice/Ended/2027-05-31"}
    assert story.at("2030-01-01").data.state == "Retained"


def test_13_3_and_12_the_dates_after_the_end(retrieving: Story, at: At) -> None:
    found = retrieving.at("2027-06-01")
    expected = {
        "ContractEnd": ("2027-05-31 24:00", "13.1"),
        "DataRetrieval": ("2027-06-15 24:00", None),
        "ErasureDue": ("2027-06-30 24:00", "13.3"),
        "LogsExpiry": ("2027-11-30 24:00", "11.3"),
        "ConfidentialityEnd": ("2032-05-31 24:00", "12"),
    }
    assert found.names() == list(expected)
    for name, (day, clause) in expected.items():
        assert found.deadline(name).at == at(day)
        assert found.deadline(name).source.clause == clause


def test_13_3_the_dates_after_the_end_move_to_a_working_day_where_the_terms_say_so(
    retrieving: Story, at: At
) -> None:
    ends = retrieving.promised(deadlines={"extendToWorkingDay": True}).ends_early(
        "2026-10-16", "2026-09-01"
    )
    found = ends.at("2026-10-17")
    assert found.deadline("DataRetrieval").plain == at("2026-10-31 24:00")
    assert found.deadline("DataRetrieval").at == at("2026-11-02 24:00")
    assert found.deadline("ErasureDue").plain == at("2026-11-15 24:00")
    assert found.deadline("ErasureDue").at == at("2026-11-16 24:00")
    assert found.deadline("LogsExpiry").at == at("2027-04-16 24:00")


def test_13_3_without_a_time_for_it_the_client_retrieves_its_data_before_the_end(
    story: Story, at: At
) -> None:
    retrieval = story.at("2027-06-01").deadline("DataRetrieval")
    assert (retrieval.at, retrieval.source) == (at("2027-05-31 24:00"), TermSource("cgu", "13.3"))


def test_13_3_nothing_is_erased_before_the_data_is_returned_or_the_time_for_it_over(
    retrieving: Story,
) -> None:
    confirmed = retrieving.confirmed()
    assert confirmed.at("2027-06-15 23:59").data.waits == ("Restitution",)
    assert confirmed.at("2027-06-15 24:00").data.state == "Erasing"
    returned = confirmed.returned("2027-06-03")
    assert returned.at("2027-06-02 23:59").data.state == "Retained"
    assert returned.at("2027-06-03").data.state == "Erasing"


def test_13_3_nothing_is_erased_without_the_word_of_a_person(retrieving: Story) -> None:
    found = retrieving.returned("2027-06-03").at("2028-06-01")
    assert (found.data.state, found.data.waits) == ("Restituted", ("Confirmation",))
    assert "Erase/DC-1" not in found.due()
    erasing = retrieving.returned("2027-06-03").confirmed().at("2028-06-01")
    assert (erasing.phase, erasing.data.state) == ("Erasing", "Erasing")
    assert "Erase/DC-1" in erasing.due()


def test_13_3_nothing_is_erased_while_the_contract_is_in_force(story: Story) -> None:
    found = story.returned("2027-05-01").confirmed().at("2027-05-31 23:59")
    assert (found.data.state, found.due()) == ("Live", set())


def test_13_3_the_word_for_another_contract_erases_nothing(story: Story) -> None:
    found = story.confirmed("DC-2").at("2028-06-01")
    assert found.data.state == "Retained"
    assert found.doubts() == ["spec.termination.erasure.contractReference"]


def test_13_3_the_acknowledgement_of_a_final_export_returns_the_data(
    retrieving: Story, at: At
) -> None:
    offered, seen = at("2027-06-01 01:00"), at("2027-06-04 09:00")
    exported = retrieving.known(exports=(Export("final", True, offered, seen),))
    assert exported.at("2027-06-04 09:00").data.state == "Restituted"
    assert exported.at("2027-06-04 09:00").due() == {"Notice/Ended/2027-05-31"}
    partial = retrieving.known(exports=(Export("may", False, offered, seen),))
    assert partial.at("2027-06-04 09:00").data.state == "Retained"


@pytest.mark.parametrize("scope", [HoldScope.RECORDINGS, HoldScope.ACCOUNTS, HoldScope.KEYS])
def test_13_3_a_hold_on_production_keeps_it_from_being_erased(
    story: Story, at: At, scope: HoldScope
) -> None:
    hold = Hold("dispute", frozenset([scope]), "court order", at("2027-04-01"))
    found = story.confirmed().known(holds=(hold,)).at("2028-06-01")
    assert found.data.state == "Retained"
    assert (found.data.waits, found.data.held_by) == (("Hold",), ("dispute",))
    assert found.service.state == "Disabled"


@pytest.mark.parametrize("scope", [HoldScope.LOGS, HoldScope.BACKUPS])
def test_13_3_a_hold_holds_its_scope_only(story: Story, at: At, scope: HoldScope) -> None:
    hold = Hold("dispute", frozenset([scope]), "court order", at("2027-04-01"))
    assert story.confirmed().known(holds=(hold,)).at("2027-06-01").data.state == "Erasing"


def test_13_3_holds_that_cannot_be_read_hold_everything(story: Story) -> None:
    found = story.confirmed().known(holds=None).at("2028-06-01")
    assert (found.data.state, found.data.waits) == ("Retained", ("Hold",))
    assert story.confirmed().known(holds=None).at("2027-05-01").service.state == "Serving"


def test_13_3_a_hold_that_is_released_after_the_erasure_was_due(story: Story, at: At) -> None:
    hold = Hold(
        "dispute", frozenset(HoldScope), "court order", at("2027-04-01"), released=at("2027-09-01")
    )
    held = story.confirmed().known(holds=(hold,))
    assert held.at("2027-08-31 23:59").data.state == "Retained"
    assert held.at("2027-08-31 23:59").deadline("ErasureDue").passed
    assert held.at("2027-09-01").data.state == "Erasing"


def test_13_2_and_13_3_a_contract_ends_also_under_a_hold(story: Story, at: At) -> None:
    hold = Hold("dispute", frozenset(HoldScope), "court order", at("2026-07-01"))
    ended = story.ends_early("2026-09-30", "2026-09-01").known(holds=(hold,)).confirmed()
    assert ended.at("2026-09-30 24:00").axes == ("Ended", "Disabled", "Retained")


def test_13_3_a_hold_that_comes_during_the_erasure_stops_it(story: Story, at: At) -> None:
    begun = Evidence(erasure_started=at("2027-06-02"))
    hold = Hold("late", frozenset([HoldScope.RECORDINGS]), "court order", at("2027-06-03"))
    found = story.confirmed().known(evidence=begun, holds=(hold,)).at("2027-06-04")
    assert (found.data.state, found.data.waits) == ("Erasing", ("Hold",))
    assert "Erase/DC-1" not in found.due()


def test_6_3_backups_expire_by_date_after_the_last_of_them(story: Story, at: At) -> None:
    erased = story.confirmed().known(
        evidence=Evidence(last_backup=at("2027-06-01 01:15"), production_erased=at("2027-06-02"))
    )
    found = erased.at("2027-06-03")
    assert (found.phase, found.data.state, found.data.waits) == ("Erased", "Erased", ("Retention",))
    assert found.deadline("BackupsExpiry").at == at("2027-08-11 24:00")
    assert "ExpireBackups/DC-1" not in erased.at("2027-08-11 23:59").due()
    assert "ExpireBackups/DC-1" in erased.at("2027-08-11 24:00").due()


@pytest.mark.parametrize("scope", [HoldScope.BACKUPS, HoldScope.KEYS])
def test_6_3_a_hold_on_backups_keeps_them(story: Story, at: At, scope: HoldScope) -> None:
    hold = Hold("dispute", frozenset([scope]), "court order", at("2027-06-02"))
    erased = story.confirmed().known(
        evidence=Evidence(production_erased=at("2027-06-01 12:00")), holds=(hold,)
    )
    found = erased.at("2028-06-01")
    assert (found.data.state, found.data.waits) == ("Erased", ("Hold",))
    assert "ExpireBackups/DC-1" not in found.due()


def test_11_3_the_file_closes_after_the_last_logs(story: Story, at: At) -> None:
    gone = story.confirmed().known(
        evidence=Evidence(production_erased=at("2027-06-02"), backups_expired=at("2027-08-13"))
    )
    assert gone.at("2027-11-30 23:59").phase == "BackupsExpired"
    assert gone.at("2027-11-30 23:59").data.waits == ("Retention",)
    assert "Close/DC-1" in gone.at("2027-11-30 24:00").due()
    hold = Hold("logs", frozenset([HoldScope.LOGS]), "request", at("2027-06-02"))
    assert "Close/DC-1" not in gone.known(holds=(hold,)).at("2028-01-01").due()


def test_13_3_each_erasure_is_certified_and_told_once(story: Story, at: At) -> None:
    erased = Evidence(production_erased=at("2027-06-02"))
    found = story.confirmed().known(evidence=erased).at("2027-06-03")
    assert {"Certify/DC-1/Production", "Notice/ErasureDone/DC-1/Production"} <= found.due()
    gone = Evidence(production_erased=at("2027-06-02"), backups_expired=at("2027-08-13"))
    found = story.confirmed().known(evidence=gone).at("2027-08-14")
    assert {"Certify/DC-1/Backups", "Notice/ErasureDone/DC-1/Backups"} <= found.due()


def test_13_3_what_is_recorded_as_closed_is_closed(story: Story, at: At) -> None:
    evidence = Evidence(
        erasure_started=at("2027-06-02"),
        production_erased=at("2027-06-02"),
        backups_expired=at("2027-08-13"),
        closed=at("2027-12-01"),
    )
    found = story.confirmed().known(evidence=evidence).at("2027-12-02")
    assert (found.phase, found.data.state, found.data.waits) == ("Closed", "Closed", ())


def test_a_hold_is_reviewed_when_it_says(story: Story, at: At) -> None:
    hold = Hold("dispute", frozenset(HoldScope), "order", at("2026-07-01"), date(2026, 12, 31))
    found = story.known(holds=(hold,)).at("2026-08-01")
    assert found.deadline("HoldReview", "dispute").at == at("2026-12-31 24:00")
