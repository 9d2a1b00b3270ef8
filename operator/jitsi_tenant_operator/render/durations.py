"""Lengths of time that machines count, from the API's ISO 8601 durations."""

from __future__ import annotations

import re

_DATE = {"Y": 365 * 86400, "M": 30 * 86400, "W": 7 * 86400, "D": 86400}
_TIME = {"H": 3600, "M": 60, "S": 1}


def seconds(duration: str) -> int:
    """The seconds of `duration`, with months of 30 days and years of 365.

    For limits of running programs only: dates of a contract are reckoned by calendar.
    """
    date, _, time = duration.removeprefix("P").partition("T")
    return _sum(date, _DATE) + _sum(time, _TIME)


def _sum(text: str, units: dict[str, int]) -> int:
    return sum(int(amount) * units[unit] for amount, unit in re.findall(r"(\d+)([A-Z])", text))
