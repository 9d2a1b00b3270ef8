"""Host ports: one bridge a port, and a bridge that runs keeps its own."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from jitsi_tenant_operator.api.media import PortRange
from jitsi_tenant_operator.api.objects import TenantKey
from jitsi_tenant_operator.reconcile.ports import HostPorts

KEYS = [TenantKey("east", name) for name in ("ada", "bob", "eve")]
RANGES = st.builds(
    lambda first, size: PortRange(first=first, last=first + size),
    st.integers(10_000, 10_006),
    st.integers(0, 6),
)


class PortsMachine(RuleBasedStateMachine):
    """Tenants come, grow, shrink and go, and the platform's range changes."""

    def __init__(self) -> None:
        super().__init__()
        self.ports = HostPorts()
        self.given: dict[TenantKey, dict[int, int]] = {}

    @rule(
        key=st.sampled_from(KEYS),
        slots=st.sets(st.integers(0, 4)),
        in_use=st.sets(st.integers(0, 4)),
        allowed=RANGES,
    )
    def assign(self, key: TenantKey, slots: set[int], in_use: set[int], allowed: PortRange) -> None:
        before = self.given.get(key, {})
        after = self.ports.assign(key, slots, allowed, in_use)
        usable = range(allowed.first, allowed.last + 1)
        assert set(after) <= slots
        kept = {slot: port for slot, port in before.items() if slot in in_use}
        assert {port for slot, port in after.items() if slot not in kept} <= set(usable)
        for index, port in before.items():
            if index in slots and port in usable:
                assert after[index] == port, "a bridge that may keep its port keeps it"
        held = self.ports.held(key)
        assert kept.items() <= held.items(), "a pod that is there keeps its port"
        self.given[key] = held
        if len(after) < len(slots):
            taken = {port for ports in self.given.values() for port in ports.values()}
            assert set(usable) <= taken, "none is refused while one is free"

    @rule(key=st.sampled_from(KEYS), in_use=st.sets(st.integers(0, 4)))
    def keep(self, key: TenantKey, in_use: set[int]) -> None:
        before = self.given.get(key, {})
        self.ports.keep(key, in_use)
        self.given[key] = {slot: port for slot, port in before.items() if slot in in_use}
        assert self.ports.held(key) == self.given[key]

    @rule(key=st.sampled_from(KEYS))
    def release(self, key: TenantKey) -> None:
        self.ports.release([key])
        self.given.pop(key, None)

    @rule(
        key=st.sampled_from(KEYS),
        recorded=st.dictionaries(st.integers(0, 4), st.integers(10_000, 10_012), max_size=3),
    )
    def restore_late(self, key: TenantKey, recorded: dict[int, int]) -> None:
        """A listing in the middle of the work tells of an older status."""
        self.ports.restore(key, recorded)
        taken = {port for ports in self.given.values() for port in ports.values()}
        held = self.given.setdefault(key, {})
        for index, port in recorded.items():
            if port not in taken and index not in held:
                held[index] = port
                taken.add(port)

    @invariant()
    def no_port_is_had_twice(self) -> None:
        ports = [port for given in self.given.values() for port in given.values()]
        assert len(ports) == len(set(ports))


def test_ports_are_handed_out_once_and_kept() -> None:
    run_state_machine_as_test(PortsMachine)


@given(bridges=st.dictionaries(st.sampled_from(KEYS), st.integers(0, 5)))
def test_a_restart_changes_no_port(bridges: dict[TenantKey, int]) -> None:
    allowed = PortRange(first=10_000, last=10_008)
    before = HostPorts()
    recorded = {key: before.assign(key, range(number), allowed) for key, number in bridges.items()}
    after = HostPorts()
    for key in sorted(recorded):
        after.restore(key, recorded[key])
    again = {
        key: after.assign(key, range(number), allowed) for key, number in sorted(bridges.items())
    }
    assert again == recorded


def test_the_port_of_a_bridge_that_still_ends_goes_to_nobody_else() -> None:
    ports = HostPorts()
    allowed = PortRange(first=10_000, last=10_002)
    assert ports.assign(KEYS[0], [0], allowed) == {0: 10_000}
    assert ports.assign(KEYS[0], [1], allowed, in_use=[0]) == {1: 10_001}
    assert ports.assign(KEYS[1], [0], allowed) == {0: 10_002}
    assert ports.assign(KEYS[0], [1], allowed) == {1: 10_001}
    assert ports.assign(KEYS[1], [0, 1], allowed) == {0: 10_002, 1: 10_000}


def test_two_that_recorded_one_port_do_not_both_keep_it() -> None:
    ports = HostPorts()
    ports.restore(KEYS[0], {0: 10_000})
    ports.restore(KEYS[1], {0: 10_000})
    allowed = PortRange(first=10_000, last=10_001)
    assert ports.assign(KEYS[1], range(1), allowed) == {0: 10_001}
    assert ports.assign(KEYS[0], range(1), allowed) == {0: 10_000}
