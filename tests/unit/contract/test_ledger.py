"""The ledger is only added to, each entry once, and any change to it by hand is noticed."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitsi_tenant_operator.api.hold import HoldScope
from jitsi_tenant_operator.api.notice import NoticeKind
from jitsi_tenant_operator.api.record import RecordEntry, RecordEvent
from jitsi_tenant_operator.contract import ledger
from jitsi_tenant_operator.contract.facts import Hold, Notice
from jitsi_tenant_operator.contract.ledger import Happening
from jitsi_tenant_operator.contract.terms import TermSource

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)


def happening(key: str, subject: str = "Service", value: str = "Serving") -> Happening:
    return Happening(RecordEvent.DECISION, subject, value, key, "because of the clause")


happenings = st.lists(
    st.builds(
        happening,
        st.text("abcdef", min_size=1, max_size=3),
        st.sampled_from(["Service", "Contract"]),
        st.sampled_from(["Serving", "Suspended"]),
    ),
    max_size=12,
    unique_by=lambda each: each.key,
)


def written(found: list[Happening]) -> tuple[RecordEntry, ...]:
    entries: tuple[RecordEntry, ...] = ()
    for index, each in enumerate(found):
        entries += ledger.appended(entries, [each], NOW + timedelta(seconds=index))
    return entries


@given(happenings)
def test_the_chain_can_be_checked_with_any_tool(found: list[Happening]) -> None:
    """The digest is that of sorted, compact JSON, as `jq -cS 'del(.digest)'` prints it."""
    previous = "0" * 64
    for number, entry in enumerate(written(found), start=1):
        stored = json.loads(json.dumps(entry.to_json()))
        digest = stored.pop("digest")
        text = json.dumps(stored, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert digest == hashlib.sha256(text.encode()).hexdigest()
        assert (entry.number, entry.previous) == (number, previous)
        previous = digest


@given(happenings, happenings)
def test_what_is_recorded_is_not_recorded_again(
    first: list[Happening], second: list[Happening]
) -> None:
    entries = written(first)
    added = ledger.appended(entries, [*first, *second], NOW)
    keys = [entry.key for entry in (*entries, *added)]
    assert sorted(keys) == sorted({each.key for each in (*first, *second)})


@given(happenings.filter(bool), st.data())
def test_any_change_by_hand_is_noticed_at_its_place(found: list[Happening], data: object) -> None:
    draw = data.draw  # type: ignore[attr-defined]
    entries = list(written(found))
    assert ledger.first_broken(entries) is None
    place = draw(st.integers(0, len(entries) - 1))
    kind = draw(st.sampled_from(["edit", "remove", "repeat"]))
    if kind == "edit":
        field = draw(st.sampled_from(["value", "why", "by", "subject", "key"]))
        entries[place] = entries[place].model_copy(update={field: "changed by hand"})
        assert ledger.first_broken(entries) == place + 1
    elif kind == "repeat":
        entries.insert(place, entries[place])
        assert ledger.first_broken(entries) == place + 2
    elif place < len(entries) - 1:
        del entries[place]
        assert ledger.first_broken(entries) == place + 1


def test_the_ledger_read_back_is_the_one_that_was_written() -> None:
    entries = written([happening("a"), happening("b", value="Suspended")])
    stored = [json.loads(json.dumps(entry.to_json())) for entry in entries]
    again = [RecordEntry.model_validate_json(json.dumps(entry), strict=True) for entry in stored]
    assert ledger.first_broken(again) is None
    assert ledger.ledger_of(again) == ledger.ledger_of(entries)


def test_the_decision_is_told_the_last_entry_of_each_axis_and_the_value_before() -> None:
    entries = written(
        [
            happening("a"),
            happening("b", value="Suspended"),
            happening("c", "Contract", "InForce"),
        ]
    )
    found = ledger.ledger_of(entries)
    assert found is not None
    assert found.service is not None
    assert (found.service.value, found.service.before) == ("Suspended", "Serving")
    assert found.contract is not None
    assert (found.contract.value, found.contract.before) == ("InForce", None)
    assert found.latest == NOW + timedelta(seconds=2)
    assert found.done == {"a", "b", "c"}


def test_an_empty_ledger_tells_nothing() -> None:
    assert ledger.ledger_of(()) is None


def test_a_notice_is_recorded_when_it_is_made_sent_received_and_remedied() -> None:
    notice = Notice(
        "Notice/FormalNotice/1",
        NoticeKind.FORMAL_NOTICE,
        NOW,
        sent=NOW + timedelta(hours=1),
        acknowledged=NOW + timedelta(hours=2),
        remedied=NOW + timedelta(hours=3),
    )
    found = list(ledger.of_notices([notice]))
    assert [each.value for each in found] == ["Made", "Sent", "Received", "Remedied"]
    assert found[0].key == notice.key, "so that the action that called for it counts as done"
    assert len({each.key for each in found}) == len(found)


@pytest.mark.parametrize(
    ("released", "values"), [(None, ["Placed"]), (NOW, ["Placed", "Released"])]
)
def test_a_hold_is_recorded_with_its_basis(released: datetime | None, values: list[str]) -> None:
    hold = Hold("claim", frozenset({HoldScope.LOGS}), "a claim", NOW, released=released)
    found = list(ledger.of_holds([hold]))
    assert [each.value for each in found] == values
    assert found[0].why == "Logs: a claim"


def test_each_entry_names_its_clause() -> None:
    source = TermSource("cgu-2026-05-19", "13.2")
    one = Happening(RecordEvent.DECISION, "Contract", "Ended", "k", "why", source=source)
    (entry,) = ledger.appended((), [one], NOW)
    assert (entry.document, entry.clause) == ("cgu-2026-05-19", "13.2")
