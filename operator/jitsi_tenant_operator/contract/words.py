"""Durations, days and instants in English words, for rules and for people."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta

from jitsi_tenant_operator.contract.calendar import Calendar

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_UNITS = {
    "dateY": "year",
    "dateM": "month",
    "dateW": "week",
    "dateD": "day",
    "timeH": "hour",
    "timeM": "minute",
    "timeS": "second",
}


def duration(text: str) -> str:
    """An ISO 8601 duration in words, for instance "1 year and 6 months"."""
    calendar, _, clock = text.removeprefix("P").partition("T")
    parts = [*_amounts("date", calendar), *_amounts("time", clock)]
    return " and ".join(part for part in (", ".join(parts[:-1]), parts[-1]) if part)


def _amounts(part: str, text: str) -> list[str]:
    return [
        f"{amount} {_UNITS[part + unit]}{'' if amount == '1' else 's'}"
        for amount, unit in re.findall(r"(\d+)([A-Z])", text)
    ]


def day(value: date) -> str:
    """A day in words, for instance "Monday 31 May 2027"."""
    return f"{_WEEKDAYS[value.weekday()]} {value.day} {_MONTHS[value.month - 1]} {value.year}"


def instant(at: datetime, calendar: Calendar) -> str:
    """An instant in words, on the clocks of the calendar's zone."""
    local = at.astimezone(calendar.zone)
    clock = f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"
    return f"{day(local.date())} at {clock}"


def offset(at: datetime) -> str:
    """By how much the clocks of an aware instant differ from UTC, for instance "UTC+5:30"."""
    difference = at.utcoffset()
    minutes = 0 if difference is None else int(difference.total_seconds()) // 60
    hours, rest = divmod(abs(minutes), 60)
    sign = "-" if minutes < 0 else "+"
    return f"UTC{sign}{hours}{f':{rest:02d}' if rest else ''}" if minutes else "UTC"


def over(at: datetime, calendar: Calendar) -> str:
    """When a time is over in words: a day's end is told of the day that ends."""
    local = at.astimezone(calendar.zone)
    if local.time() == time():
        return f"{day(local.date() - timedelta(days=1))}, end of the day"
    return instant(at, calendar)
