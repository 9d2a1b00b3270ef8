"""The stand-in prunes as the documentation of Proxmox Backup Server says, day by day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from localpbs.pruning import kept

PARIS = ZoneInfo("Europe/Paris")
FIRST = date(2027, 1, 1)


def at(day: date, hour: int = 2) -> int:
    return int(datetime.combine(day, time(hour), PARIS).timestamp())


def days_kept(days: Iterable[date], options: dict[str, int]) -> list[date]:
    stays = kept([at(day) for day in days], options, PARIS)
    return sorted(datetime.fromtimestamp(each, PARIS).date() for each in stays)


@pytest.mark.parametrize(
    ("weekly", "count", "oldest", "removed_at"),
    [
        (7, 17, (52, 58), 59),
        (8, 18, (59, 65), 66),
        (9, 19, (66, 72), 73),
        (10, 20, (73, 79), 80),
    ],
)
def test_ten_dailies_and_some_weeklies_reach_as_far_as_was_measured(
    weekly: int, count: int, oldest: tuple[int, int], removed_at: int
) -> None:
    options = {"keep-daily": 10, "keep-weekly": weekly}
    stored: list[date] = []
    counts, ages, removed = set(), set(), set()
    for day in range(800):
        today = FIRST + timedelta(days=day)
        before = {*stored, today}
        stored = days_kept(before, options)
        if day > 200:
            counts.add(len(stored))
            ages.add((today - stored[0]).days)
            removed |= {(today - gone).days for gone in before - set(stored) if gone.weekday() == 6}
    assert counts == {count}
    assert (min(ages), max(ages)) == oldest
    assert removed == {removed_at}


def test_weeklies_are_the_last_of_their_iso_week() -> None:
    stored: list[date] = []
    for day in range(120):
        stored = days_kept(
            {*stored, FIRST + timedelta(days=day)}, {"keep-daily": 10, "keep-weekly": 9}
        )
    assert {day.weekday() for day in stored[:-10]} == {6}


def test_days_without_a_backup_do_not_count() -> None:
    days = [FIRST + timedelta(days=day) for day in range(30) if not 20 <= day < 23]
    stays = days_kept(days, {"keep-daily": 10})
    assert stays[0] == FIRST + timedelta(days=29 - 12)


def test_once_backups_stop_nothing_ages_any_more() -> None:
    options = {"keep-daily": 10, "keep-weekly": 9}
    days = [FIRST + timedelta(days=day) for day in range(100)]
    stays = days_kept(days, options)
    assert days_kept(stays, options) == stays


def test_the_newest_of_a_day_stays_so_one_on_demand_replaces_the_schedule_s() -> None:
    assert kept([at(FIRST), at(FIRST, 15)], {"keep-daily": 5}, PARIS) == {at(FIRST, 15)}


def test_what_is_protected_stays_and_takes_nobody_s_place() -> None:
    days = [FIRST + timedelta(days=day) for day in range(5)]
    stays = kept(map(at, days), {"keep-last": 2}, PARIS, protected=[at(days[0]), at(days[4])])
    assert stays == {at(days[0]), at(days[2]), at(days[3]), at(days[4])}


def test_without_options_everything_stays() -> None:
    assert kept([1, 2, 3], {}, PARIS) == {1, 2, 3}


def test_the_zone_of_the_server_decides_what_a_week_is() -> None:
    monday = datetime(2027, 3, 8, 0, 30, tzinfo=PARIS)
    sunday = monday - timedelta(hours=1)
    times = [int(monday.timestamp()), int(sunday.timestamp())]
    assert kept(times, {"keep-weekly": 2}, PARIS) == set(times)
    assert kept(times, {"keep-weekly": 2}, ZoneInfo("UTC")) == {times[0]}
    assert monday.astimezone(UTC).isocalendar()[:2] == sunday.astimezone(UTC).isocalendar()[:2]
