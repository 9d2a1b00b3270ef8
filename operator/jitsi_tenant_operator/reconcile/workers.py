"""The workers: they take keys from the queue and call the reconcile of their kind."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Iterable
from contextlib import suppress
from typing import Protocol, TypeAlias

from jitsi_tenant_operator.api.objects import ObjectRef, TenantKey
from jitsi_tenant_operator.kube.errors import KubeError
from jitsi_tenant_operator.reconcile.metrics import ReconcileMetrics
from jitsi_tenant_operator.reconcile.queue import FailedError, Priority, WorkQueue

Key: TypeAlias = TenantKey | ObjectRef
"""A tenant, or a cluster-scoped object of ours."""

log = logging.getLogger(__name__)


class ReconcileTenant(Protocol):
    """The reconcile of a tenant."""

    async def reconcile(self, key: TenantKey) -> float | None:
        """Make it as it should be; seconds until it wants to be looked at again, None for never."""


class ReconcileShared(Protocol):
    """The reconcile of a cluster-scoped object."""

    async def reconcile(self, ref: ObjectRef) -> None:
        """Bring its status up to date."""


class Workers:
    """A fixed number of workers on one queue."""

    def __init__(
        self,
        queue: WorkQueue[Key],
        tenants: ReconcileTenant,
        shared: ReconcileShared,
        metrics: ReconcileMetrics,
        *,
        number: int = 8,
    ) -> None:
        self._queue = queue
        self._tenants = tenants
        self._shared = shared
        self._metrics = metrics
        self._number = number
        self._expected: set[Key] | None = None
        # Spreads resyncs over time; nothing secret depends on it.
        self._spread = random.Random()  # noqa: S311

    def expect(self, keys: Iterable[Key]) -> None:
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

    async def _attempt(self, key: Key) -> None:
        """One reconcile; whatever goes wrong is told here once and ends as a retry."""
        try:
            await self._reconcile(key)
        except KubeError as error:
            self._metrics.results.labels("failed").inc()
            log.warning("%s: will be tried again: %s", key, error)
            raise FailedError(error.retry_after or 0.0) from error
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and _is_told_to_end():
                raise
            self._metrics.results.labels("defect").inc()
            log.exception("%s: will be tried again after a defect", key)
            raise FailedError from error
        self._metrics.results.labels("succeeded").inc()

    async def _reconcile(self, key: Key) -> None:
        if isinstance(key, ObjectRef):
            await self._shared.reconcile(key)
            return
        again = await self._tenants.reconcile(key)
        if again is not None:
            # The spread keeps tenants that started together from coming back together.
            self._queue.add(key, Priority.RESYNC, after=again * self._spread.uniform(0.9, 1.0))


def _is_told_to_end() -> bool:
    """Whether a cancellation is meant for this worker, and did not escape from the work itself."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
