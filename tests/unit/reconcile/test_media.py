"""Where clients reach the bridges of a tenant, and what stands in the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.unit.reconcile.namespaces import namespace

from jitsi_tenant_operator.api.objects import ObjectRef, TenantKey
from jitsi_tenant_operator.kube.facts import ServiceFacts
from jitsi_tenant_operator.kube.metadata import MetadataRecord
from jitsi_tenant_operator.reconcile.conditions import Reason
from jitsi_tenant_operator.reconcile.media import ENFORCE_LABEL, MediaAddresses
from jitsi_tenant_operator.reconcile.ports import HostPorts
from jitsi_tenant_operator.render import media, names
from jitsi_tenant_operator.render.context import MediaAddress

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
        return namespace(name, self.labels)


def addresses(cluster: Cluster, ports: HostPorts | None = None) -> MediaAddresses:
    return MediaAddresses(cluster, cluster, ports or HostPorts())  # type: ignore[arg-type]


def service(*found: str, port: int | None = None) -> ServiceFacts:
    ports = ((media.PORT_NAME, port),) if port is not None else ()
    return ServiceFacts(node_ports=ports, cluster_ip="10.0.0.1", addresses=found)


def test_a_bridge_is_reached_at_its_node_port_once_it_has_one(context: Any) -> None:
    cluster = Cluster({names.bridge("acme", 1): service(port=31_001)})
    assert addresses(cluster).assign(ME, context(2), (0, 1), {}) == (
        {1: MediaAddress(31_001)},
        None,
    )


def test_a_bridge_waits_for_the_address_of_its_load_balancer(context: Any) -> None:
    cluster = Cluster(
        {names.bridge("acme", 0): service("203.0.113.7"), names.bridge("acme", 1): service()}
    )
    found, obstacle = addresses(cluster).assign(ME, context(2, **BALANCED), (0, 1), {})
    assert found == {0: MediaAddress(media.PORT, ("203.0.113.7",))}
    assert obstacle is None, "that is no obstacle: it comes"


def test_host_ports_are_kept(context: Any) -> None:
    finder = addresses(Cluster())
    first = finder.assign(ME, context(2, **HOST_PORTS), (0, 1), {})
    assert first == ({0: MediaAddress(10_000), 1: MediaAddress(10_001)}, None)
    assert finder.assign(ME, context(2, **HOST_PORTS), (0, 1), {}) == first


@pytest.mark.parametrize(
    ("level", "forbids"),
    [("restricted", True), ("baseline", True), ("privileged", False), ("", False)],
)
def test_host_ports_need_a_namespace_that_lets_them(
    level: str, forbids: bool, context: Any
) -> None:
    cluster = Cluster(labels={ENFORCE_LABEL: level} if level else {})
    found, obstacle = addresses(cluster).assign(ME, context(2, **HOST_PORTS), (0, 1), {})
    assert (obstacle is not None) == forbids
    assert bool(found) != forbids
    if obstacle is not None:
        assert obstacle.reason is Reason.POD_SECURITY
        assert f"{ENFORCE_LABEL}=privileged" in obstacle.message


def test_bridges_for_which_no_host_port_is_free_are_told_of(context: Any) -> None:
    found, obstacle = addresses(Cluster()).assign(ME, context(2, **HOST_PORTS), range(5), {})
    assert len(found) == 3
    assert obstacle is not None
    assert obstacle.reason is Reason.NO_FREE_PORT
    assert "10000 to 10002" in obstacle.message
    assert "spec.media.hostPorts" in obstacle.message


def test_host_ports_become_free_when_media_goes_another_way(context: Any) -> None:
    ports = HostPorts()
    finder = addresses(Cluster(), ports)
    finder.assign(ME, context(2, **HOST_PORTS), (0, 1), {})
    other = TenantKey("tenant-globex", "globex")
    # The pod of one bridge is still there, and has its port.
    finder.assign(ME, context(2), (2, 3), {1: 10_001})
    found, obstacle = finder.assign(other, context(2, **HOST_PORTS), (0, 1), {})
    assert (found, obstacle) == ({0: MediaAddress(10_000), 1: MediaAddress(10_002)}, None)
    finder.assign(ME, context(2), (2, 3), {})
    assert finder.assign(other, context(2, **HOST_PORTS), (0, 1, 2), {})[1] is None
