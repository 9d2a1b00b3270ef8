"""The operator in this process, with a clock that can be turned and a wire that can be cut."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from installation import NAMESPACE
from jitsi_tenant_operator.kube.client import MAX_IN_FLIGHT, KubeClient
from jitsi_tenant_operator.kube.connection import Connection
from jitsi_tenant_operator.kube.errors import Gone
from jitsi_tenant_operator.kube.metrics import KubeMetrics
from jitsi_tenant_operator.kube.resources import ResourceRegistry
from jitsi_tenant_operator.kube.transport import Request, Transport
from jitsi_tenant_operator.leader import Leader
from jitsi_tenant_operator.live import own_resources
from jitsi_tenant_operator.reconcile.metrics import PREFIX
from jitsi_tenant_operator.render.labels import MANAGER
from trial.waiting import until


class TurnedClock:
    """The machine's clock, which can be turned forward."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._turned = asyncio.Event()

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        return datetime.now(UTC) + timedelta(seconds=self._ahead)

    def monotonic(self) -> float:
        """Seconds since an arbitrary start."""
        return time.monotonic() + self._ahead

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`, or as soon as the clock was turned beyond them."""
        due = self.monotonic() + seconds
        while (left := due - self.monotonic()) > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._turned.wait(), left)

    def turn(self, seconds: float) -> None:
        """Let `seconds` have passed."""
        self._ahead += seconds
        turned, self._turned = self._turned, asyncio.Event()
        turned.set()


IMAGE = "registry.example.org/jitsi-tenant-operator:trial"
"""What the Jobs of backups run, in name: pods are simulated, and these end when a test says so."""

Interception = Callable[[Request], Awaitable[None]]


async def _let_pass(_: Request) -> None:
    return


class InterceptedTransport(Transport):
    """Requests (not watches) can be held up, or lost.

    `before` is called before each is sent; what it raises is what the caller of the request sees.
    With `deaf` set nothing is heard of any watch, and each that ends does so as too old.
    """

    before: Interception = staticmethod(_let_pass)
    deaf = False

    async def _exchange(self, request: Request, authorization: str | None) -> bytes:
        await self.before(request)
        return await super()._exchange(request, authorization)

    async def lines(self, request: Request, inactivity: float) -> AsyncGenerator[bytes]:
        """The lines of a watch."""
        async with aclosing(super().lines(request, inactivity)) as lines:
            async for line in lines:
                if self.deaf:
                    raise Gone("too old, says the test", status=HTTPStatus.GONE)
                yield line


class InterceptedClient(KubeClient):
    """A client over such a transport."""

    def __init__(self, connection: Connection, **rest: Any) -> None:
        super().__init__(connection, **rest)
        self.wire = InterceptedTransport(
            connection,
            metrics=rest["metrics"],
            clock=rest["clock"],
            user_agent=rest["user_agent"],
            max_in_flight=MAX_IN_FLIGHT,
        )
        self._transport = self.wire


@dataclass(frozen=True, slots=True)
class Operating:
    """An operator that leads, without having asked for the Lease."""

    client: InterceptedClient
    leader: Leader
    clock: TurnedClock
    registry: CollectorRegistry
    task: asyncio.Task[None]

    @property
    def wire(self) -> InterceptedTransport:
        """What its requests go through."""
        return self.client.wire

    def metric(self, name: str, **labels: str) -> float:
        """The value of one metric, 0 when there is none."""
        return self.registry.get_sample_value(f"{PREFIX}_{name}", labels) or 0.0

    async def caught_up(self) -> None:
        """Return when all tenants that were there at the start have been looked at."""

        async def look() -> bool:
            if self.task.done():
                self.task.result()
            return self.leader.why_not_ready() is None

        await until(look)

    @property
    def reconciles(self) -> float:
        """How many reconciles have ended."""
        results = ("succeeded", "failed", "defect")
        return sum(self.metric("reconcile_total", result=result) for result in results)

    async def quiet(self, seconds: float = 0.8) -> None:
        """Return when no reconcile has ended for longer than any change is left to wait."""
        seen, since = self.reconciles, time.monotonic()

        async def look() -> bool:
            nonlocal seen, since
            if self.reconciles != seen:
                seen, since = self.reconciles, time.monotonic()
            return time.monotonic() - since > seconds

        await until(look)


@asynccontextmanager
async def operating(kubeconfig: Path, clock: TurnedClock | None = None) -> AsyncIterator[Operating]:
    """Operate with the rights of `kubeconfig` while the block runs; then stop as killed."""
    clock = clock or TurnedClock()
    registry = CollectorRegistry()
    client = await InterceptedClient.connect(
        kubeconfig=str(kubeconfig),
        resources=ResourceRegistry(own_resources()),
        metrics=KubeMetrics(registry, PREFIX),
        clock=clock,
        user_agent=f"{MANAGER}/trial",
        field_manager=MANAGER,
    )
    async with client:
        leader = Leader(
            client, registry, namespace=NAMESPACE, identity="trial", workers=8, image=IMAGE
        )
        task = asyncio.create_task(leader.lead())
        try:
            yield Operating(client, leader, clock, registry, task)
        finally:
            if task.done():
                task.result()
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
