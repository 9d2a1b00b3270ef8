"""Clause 6.3 on backups, written a second time from its words, to hold the planner against.

"Daily backup … kept ten days for the dailies, then two more months for the weeklies." It computes
with nothing but days: it shares no code with the package, and counts months on its fingers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")


@dataclass(frozen=True)
class Taken:
    """A backup: its name, the instant at which it began, its series, and whether it is held."""

    name: str
    at: datetime
    series: str = "scheduled"
    held: bool = False

    @property
    def day(self) -> date:
        """The day on the wall calendar in Paris."""
        return self.at.astimezone(PARIS).date()


def months_later(day: date, months: int) -> date:
    """The same day number `months` later, or the last day of that month."""
    year, month = day.year, day.month
    for _ in range(months):
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)  # noqa: PLR2004
    number = day.day
    while True:
        try:
            return date(year, month, number)
        except ValueError:
            number -= 1


def last_day_as_daily(taken: Taken, days: int = 10) -> date:
    """The last day on which it is owed as a daily."""
    return taken.day + timedelta(days)


def last_day_at_all(taken: Taken, days: int = 10, months: int = 2) -> date:
    """The last day on which it may be there."""
    return months_later(last_day_as_daily(taken, days), months)


def monday(day: date) -> date:
    """The Monday of the week of `day`."""
    while day.isoweekday() != 1:
        day -= timedelta(1)
    return day


def owed(
    backups: Iterable[Taken], now: datetime, days: int = 10, months: int = 2
) -> frozenset[str]:
    """The names of those `backups` that are to be there at `now`; all others are not."""
    all_of_them = list(backups)
    today = now.astimezone(PARIS).date()
    names = set()
    for each in all_of_them:
        rivals = [
            other
            for other in all_of_them
            if other.series == each.series
            and monday(other.day) == monday(each.day)
            and other.at <= now
            and (other.at, other.name) > (each.at, each.name)
        ]
        if (
            each.held
            or today <= last_day_as_daily(each, days)
            or (not rivals and each.at <= now and today <= last_day_at_all(each, days, months))
        ):
            names.add(each.name)
    return frozenset(names)
