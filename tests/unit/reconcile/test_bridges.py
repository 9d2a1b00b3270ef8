"""What the caches say of bridges, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from tests.unit.reconcile.namespaces import namespace

from jitsi_tenant_operator.api.objects import ObjectRef, TenantKey
from jitsi_tenant_operator.api.scalars import mebibytes
from jitsi_tenant_operator.kube.children import ChildRecord
from jitsi_tenant_operator.kube.facts import Facts, PodFacts, ServiceFacts, WorkloadFacts
from jitsi_tenant_operator.kube.metadata import MetadataRecord
from jitsi_tenant_operator.reconcile import observe
from jitsi_tenant_operator.reconcile.bridges import Bridges, left_as_they_are, statuses
from jitsi_tenant_operator.reconcile.media import MediaAddresses
from jitsi_tenant_operator.reconcile.ports import HostPorts
from jitsi_tenant_operator.render import bridge, media
from jitsi_tenant_operator.render.context import (
    BridgeSlots,
    MediaAddress,
    Observed,
    Requests,
    TenantContext,
)
from jitsi_tenant_operator.render.quantities import millicores

ME = TenantKey("tenant-acme", "acme")
UID = "uid-acme"
HOST_PORTS = {"exposure": "HostPort", "hostPorts": {"first": 10_000, "last": 10_005}}


def child(kind: str, name: str, facts: Facts | None = None, **parts: Any) -> Any:
    version = "apps/v1" if kind in {"Deployment", "StatefulSet"} else "v1"
    record: ChildRecord[TenantKey] = ChildRecord(
        ref=ObjectRef(version, kind, "tenant-acme", name),
        uid=f"uid-{name}",
        resource_version=1,
        owner=ME,
        owner_uid=parts.get("owner", UID),
        applied_hash=None,
        deleting=parts.get("deleting", False),
        facts=facts,
        content=b"",
        verified=True,
        snapshot=None,
    )
    return record


def service(slot: int, port: int | None = None, **parts: Any) -> Any:
    ports = ((media.PORT_NAME, port or 31_000 + slot),)
    return child("Service", f"acme-jvb-{slot}", ServiceFacts(ports, "10.0.0.1", ()), **parts)


def workload(slot: int, revision: str = "r1", **parts: Any) -> Any:
    facts = WorkloadFacts(1, 1, 1, 1, 1, 1, 1, "", revision)
    return child("StatefulSet", f"acme-jvb-{slot}", facts, **parts)


def pod(slot: int, template: str = "", *, ready: bool = True, **parts: Any) -> Any:
    facts = PodFacts(
        parts.pop("phase", "Running"),
        ready,
        "node-1",
        parts.pop("host_ip", "192.0.2.11"),
        "10.1.0.1",
        template,
        parts.pop("revision", "r1"),
        parts.pop("host_ports", ()),
        parts.pop("requests", ("2", "4Gi")),
    )
    owner = parts.pop("owner", f"uid-acme-jvb-{slot}")
    return child("Pod", f"acme-jvb-{slot}-0", facts, owner=owner, **parts)


@dataclass
class Caches:
    """What the caches say of children and of the namespace's labels."""

    records: list[Any] = field(default_factory=list)

    def children(self, _owner: TenantKey) -> list[Any]:
        return self.records

    def facts(self, ref: ObjectRef, _kind: type) -> Any:
        return next((each.facts for each in self.records if each.ref == ref), None)

    def get(self, _namespace: str, name: str) -> MetadataRecord:
        return namespace(name, {})


def placed(
    known: TenantContext, *records: Any, ports: HostPorts | None = None, **wish: int
) -> TenantContext:
    caches: Any = Caches(list(records))
    where = Bridges(caches, MediaAddresses(caches, caches, ports or HostPorts()))
    found = where.place(ME, UID, known, **wish)
    return where.address(ME, found)[0]


