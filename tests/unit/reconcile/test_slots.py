"""Where bridges live: meetings go on while bridges come, go, change and are evicted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from jitsi_tenant_operator.api.tenant import BRIDGE_SLOTS
from jitsi_tenant_operator.reconcile.slots import Slot, choose
from jitsi_tenant_operator.render.context import BridgeSlots


def serving(index: int, **parts: bool) -> Slot:
    """A bridge that people meet on."""
    return replace(Slot(index=index, occupied=True, ready=True, reserved=True), **parts)


def ending(index: int, **parts: bool) -> Slot:
    """A bridge that lets its meetings end."""
    return replace(Slot(index=index, leaving=True, reserved=True), **parts)


def starting(index: int, **parts: bool) -> Slot:
    """A bridge that is not ready."""
    return serving(index, ready=False, **parts)


@pytest.mark.parametrize(
    ("wanted", "observed", "running", "left"),
    [
        (2, [], (0, 1), ()),
        (2, [serving(0), serving(1)], (0, 1), ()),
        (2, [serving(1), serving(4)], (1, 4), ()),
        (3, [serving(1)], (0, 1, 2), ()),
        # Of too many, the lowest stay; but rather one that serves than one that does not.
        (1, [serving(0), serving(1)], (0,), ()),
        (1, [starting(0), serving(1)], (1,), ()),
        # Two, one, two: the second one of before still lets its meetings end.
        (2, [serving(0), ending(1)], (0, 2), ()),
        # It was evicted: its StatefulSet is there.
        (1, [ending(0, occupied=True)], (1,), ()),
        (1, [ending(0, occupied=True), starting(1)], (1,), ()),
        # Its Service is there already, with the port that was allocated.
        (1, [Slot(index=3, reserved=True)], (3,), ()),
        # A change: one more comes, and the one of before stays until that serves.
        (1, [serving(0, outdated=True)], (1,), (0,)),
        (1, [serving(0, outdated=True), starting(1)], (1,), (0,)),
        (1, [serving(0, outdated=True), serving(1)], (1,), ()),
        (3, [serving(index, outdated=True) for index in range(3)], (3,), (0, 1, 2)),
        (
            3,
            [*(serving(index, outdated=True) for index in range(3)), serving(3)],
            (3, 4),
            (0, 1),
        ),
        # Fewer are wanted in the same moment.
        (1, [serving(index, outdated=True) for index in range(3)], (3,), (0,)),
        # What is outdated and serves nobody is not waited for.
        (1, [starting(0, outdated=True)], (1,), ()),
        (2, [starting(0, outdated=True), serving(1, outdated=True)], (2, 3), (1,)),
        # It is outdated, and then evicted.
        (1, [ending(0, occupied=True, outdated=True), starting(1)], (1,), ()),
        (0, [serving(0), serving(1, outdated=True)], (), ()),
    ],
)
def test_where_bridges_are(
    wanted: int, observed: list[Slot], running: tuple[int, ...], left: tuple[int, ...]
) -> None:
    assert choose(wanted, observed) == BridgeSlots(running, left)


@pytest.mark.parametrize(
    ("wanted", "reserve", "observed", "expected"),
    [
        # Nothing is to run, and what runs keeps its Service: first by its pod, then by this.
        (0, 2, [serving(0), serving(1)], BridgeSlots((), (), (0, 1))),
        (0, 2, [ending(0), ending(1)], BridgeSlots(())),
        (0, 2, [Slot(index=3, reserved=True), ending(1)], BridgeSlots((), (), (3,))),
        (0, 2, [Slot(index=3, reserved=True)], BridgeSlots((), (), (0, 3))),
        (0, 1, [Slot(index=index, reserved=True) for index in (2, 5)], BridgeSlots((), (), (2,))),
        # It goes on where it was.
        (2, 2, [Slot(index=index, reserved=True) for index in (2, 5)], BridgeSlots((2, 5))),
        (1, 2, [serving(4)], BridgeSlots((4,), (), (0,))),
    ],
)
def test_slots_are_kept_for_bridges_that_are_to_come_back(
    wanted: int, reserve: int, observed: list[Slot], expected: BridgeSlots
) -> None:
    assert choose(wanted, observed, reserve=reserve) == expected


def test_bridges_wait_when_all_slots_are_being_left() -> None:
    full = [ending(index) for index in range(BRIDGE_SLOTS - 1)]
    assert choose(3, full) == BridgeSlots((BRIDGE_SLOTS - 1,))


OBSERVED = st.lists(
    st.builds(
        Slot,
        index=st.integers(0, 9),
        occupied=st.booleans(),
        outdated=st.booleans(),
        ready=st.booleans(),
        leaving=st.booleans(),
        reserved=st.booleans(),
    ),
    unique_by=lambda slot: slot.index,
)


@given(
    wanted=st.integers(0, 6),
    reserve=st.integers(0, 6),
    observed=OBSERVED,
    data=st.data(),
)
def test_the_order_of_what_is_observed_does_not_matter(
    wanted: int, reserve: int, observed: list[Slot], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(observed))
    assert choose(wanted, shuffled, reserve=reserve) == choose(wanted, observed, reserve=reserve)


@given(wanted=st.integers(0, 6), reserve=st.integers(0, 6), observed=OBSERVED)
def test_whatever_is_there_no_meeting_is_cut(
    wanted: int, reserve: int, observed: list[Slot]
) -> None:
    chosen = choose(wanted, observed, reserve=reserve)
    used = (*chosen.running, *chosen.left, *chosen.reserved)
    assert len(set(used)) == len(used), "a slot has one part"
    leaving = {slot.index for slot in observed if slot.leaving}
    assert not leaving & set(used)
    assert serves(observed, chosen) >= min(wanted, serves(observed))
    assert len(chosen.running) <= wanted
    if adds(observed, chosen):
        assert len(chosen.running) + len(chosen.left) <= wanted + 1
    if wanted:
        assert chosen.running, "there is one at least that is as it should be"


def serves(observed: Iterable[Slot], chosen: BridgeSlots | None = None) -> int:
    """How many bridges take meetings, of those that were chosen."""
    return sum(
        slot.occupied and slot.ready and not slot.leaving
        for slot in observed
        if chosen is None or slot.index in (*chosen.running, *chosen.left)
    )


def adds(observed: Iterable[Slot], chosen: BridgeSlots) -> bool:
    """Whether a bridge is made anew."""
    return bool(set(chosen.running) - {slot.index for slot in observed if slot.occupied})


@dataclass
class Pod:
    version: int
    ready: bool = False
    deleting: bool = False


@dataclass
class Cluster:
    """StatefulSets with a pod each, as their controller and the nodes treat them."""

    workloads: dict[int, int] = field(default_factory=dict)
    """By slot, the version of the template."""
    pods: dict[int, Pod] = field(default_factory=dict)

    def observed(self, version: int) -> list[Slot]:
        return [self._slot(index, version) for index in self.workloads.keys() | self.pods.keys()]

    def _slot(self, index: int, version: int) -> Slot:
        occupied, pod = index in self.workloads, self.pods.get(index)
        return Slot(
            index=index,
            occupied=occupied,
            outdated=pod is not None and pod.version != version,
            ready=pod is not None and pod.ready and not pod.deleting,
            leaving=pod is not None and (pod.deleting or not occupied),
            reserved=True,
        )

    def apply(self, chosen: BridgeSlots, version: int) -> None:
        self.workloads |= dict.fromkeys(chosen.running, version)
        for index in set(self.workloads) - {*chosen.running, *chosen.left}:
            del self.workloads[index]

    def serving(self) -> int:
        """How many pods take meetings and are not told to end."""
        return sum(
            pod.ready and not pod.deleting
            for index, pod in self.pods.items()
            if index in self.workloads
        )

    def control(self) -> None:
        """A pod for each StatefulSet whose pod is not there, and none without one."""
        for index, version in self.workloads.items():
            self.pods.setdefault(index, Pod(version))
        for index, pod in self.pods.items():
            pod.deleting = pod.deleting or index not in self.workloads


class BridgesMachine(RuleBasedStateMachine):
    """Bridges come, go, change, fail and are evicted, in any order; the operator looks now and
    then.
    """

    def __init__(self) -> None:
        super().__init__()
        self.cluster = Cluster()
        self.version = 0
        self.wanted = 1

    @rule(wanted=st.integers(0, 4))
    def scale(self, wanted: int) -> None:
        self.wanted = wanted

    @rule(version=st.integers(0, 3))
    def change(self, version: int) -> None:
        self.version = version

    @rule()
    def operate(self) -> None:
        observed = self.cluster.observed(self.version)
        before = self.cluster.serving()
        self.cluster.apply(choose(self.wanted, observed), self.version)
        assert self.cluster.serving() >= min(before, self.wanted)

    @rule()
    def control(self) -> None:
        self.cluster.control()

    @rule(which=st.integers(0, 9))
    def become_ready(self, which: int) -> None:
        if which in self.cluster.pods:
            self.cluster.pods[which].ready = True

    @rule(which=st.integers(0, 9))
    def fail(self, which: int) -> None:
        if which in self.cluster.pods:
            self.cluster.pods[which].ready = False

    @rule(which=st.integers(0, 9))
    def evict(self, which: int) -> None:
        if which in self.cluster.pods:
            self.cluster.pods[which].deleting = True

    @rule(which=st.integers(0, 9))
    def end_the_last_meeting(self, which: int) -> None:
        if which in self.cluster.pods and self.cluster.pods[which].deleting:
            del self.cluster.pods[which]

    @invariant()
    def a_bridge_more_at_most_is_there(self) -> None:
        observed = self.cluster.observed(self.version)
        chosen = choose(self.wanted, observed)
        if adds(observed, chosen):
            assert len(chosen.running) + len(chosen.left) <= self.wanted + 1

    def teardown(self) -> None:
        """Left alone, it comes to rest with as many bridges as are wanted, all as wanted."""
        for _ in range(4 * (self.wanted + len(self.cluster.pods) + 1)):
            self.operate()
            self.cluster.control()
            for index, pod in list(self.cluster.pods.items()):
                pod.ready = True
                if pod.deleting:
                    del self.cluster.pods[index]
        now = dict(self.cluster.workloads)
        assert len(now) == self.wanted
        assert set(now.values()) <= {self.version}
        assert {index: pod.version for index, pod in self.cluster.pods.items()} == now
        self.operate()
        assert self.cluster.workloads == now, "a steady state stays as it is"


def test_bridges_come_to_rest_whatever_happens() -> None:
    run_state_machine_as_test(
        BridgesMachine, settings=settings(stateful_step_count=40, deadline=None)
    )
