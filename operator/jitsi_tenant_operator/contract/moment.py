"""The present instant as the decision sees it: it can be compared with, and remembers with what."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from jitsi_tenant_operator.contract.calendar import Calendar
from jitsi_tenant_operator.contract.facts import Ledger

SKEW = timedelta(minutes=1)
"""By how much the clocks of machines may differ without a word about it."""
CLOCK_BEHIND = timedelta(days=3)
"""By how much the clock may be behind the ledger; where it is more, the ledger's was ahead."""


def reckoned(now: datetime, ledger: Ledger | None) -> datetime:
    """The instant that counts at `now`: that of the ledger's last entry while the clock is behind.

    So nothing is taken back because a clock went backwards. But an entry of a clock that was far
    ahead must not hold up a contract until then.
    """
    return now if ledger is None or is_far_ahead(now, ledger) else max(now, ledger.latest)


def is_far_ahead(now: datetime, ledger: Ledger) -> bool:
    """Whether the ledger's last entry is so far ahead that it was its clock that was wrong."""
    return ledger.latest - now > CLOCK_BEHIND


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