def current(known: TenantContext, slot: int, port: int | None = None) -> str:
    """The template of a bridge that is as it should be."""
    return bridge.template_hash(known, slot, MediaAddress(port or 31_000 + slot))


def test_a_bridge_that_is_as_it_should_be_stays(context: Any) -> None:
    known = context()
    found = placed(known, service(3), workload(3), pod(3, current(known, 3)))
    assert found.slots == BridgeSlots((3,))
    assert found.observed.media == {3: MediaAddress(31_003)}
    assert found.observed.outgoing == ()


@pytest.mark.parametrize(
    "other",
    [
        {"template": "another"},
        {"template": ""},
        # kubectl rollout restart
        {"revision": "r0"},
        # The platform used ports of the nodes.
        {"host_ports": (10_000,)},
    ],
)
def test_another_bridge_comes_instead_of_one_that_is_not(context: Any, other: Any) -> None:
    known = context()
    old = pod(0, **{"template": current(known, 0), **other})
    found = placed(known, service(0), workload(0), old)
    assert found.slots == BridgeSlots((1,), (0,))
    assert found.observed.outgoing == (Requests(2000, 4096),)


def test_a_change_that_the_controller_has_not_seen_says_nothing(context: Any) -> None:
    known = context()
    behind = workload(0)
    behind.facts = replace(behind.facts, generation=2, revision="r0")
    found = placed(known, service(0), behind, pod(0, current(known, 0)))
    assert found.slots == BridgeSlots((0,))


def test_a_bridge_that_lost_its_address_is_left_as_it_is(context: Any) -> None:
    known = context(exposure="LoadBalancer")
    records = [service(0), workload(0), pod(0, "whatever")]
    found = placed(known, *records)
    assert found.slots == BridgeSlots((0,))
    assert found.observed.media == {}
    assert workload(0).ref in left_as_they_are(found, records)


@pytest.mark.parametrize(
    "records",
    [
        # It is evicted.
        [service(0), workload(0), pod(0, deleting=True)],
        # It is scaled away, and its pod will know in a moment.
        [service(0), pod(0)],
        [service(0), workload(0, deleting=True), pod(0)],
        [service(0), workload(0, deleting=True)],
        # Its Service is not gone yet.
        [service(0, deleting=True)],
        # It is that of a tenant of the same name that is gone.
        [service(0, owner="older"), workload(0, owner="older"), pod(0)],
        # Its StatefulSet was made again meanwhile, and waits for it to go.
        [service(0), workload(0), pod(0, owner="older")],
    ],
)
def test_a_slot_that_is_being_left_is_not_used(context: Any, records: Any) -> None:
    assert placed(context(), *records).slots == BridgeSlots((1,))


def test_a_pod_that_nobody_has_any_more_is_taken_over(context: Any) -> None:
    assert placed(context(), service(0), pod(0, owner=None)).slots == BridgeSlots((0,))


def test_a_pod_that_has_failed_serves_nobody(context: Any) -> None:
    found = placed(context(), service(0), workload(0), pod(0, "another", phase="Failed"))
    assert found.slots == BridgeSlots((0,))
    assert found.observed.outgoing == ()


def test_what_cannot_be_read_counts_as_the_plan_says(context: Any) -> None:
    known = context()
    records = [service(0), workload(0), pod(0, "old", requests=("1e3", "77M"))]
    size = known.plan.sizes.bridge
    (found,) = placed(known, *records).observed.outgoing
    assert found == Requests(millicores(size.cpu), mebibytes(size.memory))


def test_slots_are_kept_for_a_tenant_that_pauses(context: Any) -> None:
    known = context(2)
    records = [service(4), service(7), child("Service", "acme-web")]
    assert placed(known, *records, wanted=0, reserve=2).slots == BridgeSlots((), (), (4, 7))
    assert placed(known, *records).slots == BridgeSlots((4, 7))


