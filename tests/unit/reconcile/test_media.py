"""Where clients reach the bridges of a tenant, and what its pods say of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from jitsi_tenant_operator.api.objects import ObjectRef, TenantKey
from jitsi_tenant_operator.api.plan import Feature
from jitsi_tenant_operator.contract.terms import effective_terms
from jitsi_tenant_operator.kube.children import ChildRecord
from jitsi_tenant_operator.kube.facts import Facts, PodFacts, ServiceFacts, WorkloadFacts
from jitsi_tenant_operator.kube.metadata import MetadataRecord
from jitsi_tenant_operator.reconcile import observe
from jitsi_tenant_operator.reconcile.conditions import Reason
from jitsi_tenant_operator.reconcile.media import ENFORCE_LABEL, MediaAddresses
from jitsi_tenant_operator.reconcile.ports import HostPorts
from jitsi_tenant_operator.reconcile.resolve import Resolved, tenant_context
from jitsi_tenant_operator.render import media, names
from jitsi_tenant_operator.render.context import MediaAddress, Observed, TenantContext

ME = TenantKey("tenant-acme", "acme")
HOST_PORTS = {"exposure": "HostPort", "hostPorts": {"first": 10_000, "last": 10_002}}
BALANCED = {"exposure": "LoadBalancer"}


@dataclass
class Cluster:
    """What the caches say of Services and of the namespace's labels."""

    services: dict[str, ServiceFacts] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)

    def facts(self, ref: ObjectRef, _kind: type) -> ServiceFacts | None:
        return self.services.get(ref.name)

    def get(self, _namespace: str, name: str) -> MetadataRecord:
        return MetadataRecord(
            ObjectRef("v1", "Namespace", "", name), "u", 1, self.labels, {}, deleting=False
        )


@pytest.fixture
def context(make: Callable[..., Any]) -> Callable[..., TenantContext]:
    def build(bridges: int = 2, **exposure: Any) -> TenantContext:
        tenant = make("JitsiTenant", spec={"media": {"bridges": bridges}})
        resolved = Resolved(
            tenant=tenant,
            plan=make("JitsiPlan", spec={"capacity": {"bridges": {"maximum": 20}}}),
            platform=make("JitsiPlatform", spec={"media": exposure}),
            documents=("cgu",),
            terms=effective_terms(tenant.spec.contract, [make("JitsiTerms")]),
            features=frozenset[Feature](),
            host="meet.acme.example",
            release="stable-11146-2",
        )
        return tenant_context(resolved, "operator")

    return build


def addresses(cluster: Cluster, ports: HostPorts | None = None) -> MediaAddresses:
    return MediaAddresses(cluster, cluster, ports or HostPorts())  # type: ignore[arg-type]


def service(*found: str, port: int | None = None) -> ServiceFacts:
    ports = ((media.PORT_NAME, port),) if port is not None else ()
    return ServiceFacts(node_ports=ports, cluster_ip="10.0.0.1", addresses=found)


def test_a_bridge_is_reached_at_its_node_port_once_it_has_one(context: Any) -> None:
    cluster = Cluster({names.bridge("acme", 1): service(port=31_001)})
    assert addresses(cluster).of(ME, context()) == ({1: MediaAddress(31_001)}, None)


def test_a_bridge_waits_for_the_address_of_its_load_balancer(context: Any) -> None:
    cluster = Cluster(
        {names.bridge("acme", 0): service("203.0.113.7"), names.bridge("acme", 1): service()}
    )
    found, obstacle = addresses(cluster).of(ME, context(**BALANCED))
    assert found == {0: MediaAddress(media.PORT, ("203.0.113.7",))}
    assert obstacle is None, "that is no obstacle: it comes"


def test_host_ports_are_kept(context: Any) -> None:
    finder = addresses(Cluster())
    first = finder.of(ME, context(**HOST_PORTS))
    assert first == ({0: MediaAddress(10_000), 1: MediaAddress(10_001)}, None)
    assert finder.of(ME, context(**HOST_PORTS)) == first


