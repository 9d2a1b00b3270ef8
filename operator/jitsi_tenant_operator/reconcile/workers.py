"""The workers: they take keys from the queue and call the reconcile of their kind."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Hashable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from jitsi_tenant_operator.api.objects import ObjectRef, TenantKey
from jitsi_tenant_operator.kube.errors import KubeError
from jitsi_tenant_operator.reconcile.metrics import ReconcileMetrics
from jitsi_tenant_operator.reconcile.queue import FailedError, Priority, WorkQueue

Key: TypeAlias = TenantKey | ObjectRef
"""A tenant, or a cluster-scoped object of ours."""
K = TypeVar("K", bound=Hashable)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Again:
    """When something wants to be looked at again: within so many seconds, whenever suits.

    `exactly` is in how many seconds something changes by itself, which is no matter of taste.
    """

    within: float
    exactly: float | None = None

    def delay(self, spread: float) -> float:
        """Seconds to wait; `spread` keeps what started together from coming back together."""
        whenever = self.within * spread
        return whenever if self.exactly is None else min(whenever, max(0.0, self.exactly))


Reconcile: TypeAlias = Callable[[K], Awaitable[Again | None]]
"""Makes what a key stands for as it should be; when to look again, None for never."""


class Workers(Generic[K]):
    """A fixed number of workers on one queue."""

    def __init__(
        self,
        queue: WorkQueue[K],
        reconcile: Reconcile[K],
        metrics: ReconcileMetrics,
        *,
        number: int = 8,
    ) -> None:
        self._queue = queue
        self._act = reconcile
        self._metrics = metrics
        self._number = number
        self._expected: set[K] | None = None
        # Spreads resyncs over time; nothing secret depends on it.
        self._spread = random.Random()  # noqa: S311

    def expect(self, keys: Iterable[K]) -> None:
        """Name the keys that are to be worked on once before the workers have caught up."""
        self._expected = set(keys)

    @property
    def caught_up(self) -> bool:
        """Whether all that was expected has been worked on, well or badly."""
        return self._expected is not None and not self._expected

    async def run(self) -> None:
        """Work until cancelled; a failing reconcile is retried, and stops nothing."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._number):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            with suppress(FailedError):
                async with self._queue.next() as key:
                    try:
                        await self._attempt(key)
                    finally:
                        if self._expected:
                            self._expected.discard(key)

    async def _attempt(self, key: K) -> None:
        """One reconcile; whatever goes wrong is told here once and ends as a retry."""
        try:
            await self._reconcile(key)
        except KubeError as error:
            self._metrics.results.labels("failed").inc()
            log.warning("%s: will be tried again: %s", key, error)
            raise FailedError(error.retry_after or 0.0) from error
        except FailedError:
            self._metrics.results.labels("failed").inc()
            raise
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and _is_told_to_end():
                raise
            self._metrics.results.labels("defect").inc()
            log.exception("%s: will be tried again after a defect", key)
            raise FailedError from error
        self._metrics.results.labels("succeeded").inc()

    async def _reconcile(self, key: K) -> None:
        again = await self._act(key)
        if again is not None:
            delay = again.delay(self._spread.uniform(0.9, 1.0))
            self._queue.add(key, Priority.RESYNC, after=delay)


def _is_told_to_end() -> bool:
    """Whether a cancellation is meant for this worker, and did not escape from the work itself."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
