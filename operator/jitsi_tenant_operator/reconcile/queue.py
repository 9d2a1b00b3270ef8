"""A keyed work-queue: each key is worked on by one worker at a time and never forgotten.

The semantics are those of client-go's rate-limiting queue, with priorities: a key that is added
while it is worked on is worked on again; many additions of a waiting key are one; a key that fails
comes back after an exponential, jittered delay of its own, so that it delays no other.
"""

from __future__ import annotations

import asyncio
import heapq
import random
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import count
from typing import Generic, TypeVar

from jitsi_tenant_operator.clock import Clock
from jitsi_tenant_operator.reconcile.metrics import QueueMetrics

K = TypeVar("K", bound=Hashable)

_SLACK = 1024
"""How many entries without meaning the heap may hold before it is cleaned."""


class Priority(IntEnum):
    """What is worked on first."""

    SPEC = 0
    """A person changed something and waits."""
    CHILD = 1
    """Something that was made has changed."""
    RESYNC = 2
    """Nothing is known to have changed."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long a failing key waits: `first` seconds, doubled each time, at most `longest`."""

    first: float = 1.0
    longest: float = 300.0

    def delay(self, failures: int, jitter: float) -> float:
        """Seconds after the given number of failures in a row; `jitter` is between 0 and 1."""
        # 2**16 seconds are beyond any sensible `longest`; the bound keeps the power small.
        delay = min(self.longest, self.first * 2.0 ** min(failures - 1, 16))
        return delay * (0.5 + jitter / 2)


@dataclass(slots=True)
class _Waiting:
    """A key that is to be worked on: when, and how urgently."""

    due: float
    priority: Priority


@dataclass(slots=True)
class WorkQueue(Generic[K]):
    """The queue; `add` may be called from anywhere in the event loop's thread."""

    clock: Clock
    metrics: QueueMetrics
    backoff: Backoff = field(default_factory=Backoff)
    # Jitter spreads retries; nothing secret depends on it.
    jitter: random.Random = field(default_factory=random.Random)

    _waiting: dict[K, _Waiting] = field(default_factory=dict)
    _processing: dict[K, float] = field(default_factory=dict)
    _again: dict[K, _Waiting] = field(default_factory=dict)
    _failures: dict[K, int] = field(default_factory=dict)
    _delayed: list[tuple[float, int, K]] = field(default_factory=list)
    _ready: list[tuple[Priority, int, K]] = field(default_factory=list)
    _order: count[int] = field(default_factory=count)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, key: K, priority: Priority, *, after: float = 0.0) -> None:
        """Have `key` worked on `after` seconds from now; an earlier or more urgent wish stands."""
        wish = _Waiting(self.clock.monotonic() + after, priority)
        place = self._again if key in self._processing else self._waiting
        known = place.get(key)
        if known is not None:
            if known.due <= wish.due and known.priority <= wish.priority:
                return
            wish = _Waiting(min(known.due, wish.due), min(known.priority, wish.priority))
        place[key] = wish
        if place is self._waiting:
            self._enter(key, wish)

    @asynccontextmanager
    async def next(self) -> AsyncIterator[K]:
        """The next key, held until the block ends; an exception in the block makes it a failure.

        The exception is passed on. A block that ends well forgets earlier failures of the key.
        """
        key = await self._take()
        try:
            yield key
        except Exception:
            failures = self._failures[key] = self._failures.get(key, 0) + 1
            self._release(key)
            self.metrics.retries.inc()
            self.add(
                key,
                Priority.CHILD,
                after=self.backoff.delay(failures, self.jitter.random()),
            )
            raise
        except BaseException:
            self._release(key)
            raise
        else:
            self._failures.pop(key, None)
            self._release(key)

    def failures(self, key: K) -> int:
        """How often `key` has failed in a row."""
        return self._failures.get(key, 0)

    def idle(self) -> bool:
        """Whether nothing is being worked on and nothing is due."""
        self._promote()
        return not self._processing and not any(key in self._waiting for _, _, key in self._ready)

    def longest_running(self) -> float:
        """For how many seconds the oldest piece of work has been going on; 0 when there is none."""
        oldest = min(self._processing.values(), default=None)
        return 0.0 if oldest is None else self.clock.monotonic() - oldest

    def __len__(self) -> int:
        """How many keys wait, due or not."""
        return len(self._waiting)

    def _enter(self, key: K, wish: _Waiting) -> None:
        self.metrics.adds.inc()
        self.metrics.depth.set(len(self._waiting))
        heapq.heappush(self._delayed, (wish.due, next(self._order), key))
        if len(self._delayed) > 2 * len(self._waiting) + _SLACK:
            self._compact()
        self._wake.set()

    def _compact(self) -> None:
        """Drop the entries of wishes that were brought forward, which would stay until due."""
        self._delayed = [
            entry
            for entry in self._delayed
            if (wish := self._waiting.get(entry[2])) is not None and wish.due == entry[0]
        ]
        heapq.heapify(self._delayed)

    def _promote(self) -> float | None:
        """Move what is due to the ready heap; return the seconds until the next key is due."""
        now = self.clock.monotonic()
        while self._delayed:
            due, order, key = self._delayed[0]
            wish = self._waiting.get(key)
            if wish is not None and due > now:
                return due - now
            heapq.heappop(self._delayed)
            # A wish that was brought forward left an older entry behind, which means nothing now.
            if wish is not None and wish.due == due:
                heapq.heappush(self._ready, (wish.priority, order, key))
        return None

    async def _take(self) -> K:
        while True:
            delay = self._promote()
            now = self.clock.monotonic()
            while self._ready:
                priority, _, key = heapq.heappop(self._ready)
                wish = self._waiting.get(key)
                # Entries of wishes that were changed or taken since are left behind and pass by.
                if wish is not None and wish.priority == priority and wish.due <= now:
                    del self._waiting[key]
                    self._processing[key] = self.clock.monotonic()
                    self.metrics.depth.set(len(self._waiting))
                    return key
            self._wake.clear()
            await self._wait(delay)

    async def _wait(self, delay: float | None) -> None:
        waits: list[asyncio.Task[object]] = [asyncio.create_task(self._wake.wait())]
        if delay is not None:
            waits.append(asyncio.create_task(self.clock.sleep(delay)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    def _release(self, key: K) -> None:
        started = self._processing.pop(key)
        self.metrics.duration.observe(self.clock.monotonic() - started)
        wish = self._again.pop(key, None)
        if wish is not None:
            self._waiting[key] = wish
            self._enter(key, wish)