@pytest.mark.parametrize(
    ("level", "forbids"),
    [("restricted", True), ("baseline", True), ("privileged", False), ("", False)],
)
def test_host_ports_need_a_namespace_that_lets_them(
    level: str, forbids: bool, context: Any
) -> None:
    cluster = Cluster(labels={ENFORCE_LABEL: level} if level else {})
    found, obstacle = addresses(cluster).of(ME, context(**HOST_PORTS))
    assert (obstacle is not None) == forbids
    assert bool(found) != forbids
    if obstacle is not None:
        assert obstacle.reason is Reason.POD_SECURITY
        assert f"{ENFORCE_LABEL}=privileged" in obstacle.message


def test_bridges_for_which_no_host_port_is_free_are_told_of(context: Any) -> None:
    found, obstacle = addresses(Cluster()).of(ME, context(bridges=5, **HOST_PORTS))
    assert len(found) == 3
    assert obstacle is not None
    assert obstacle.reason is Reason.NO_FREE_PORT
    assert "10000 to 10002" in obstacle.message
    assert "spec.media.hostPorts" in obstacle.message


def test_host_ports_become_free_when_media_goes_another_way(context: Any) -> None:
    ports = HostPorts()
    finder = addresses(Cluster(), ports)
    finder.of(ME, context(**HOST_PORTS))
    finder.of(ME, context())
    other = TenantKey("tenant-globex", "globex")
    assert finder.of(other, context(bridges=3, **HOST_PORTS))[1] is None


def child(kind: str, name: str, facts: Facts | None = None, **parts: Any) -> Any:
    version = "apps/v1" if kind == "Deployment" else "v1"
    record: ChildRecord[TenantKey] = ChildRecord(
        ref=ObjectRef(version, kind, "tenant-acme", name),
        uid="u",
        resource_version=1,
        owner=ME,
        owner_uid=None,
        applied_hash=None,
        deleting=parts.get("deleting", False),
        facts=facts,
        content=b"",
        verified=True,
        snapshot=None,
    )
    return record


def pod(workload: str, suffix: str = "x", *, ready: bool = True, **parts: Any) -> Any:
    facts = PodFacts("Running", ready, "node-1", parts.pop("host_ip", "192.0.2.11"), "10.1.0.1")
    return child("Pod", f"{workload}-{suffix}", facts, **parts)


def test_bridges_are_shown_as_clients_reach_them(context: Any) -> None:
    known = replace(context(bridges=3), observed=Observed({0: MediaAddress(31_000)}, {}))
    records = [
        pod("acme-jvb-0"),
        pod("acme-jvb-1", ready=False),
        pod("acme-jvb-10", host_ip="192.0.2.99"),
    ]
    first, second, third = observe.bridges(known, records)
    assert (first.name, first.addresses, first.port) == ("acme-jvb-0", ("192.0.2.11",), 31_000)
    assert first.ready
    assert (second.addresses, second.port, second.ready) == ((), None, False)
    assert (third.addresses, third.ready) == ((), False)


def test_while_a_bridge_is_replaced_the_pod_that_is_ready_counts(context: Any) -> None:
    known = replace(context(bridges=1), observed=Observed({0: MediaAddress(31_000)}, {}))
    old = pod("acme-jvb-0", "old", host_ip="192.0.2.1", deleting=True)
    new = pod("acme-jvb-0", "new", host_ip="192.0.2.2")
    starting = pod("acme-jvb-0", "starting", host_ip="192.0.2.3", ready=False)
    (bridge,) = observe.bridges(known, [old, starting, new])
    assert bridge.addresses == ("192.0.2.2",)


def test_the_service_of_a_bridge_stays_as_long_as_its_pod() -> None:
    gone, draining, wanted = (child("Service", f"acme-jvb-{index}") for index in (1, 2, 0))
    records = [
        gone,
        draining,
        wanted,
        child("Service", "acme-web"),
        pod("acme-jvb-0"),
        pod("acme-jvb-2", deleting=True),
        pod("acme-jvb-10"),
        pod("acme-web"),
    ]
    assert observe.still_serving("acme", records, {wanted.ref}) == {draining.ref}


def test_workloads_are_called_without_the_tenants_name() -> None:
    running = WorkloadFacts(1, 1, 1, 1, 1, 1, 1, "")
    records = [
        child("Deployment", "acme-web", running),
        child("Deployment", "acme-jicofo", running),
        child("Deployment", "acme-jvb-1", running, deleting=True),
        child("ConfigMap", "acme-web"),
    ]
    assert [w.name for w in observe.workloads("acme", records)] == ["jicofo", "web"]