def test_host_ports_are_kept_for_a_tenant_that_pauses(context: Any) -> None:
    known, ports = context(2, **HOST_PORTS), HostPorts()
    ports.restore(ME, {3: 10_003, 5: 10_005})
    found = placed(known, wanted=0, reserve=2, ports=ports)
    assert found.slots == BridgeSlots((), (), (3, 5))
    assert ports.held(ME) == {3: 10_003, 5: 10_005}
    assert {each.name: each.port for each in statuses(found, [])} == {
        "acme-jvb-3": 10_003,
        "acme-jvb-5": 10_005,
    }


def test_a_host_port_is_known_by_its_pod(context: Any) -> None:
    """Whatever the status says, or does not."""
    known, ports = context(**HOST_PORTS), HostPorts()
    records = [workload(0), pod(0, deleting=True, host_ports=(10_000,))]
    found = placed(known, *records, ports=ports)
    assert found.slots == BridgeSlots((1,))
    assert ports.held(ME) == {0: 10_000, 1: 10_001}
    assert [each.port for each in statuses(found, records)] == [10_000, 10_001]


def test_nothing_changes_where_host_ports_are_forbidden(context: Any) -> None:
    known = context(**HOST_PORTS)
    caches: Any = Caches([service(0), workload(0), pod(0, "old")])
    caches.get = lambda _namespace, name: MetadataRecord(
        ObjectRef("v1", "Namespace", "", name),
        "u",
        1,
        {"pod-security.kubernetes.io/enforce": "restricted"},
        {},
        deleting=False,
    )
    where = Bridges(caches, MediaAddresses(caches, caches, HostPorts()))
    found, obstacle = where.address(ME, where.place(ME, UID, known))
    assert obstacle is not None
    assert found.slots == BridgeSlots((0,))


def test_bridges_are_shown_as_clients_reach_them(context: Any) -> None:
    slots = BridgeSlots((0, 1), (10,))
    addresses = {slot: MediaAddress(31_000 + slot) for slot in (0, 10, 12)}
    known = replace(context(2), observed=Observed(addresses, slots=slots))
    records = [
        workload(0),
        pod(0),
        pod(1, ready=False),
        workload(10),
        pod(10, host_ip="192.0.2.99"),
        pod(12),
    ]
    shown = [
        (each.name, each.addresses, each.port, each.ready) for each in statuses(known, records)
    ]
    assert shown == [
        ("acme-jvb-0", ("192.0.2.11",), 31_000, True),
        ("acme-jvb-1", (), None, False),
        ("acme-jvb-10", ("192.0.2.99",), 31_010, True),
        ("acme-jvb-12", ("192.0.2.11",), 31_012, False),
    ]


def test_the_service_of_a_bridge_stays_as_long_as_its_pod(context: Any) -> None:
    known = replace(context(), observed=Observed(slots=BridgeSlots((0,), (4,))))
    records = [
        *(service(slot) for slot in (0, 1, 2, 4)),
        child("Service", "acme-web"),
        workload(0),
        pod(0),
        pod(2, deleting=True),
        workload(4),
        pod(4),
        pod(10),
        child("Pod", "acme-jvb-1-x"),
        child("Pod", "acme-web-0"),
    ]
    assert {(ref.kind, ref.name) for ref in left_as_they_are(known, records)} == {
        ("StatefulSet", "acme-jvb-0"),
        ("Service", "acme-jvb-0"),
        ("Service", "acme-jvb-2"),
        ("StatefulSet", "acme-jvb-4"),
        ("Service", "acme-jvb-4"),
        ("Service", "acme-jvb-10"),
    }


def test_workloads_are_called_without_the_tenants_name() -> None:
    running = WorkloadFacts(1, 1, 1, 1, 1, 1, 1, "")
    records = [
        child("Deployment", "acme-web", running),
        child("Deployment", "acme-jicofo", running),
        child("StatefulSet", "acme-jvb-1", running, deleting=True),
        child("ConfigMap", "acme-web"),
    ]
    assert [w.name for w in observe.workloads("acme", records)] == ["jicofo", "web"]
