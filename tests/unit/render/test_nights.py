"""When backups start: spread over the night, always at the same time, never as clocks change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitsi_tenant_operator.render import nights

CHANGE = range(120, 240)
times = st.times().map(lambda time: f"{time:%H:%M}")


def minutes(text: str) -> int:
    hours, rest = text.split(":")
    return int(hours) * 60 + int(rest)


def started(schedule: str) -> int:
    minute, hour, *rest = schedule.split()
    assert rest[:2] == ["*", "*"]
    return int(hour) * 60 + int(minute)


@given(st.from_regex(r"[a-z][a-z0-9]{0,20}", fullmatch=True))
def test_nothing_starts_while_clocks_change(make: Callable[..., Any], name: str) -> None:
    context = make(name=name)
    for schedule in (
        nights.backup(context).schedule,
        nights.keeping(context).schedule,
        nights.drill(context),
    ):
        assert started(schedule) not in CHANGE


def test_tenants_are_spread_over_the_night(make: Callable[..., Any]) -> None:
    found = [nights.backup(make(name=f"tenant-{index}")).minute for index in range(400)]
    assert all(minute < 360 for minute in found)
    assert len(set(found)) > 120
    quarters = [sum(minute // 60 == hour for minute in found) for hour in (0, 1, 4, 5)]
    assert min(quarters) > 60


def test_a_tenant_keeps_its_time(make: Callable[..., Any]) -> None:
    before = nights.backup(make(name="acme"))
    assert nights.backup(make({"media": {"bridges": 1}}, name="acme")) == before


@given(earliest=times, latest=times, name=st.sampled_from(["acme", "globex", "initech"]))
def test_a_window_is_kept_to_where_it_leaves_a_choice(
    make: Callable[..., Any], earliest: str, latest: str, name: str
) -> None:
    if earliest == latest:
        return
    window = {"earliest": earliest, "latest": latest}
    found = nights.backup(make({"backup": {"window": window}}, name=name)).minute
    first, last = minutes(earliest), minutes(latest)
    inside = first <= found <= last if first <= last else found >= first or found <= last
    in_the_change = first in CHANGE and last in CHANGE and first < last
    assert found == CHANGE.stop if in_the_change else inside and found not in CHANGE


@pytest.mark.parametrize(
    ("earliest", "latest", "backup", "keeping"),
    [("22:00", "22:01", (1320, 1321), (240, 241)), ("00:00", "00:01", (0, 1), (240, 241))],
)
def test_repositories_are_kept_hours_after_the_backup(
    make: Callable[..., Any],
    earliest: str,
    latest: str,
    backup: tuple[int, int],
    keeping: tuple[int, int],
) -> None:
    context = make({"backup": {"window": {"earliest": earliest, "latest": latest}}})
    assert nights.backup(context).minute in backup
    assert nights.keeping(context).minute in keeping
