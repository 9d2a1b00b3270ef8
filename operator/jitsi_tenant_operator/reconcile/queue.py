"""A keyed work-queue: each key is worked on by one worker at a time and never forgotten.

The semantics are those of client-go's rate-limiting queue, with priorities: a key that is added
while it is worked on is worked on again; many additions of a waiting key are one; a key that fails
comes back after an exponential, jittered delay of its own, so that it delays no other. Beyond
these, a failure can say when the key may come back (`FailedError`); nothing brings it forward.
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
from typing import Generic, TypeAlias, TypeVar

from jitsi_tenant_operator.clock import Clock
from jitsi_tenant_operator.reconcile.metrics import QueueMetrics

K = TypeVar("K", bound=Hashable)

_SLACK = 1024
"""How many entries without meaning a heap may hold before it is cleaned."""


class Priority(IntEnum):
    """What is worked on first."""

    SPEC = 0
    """A person changed something and waits."""
    CHILD = 1
    """Something that was made has changed."""
    RESYNC = 2
    """Nothing is known to have changed."""


PATIENCE_SECONDS = {Priority.SPEC: 0.0, Priority.CHILD: 60.0, Priority.RESYNC: 600.0}
"""For how long after it is due a key lets others of higher priority go first. It is not for ever:
tenants whose specs change all the time must not keep the others from being looked at."""


class FailedError(Exception):
    """A piece of work failed; the next try is not to be made before `retry_after` seconds."""

    def __init__(self, retry_after: float = 0.0) -> None:
        super().__init__()
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long a failing key waits: `first` seconds, doubled each time, at most `longest`."""

    first: float = 1.0
    longest: float = 300.0
    believed: float = 300.0
    """Of what an answer asks to wait, no more than so many seconds are believed."""

    def delay(self, failures: int, jitter: float) -> float:
        """Seconds after the given number of failures in a row; `jitter` is between 0 and 1."""
        # Bounded, since a float has no room for any power.
        delay = min(self.longest, self.first * 2.0 ** min(failures - 1, 64))
        return delay * (0.5 + jitter / 2)

    def obey(self, retry_after: float, jitter: float) -> float:
        """Seconds after an answer that asked to wait for `retry_after` of them, 0 for none.

        Never less, since those who come back early are what it asks to be spared, but a quarter
        more with a `jitter` of 1.
        """
        return min(self.believed, retry_after) * (1.0 + jitter / 4)


@dataclass(frozen=True, slots=True, eq=False)
class _Wish(Generic[K]):
    """That a key be worked on: when, and how urgently."""

    key: K
    due: float
    priority: Priority

    @property
    def turn(self) -> float:
        """Among the keys that are due, the one with the lowest turn is next."""
        return self.due + PATIENCE_SECONDS[self.priority]


_Heap: TypeAlias = list[tuple[float, int, _Wish[K]]]


