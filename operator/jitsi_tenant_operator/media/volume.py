"""What can be known of the volume of a tenant's recordings, and who is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from jitsi_tenant_operator.media.meetings import Unknown


@dataclass(frozen=True, slots=True)
class Usage:
    """Bytes of a volume: all of them, and those that can still be written."""

    capacity: int
    available: int

    @property
    def percent(self) -> float:
        """How much is in use, 0 to 100; what is kept for the system counts as in use."""
        return 100 * (self.capacity - self.available) / self.capacity


class Storage(Protocol):
    """Whoever can tell how full a volume is."""

    async def usage(self, address: str) -> Usage | Unknown:
        """How full the volume is that the pod at `address`, an IP, measures; never raises."""
