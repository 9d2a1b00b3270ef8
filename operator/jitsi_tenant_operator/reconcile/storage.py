"""Looks how full the volumes of recordings are, and says when recording waits for space (6.4).

A volume becomes full at one mark and has space again at a lower one. Which of the two it was last
the ledger says, so that a restart of the operator changes nothing; nobody's answer keeps it as is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from jitsi_tenant_operator.api.contract import RecordingSuspensionReason
from jitsi_tenant_operator.api.objects import TenantKey
from jitsi_tenant_operator.api.platform import JitsiPlatform
from jitsi_tenant_operator.api.saturation import Saturation
from jitsi_tenant_operator.clock import Clock
from jitsi_tenant_operator.contract.facts import Ledger
from jitsi_tenant_operator.kube.children import ChildCache
from jitsi_tenant_operator.kube.facts import PodFacts
from jitsi_tenant_operator.media.volume import Storage, Usage
from jitsi_tenant_operator.reconcile.world import World
from jitsi_tenant_operator.render import names
from jitsi_tenant_operator.render.labels import Component

LOOK_SECONDS = 120.0
"""How often each volume is looked at: recorders write a gigabyte an hour or so each."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How full a volume was, and when that was found out."""

    usage: Usage
    at: datetime


def full_since(
    ledger: Ledger | None, reading: Reading | None, marks: Saturation | None
) -> datetime | None:
    """Since when the volume counts as full; None where it does not.

    Between the marks, and where nobody knows, it is as the ledger has it.
    """
    entry = ledger.recording if ledger is not None else None
    known_full = entry is not None and RecordingSuspensionReason.STORAGE_SATURATED in entry.reasons
    before = entry.since if entry is not None and known_full else None
    if reading is None or marks is None:
        return before
    if before is not None:
        return before if reading.usage.percent >= marks.resume_below else None
    return reading.at if reading.usage.percent >= marks.suspend_at else None


class RecordingVolumes:
    """The last readings of all tenants' volumes, in memory only."""

    def __init__(
        self,
        world: World,
        cache: ChildCache[TenantKey],
        storage: Storage,
        clock: Clock,
        changed: Callable[[TenantKey], None],
    ) -> None:
        """`changed` is told of each tenant whose ledger does not have yet what was found."""
        self._world = world
        self._cache = cache
        self._storage = storage
        self._clock = clock
        self._changed = changed
        self._readings: dict[TenantKey, Reading] = {}

    def full_since(self, key: TenantKey, ledger: Ledger | None) -> datetime | None:
        """Since when the volume of a tenant counts as full; None where it does not."""
        return full_since(ledger, self._readings.get(key), self._marks())

    async def run(self) -> None:
        """Look at all volumes again and again, until cancelled."""
        while True:
            await self.look()
            await self._clock.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Look at all volumes once, and tell of those that stand otherwise than recorded."""
        keys = self._world.tenants()
        for gone in self._readings.keys() - set(keys):
            del self._readings[gone]
        await asyncio.gather(*(self._read(key) for key in keys))

    async def _read(self, key: TenantKey) -> None:
        answers = await asyncio.gather(*map(self._storage.usage, self._addresses(key)))
        found = [each for each in answers if isinstance(each, Usage)]
        if not found:
            return
        # All recorders of a tenant write to one volume.
        fullest = max(found, key=lambda usage: usage.percent)
        self._readings[key] = Reading(fullest, self._clock.now())
        record = self._world.around_contracts.record(key)
        ledger = record.ledger if record is not None else None
        if (self.full_since(key, ledger) is None) != (full_since(ledger, None, None) is None):
            self._changed(key)

    def _addresses(self, key: TenantKey) -> Iterable[str]:
        """The addresses of the pods that measure the volume of a tenant."""
        prefix = names.child(key.name, f"{Component.JIBRI}-")
        for record in self._cache.children(key):
            facts = record.facts
            # Ready or not: a recorder that is broken does not keep its volume from being read.
            if (
                isinstance(facts, PodFacts)
                and record.ref.name.startswith(prefix)
                and facts.phase == "Running"
                and facts.pod_ip
                and not record.deleting
            ):
                yield facts.pod_ip

    def _marks(self) -> Saturation | None:
        platform = self._world.platform()
        return platform.spec.storage.saturation if isinstance(platform, JitsiPlatform) else None
