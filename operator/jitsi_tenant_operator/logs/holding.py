"""What is held: what the list of holds says now, and what was just released.

The manifest tells which holds were in force, so that a release is noticed. What it sets free stays
for that run, which leaves a day to undo a release made by mistake.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from jitsi_tenant_operator.logs.configuration import LogHold
from jitsi_tenant_operator.logs.manifest import Event, Manifest
from jitsi_tenant_operator.logs.storage import Storage


@dataclass(frozen=True, slots=True)
class Held:
    """The holds that one run respects for one tenant."""

    holds: tuple[LogHold, ...]

    def covers(self, component: str, day: date) -> bool:
        """Whether the log of a component and day must stay."""
        return any(hold.covers(component, day) for hold in self.holds)


@dataclass(frozen=True, slots=True)
class Change:
    """How the holds differ from those that the manifest knows."""

    placed: tuple[LogHold, ...]
    released: tuple[LogHold, ...]


def change(manifest: Manifest, holds: Iterable[LogHold]) -> Change:
    """What was placed and released since; a hold with another scope is released and placed."""
    now = {hold.name: hold for hold in holds}
    before = manifest.holds
    return Change(
        tuple(hold for name, hold in now.items() if before.get(name) != hold),
        tuple(hold for name, hold in before.items() if now.get(name) != hold),
    )


def enter(manifest: Manifest, found: Change, at: datetime, storage: Storage) -> None:
    """Enter what changed. Raises OSError; what was not entered is by the next run."""
    for hold in found.released:
        manifest.add(at, Event.HOLD_RELEASED, storage, hold=hold)
    for hold in found.placed:
        manifest.add(at, Event.HOLD_PLACED, storage, hold=hold)
