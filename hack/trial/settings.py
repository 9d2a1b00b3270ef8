"""The surroundings that a tenant's spec needs: platform, plan, storage, Secrets, addresses."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from jitsi_tenant_operator import render
from jitsi_tenant_operator.api.objects import API_VERSION, JsonObject, ObjectRef
from trial.cluster import RESTRICTED, Cluster, RefusedError, Tenant
from trial.waiting import POLL_SECONDS, until

PLATFORM = ObjectRef(API_VERSION, "JitsiPlatform", "", "default")
PLAN = ObjectRef(API_VERSION, "JitsiPlan", "", "business")

FILES = {
    "Secret": {"acme-jwt": "secret", "acme-ldap": "password"},
    "ConfigMap": {"acme-ca": "ca.crt", "acme-branding": "logo.svg"},
}
"""What golden tenants name, with the key that they name of it."""


async def set_up(cluster: Cluster, case: Mapping[str, Any]) -> str:
    """Make the surroundings of a golden case; the namespace for its tenant."""
    platform: JsonObject = {
        "location": {"nodeSelector": {"topology.kubernetes.io/region": "fr-lyon"}},
        **case.get("platform", {}),
    }
    await cluster.patch(PLATFORM, {"spec": platform})
    await cluster.patch(PLAN, {"spec": case.get("plan", {})})
    for store in platform.get("storage", {}).values():
        await storage_class(cluster, store["className"])
    on_host = platform.get("media", {}).get("exposure") == "HostPort"
    namespace = await cluster.namespace(labels={} if on_host else RESTRICTED)
    for kind, names in FILES.items():
        for name, key in names.items():
            await put(cluster, kind, namespace, name, {key: f"{name}-0123456789abcdef"})
    return namespace


async def storage_class(cluster: Cluster, name: str) -> None:
    """See that there is a storage class whose volumes the control plane simulates."""
    await cluster.apply(
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {"name": name},
            "provisioner": "localplane",
        }
    )


async def put(
    cluster: Cluster, kind: str, namespace: str, name: str, data: Mapping[str, str]
) -> ObjectRef:
    """See that there is a Secret or ConfigMap with exactly this data."""
    values = dict(data)
    if kind == "Secret":
        values = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    body = {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
        "data": values,
    }
    return ObjectRef.of(await cluster.apply(body))


async def give_address(tenant: Tenant, index: int, *addresses: str) -> None:
    """Do what a load balancer does for the Service of a bridge, once it is there."""
    ref = tenant.child("Service", f"jvb-{index}")

    async def look() -> bool:
        service = await tenant.cluster.find(ref)
        return service is not None and service["spec"]["type"] == "LoadBalancer"

    await until(look)
    ingress = [{"ip": address} for address in addresses] or None
    await tenant.cluster.patch(ref, {"status": {"loadBalancer": {"ingress": ingress}}}, "status")


async def answer_route(tenant: Tenant, why_not: str | None = None) -> None:
    """Do what a Gateway's controller does for the route of a tenant, once it is there."""
    ref = tenant.child("HTTPRoute", "web")

    async def look() -> JsonObject:
        return await tenant.cluster.get(ref)

    route = await until(look)
    accepted = {
        "type": "Accepted",
        "status": "True" if why_not is None else "False",
        "reason": why_not or "Accepted",
        "message": "says the trial",
        "lastTransitionTime": "2026-06-01T08:00:00Z",
        "observedGeneration": route["metadata"]["generation"],
    }
    parents = [
        {"parentRef": each, "controllerName": "example.org/trial", "conditions": [accepted]}
        for each in route["spec"]["parentRefs"]
    ]
    await tenant.cluster.patch(ref, {"status": {"parents": parents}}, "status")


@asynccontextmanager
async def balancing(tenant: Tenant) -> AsyncIterator[None]:
    """Do what a load balancer does for whichever Service of a bridge comes, while the block runs.

    The address of the bridge in slot 7 is 203.0.113.107.
    """

    async def balance() -> None:
        while True:
            for service in await tenant.cluster.list("v1", "Service", tenant.namespace):
                ref = ObjectRef.of(service)
                slot = render.names.slot(tenant.name, ref.name)
                served = (service.get("status", {}).get("loadBalancer") or {}).get("ingress")
                if slot is None or served or service["spec"]["type"] != "LoadBalancer":
                    continue
                ingress = [{"ip": f"203.0.113.{100 + slot}"}]
                with suppress(RefusedError):  # it may be gone by now
                    await tenant.cluster.patch(
                        ref, {"status": {"loadBalancer": {"ingress": ingress}}}, "status"
                    )
            await asyncio.sleep(POLL_SECONDS)

    task = asyncio.create_task(balance())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def give_addresses(tenant: Tenant, bridges: int) -> None:
    """An address for each bridge."""
    for index in range(bridges):
        await give_address(tenant, index, f"203.0.113.{100 + index}")
