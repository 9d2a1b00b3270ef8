"""`jitsi-tenant-operator run`: one process that waits for the Lease and then operates."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from jitsi_tenant_operator import __version__
from jitsi_tenant_operator.clock import Clock
from jitsi_tenant_operator.endpoints import serve
from jitsi_tenant_operator.kube.client import KubeClient
from jitsi_tenant_operator.kube.connection import ConfigurationError
from jitsi_tenant_operator.kube.errors import KubeError
from jitsi_tenant_operator.kube.lease import LeaderElection
from jitsi_tenant_operator.kube.metrics import KubeMetrics
from jitsi_tenant_operator.kube.resources import ResourceRegistry
from jitsi_tenant_operator.leader import Leader
from jitsi_tenant_operator.live import own_resources
from jitsi_tenant_operator.notify import acknowledgement
from jitsi_tenant_operator.receipts import acknowledgement_page
from jitsi_tenant_operator.reconcile.metrics import PREFIX
from jitsi_tenant_operator.render.labels import MANAGER

LEASE_NAME = "jitsi-tenant-operator"


@dataclass(frozen=True, slots=True)
class Options:
    """How the operator is run.

    `namespace` is where the operator's own objects are, `identity` tells this process from any
    other, `listen` is host and port of its HTTP surface, `acknowledgement_listen` that of the page
    for acknowledging notices, `workers` how many tenants are reconciled at once, `image` the name
    of its own image, which Jobs of backups run. Without `kubeconfig` the cluster is the one that
    kubectl would use.
    """

    namespace: str
    identity: str
    listen: tuple[str, int]
    acknowledgement_listen: tuple[str, int] | None = None
    kubeconfig: str | None = None
    context: str | None = None
    workers: int = 8
    image: str = ""


async def run(options: Options, clock: Clock) -> None:
    """Wait for the Lease, then operate until cancelled or told by a signal to stop.

    Raises LeadershipLost when another process may have taken over, ConfigurationError when there
    is no cluster to work on, OSError when the address to listen at cannot be had.
    """
    registry = _registry()
    client = await KubeClient.connect(
        kubeconfig=options.kubeconfig,
        context=options.context,
        resources=ResourceRegistry(own_resources()),
        metrics=KubeMetrics(registry, PREFIX),
        clock=clock,
        user_agent=f"{MANAGER}/{__version__}",
        field_manager=MANAGER,
    )
    async with client:
        election = LeaderElection(
            client, namespace=options.namespace, name=LEASE_NAME, identity=options.identity
        )
        leader = Leader(
            client,
            registry,
            namespace=options.namespace,
            identity=options.identity,
            workers=options.workers,
            image=options.image,
        )
        async with (
            serve(
                options.listen,
                registry=registry,
                alive=lambda: leader.why_not_alive() if election.is_leader else None,
                ready=lambda: leader.why_not_ready() if election.is_leader else None,
                before_scrape=leader.refresh_metrics,
            ),
            _acknowledgements(options, client),
        ):
            await election.run(leader.lead)


@asynccontextmanager
async def _acknowledgements(options: Options, client: KubeClient) -> AsyncIterator[None]:
    """Serve the page for acknowledging notices while the block runs, whoever leads."""
    if options.acknowledgement_listen is None:
        yield
        return
    try:
        page = await acknowledgement_page(client, options.namespace)
    except KubeError as error:
        raise ConfigurationError(f"the page for acknowledging notices: {error}") from error
    async with acknowledgement.serve(options.acknowledgement_listen, page):
        yield


def _registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    build = Gauge(f"{PREFIX}_build_info", "The running version.", ["version"], registry=registry)
    build.labels(__version__).set(1)
    return registry