@dataclass(slots=True)
class WorkQueue(Generic[K]):
    """The queue; `add` may be called from anywhere in the event loop's thread."""

    clock: Clock
    metrics: QueueMetrics
    backoff: Backoff = field(default_factory=Backoff)
    # Jitter spreads retries; nothing secret depends on it.
    jitter: random.Random = field(default_factory=random.Random)

    # A wish in a heap counts only while it is the one that stands here for its key.
    _waiting: dict[K, _Wish[K]] = field(default_factory=dict)
    _processing: dict[K, float] = field(default_factory=dict)
    _again: dict[K, _Wish[K]] = field(default_factory=dict)
    _failures: dict[K, int] = field(default_factory=dict)
    _not_before: dict[K, float] = field(default_factory=dict)
    _delayed: _Heap[K] = field(default_factory=list)
    _ready: _Heap[K] = field(default_factory=list)
    _order: count[int] = field(default_factory=count)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, key: K, priority: Priority, *, after: float = 0.0) -> None:
        """Have `key` worked on `after` seconds from now; an earlier or more urgent wish stands."""
        self._wish(key, self.clock.monotonic() + after, priority)

    def _wish(self, key: K, due: float, priority: Priority) -> None:
        due = max(due, self._not_before.get(key, due))
        place = self._again if key in self._processing else self._waiting
        known = place.get(key)
        if known is not None:
            if known.due <= due and known.priority <= priority:
                return
            due, priority = min(known.due, due), min(known.priority, priority)
        place[key] = wish = _Wish(key, due, priority)
        if place is self._waiting:
            self._enter(wish)

    @asynccontextmanager
    async def next(self) -> AsyncIterator[K]:
        """The next key, held until the block ends; an exception in the block makes it a failure.

        The exception is passed on. With a FailedError nobody's wish is heard before the time that
        it names. A block that ends well forgets earlier failures of the key; one that is cancelled
        leaves the key to be worked on as before.
        """
        wish = await self._take()
        key = wish.key
        try:
            yield key
        except Exception as error:
            failures = self._failures[key] = self._failures.get(key, 0) + 1
            if isinstance(error, FailedError):
                pause = self.backoff.obey(error.retry_after, self.jitter.random())
                self._not_before[key] = self.clock.monotonic() + pause
            self._release(key)
            self.metrics.retries.inc()
            delay = self.backoff.delay(failures, self.jitter.random())
            self.add(key, Priority.CHILD, after=delay)
            raise
        except BaseException:
            self._release(key)
            self.add(key, wish.priority)
            raise
        else:
            self._failures.pop(key, None)
            self._not_before.pop(key, None)
            self._release(key)

    def longest_running(self) -> float:
        """For how many seconds the oldest piece of work has been going on; 0 when there is none."""
        oldest = min(self._processing.values(), default=None)
        return 0.0 if oldest is None else self.clock.monotonic() - oldest

    def refresh_metrics(self) -> None:
        """Bring the gauge up to date that is worked out when it is asked for."""
        self.metrics.longest_running.set(self.longest_running())

    def __len__(self) -> int:
        """How many keys wait, due or not."""
        return len(self._waiting)

    def _enter(self, wish: _Wish[K]) -> None:
        self.metrics.adds.inc()
        self.metrics.depth.set(len(self._waiting))
        self._delayed = self._compacted(self._delayed)
        self._ready = self._compacted(self._ready)
        heapq.heappush(self._delayed, (wish.due, next(self._order), wish))
        # Whoever waits looks at the event that was there when it last looked at the queue.
        self._news.set()
        self._news = asyncio.Event()

    def _compacted(self, heap: _Heap[K]) -> _Heap[K]:
        """Without wishes that others took the place of, once there are many."""
        if len(heap) <= 2 * len(self._waiting) + _SLACK:
            return heap
        heap = [entry for entry in heap if self._stands(entry[2])]
        heapq.heapify(heap)
        return heap

    def _stands(self, wish: _Wish[K]) -> bool:
        return self._waiting.get(wish.key) is wish

    def _promote(self) -> float | None:
        """Move what is due to the ready heap; return the seconds until the next key is due."""
        now = self.clock.monotonic()
        while self._delayed:
            due, order, wish = self._delayed[0]
            if self._stands(wish):
                if due > now:
                    return due - now
                heapq.heappush(self._ready, (wish.turn, order, wish))
            heapq.heappop(self._delayed)
        return None

    async def _take(self) -> _Wish[K]:
        while True:
            delay = self._promote()
            while self._ready:
                _, _, wish = heapq.heappop(self._ready)
                if self._stands(wish):
                    del self._waiting[wish.key]
                    self._processing[wish.key] = self.clock.monotonic()
                    self.metrics.depth.set(len(self._waiting))
                    return wish
            await self._until(self._news, delay)

    async def _until(self, news: asyncio.Event, delay: float | None) -> None:
        waits: list[asyncio.Task[object]] = [asyncio.create_task(news.wait())]
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
            self._wish(key, wish.due, wish.priority)
