"""Reads from a cluster what can be said of one tenant's contract, with the caller's own rights."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, suppress

from prometheus_client import CollectorRegistry

from jitsi_tenant_operator import __version__
from jitsi_tenant_operator.api.files import Placed
from jitsi_tenant_operator.api.hold import JitsiLegalHold
from jitsi_tenant_operator.api.kinds import KINDS
from jitsi_tenant_operator.api.maintenance import JitsiMaintenance
from jitsi_tenant_operator.api.model import CustomResource, InvalidObjectError
from jitsi_tenant_operator.api.notice import JitsiNotice
from jitsi_tenant_operator.api.objects import API_VERSION, GROUP, VERSION, ObjectRef, TenantKey
from jitsi_tenant_operator.api.plan import JitsiPlan
from jitsi_tenant_operator.api.platform import JitsiPlatform
from jitsi_tenant_operator.api.record import JitsiTenantRecord
from jitsi_tenant_operator.api.tenant import JitsiTenant
from jitsi_tenant_operator.api.terms import JitsiTerms
from jitsi_tenant_operator.clock import SystemClock
from jitsi_tenant_operator.kube.client import KubeClient, Selection
from jitsi_tenant_operator.kube.connection import ConfigurationError
from jitsi_tenant_operator.kube.errors import KubeError, NotFound
from jitsi_tenant_operator.kube.metrics import KubeMetrics
from jitsi_tenant_operator.kube.resources import Resource, ResourceRegistry
from jitsi_tenant_operator.reconcile.contract_objects import record_ref

SHARED: tuple[type[CustomResource], ...] = (JitsiPlatform, JitsiPlan, JitsiTerms, JitsiMaintenance)
BESIDE: tuple[type[CustomResource], ...] = (JitsiNotice, JitsiLegalHold)
_SECONDS = 60.0


class ClusterError(Exception):
    """The cluster does not answer, or does not let one read; the message says what."""


def own_resources() -> Iterator[Resource]:
    """Where the API server has the operator's own kinds."""
    for kind in KINDS:
        definition = kind.definition
        yield Resource(
            GROUP, VERSION, definition.plural, definition.kind, namespaced=definition.namespaced
        )


def read_tenant(key: TenantKey, kubeconfig: str | None, context: str | None) -> list[Placed]:
    """The tenant and all that its contract depends on, as the cluster has it now.

    Raises ClusterError, also where there is no such tenant.
    """
    try:
        return asyncio.run(asyncio.wait_for(_read(key, kubeconfig, context), _SECONDS))
    except TimeoutError:
        raise ClusterError(f"the cluster did not answer within {_SECONDS:g} seconds") from None
    except NotFound as error:
        raise ClusterError(f"{key}: {error}") from error
    except (ConfigurationError, KubeError, OSError, InvalidObjectError) as error:
        raise ClusterError(str(error)) from error


async def _read(key: TenantKey, kubeconfig: str | None, context: str | None) -> list[Placed]:
    client = await KubeClient.connect(
        kubeconfig=kubeconfig,
        context=context,
        resources=ResourceRegistry(own_resources()),
        metrics=KubeMetrics(CollectorRegistry(), "jitsi"),
        clock=SystemClock(),
        user_agent=f"jitsi-tenant-operator/{__version__}",
        field_manager="jitsi-tenant-operator",
    )
    async with client:
        kind = JitsiTenant.definition.kind
        tenant = ObjectRef(API_VERSION, kind, key.namespace, key.name)
        found: list[CustomResource] = [JitsiTenant.parse(await client.get(tenant))]
        with suppress(NotFound):  # a draft has none
            found.append(JitsiTenantRecord.parse(await client.get(record_ref(key))))
        for shared in SHARED:
            found += [each async for each in _all(client, shared, "")]
        for beside in BESIDE:
            found += [each async for each in _all(client, beside, key.namespace)]
    return [Placed(each, "the cluster", 0) for each in found]


async def _all(
    client: KubeClient, kind: type[CustomResource], namespace: str
) -> AsyncIterator[CustomResource]:
    resource = client.resources.of(API_VERSION, kind.definition.kind)
    pages = client.list_pages(resource, Selection(namespace=namespace))
    async with aclosing(pages):
        async for page in pages:
            for body in page.items:
                yield kind.parse(body)
