"""The present instant as the decision sees it: it can be compared with, and remembers with what."""

from __future__ import annotations

from datetime import UTC, date, datetime

from jitsi_tenant_operator.contract.calendar import Calendar


class Moment:
    """An instant that remembers the nearest one ahead that it was compared with.

    As long as that one is not reached, every comparison turns out the same. So whatever is decided
    by comparisons alone stays as it is until then.
    """

    def __init__(self, now: datetime, calendar: Calendar) -> None:
        self.now = now.astimezone(UTC)
        self.today = calendar.day_of(now)
        self._calendar = calendar
        self.ahead: datetime | None = None

    def reached(self, at: datetime) -> bool:
        """Whether `at` has come."""
        if at <= self.now:
            return True
        if self.ahead is None or at < self.ahead:
            self.ahead = at.astimezone(UTC)
        return False

    def begun(self, day: date) -> bool:
        """Whether `day` has come."""
        return self.reached(self._calendar.start_of(day))
