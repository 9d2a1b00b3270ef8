"""The work-queue: nothing is lost, nothing is worked on twice at once, nobody waits for ever."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from prometheus_client import CollectorRegistry

from jitsi_tenant_operator.reconcile.metrics import QueueMetrics, QueuesMetrics
from jitsi_tenant_operator.reconcile.queue import (
    PATIENCE_SECONDS,
    Backoff,
    FailedError,
    Priority,
    WorkQueue,
)

KEYS = "abcdef"
PRIORITIES = st.sampled_from(Priority)
DELAYS = st.sampled_from([0, 0, 0, 1, 2, 5, 100])
BACKOFF = Backoff(first=1, longest=8)


class Halfway(random.Random):
    """Jitter without chance."""

    def random(self) -> float:
        return 0.5


def make_queue(clock: Any) -> WorkQueue[str]:
    return WorkQueue(
        clock, QueueMetrics(QueuesMetrics(CollectorRegistry()), "tenants"), BACKOFF, Halfway()
    )


class QueueMachine(RuleBasedStateMachine):
    """The queue beside an oracle that keeps a plain table and looks through all of it each time."""

    def __init__(self, clock: Any) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = clock
        self.queue = make_queue(clock)
        self.workers: dict[asyncio.Task[None], asyncio.Future[None] | None] = {}
        self.holding: dict[str, asyncio.Task[None]] = {}
        self.taken: list[str] = []
        # The oracle: wishes by key as (due, priority, serial), and what it says was taken.
        self.wishes: dict[str, tuple[float, Priority, int]] = {}
        self.again: dict[str, tuple[float, Priority, int]] = {}
        self.working: dict[str, Priority] = {}
        self.failures: dict[str, int] = {}
        self.not_before: dict[str, float] = {}
        self.expected: list[str] = []
        self.serial = 0

    def teardown(self) -> None:
        for task in self.workers:
            task.cancel()
        self.loop.run_until_complete(self.clock.settle())
        self.loop.close()

    async def work(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        with suppress(RuntimeError, FailedError):
            async with self.queue.next() as key:
                assert key not in self.holding, "worked on twice at once"
                self.holding[key] = task
                self.taken.append(key)
                self.workers[task] = asyncio.get_running_loop().create_future()
                try:
                    await self.workers[task]  # type: ignore[misc]
                finally:
                    del self.holding[key]

    def settle(self, seconds: float = 0) -> None:
        self.loop.run_until_complete(self.clock.advance(seconds))
        for task in [task for task in self.workers if task.done()]:
            del self.workers[task]

    @property
    def idle(self) -> list[asyncio.Task[None]]:
        return [task for task, held in self.workers.items() if held is None]

    def wish(self, key: str, priority: Priority, after: float) -> None:
        place = self.again if key in self.working else self.wishes
        due = max(self.clock.seconds + after, self.not_before.get(key, 0))
        if key in place:
            old_due, old_priority, _ = place[key]
            if old_due <= due and old_priority <= priority:
                return
            due, priority = min(due, old_due), min(priority, old_priority)
        self.serial += 1
        place[key] = (due, priority, self.serial)

    def take(self, idle: int, now: float) -> int:
        while idle and (due := [k for k, (at, _, _) in self.wishes.items() if at <= now]):
            key = min(
                due,
                key=lambda k: (
                    self.wishes[k][0] + PATIENCE_SECONDS[self.wishes[k][1]],
                    self.wishes[k][2],
                ),
            )
            _, self.working[key], _ = self.wishes.pop(key)
            self.expected.append(key)
            idle -= 1
        return idle

    @precondition(lambda self: len(self.workers) < 4)
    @rule()
    def start_worker(self) -> None:
        idle = len(self.idle) + 1
        self.workers[self.loop.create_task(self.work())] = None
        self.settle()
        self.take(idle, self.clock.seconds)

    @precondition(lambda self: self.idle)
    @rule()
    def cancel_waiting_worker(self) -> None:
        self.idle[0].cancel()
        self.settle()

    @rule(key=st.sampled_from(KEYS), priority=PRIORITIES, after=DELAYS)
    def add(self, key: str, priority: Priority, after: float) -> None:
        idle = len(self.idle)
        self.queue.add(key, priority, after=after)
        self.wish(key, priority, after)
        self.settle()
        self.take(idle, self.clock.seconds)

    @rule(keys=st.lists(st.tuples(st.sampled_from(KEYS), PRIORITIES), min_size=2, max_size=6))
    def add_many_at_once(self, keys: list[tuple[str, Priority]]) -> None:
        idle = len(self.idle)
        for key, priority in keys:
            self.queue.add(key, priority)
            self.wish(key, priority, 0)
        self.settle()
        self.take(idle, self.clock.seconds)

    @rule(seconds=st.sampled_from([1, 3, 10, 700]))
    def let_time_pass(self, seconds: float) -> None:
        idle, end = len(self.idle), self.clock.seconds + seconds
        self.settle(seconds)
        for now in sorted({at for at, _, _ in self.wishes.values() if at <= end}):
            idle = self.take(idle, now)

    @precondition(lambda self: self.holding)
    @rule(
        data=st.data(),
        outcome=st.sampled_from(["good", "bad", "later", "cancelled"]),
        pause=st.sampled_from([0, 2, 8, 50]),
    )
    def finish(self, data: st.DataObject, outcome: str, pause: float) -> None:
        key = data.draw(st.sampled_from(sorted(self.holding)))
        idle = len(self.idle)
        task = self.holding[key]
        held = self.workers[task]
        assert held is not None
        if outcome == "good":
            held.set_result(None)
        elif outcome == "bad":
            held.set_exception(RuntimeError("this reconcile failed"))
        elif outcome == "later":
            held.set_exception(FailedError(pause))
            self.not_before[key] = self.clock.seconds + min(8, pause) * 1.125
        else:
            task.cancel()
        priority = self.working.pop(key)
        if key in self.again:
            due, wished, _ = self.again.pop(key)
            self.serial += 1
            due = max(due, self.not_before.get(key, 0))
            self.wishes[key] = (due, wished, self.serial)
        if outcome == "good":
            self.failures.pop(key, None)
        elif outcome in ("bad", "later"):
            self.failures[key] = self.failures.get(key, 0) + 1
            self.wish(key, Priority.CHILD, min(8, 2 ** (self.failures[key] - 1)) * 0.75)
        else:
            self.wish(key, priority, 0)
        self.settle()
        self.take(idle, self.clock.seconds)

    @invariant()
    def takes_what_the_oracle_takes_and_in_its_order(self) -> None:
        assert self.taken == self.expected
        assert set(self.holding) == set(self.working)

    @invariant()
    def counts_what_waits(self) -> None:
        assert len(self.queue) == len(self.wishes)


def test_behaves_as_a_plain_table_would(new_clock: Callable[[], Any]) -> None:
    class Machine(QueueMachine):
        def __init__(self) -> None:
            super().__init__(new_clock())

    run_state_machine_as_test(
        Machine,
        settings=settings(max_examples=60, stateful_step_count=40, deadline=None),
    )


@given(failures=st.integers(1, 10_000), jitter=st.floats(0, 1, exclude_max=True))
def test_pauses_grow_to_a_limit_and_are_spread(failures: int, jitter: float) -> None:
    backoff = Backoff(first=0.001, longest=300)
    delay = backoff.delay(failures, jitter)
    whole = min(300, 0.001 * 2 ** min(failures - 1, 30))
    assert whole / 2 <= delay <= whole
    assert backoff.delay(failures + 1, jitter) >= delay


@given(retry_after=st.floats(0, allow_nan=False), jitter=st.floats(0, 1, exclude_max=True))
def test_who_is_asked_to_wait_does_so_and_little_longer(retry_after: float, jitter: float) -> None:
    backoff = Backoff(first=0.001, longest=300)
    asked = min(retry_after, 300)
    assert asked <= backoff.obey(retry_after, jitter) <= asked * 1.25


async def test_nothing_brings_forward_what_the_server_put_off(clock: Any) -> None:
    queue, start = make_queue(clock), clock.seconds
    attempts = []

    async def work() -> None:
        while True:
            with suppress(FailedError):
                async with queue.next() as key:
                    attempts.append((key, clock.seconds - start))
                    if len(attempts) == 1:
                        queue.add("a", Priority.CHILD)  # something changes meanwhile
                        raise FailedError(5)

    worker = asyncio.create_task(work())
    queue.add("a", Priority.SPEC)
    await clock.advance(1)
    queue.add("a", Priority.SPEC)
    queue.add("b", Priority.RESYNC)
    await clock.advance(60)
    assert attempts == [("a", 0), ("b", 1), ("a", 5 * 1.125)], "once, and b did not wait for it"
    queue.add("a", Priority.SPEC)
    await clock.settle()
    worker.cancel()
    assert attempts[3] == ("a", 61), "a success forgets it"


async def test_a_failing_key_delays_no_other(clock: Any) -> None:
    queue = make_queue(clock)
    seen = []

    async def work() -> None:
        while True:
            with suppress(RuntimeError):
                async with queue.next() as key:
                    seen.append((key, clock.seconds))
                    if key == "broken":
                        raise RuntimeError

    worker = asyncio.create_task(work())
    queue.add("broken", Priority.SPEC)
    for _ in range(50):
        queue.add("good", Priority.RESYNC)
        await clock.advance(1)
    worker.cancel()
    good = [at for key, at in seen if key == "good"]
    broken = [at for key, at in seen if key == "broken"]
    assert len(good) == 50
    pauses = [later - earlier for earlier, later in pairwise(broken)]
    assert pauses[:4] == [0.75, 1.5, 3.0, 6.0], "each pause is twice the one before"
    assert set(pauses[4:]) == {6.0}, "up to the longest"


async def test_success_forgets_earlier_failures(clock: Any) -> None:
    queue = make_queue(clock)
    attempts = []

    async def work() -> None:
        while True:
            with suppress(RuntimeError):
                async with queue.next():
                    attempts.append(clock.seconds)
                    if len(attempts) != 3:
                        raise RuntimeError

    worker = asyncio.create_task(work())
    queue.add("a", Priority.SPEC)
    await clock.advance(10)
    assert len(attempts) == 3, "two failures, then a success"
    queue.add("a", Priority.SPEC)
    await clock.advance(1)
    worker.cancel()
    assert attempts[4] - attempts[3] == attempts[1] - attempts[0], "the first pause again"


async def test_what_a_person_changed_goes_first_but_not_for_ever(clock: Any) -> None:
    queue = make_queue(clock)
    queue.add("resync", Priority.RESYNC)
    queue.add("child", Priority.CHILD)
    order: list[str] = []
    # One tenant's spec changes all the time: each change finds the one before it worked off.
    while len(order) < 1000 and "resync" not in order:
        queue.add("restless", Priority.SPEC)
        async with queue.next() as key:
            order.append(key)
            await clock.advance(1)
    assert order[0] == "restless"
    assert order.index("child") == pytest.approx(PATIENCE_SECONDS[Priority.CHILD], abs=3)
    assert order.index("resync") == pytest.approx(PATIENCE_SECONDS[Priority.RESYNC], abs=3)


async def test_keys_of_one_priority_take_turns(clock: Any) -> None:
    queue = make_queue(clock)
    for key in KEYS:
        queue.add(key, Priority.CHILD)
    order = []
    for _ in range(3 * len(KEYS)):
        async with queue.next() as key:
            order.append(key)
            queue.add(key, Priority.CHILD)
            await clock.advance(1)
    assert order == list(KEYS) * 3


async def test_memory_does_not_grow_with_wishes_brought_forward(clock: Any) -> None:
    queue = make_queue(clock)
    for round_ in range(20_000):
        queue.add("a", Priority.RESYNC, after=36_000)
        queue.add("a", Priority.CHILD, after=30_000 - round_)
        queue.add("a", Priority.SPEC)
        async with queue.next():
            pass
    assert len(queue) == 0
    assert len(queue._delayed) + len(queue._ready) < 5_000


async def test_memory_does_not_grow_while_more_urgent_work_never_ends(clock: Any) -> None:
    queue = make_queue(clock)
    for _ in range(20_000):
        queue.add("low", Priority.RESYNC)
        queue.add("urgent", Priority.SPEC)
        async with queue.next() as key:
            assert key == "urgent"
            queue.add("low", Priority.CHILD)
        queue.add("low", Priority.SPEC)
        async with queue.next() as key:
            assert key == "low"
    assert len(queue._delayed) + len(queue._ready) < 5_000


async def test_every_one_of_many_waiters_finds_work(clock: Any) -> None:
    queue = make_queue(clock)
    hold = asyncio.Event()
    held = set()

    async def work() -> None:
        async with queue.next() as key:
            held.add(key)
            await hold.wait()

    workers = [asyncio.create_task(work()) for _ in range(100)]
    await clock.settle()
    for number in range(100):
        queue.add(str(number), Priority.CHILD, after=number % 3)
    await clock.advance(2)
    assert len(held) == 100
    hold.set()
    await asyncio.gather(*workers)


async def test_news_is_not_lost_on_a_worker_that_is_about_to_wait(clock: Any) -> None:
    queue = make_queue(clock)
    found = []

    async def work() -> None:
        async with queue.next() as key:
            found.append(key)

    async def add() -> None:
        queue.add("a", Priority.SPEC, after=5)

    # In one turn of the event loop: the first finds nothing, something is added, the second sees it
    # and would be there to take it, but goes away.
    first = asyncio.create_task(work())
    adding = asyncio.create_task(add())
    second = asyncio.create_task(work())
    await clock.settle()
    second.cancel()
    await clock.advance(5)
    assert found == ["a"]
    await asyncio.gather(first, adding)


async def test_tells_how_long_the_oldest_work_goes_on(clock: Any) -> None:
    queue = make_queue(clock)
    assert queue.longest_running() == 0
    queue.add("a", Priority.SPEC)
    async with queue.next():
        await clock.advance(7)
        assert queue.longest_running() == 7
    assert queue.longest_running() == 0


async def test_counts_for_prometheus(clock: Any) -> None:
    registry = CollectorRegistry()
    of_all = QueuesMetrics(registry)
    queue: WorkQueue[str] = WorkQueue(clock, QueueMetrics(of_all, "tenants"), BACKOFF, Halfway())
    other: WorkQueue[str] = WorkQueue(clock, QueueMetrics(of_all, "notices"), BACKOFF, Halfway())
    other.add("c", Priority.SPEC)

    def counted(name: str, queue: str = "tenants") -> float | None:
        return registry.get_sample_value(f"jitsi_operator_workqueue_{name}", {"queue": queue})

    queue.add("a", Priority.SPEC)
    queue.add("a", Priority.SPEC)
    queue.add("b", Priority.SPEC, after=10)
    assert counted("depth") == 2
    with suppress(RuntimeError):
        async with queue.next():
            await clock.advance(2)
            raise RuntimeError
    assert counted("retries_total") == 1
    assert counted("adds_total") == 3
    assert counted("work_duration_seconds_sum") == 2
    assert counted("depth", "notices") == counted("adds_total", "notices") == 1
    other.add("d", Priority.SPEC)
    async with other.next():
        await clock.advance(3)
        queue.refresh_metrics()
        other.refresh_metrics()
    assert counted("longest_running_seconds") == 0
    assert counted("longest_running_seconds", "notices") == 3


def test_more_is_believed_of_whom_nobody_waits_for() -> None:
    backoff = Backoff(longest=300, believed=3600)
    assert backoff.obey(1000, 0) == 1000
    assert backoff.obey(86_400, 0) == 3600
    assert backoff.delay(20, 1) == 300
