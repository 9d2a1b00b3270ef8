"""Whatever a run has to say fits into a termination message and can be read again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from jitsi_tenant_operator.backup.report import (
    MAX_BYTES,
    Outcome,
    ProblemReason,
    Program,
    Report,
    encode,
    listed,
    problem,
)
from jitsi_tenant_operator.backup.store import Copy, Group, Snapshot

AT = datetime(2026, 11, 25, 0, 31, tzinfo=UTC)


def snapshots(count: int) -> list[Snapshot]:
    return [
        Snapshot(f"{index:064x}", AT - timedelta(days=index), Group.SCHEDULED)
        for index in range(count)
    ]


def report(**fields: object) -> Report:
    return Report.model_validate(
        {
            "program": Program.BACKUP,
            "outcome": Outcome.FAILED,
            "started": AT,
            "seconds": 12.5,
            "primary": "a" * 64,
            "offsite": "b" * 64,
            "manifest": "c" * 64,
            **fields,
        }
    )


@given(
    counts=st.tuples(st.integers(0, 400), st.integers(0, 400)),
    messages=st.lists(st.text(max_size=2000), max_size=40),
)
def test_a_report_fits_and_is_read_again(counts: tuple[int, int], messages: list[str]) -> None:
    copies = tuple(listed(copy, snapshots(count)) for copy, count in zip(Copy, counts, strict=True))
    problems = tuple(problem(ProblemReason.SOURCE_MISSING, message) for message in messages)
    text = encode(report(copies=copies, problems=problems))
    assert len(text.encode()) <= MAX_BYTES
    assert "\n" not in text
    read = Report.parse(text)
    assert [each.count for each in read.copies] == list(counts)
    assert (read.primary, read.manifest) == ("a" * 64, "c" * 64)
    assert bool(read.problems) == bool(messages)


def test_the_snapshots_of_a_year_of_contract_are_listed_in_full() -> None:
    """The promise keeps about twenty: no list of a healthy tenant loses one."""
    copies = tuple(listed(copy, snapshots(24)) for copy in Copy)
    read = Report.parse(encode(report(copies=copies)))
    assert [len(each.snapshots) for each in read.copies] == [24, 24]
    assert read.copies[0].newest == AT
    assert read.copies[0].snapshots[0][1] == int(AT.timestamp())
