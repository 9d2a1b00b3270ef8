"""When in the night a tenant is backed up: always at the same time, tenants spread over the night.

Never from 02:00 to 03:59, where clocks change: in spring some of that does not exist, and in
autumn it comes twice, of which a CronJob would make two runs (kubernetes/kubernetes issue 121594).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from jitsi_tenant_operator.api.tenant import BackupWindow
from jitsi_tenant_operator.render.context import TenantContext

_DAY = 24 * 60
_CHANGE_OF_CLOCKS = range(2 * 60, 4 * 60)
_NIGHT = range(6 * 60)
_AFTERWARDS = (4 * 60, 6 * 60)
"""How many minutes after its backup a tenant's repository is kept; the first that is allowed."""


@dataclass(frozen=True, slots=True)
class TimeOfDay:
    """A minute of the day, in the platform's zone."""

    minute: int

    @property
    def schedule(self) -> str:
        """The schedule of a CronJob that runs at this time every day."""
        return f"{self.minute % 60} {self.minute // 60} * * *"


def backup(context: TenantContext) -> TimeOfDay:
    """When the backup of a tenant starts: in the window that it asks for, or somewhen at night."""
    window = context.spec.backup.window
    minutes = [
        minute
        for minute in (_NIGHT if window is None else _within(window))
        if minute not in _CHANGE_OF_CLOCKS
    ]
    if not minutes:
        # The window lies where clocks change: as soon after it as can be.
        return TimeOfDay(_CHANGE_OF_CLOCKS.stop)
    return TimeOfDay(minutes[_spread(context) % len(minutes)])


def keeping(context: TenantContext) -> TimeOfDay:
    """When the repository of a tenant is copied, swept and verified: hours after its backup."""
    starts = [(backup(context).minute + later) % _DAY for later in _AFTERWARDS]
    return TimeOfDay(next(each for each in starts if each not in _CHANGE_OF_CLOCKS))


def drill(context: TenantContext) -> str:
    """The schedule of the restore drill: once a week, on a day of its own, after the keeping."""
    minute = (keeping(context).minute + _AFTERWARDS[0]) % _DAY
    while minute in _CHANGE_OF_CLOCKS:
        minute += 60
    day = _spread(context) // _DAY % 7
    return f"{minute % 60} {minute // 60} * * {day}"


def _spread(context: TenantContext) -> int:
    """A number of the tenant's own, always the same."""
    digest = hashlib.sha256(f"{context.namespace}/{context.name}".encode()).digest()
    return int.from_bytes(digest[:8])


def _within(window: BackupWindow) -> list[int]:
    """The minutes of a window, its last one included."""
    first, last = _minute(window.earliest), _minute(window.latest)
    return [minute % _DAY for minute in range(first, last + (_DAY if last < first else 0) + 1)]


def _minute(time: str) -> int:
    hours, _, minutes = time.partition(":")
    return int(hours) * 60 + int(minutes)
