"""A tenant is Ready only where somebody serves its entry."""

from __future__ import annotations

from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef
from localplane.seed import INGRESS_CLASS
from trial.cluster import Cluster, Tenant
from trial.operating import Operating
from trial.settings import PLATFORM, answer_route
from trial.waiting import until

CLASS = ObjectRef.of(INGRESS_CLASS)
GATEWAY: JsonObject = {"entry": {"type": "Gateway", "gateway": {"name": "web", "namespace": "web"}}}


async def pods_run(tenant: Tenant) -> None:
    """Return when everything but the entry is as it should be."""

    async def look() -> bool:
        found = await tenant.cluster.list("apps/v1", "Deployment", tenant.namespace)
        found += await tenant.cluster.list("apps/v1", "StatefulSet", tenant.namespace)
        wanted = [body["spec"]["replicas"] for body in found]
        ready = [body.get("status", {}).get("readyReplicas", 0) for body in found]
        return len(found) >= 4 and ready == wanted

    await until(look)


async def test_nobody_gets_in_by_an_ingress_of_a_class_that_is_not_there(
    cluster: Cluster, operator: Operating
) -> None:
    await cluster.delete(CLASS)
    tenant = await cluster.tenant()
    await tenant.refused("IngressClassNotFound", "nginx", "spec.entry.ingress.className")
    await pods_run(tenant)
    await operator.quiet()
    available = await tenant.condition("Available")
    assert (available["status"], available["reason"]) == ("False", "IngressClassNotFound")
    assert (await tenant.condition("ResourcesApplied"))["status"] == "True"
    await cluster.create(INGRESS_CLASS)
    await tenant.ready()


async def test_a_class_that_goes_is_noticed_and_another_can_be_named(
    cluster: Cluster, tenant: Tenant
) -> None:
    await cluster.delete(CLASS)
    await tenant.refused("IngressClassNotFound", "nginx")
    other = {**INGRESS_CLASS, "metadata": {"name": "other"}}
    await cluster.apply(other)
    await cluster.patch(PLATFORM, {"spec": {"entry": {"ingress": {"className": "other"}}}})
    await tenant.ready()
    await cluster.delete(ObjectRef.of(other))
    await tenant.refused("IngressClassNotFound", "other")


async def test_a_gateway_must_have_taken_the_route(
    gateway_api: None, cluster: Cluster, operator: Operating
) -> None:
    await cluster.patch(PLATFORM, {"spec": GATEWAY})
    tenant = await cluster.tenant()
    await tenant.refused("Progressing", "waiting for the Gateway web/web")
    await answer_route(tenant, "NotAllowedByListeners")
    await tenant.refused("RouteNotAccepted", "NotAllowedByListeners")
    await answer_route(tenant)
    await tenant.ready()
    await tenant.change({"host": "elsewhere.example.org"})
    await tenant.refused("Progressing", "waiting for the Gateway web/web")
    await answer_route(tenant)
    await tenant.ready()
