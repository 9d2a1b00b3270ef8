"""Which backups are kept, and until when: clause 6.3 by date, for every snapshot.

A backup is kept for the time of the dailies after its local day. The last one of its ISO week is
kept for the time of the weeklies after that. Each group is a series of its own, so that a backup
on demand takes no daily's place. Nothing counts backups: days without one, a suspension or the end
of a contract neither lengthen nor shorten anything.

A clock that is behind removes less, never more: at an earlier instant, no more has expired, and a
snapshot from the future does not stand for its week yet.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import TypeAlias

from jitsi_tenant_operator.backup.store import Group, Snapshot
from jitsi_tenant_operator.contract.calendar import Calendar, Span


@dataclass(frozen=True, slots=True)
class Terms:
    """How long dailies are kept, and how much longer weeklies, as ISO 8601 durations."""

    daily: str
    weekly: str


class RetentionRule(StrEnum):
    """What decides on a snapshot."""

    PROTECTED = "protected"
    """It is held: kept for as long as it is."""
    DAILY = "daily"
    """Kept: the time of the dailies runs."""
    WEEKLY = "weekly"
    """Kept: it is the last of its week, and the time of the weeklies runs."""
    SUPERSEDED = "superseded"
    """To be removed: the time of the dailies is up, and another one is the last of its week."""
    EXPIRED = "expired"
    """To be removed: the time of the weeklies is up."""


_KEPT = frozenset({RetentionRule.PROTECTED, RetentionRule.DAILY, RetentionRule.WEEKLY})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a snapshot: `rule` keeps it until `until`, or kept it until then.

    `until` is None while it is protected.
    """

    snapshot: Snapshot
    rule: RetentionRule
    until: datetime | None

    @property
    def keep(self) -> bool:
        """Whether it is kept."""
        return self.rule in _KEPT


def plan(
    snapshots: Iterable[Snapshot], terms: Terms, at: datetime, calendar: Calendar
) -> list[Verdict]:
    """The verdict at `at` on each snapshot of one copy, in order of time."""
    ordered = sorted(snapshots, key=_in_order)
    times = [_times(each, terms, calendar) for each in ordered]
    last: dict[tuple[Group, tuple[int, int]], str] = {}
    for each, (week, _, _) in zip(ordered, times, strict=True):
        if each.time <= at:
            last[each.group, week] = each.id
    return [
        _verdict(each, daily, weekly, at, last_of_week=last.get((each.group, week)) == each.id)
        for each, (week, daily, weekly) in zip(ordered, times, strict=True)
    ]


def kept_until(snapshot: Snapshot, terms: Terms, calendar: Calendar) -> datetime:
    """The instant from which no rule keeps `snapshot`, if it is the last of its week."""
    return _times(snapshot, terms, calendar)[2]


def _verdict(
    snapshot: Snapshot, daily: datetime, weekly: datetime, at: datetime, *, last_of_week: bool
) -> Verdict:
    if snapshot.protected:
        return Verdict(snapshot, RetentionRule.PROTECTED, None)
    if at < daily:
        return Verdict(snapshot, RetentionRule.DAILY, daily)
    if at >= weekly:
        return Verdict(snapshot, RetentionRule.EXPIRED, weekly)
    if last_of_week:
        return Verdict(snapshot, RetentionRule.WEEKLY, weekly)
    return Verdict(snapshot, RetentionRule.SUPERSEDED, daily)


def _in_order(snapshot: Snapshot) -> tuple[datetime, str]:
    return snapshot.time, snapshot.id


_Times: TypeAlias = tuple[tuple[int, int], datetime, datetime]
"""The ISO week of a snapshot, and when its time as a daily and as a weekly is up."""


def _times(snapshot: Snapshot, terms: Terms, calendar: Calendar) -> _Times:
    if _in_days(terms):
        return _times_of_day(calendar, calendar.day_of(snapshot.time), terms)
    return _ends(calendar, snapshot.time, terms)


@lru_cache(maxsize=4096)
def _times_of_day(calendar: Calendar, day: date, terms: Terms) -> _Times:
    """A thousand tenants share the same hundred days."""
    return _ends(calendar, day, terms)


@lru_cache(maxsize=256)
def _in_days(terms: Terms) -> bool:
    return all(Span.parse(duration).in_days for duration in (terms.daily, terms.weekly))


def _ends(calendar: Calendar, event: date, terms: Terms) -> _Times:
    daily = calendar.kept_until(event, terms.daily)
    return calendar.week_of(event), daily, calendar.kept_until(event, terms.daily, terms.weekly)
