"""Leader election: of several processes, one at a time works.

The rules are client-go's. A candidate takes the Lease when its holder has not renewed it for the
Lease's own duration, measured from when this candidate saw the last change, so that clocks need
not agree. The leader stops when it could not renew for `renew_deadline`, which is shorter: it has
stopped before anyone else starts. All writes carry the resourceVersion that they build on.

`kubernetes.aio.leaderelection` is not used: it reads the wall clock, does not limit the time of
a renewal that hangs (a leader could go on past its deadline), and does not give the Lease back.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef
from jitsi_tenant_operator.kube.client import KubeClient
from jitsi_tenant_operator.kube.errors import KubeError, NotFound
from jitsi_tenant_operator.kube.resources import LEASES
from jitsi_tenant_operator.kube.timestamps import micro_time

_log = logging.getLogger(__name__)

T = TypeVar("T")


class LeadershipLost(Exception):  # noqa: N818 - not the caller's error
    """The Lease could not be kept; the process must end, as another one may lead now."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds. How long a Lease is good, for how long renewing may fail, how often it is tried."""

    lease_duration: float = 15.0
    renew_deadline: float = 10.0
    retry_period: float = 2.0

    def __post_init__(self) -> None:
        if not 0 < 2 * self.retry_period < self.renew_deadline < self.lease_duration:
            raise ValueError("retry_period must be below half of renew_deadline, that below lease")


class LeaderElection:
    """One candidate for one Lease. `identity` must differ between processes and restarts."""

    def __init__(
        self,
        client: KubeClient,
        *,
        namespace: str,
        name: str,
        identity: str,
        timing: Timing | None = None,
    ) -> None:
        self.identity = identity
        self.is_leader = False
        self._client = client
        self._clock = client.clock
        self._ref = ObjectRef(LEASES.api_version, LEASES.kind, namespace, name)
        self._timing = timing or Timing()
        self._lease: JsonObject | None = None  # as last seen
        self._seen_at = 0.0
        client.metrics.leader.set(0)

    async def run(self, lead: Callable[[], Awaitable[T]]) -> T:
        """Wait for the Lease, then run `lead()` and return what it returns.

        The Lease is given back on every way out but one: when it cannot be kept, `lead()` is
        cancelled, gets the time until another process may take over to clean up, and
        LeadershipLost is raised.
        """
        renewed = await self._acquire()
        work = asyncio.ensure_future(lead())
        keep = asyncio.ensure_future(self._keep(renewed))
        try:
            await asyncio.wait({work, keep}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                keep.result()  # raises LeadershipLost
            return await work
        finally:
            lost = keep.done()
            await _ended(keep)
            work.cancel()
            self._lead(yes=False)
            grace = self._timing.lease_duration - self._timing.renew_deadline
            await self._within(grace if lost else math.inf, asyncio.wait({work}))
            if not lost:
                await self._within(self._timing.retry_period, self._release())

    async def _acquire(self) -> float:
        """When (monotonic seconds) the request was sent that made this process the leader."""
        while True:
            started = self._clock.monotonic()
            if await self._within(self._timing.renew_deadline, self._try()):
                _log.info("leading: %s holds %s", self.identity, self._ref)
                self._lead(yes=True)
                return started
            await self._clock.sleep(
                self._timing.retry_period * random.uniform(1.0, 2.2)  # noqa: S311
            )

    async def _keep(self, renewed: float) -> None:
        """Renew until it fails for too long. `renewed`: when the last good request was sent."""
        period = self._timing.retry_period
        while True:
            await self._clock.sleep(period)
            started = self._clock.monotonic()
            left = renewed + self._timing.renew_deadline - started
            if left <= 0:
                raise LeadershipLost(f"{self._ref} was not renewed in time")
            if await self._within(left, self._try()):
                renewed = started
                period = self._timing.retry_period
            elif self._holder() not in ("", self.identity):
                raise LeadershipLost(f"{self._ref} is held by {self._holder()}")
            else:
                left = renewed + self._timing.renew_deadline - self._clock.monotonic()
                period = max(0.0, min(self._timing.retry_period, left))

    async def _within(self, seconds: float, work: Coroutine[Any, Any, T]) -> T | None:
        """The result of `work`, None when it takes longer than that by the injected clock."""
        task = asyncio.ensure_future(work)
        if math.isinf(seconds):
            return await task
        limit = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait({task, limit}, return_when=asyncio.FIRST_COMPLETED)
            return task.result() if task.done() else None
        finally:
            limit.cancel()
            task.cancel()

    async def _try(self) -> bool:
        """Acquire or renew once; whether this process holds the Lease now."""
        try:
            if self._holder() != self.identity:
                self._saw(await self._client.get(self._ref))
                if self._is_held_by_another():
                    return False
            await self._write(self._spec())
        except NotFound:
            return await self._create()
        except KubeError as error:
            _log.warning("%s: %s", self._ref, error)
            await self._look()
            return False
        return True

    async def _look(self) -> None:
        """See who holds the Lease after a failure: a conflict means that someone wrote it."""
        try:
            self._saw(await self._client.get(self._ref))
        except KubeError:
            return

    async def _create(self) -> bool:
        self._lease = None
        metadata = {"namespace": self._ref.namespace, "name": self._ref.name}
        lease = {"apiVersion": self._ref.api_version, "kind": self._ref.kind, "metadata": metadata}
        try:
            self._saw(await self._client.create({**lease, "spec": self._spec()}))
        except KubeError as error:
            _log.warning("%s: %s", self._ref, error)
            return False
        return True

    async def _write(self, spec: JsonObject) -> None:
        assert self._lease is not None
        version = self._lease["metadata"]["resourceVersion"]
        patch = {"metadata": {"resourceVersion": version}, "spec": spec}
        self._saw(await self._client.merge_patch(self._ref, patch))

    async def _release(self) -> None:
        """Leave the Lease without holder, so that nobody has to wait for its end."""
        await self._look()  # a renewal may just have been cut off, and arrived nevertheless
        if self._holder() != self.identity:
            return
        spec = {**self._spec(), "holderIdentity": "", "leaseDurationSeconds": 1}
        try:
            await self._write(spec)
        except KubeError as error:
            _log.warning("%s was not released: %s", self._ref, error)
        self._lease = None

    def _saw(self, lease: JsonObject) -> None:
        if self._lease is None or self._lease.get("spec") != lease.get("spec"):
            self._seen_at = self._clock.monotonic()
        self._lease = lease

    def _held(self) -> JsonObject:
        spec: JsonObject = (self._lease or {}).get("spec") or {}
        return spec

    def _holder(self) -> str:
        return self._held().get("holderIdentity") or ""

    def _is_held_by_another(self) -> bool:
        duration = float(self._held().get("leaseDurationSeconds") or 0)
        expired = self._clock.monotonic() >= self._seen_at + duration
        return self._holder() not in ("", self.identity) and not expired

    def _spec(self) -> JsonObject:
        now = micro_time(self._clock.now())
        held = self._held()
        mine = self._holder() == self.identity
        transitions = int(held.get("leaseTransitions") or 0)
        return {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": math.ceil(self._timing.lease_duration),
            "acquireTime": held["acquireTime"] if mine else now,
            "renewTime": now,
            "leaseTransitions": transitions + (self._lease is not None and not mine),
        }

    def _lead(self, *, yes: bool) -> None:
        self.is_leader = yes
        self._client.metrics.leader.set(yes)


async def _ended(task: asyncio.Future[Any]) -> None:
    """Cancel a task, wait for its end, and take note of how it ended."""
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()
