"""Leader election with a clock turned by hand: at most one leader, and soon another one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jitsi_tenant_operator.kube.errors import Unavailable
from jitsi_tenant_operator.kube.lease import LeaderElection, LeadershipLost, Timing


class Candidate:
    """A process that works as long as it leads; `reach` tells whether it reaches the API."""

    def __init__(self, api: Any, identity: str) -> None:
        self.api = api
        self.identity = identity
        self.reach = True
        self.hang = False
        self._working = False
        self.worked = 0
        self.clock, self.metrics = api.clock, api.metrics
        self.election = LeaderElection(self, namespace="ns", name="lease", identity=identity)  # type: ignore[arg-type]
        self.task: asyncio.Task[None] | None = None

    async def _pass(self) -> None:
        if self.hang:
            await asyncio.Event().wait()
        if not self.reach:
            raise Unavailable("no route")

    async def get(self, *args: Any, **rest: Any) -> Any:
        await self._pass()
        return await self.api.get(*args, **rest)

    async def create(self, *args: Any) -> Any:
        await self._pass()
        return await self.api.create(*args)

    async def merge_patch(self, *args: Any) -> Any:
        await self._pass()
        return await self.api.merge_patch(*args)

    async def lead(self) -> None:
        self._working = True
        self.worked += 1
        try:
            await asyncio.Event().wait()
        finally:
            self._working = False

    def working(self) -> bool:
        return self._working

    def start(self) -> Candidate:
        self.task = asyncio.create_task(self.election.run(self.lead))
        return self

    async def stop(self) -> None:
        if self.task is not None:
            self.task.cancel()
            await asyncio.wait({self.task})
            if not self.task.cancelled():
                self.task.exception()


@pytest.fixture
def candidates(api: Any) -> Any:
    made: list[Candidate] = []

    def make(identity: str) -> Candidate:
        made.append(Candidate(api, identity))
        return made[-1]

    return make


def _spec(api: Any) -> dict[str, Any]:
    spec: dict[str, Any] = api.objects["ns", "lease"]["spec"]
    return spec


async def test_one_of_two_leads_and_renews(
    api: Any, candidates: Callable[[str], Candidate]
) -> None:
    one, two = candidates("one").start(), candidates("two").start()
    await api.clock.advance(600)
    assert [one.working(), two.working()] == [True, False]
    assert one.worked == 1
    assert one.election.is_leader
    assert api.metrics.leader._value.get() == 1
    spec = _spec(api)
    assert spec["holderIdentity"] == "one"
    assert spec["leaseDurationSeconds"] == 15
    assert spec["acquireTime"] == "2026-01-05T09:00:00.000000Z"
    assert spec["renewTime"] > "2026-01-05T09:09:57"
    assert spec["leaseTransitions"] == 0
    await one.stop()
    await two.stop()


async def test_a_clean_stop_hands_over_at_once(
    api: Any, candidates: Callable[[str], Candidate]
) -> None:
    one, two = candidates("one").start(), candidates("two")
    await api.clock.advance(10)
    two.start()
    await api.clock.advance(1)
    await one.stop()
    assert _spec(api)["holderIdentity"] == ""
    await api.clock.advance(5)
    assert two.working()
    assert _spec(api)["leaseTransitions"] == 1
    await two.stop()


async def test_after_a_crash_another_one_leads_when_the_lease_is_over(
    api: Any, candidates: Callable[[str], Candidate]
) -> None:
    one, two = candidates("one").start(), candidates("two")
    await api.clock.advance(10)
    two.start()
    await api.clock.advance(1)
    one.reach = False  # gone without a word
    await one.stop()
    await api.clock.advance(10)
    assert not two.working()
    await api.clock.advance(10)
    assert two.working()
    await two.stop()


@pytest.mark.parametrize("how", ["reach", "hang"])
async def test_a_leader_that_cannot_renew_stops_before_another_one_starts(
    api: Any, candidates: Callable[[str], Candidate], how: str
) -> None:
    one, two = candidates("one").start(), candidates("two")
    await api.clock.advance(1)
    two.start()
    await api.clock.advance(10)
    one.reach, one.hang = how != "reach", how == "hang"
    stopped = started = None
    for _ in range(300):
        await api.clock.advance(0.1)
        assert not (one.working() and two.working())
        if stopped is None and not one.working():
            stopped = api.clock.monotonic()
        if started is None and two.working():
            started = api.clock.monotonic()
    assert stopped is not None
    assert started is not None
    assert started - stopped > 2
    assert one.task is not None
    assert isinstance(one.task.exception(), LeadershipLost)
    await two.stop()


async def test_a_leader_that_sees_another_holder_stops_at_once(
    api: Any, candidates: Callable[[str], Candidate]
) -> None:
    one = candidates("one").start()
    await api.clock.advance(3)
    api.put("ns", "lease", spec={**_spec(api), "holderIdentity": "usurper"})
    await api.clock.advance(2.1)
    assert not one.working()
    await api.clock.advance(5)
    assert one.task is not None
    assert isinstance(one.task.exception(), LeadershipLost)
    assert _spec(api)["holderIdentity"] == "usurper"


async def test_a_lease_that_someone_deletes_or_edits_is_kept(
    api: Any, candidates: Callable[[str], Candidate]
) -> None:
    one = candidates("one").start()
    await api.clock.advance(3)
    api.remove("ns", "lease")
    await api.clock.advance(3)
    api.put("ns", "lease", metadata={"labels": {"a": "b"}}, spec=_spec(api))
    await api.clock.advance(60)
    assert one.working()
    assert one.worked == 1
    await one.stop()


async def test_the_result_and_the_error_of_the_work_come_through(
    api: Any, candidates: Callable[[str], Candidate]
) -> None:
    async def result() -> int:
        return 7

    async def failure() -> int:
        raise RuntimeError("broken")

    assert await candidates("one").election.run(result) == 7
    with pytest.raises(RuntimeError, match="broken"):
        await candidates("two").election.run(failure)
    assert _spec(api)["holderIdentity"] == ""


async def test_the_clocks_of_the_machines_need_not_agree(
    api: Any, candidates: Callable[[str], Candidate]
) -> None:
    two = candidates("two")
    spec = {
        "holderIdentity": "one",
        "leaseDurationSeconds": 15,
        "acquireTime": "1999-01-01T00:00:00.000000Z",
        "renewTime": "1999-01-01T00:00:00.000000Z",
    }
    api.put("ns", "lease", spec=spec)
    two.start()
    await api.clock.advance(14)
    assert not two.working()  # it looks long expired, but may be renewed any moment
    await api.clock.advance(10)
    assert two.working()
    await two.stop()


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([0, 1, 2]), st.sampled_from(["cut", "hang", "heal"]), st.integers(0, 9)
        ),
        max_size=20,
    )
)
def test_never_do_two_lead(new_api: Callable[[], Any], steps: list[tuple[int, str, int]]) -> None:
    async def scenario() -> None:
        api = new_api()
        all_of_them = [Candidate(api, f"c{i}").start() for i in range(3)]
        for index, action, seconds in steps:
            candidate = all_of_them[index]
            candidate.reach, candidate.hang = action != "cut", action == "hang"
            for _ in range(seconds * 2):
                await api.clock.advance(0.5)
                assert sum(c.working() for c in all_of_them) <= 1
            if candidate.task is not None and candidate.task.done():
                candidate.task.exception()
                all_of_them[index] = Candidate(api, f"{candidate.identity}'").start()
        for candidate in all_of_them:
            candidate.reach, candidate.hang = True, False
            if candidate.task is not None and candidate.task.done():
                candidate.task.exception()
                candidate.start()
        await api.clock.advance(120)
        assert sum(c.working() for c in all_of_them) == 1
        for candidate in all_of_them:
            await candidate.stop()

    asyncio.run(scenario())


@pytest.mark.parametrize("timing", [(10.0, 10.0, 2.0), (15.0, 10.0, 6.0), (15.0, 10.0, 0.0)])
def test_a_timing_that_could_give_two_leaders_is_refused(timing: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="retry_period"):
        Timing(*timing)
