"""A volume is full from the upper mark on, and until the lower one; the ledger remembers which."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitsi_tenant_operator.api.saturation import Saturation
from jitsi_tenant_operator.contract.facts import Entry, Ledger
from jitsi_tenant_operator.media.volume import Usage
from jitsi_tenant_operator.reconcile.storage import Reading, full_since

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
MARKS = Saturation(suspend_at=90, resume_below=80)
SERVING = Ledger(NOW, recording=Entry("Serving", NOW))
FULL = Ledger(NOW, recording=Entry("Suspended", NOW, ("StorageSaturated",)))
OTHERWISE = Ledger(NOW, recording=Entry("Suspended", NOW, ("Incident",)))
TOO = Ledger(NOW, recording=Entry("Suspended", NOW, ("Incident", "StorageSaturated")))


def reading(percent: int, at: datetime = NOW) -> Reading:
    return Reading(Usage(100, 100 - percent), at)


@pytest.mark.parametrize("ledger", [None, Ledger(NOW), SERVING, OTHERWISE])
def test_6_4_a_volume_is_full_from_the_upper_mark_on(ledger: Ledger | None) -> None:
    assert full_since(ledger, reading(89), MARKS) is None
    assert full_since(ledger, reading(90), MARKS) == NOW


@pytest.mark.parametrize("ledger", [FULL, TOO])
def test_6_4_it_has_space_again_below_the_lower_mark(ledger: Ledger) -> None:
    assert full_since(ledger, reading(80), MARKS) == NOW
    assert full_since(ledger, reading(79), MARKS) is None


@pytest.mark.parametrize("ledger", [None, SERVING, FULL, TOO])
def test_nobody_s_answer_leaves_it_as_the_ledger_has_it(ledger: Ledger | None) -> None:
    """As after a restart of the operator, or while the last recorder still records."""
    expected = NOW if ledger in (FULL, TOO) else None
    assert full_since(ledger, None, MARKS) == expected
    assert full_since(ledger, reading(50), None) == expected


@given(st.lists(st.integers(0, 100), max_size=40), st.sampled_from([SERVING, FULL]))
def test_it_never_changes_twice_between_the_marks(used: list[int], ledger: Ledger) -> None:
    """Whatever comes, and though the operator forgets everything each time."""
    entry = ledger.recording
    assert entry is not None
    for number, percent in enumerate(used):
        at = NOW + timedelta(minutes=number)
        was = bool(entry.reasons)
        now = full_since(replace(ledger, recording=entry), reading(percent, at), MARKS)
        if (now is not None) != was:
            assert percent >= 90 if now is not None else percent < 80
            reasons = ("StorageSaturated",) if now is not None else ()
            entry = Entry("Suspended" if reasons else "Serving", at, reasons)
