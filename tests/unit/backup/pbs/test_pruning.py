"""The terms as options that count: never too few, with a backup every day."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from jitsi_tenant_operator.backup.pbs.pruning import keep_options
from jitsi_tenant_operator.backup.retention import Terms, plan
from jitsi_tenant_operator.backup.store import Group, Snapshot
from jitsi_tenant_operator.contract.calendar import Calendar
from localpbs.pruning import kept

PARIS = ZoneInfo("Europe/Paris")
CALENDAR = Calendar.of("Europe/Paris")


def at(day: date) -> datetime:
    return datetime.combine(day, time(1, 15), PARIS)


@pytest.mark.parametrize(
    ("daily", "weekly", "options"),
    [
        ("P10D", "P2M", {"keep-daily": 11, "keep-weekly": 9}),
        ("P10D", "P3M", {"keep-daily": 11, "keep-weekly": 14}),
        ("P1M", "P0D", {"keep-daily": 32}),
        ("P2W", "P4W", {"keep-daily": 15, "keep-weekly": 4}),
    ],
)
def test_terms_become_the_fewest_options_that_suffice(
    daily: str, weekly: str, options: dict[str, int]
) -> None:
    assert keep_options(Terms(daily, weekly)) == options


def test_terms_in_hours_have_no_options() -> None:
    with pytest.raises(ValueError, match="hours"):
        keep_options(Terms("PT48H", "P2M"))


@pytest.mark.parametrize("terms", [Terms("P10D", "P2M"), Terms("P5D", "P1M"), Terms("P2W", "P3M")])
def test_with_a_backup_every_day_the_server_never_removes_what_is_promised(terms: Terms) -> None:
    start = date(2027, 1, 1)
    stored: list[datetime] = []
    options = keep_options(terms)
    for day in range(500):
        stored.append(at(start + timedelta(days=day)))
        snapshots = [Snapshot(each.isoformat(), each, Group.SCHEDULED) for each in stored]
        promised = {
            each.snapshot.time for each in plan(snapshots, terms, stored[-1], CALENDAR) if each.keep
        }
        times = {int(each.timestamp()): each for each in stored}
        stays = {times[each] for each in kept(times, options, PARIS)}
        assert promised <= stays
        stored = sorted(stays)
