"""What can be known of the meetings of a tenant, and who is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Meetings:
    """How many conferences there are right now, and how many people are in all of them."""

    conferences: int
    participants: int

    @property
    def idle(self) -> bool:
        """Whether nobody meets."""
        return self.conferences == 0 and self.participants == 0


@dataclass(frozen=True, slots=True)
class Unknown:
    """That it cannot be told how many people meet, and why; nothing of an answer is in it."""

    why: str


class Media(Protocol):
    """Whoever can tell how many people meet."""

    async def meetings(self, address: str) -> Meetings | Unknown:
        """The meetings that the Jicofo at `address`, an IP, conducts right now; never raises."""
