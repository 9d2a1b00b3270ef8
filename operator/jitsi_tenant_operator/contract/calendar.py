"""The only place that computes with dates.

Months are calendar months: the same day number, or the last day of the month where there is none
(31 August and six months: 28 or 29 February). The day of an event is not counted, and a time in
days, weeks, months or years runs to the end of its last day, in the platform's zone (French code
of civil procedure, articles 640 to 642, taken as house rule). A time in hours is elapsed time: 48
hours across a change of the clocks are 48 hours.

A *Jour Ouvrable* of the contract (clause 1) is Monday to Friday, 9:00 to 18:00 Paris time, but for
the public holidays of metropolitan France.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays
from dateutil.relativedelta import relativedelta

OPENING, CLOSING = time(9), time(18)
"""Working hours, as clause 1 has them."""

_SATURDAY = 5
_DURATION = re.compile(
    r"P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H|(?P<minutes>\d+)M|(?P<seconds>\d+)S))?"
)


@dataclass(frozen=True, slots=True)
class Span:
    """A duration of ISO 8601: calendar units, and elapsed time beside or instead of them."""

    calendar: relativedelta
    elapsed: timedelta

    @classmethod
    def parse(cls, text: str) -> Span:
        """Read a duration as the API writes it, for instance P2M or PT48H; ValueError if not."""
        match = _DURATION.fullmatch(text)
        if match is None or text in ("P", "PT"):
            raise ValueError(f"{text!r} is not a duration of ISO 8601")
        amounts = {unit: int(amount) for unit, amount in match.groupdict(default="0").items()}
        return cls(
            relativedelta(
                years=amounts["years"],
                months=amounts["months"],
                weeks=amounts["weeks"],
                days=amounts["days"],
            ),
            timedelta(
                hours=amounts["hours"], minutes=amounts["minutes"], seconds=amounts["seconds"]
            ),
        )

    @property
    def in_days(self) -> bool:
        """Whether it is counted in days or longer units only."""
        return not self.elapsed


@dataclass(frozen=True, slots=True, order=True)
class Due:
    """When a time is up. `plain` is the same instant without the move to a working day."""

    at: datetime
    plain: datetime

    @property
    def extended(self) -> bool:
        """Whether it was moved to a working day."""
        return self.at != self.plain


@dataclass(frozen=True, slots=True)
class Calendar:
    """Dates in one zone; instants that come out are in UTC."""

    zone: ZoneInfo

    @classmethod
    def of(cls, time_zone: str) -> Calendar:
        """The calendar of a zone by its name; ZoneInfoNotFoundError when there is none."""
        return cls(ZoneInfo(time_zone))

    def day_of(self, instant: datetime) -> date:
        """The day that it is at `instant`."""
        return instant.astimezone(self.zone).date()

    def start_of(self, day: date) -> datetime:
        """The instant at which `day` begins."""
        return datetime.combine(day, time(), self.zone).astimezone(UTC)

    def end_of(self, day: date) -> datetime:
        """The instant at which `day` is over, which is the beginning of the next."""
        return self.start_of(day + timedelta(days=1))

    def plus(self, day: date, duration: str) -> date:
        """`day` and a duration in days or longer units; ValueError for one in hours."""
        return day + _calendar_part(duration)

    def minus(self, day: date, duration: str) -> date:
        """`day` less a duration in days or longer units; ValueError for one in hours."""
        return day - _calendar_part(duration)

    def last_day(self, first: date, duration: str) -> date:
        """The last day of a term that begins with `first`: of 1 June and a year, 31 May."""
        return self.plus(first, duration) - timedelta(days=1)

    def due(self, event: datetime, duration: str, *, extend: bool) -> Due:
        """When a time that begins with an event is up.

        In days or longer units it ends with its last day, or with `extend` with the next working
        day. In hours it ends to the second, on any day.
        """
        span = Span.parse(duration)
        if not span.in_days:
            at = (event.astimezone(self.zone) + span.calendar).astimezone(UTC) + span.elapsed
            return Due(at, at)
        last = self.day_of(event) + span.calendar
        plain = self.end_of(last)
        return Due(self.end_of(self.next_working_day(last)) if extend else plain, plain)

    def is_working_day(self, day: date) -> bool:
        """Whether `day` is worked, by clause 1."""
        return day.weekday() < _SATURDAY and day not in _public_holidays(day.year)

    def next_working_day(self, day: date) -> date:
        """`day` itself when it is worked, else the first worked day after it."""
        while not self.is_working_day(day):
            day += timedelta(days=1)
        return day

    def is_working_time(self, instant: datetime) -> bool:
        """Whether it is a working day and a working hour."""
        local = instant.astimezone(self.zone)
        return self.is_working_day(local.date()) and OPENING <= local.time() < CLOSING

    def add_working_time(self, instant: datetime, amount: timedelta) -> datetime:
        """The instant by which `amount` of working time has passed since `instant`."""
        day, left = self.day_of(instant), amount
        while True:
            if self.is_working_day(day):
                opens = max(instant, self._at(day, OPENING))
                closes = self._at(day, CLOSING)
                if opens + left <= closes:
                    return opens + left
                left -= max(timedelta(), closes - opens)
            day += timedelta(days=1)

    def _at(self, day: date, clock: time) -> datetime:
        return datetime.combine(day, clock, self.zone).astimezone(UTC)


def _calendar_part(duration: str) -> relativedelta:
    span = Span.parse(duration)
    if not span.in_days:
        raise ValueError(f"{duration} counts hours, which a day cannot be moved by")
    return span.calendar


@lru_cache(maxsize=256)
def _public_holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("FR", years=year))
