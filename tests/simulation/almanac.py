"""Dates by hand, for the oracle: no zone database, no library of holidays, no date arithmetic.

The European Union changes its clocks on the last Sundays of March and October at 01:00 UTC
(directive 2000/84/EC). Public holidays are those of article L3133-1 of the French labour code.
"""

from __future__ import annotations

import calendar
import re
from datetime import UTC, date, datetime, timedelta
from functools import cache

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@cache
def _last_sunday(year: int, month: int) -> date:
    day = date(year, month, 31)
    while day.isoweekday() != 7:
        day -= DAY
    return day


def _hours_ahead(at: datetime) -> int:
    begins, ends = (_last_sunday(at.year, month) for month in (3, 10))
    one = HOUR + datetime.min.replace(tzinfo=UTC)
    summer = datetime.combine(begins, one.timetz()) <= at < datetime.combine(ends, one.timetz())
    return 2 if summer else 1


def paris_day(at: datetime) -> date:
    """What day it is in Paris."""
    return (at + _hours_ahead(at) * HOUR).date()


@cache
def midnight(day: date) -> datetime:
    """When a day begins in Paris, in UTC."""
    summer = _last_sunday(day.year, 3) < day <= _last_sunday(day.year, 10)
    return datetime(day.year, day.month, day.day, tzinfo=UTC) - (2 if summer else 1) * HOUR


def night_after(day: date) -> datetime:
    """When a day is over in Paris, in UTC."""
    return midnight(day + DAY)


@cache
def units(text: str) -> tuple[int, int, timedelta]:
    """The months, days and hours of a duration."""
    found = {
        unit: int(number)
        for number, unit in re.findall(r"(\d+)([A-Z])", text.split("T", maxsplit=1)[0])
    }
    hours = re.search(r"T(\d+)H", text)
    return (
        12 * found.get("Y", 0) + found.get("M", 0),
        7 * found.get("W", 0) + found.get("D", 0),
        int(hours[1]) * HOUR if hours else timedelta(),
    )


def months_on(day: date, months: int) -> tuple[date, bool]:
    """The same day so many months on (or back), or the last of the month, and whether it was."""
    whole = day.year * 12 + day.month - 1 + months
    year, month = whole // 12, whole % 12 + 1
    length = calendar.monthrange(year, month)[1]
    return date(year, month, min(day.day, length)), day.day > length


def walk(day: date, text: str) -> date:
    """A day and a duration, day by day."""
    months, days, _ = units(text)
    day, _ = months_on(day, months)
    for _ in range(days):
        day += DAY
    return day


def back(day: date, text: str) -> date:
    """A day less a duration, day by day."""
    months, days, _ = units(text)
    day, _ = months_on(day, -months)
    for _ in range(days):
        day -= DAY
    return day


def last_day(first: date, months: int, days: int) -> date:
    """The last day of a time that begins with `first`: the eve of its day, or the month's last."""
    day, cut_short = months_on(first, months)
    if not cut_short:
        day -= DAY
    return day + days * DAY


@cache
def _holidays(year: int) -> frozenset[date]:
    golden, century = year % 19, year // 100
    epact = (century - century // 4 - (8 * century + 13) // 25 + 19 * golden + 15) % 30
    epact -= (epact // 28) * (1 - (epact // 28) * (29 // (epact + 1)) * ((21 - golden) // 11))
    weekday = (year + year // 4 + epact + 2 - century + century // 4) % 7
    offset = epact - weekday
    month = 3 + (offset + 40) // 44
    easter = date(year, month, offset + 28 - 31 * (month // 4))
    fixed = ((1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25))
    moving = (easter + DAY, easter + 39 * DAY, easter + 50 * DAY)
    return frozenset((*(date(year, *each) for each in fixed), *moving))


def worked(day: date) -> bool:
    """Whether a day is worked (clause 1)."""
    return day.isoweekday() not in (6, 7) and day not in _holidays(day.year)


def time_up(event: datetime | date, text: str, *, extend: bool) -> datetime:
    """When a time after an event is over; of a day as a whole, hours begin with its end."""
    months, days, hours = units(text)
    if hours:
        assert not months
        assert not days
        return (event if isinstance(event, datetime) else night_after(event)) + hours
    day = walk(paris_day(event) if isinstance(event, datetime) else event, text)
    while extend and not worked(day):
        day += DAY
    return night_after(day)
