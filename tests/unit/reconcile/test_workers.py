"""The workers: whatever a reconcile does, the others go on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from jitsi_tenant_operator.api.objects import API_VERSION, ObjectRef, TenantKey
from jitsi_tenant_operator.kube.errors import Unavailable
from jitsi_tenant_operator.reconcile.metrics import QueueMetrics, QueuesMetrics, ReconcileMetrics
from jitsi_tenant_operator.reconcile.queue import Backoff, Priority, WorkQueue
from jitsi_tenant_operator.reconcile.workers import Again, Key, Workers

BROKEN, GOOD = TenantKey("east", "broken"), TenantKey("west", "good")
PLATFORM = ObjectRef(API_VERSION, "JitsiPlatform", "", "default")


class Bench:
    """Workers at a queue, and what they were given to do."""

    def __init__(self, clock: Any, number: int) -> None:
        self.registry = CollectorRegistry()
        self.queue: WorkQueue[Key] = WorkQueue(
            clock,
            QueueMetrics(QueuesMetrics(self.registry), "tenants"),
            Backoff(first=1, longest=4),
        )
        self.done: list[Key] = []
        self.act: Callable[[Key], Awaitable[Again | None]] = self.nothing
        self.workers = Workers(
            self.queue, self.reconcile, ReconcileMetrics(self.registry), number=number
        )

    async def nothing(self, _: Key) -> Again | None:
        return None

    async def reconcile(self, key: Any) -> Any:
        self.done.append(key)
        return await self.act(key)

    def count(self, result: str) -> float:
        name = "jitsi_operator_reconcile_total"
        return self.registry.get_sample_value(name, {"result": result}) or 0


@pytest.fixture
async def bench(clock: Any) -> AsyncIterator[Bench]:
    bench = Bench(clock, number=1)
    running = asyncio.create_task(bench.workers.run())
    yield bench
    assert not running.done(), "the workers work for ever"
    running.cancel()
    await asyncio.wait([running])


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (Unavailable("the API server does not answer", status=503), "failed"),
        (ZeroDivisionError("division by zero"), "defect"),
        (ExceptionGroup("several", [KeyError("x")]), "defect"),
        (asyncio.CancelledError(), "defect"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else value,
)
async def test_a_reconcile_that_fails_is_retried_and_stops_nothing(
    error: BaseException, result: str, bench: Bench, clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def act(key: Key) -> None:
        if key == BROKEN:
            raise error

    bench.act = act
    bench.queue.add(BROKEN, Priority.SPEC)
    bench.queue.add(GOOD, Priority.SPEC)
    await clock.advance(20)
    assert bench.done.count(GOOD) == 1
    assert 5 <= bench.done.count(BROKEN) <= 20
    assert bench.count(result) == bench.done.count(BROKEN)
    assert bench.count("succeeded") == 1
    told = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(told) == bench.done.count(BROKEN), "each failure is told once"
    assert all("east/broken: will be tried again" in record.getMessage() for record in told)


async def test_a_busy_server_is_not_asked_before_the_time_that_it_named(
    bench: Bench, clock: Any
) -> None:
    tries: list[float] = []

    async def act(_: Key) -> None:
        tries.append(clock.monotonic())
        if len(tries) == 1:
            raise Unavailable("too many requests", status=429, retry_after=3.0)

    bench.act = act
    bench.queue.add(GOOD, Priority.SPEC)
    await clock.settle()
    bench.queue.add(GOOD, Priority.SPEC)
    await clock.advance(20)
    assert len(tries) == 2
    assert 3.0 <= tries[1] - tries[0] <= 3.75


async def test_it_is_told_when_all_that_was_there_has_been_looked_at(
    bench: Bench, clock: Any
) -> None:
    async def act(key: Key) -> None:
        if key == BROKEN:
            raise Unavailable("not now")

    bench.act = act
    assert not bench.workers.caught_up, "before it is known what there is"
    bench.workers.expect([BROKEN, GOOD])
    bench.queue.add(GOOD, Priority.SPEC)
    await clock.settle()
    assert not bench.workers.caught_up
    bench.queue.add(BROKEN, Priority.SPEC)
    await clock.settle()
    assert bench.workers.caught_up, "well or badly: a broken tenant keeps nobody waiting"


async def test_with_no_tenants_there_is_nothing_to_catch_up_with(bench: Bench) -> None:
    bench.workers.expect([])
    assert bench.workers.caught_up


async def test_a_tenant_is_looked_at_again_when_it_wants(bench: Bench, clock: Any) -> None:
    async def act(_: Key) -> Again:
        return Again(1000.0)

    bench.act = act
    bench.queue.add(GOOD, Priority.SPEC)
    await clock.advance(899)
    assert len(bench.done) == 1
    await clock.advance(102)
    assert len(bench.done) == 2, "a little earlier, so that not all come at once"


async def test_a_tenant_that_wants_nothing_more_is_left_alone(bench: Bench, clock: Any) -> None:
    bench.queue.add(GOOD, Priority.SPEC)
    await clock.advance(1_000_000)
    assert bench.done == [GOOD]


async def test_what_changes_by_itself_is_looked_at_when_it_does(bench: Bench, clock: Any) -> None:
    async def act(_: Key) -> Again:
        return Again(1000.0, exactly=123.0)

    bench.act = act
    bench.queue.add(GOOD, Priority.SPEC)
    await clock.advance(122.9)
    assert len(bench.done) == 1
    await clock.advance(0.1)
    assert len(bench.done) == 2


async def test_as_many_work_at_once_as_there_are_workers(clock: Any) -> None:
    bench = Bench(clock, number=3)
    running = asyncio.create_task(bench.workers.run())

    async def act(_: Key) -> None:
        await asyncio.Event().wait()

    bench.act = act
    for number in range(9):
        bench.queue.add(TenantKey("east", f"t{number}"), Priority.SPEC)
    await clock.settle()
    assert len(bench.done) == 3
    running.cancel()
    await asyncio.wait([running])
    assert len(bench.queue) == 9, "what was cut off is still to be done"


@pytest.mark.parametrize("exactly", [36_001.0, 400 * 86_400.0, None])
def test_no_timer_is_longer_than_what_somebody_waits_for_anyway(exactly: float | None) -> None:
    """Timers run on the monotonic clock, which knows nothing of the day."""
    assert Again(36_000.0, exactly).delay(1.0) == 36_000.0
    assert Again(36_000.0, 5.0).delay(1.0) == 5.0
