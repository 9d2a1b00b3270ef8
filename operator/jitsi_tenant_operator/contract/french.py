"""Days and times of day in French words, for clients; breaks of lines stand where they may."""

from __future__ import annotations

from datetime import date, time

NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"

_WEEKDAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
_MONTHS = (
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
)


def day(value: date) -> str:
    """A day, for instance "lundi 31 mai 2027"."""
    number = "1er" if value.day == 1 else str(value.day)
    month = _MONTHS[value.month - 1]
    return f"{_WEEKDAYS[value.weekday()]} {number}{NO_BREAK_SPACE}{month} {value.year}"


def clock(value: time) -> str:
    """A time of day, for instance "14 h 30"."""
    space = NO_BREAK_SPACE
    if value.second:
        return f"{value.hour}{space}h{space}{value:%M}{space}min{space}{value:%S}{space}s"
    return f"{value.hour}{space}h" + (f"{space}{value:%M}" if value.minute else "")
