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
    @lru_cache(maxsize=1024)
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

    def week_of(self, event: date) -> tuple[int, int]:
        """The ISO 8601 week of an instant or a day: its year, which may be another, and number."""
        week = self._day(event).isocalendar()
        return week.year, week.week

    def start_of(self, day: date) -> datetime:
        """The instant at which `day` begins."""
        return _start_of(self.zone, day)

    def end_of(self, day: date) -> datetime:
        """The instant at which `day` is over, which is the beginning of the next."""
        return self.start_of(day + timedelta(days=1))

    def plus(self, day: date, duration: str) -> date:
        """`day` and a duration in days or longer units; ValueError for one in hours."""
        return day + _calendar_part(duration)

    def minus(self, day: date, duration: str) -> date:
        """`day` less a duration in days or longer units; ValueError for one in hours."""
        return day - _calendar_part(duration)

    def last_day(self, first: date, term: str, period: str = "", renewals: int = 0) -> date:
        """The last day of a term that begins with `first`, after `renewals` by `period` each.

        Of 1 June and a year that is 31 May; of 31 August and six months, as there is no 30
        February, the last of the month. Renewals count from `first` too, so that the day of the
        year does not wander. ValueError for a duration in hours.
        """
        return _last_day(first, term, period, renewals)

    def day_before(self, instant: datetime) -> date:
        """The last day that is over at `instant`."""
        return self.day_of(instant) - timedelta(days=1)

    def due(self, event: date, duration: str, *, extend: bool) -> Due:
        """When a time is up that begins with an event: an instant, or a day as a whole.

        In days or longer units it ends with its last day, or with `extend` with the next working
        day. In hours it ends to the second, on any day; of a whole day it begins with its end.
        """
        span = Span.parse(duration)
        if not span.in_days:
            at = self._elapsed(event, span)
            return Due(at, at)
        last = self._day(event) + span.calendar
        plain = self.end_of(last)
        return Due(self.end_of(self.next_working_day(last)) if extend else plain, plain)

    def before(self, instant: datetime, duration: str) -> datetime:
        """The instant by which something must be done that is to be done `duration` ahead.

        In days or longer units these are whole days before the day of `instant`, or before
        `instant` itself where it begins a day.
        """
        span = Span.parse(duration)
        if not span.in_days:
            at = instant.astimezone(self.zone) - span.calendar
            return at.astimezone(UTC) - span.elapsed
        return self.end_of(self.day_before(instant) - span.calendar)

    def kept_until(self, event: date, *durations: str) -> datetime:
        """When something may go that is kept for `durations`, one after the other."""
        spans = [Span.parse(duration) for duration in durations]
        if all(span.in_days for span in spans):
            day = self._day(event)
            for span in spans:
                day += span.calendar
            return self.end_of(day)
        for span in spans:
            event = self._elapsed(event, span)
        return self._instant(event)

    def _day(self, event: date) -> date:
        return self.day_of(event) if isinstance(event, datetime) else event

    def _instant(self, event: date) -> datetime:
        return event if isinstance(event, datetime) else self.end_of(event)

    def _elapsed(self, event: date, span: Span) -> datetime:
        local = self._instant(event).astimezone(self.zone)
        return (local + span.calendar).astimezone(UTC) + span.elapsed

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


# A decision asks for the same few dates again and again.
@lru_cache(maxsize=4096)
def _start_of(zone: ZoneInfo, day: date) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


@lru_cache(maxsize=4096)
def _last_day(first: date, term: str, period: str, renewals: int) -> date:
    span = _calendar_part(term)
    if renewals:
        span += _calendar_part(period) * renewals
    day = first + relativedelta(years=span.years, months=span.months)
    cut_short = day.day != first.day
    return day + timedelta(days=span.days - (0 if cut_short else 1))


def _calendar_part(duration: str) -> relativedelta:
    span = Span.parse(duration)
    if not span.in_days:
        raise ValueError(f"{duration} counts hours, which a day cannot be moved by")
    return span.calendar


@lru_cache(maxsize=256)
def _public_holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("FR", years=year))
