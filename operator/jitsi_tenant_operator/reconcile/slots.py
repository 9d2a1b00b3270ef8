"""Which slots the bridges of a tenant live in: the decision, pure.

A slot is a number; a bridge has its name, its Service and its port by it. A bridge that is told
to end lets its meetings go on, for hours, and needs all three until the last of them is over. So
whatever comes instead of it comes in another slot.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from jitsi_tenant_operator.api.tenant import BRIDGE_SLOTS
from jitsi_tenant_operator.render.context import BridgeSlots


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """What is observed of one slot.

    `occupied`: there is a bridge that is to go on. `outdated`: it runs with another configuration
    than the one that is wanted. `ready`: it takes meetings. `leaving`: a pod in it is ending, or is
    what was left of a bridge that is gone. `reserved`: it has a Service or a port.
    """

    index: int
    occupied: bool = False
    outdated: bool = False
    ready: bool = False
    leaving: bool = False
    reserved: bool = False


def choose(wanted: int, observed: Iterable[Slot], *, reserve: int = 0) -> BridgeSlots:
    """The slots for `wanted` bridges; what is not observed of a slot is not there.

    - A slot that is being left is not used and counts for nothing.
    - Bridges that are as wanted stay; of too many, those that are ready stay, then the lowest.
    - Missing ones come into the lowest free slots, those first that have their Service already.
    - A bridge that is outdated is left as it is until one that is not is ready instead; one more
      than `wanted` is there meanwhile, so that they are replaced one after the other. It ends at
      once if it is not ready: it serves nobody, and may hold what the other one needs.
    - Slots are kept, with or without bridge, until there are `reserve` of them.
    """
    known = {slot.index: slot for slot in observed}
    staying = [slot for slot in known.values() if slot.occupied and not slot.leaving]
    current = sorted(
        (slot for slot in staying if not slot.outdated),
        key=lambda slot: (not slot.ready, slot.index),
    )[:wanted]
    lacking = wanted - sum(slot.ready for slot in current)
    left = sorted(slot.index for slot in staying if slot.outdated and slot.ready)[:lacking]
    missing = min(wanted, wanted + 1 - len(left)) - len(current)
    free = _free(known)
    running = [slot.index for slot in current] + free[: max(0, missing)]
    return BridgeSlots(
        tuple(sorted(running)),
        tuple(left),
        _reserved(known, free, {*running, *left}, reserve),
    )


def _free(known: dict[int, Slot]) -> list[int]:
    slots = [known.get(index, Slot(index=index)) for index in range(BRIDGE_SLOTS)]
    free = [slot for slot in slots if not slot.occupied and not slot.leaving]
    return [slot.index for slot in sorted(free, key=lambda slot: (not slot.reserved, slot.index))]


def _reserved(
    known: dict[int, Slot], free: list[int], used: set[int], reserve: int
) -> tuple[int, ...]:
    """The slots to keep beside those in use; one that is being left keeps its own by its pod."""
    held = [slot.index for slot in known.values() if slot.reserved and slot.index not in used]
    others = [index for index in free if index not in used and index not in held]
    kept = [*sorted(held), *others][: max(0, reserve - len(used))]
    return tuple(sorted(index for index in kept if index not in known or not known[index].leaving))
