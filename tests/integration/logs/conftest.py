"""A node with tenants' containers, its agent, and the aggregator: all but the containers real."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from jitsi_tenant_operator.render.labels import Component, labels
from localplane import Connection
from toolbox import provide
from trial import collector
from trial.collector import Collector
from trial.containers import Container, tally
from trial.waiting import until

TENANTS = 50
ZONE = "Europe/Paris"
AGENT = "jitsi-logs-agent"


@dataclass(slots=True)
class Pipeline:
    """Containers, the agent that reads what they log, and the aggregator that gets it."""

    plane: Connection
    pods: Path
    current: Path
    agent: Collector
    aggregator: Collector
    kubeconfig: Path
    node: str
    containers: list[Container] = field(default_factory=list)

    def container(self, namespace: str, tenant: str | None, component: Component) -> Container:
        """A new container of a tenant's pod on the node; without tenant, of somebody else's."""
        name = f"{tenant or 'other'}-{component}-{secrets.token_hex(4)}"
        own = labels(tenant, component) if tenant is not None else {"app": component.value}
        body = {
            "metadata": {"name": name, "labels": own},
            "spec": {
                "nodeName": self.node,
                "containers": [{"name": component.value, "image": "registry.example/any:1"}],
            },
        }
        path = f"/api/v1/namespaces/{namespace}/pods"
        uid = self.plane.request("POST", path, body)["metadata"]["uid"]
        found = Container(namespace, name, uid, component.value, self.pods)
        self.containers.append(found)
        return found

    def start_agent(self) -> None:
        """Start the agent, which does not wait until it is ready."""
        self.agent.start(KUBECONFIG=str(self.kubeconfig), NODE_NAME=self.node)

    def start_aggregator(self) -> None:
        """Start the aggregator."""
        self.aggregator.start(TZ=ZONE)

    def collected(self) -> Counter[str]:
        """How often each line has been collected."""
        return tally(text for _, text in collector.collected(self.current))

    async def complete(self, expected: list[Container]) -> Counter[str]:
        """How often each line was collected, once all that `expected` have written are there."""

        async def look() -> Counter[str]:
            found = self.collected()
            written = sum(each.written for each in expected)
            assert len(found) >= written, f"{len(found)} of {written}; {self.agent.log()[-2000:]}"
            return found

        return await until(look, every=0.5)


@pytest.fixture(scope="session")
def program() -> Path:
    """The Collector, as it is built for the image."""
    return provide(("opentelemetry-collector",))["opentelemetry-collector"]


@pytest.fixture
def pipeline(plane: Connection, program: Path, tmp_path: Path) -> Iterator[Pipeline]:
    """A pipeline whose agent has the rights that its manifest gives it, not yet started."""
    certificates = tmp_path / "certificates"
    collector.write_certificates(certificates)
    pods, current = tmp_path / "pods", tmp_path / "current"
    pods.mkdir()
    address = f"{collector.HERE}:{collector.free_port()}"
    aggregator = collector.aggregator(program, tmp_path, current, certificates, address)
    agent = collector.agent(program, tmp_path, pods, certificates, address)
    for manifest in ("namespace.yaml", "rights.yaml"):
        plane.kubectl("apply", "--server-side", "-f", str(collector.MANIFESTS / "agent" / manifest))
    kubeconfig = plane.service_account_kubeconfig("jitsi-logs", AGENT, tmp_path / "kubeconfig")
    node = f"node-{secrets.token_hex(4)}"
    found = Pipeline(plane, pods, current, agent, aggregator, kubeconfig, node)
    try:
        yield found
    finally:
        agent.stop(kill=True)
        aggregator.stop(kill=True)


@pytest.fixture
def namespaces(plane: Connection) -> Iterator[list[str]]:
    """Namespaces of many tenants, deleted without waiting."""
    names = [f"t-logs-{secrets.token_hex(4)}-{number}" for number in range(TENANTS)]
    for name in names:
        plane.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    yield names
    for name in names:
        plane.request("DELETE", f"/api/v1/namespaces/{name}")
