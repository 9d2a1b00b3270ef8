"""What others do to children is undone, what they add is left alone."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef
from trial.cluster import RECORDING, Cluster, Tenant
from trial.expectation import assert_exact, children, exact
from trial.operating import Operating
from trial.waiting import until

if TYPE_CHECKING:
    from tests.integration.operator.conftest import Operate


async def spoil(tenant: Tenant) -> None:
    """Change something of several children by hand, one deletion among it."""
    cluster = tenant.cluster
    kubectl = cluster.connection.kubectl
    web = tenant.child("Deployment", "web")
    image = {"name": "web", "image": "example.org/other"}
    template = {"spec": {"template": {"spec": {"containers": [image]}}}}
    await cluster.call(
        "PATCH",
        f"/apis/apps/v1/namespaces/{web.namespace}/deployments/{web.name}",
        template,
        {"Content-Type": "application/strategic-merge-patch+json"},
    )
    await asyncio.to_thread(
        kubectl, "scale", "-n", tenant.namespace, "deployment/acme-jicofo", "--replicas=3"
    )
    labels = {"metadata": {"labels": {"jitsi.rezosocial.com/tenant": None}}}
    await cluster.patch(tenant.child("ServiceAccount", "jvb"), labels)
    managed = {"metadata": {"labels": {"app.kubernetes.io/managed-by": "me"}}}
    await cluster.patch(tenant.child("ConfigMap", "jvb"), managed)
    await cluster.patch(tenant.child("ConfigMap", "web"), {"data": None})
    policy = {"spec": {"ingress": [{}], "policyTypes": ["Ingress"]}}
    await cluster.patch(tenant.child("NetworkPolicy", "default-deny"), policy)
    ports = {"spec": {"type": "ClusterIP"}}
    await cluster.patch(tenant.child("Service", "jvb-0"), ports)
    await cluster.delete(tenant.child("PodDisruptionBudget", "web"))


async def test_each_child_that_is_deleted_comes_back(cluster: Cluster, operator: Operating) -> None:
    tenant = await cluster.tenant(RECORDING)
    await tenant.ready()
    made = await children(cluster, tenant.namespace)
    for ref in made:
        await cluster.delete(ref)
    before = identities(made)

    async def look() -> bool:
        now = identities(await children(cluster, tenant.namespace))
        assert now.keys() == before.keys(), before.keys() ^ now.keys()
        old = now.items() & before.items()
        assert not old, f"not deleted: {old}"
        return True

    await until(look)
    await tenant.ready()
    await exact(tenant)


def identities(found: dict[ObjectRef, JsonObject]) -> dict[tuple[str, str], str]:
    """The uid of each child by kind and name; of a bridge without its slot, which may differ."""
    return {
        (ref.kind, re.sub(r"-jvb-\d+$", "-jvb-N", ref.name)): body["metadata"]["uid"]
        for ref, body in found.items()
    }


async def test_what_is_changed_by_hand_is_put_right(tenant: Tenant, operator: Operating) -> None:
    await spoil(tenant)
    await exact(tenant)
    await tenant.ready()
    assert operator.metric("drift_corrections_total", kind="Deployment") >= 2


async def test_what_was_changed_while_nobody_looked_is_put_right(
    cluster: Cluster, operate: Operate
) -> None:
    async with operate():
        tenant = await cluster.tenant()
        await tenant.ready()
    await spoil(tenant)
    async with operate():
        await exact(tenant)
        await tenant.ready()


async def test_what_was_deleted_and_changed_of_tenants_while_nobody_looked_is_carried_out(
    cluster: Cluster, operate: Operate
) -> None:
    async with operate():
        changed, deleted = await cluster.tenant(name="one"), await cluster.tenant(name="two")
        await changed.ready()
        await deleted.ready()
    await changed.change({"media": {"bridges": 2}})
    await cluster.delete(deleted.ref)
    new = await cluster.tenant(name="three")
    async with operate():
        await cluster.gone(deleted.ref)
        for tenant in (changed, new):
            await tenant.ready()
            await assert_exact(tenant)


async def test_whose_a_child_is_can_be_put_right_of_every_kind(
    cluster: Cluster, operator: Operating
) -> None:
    """The API server lets only those change that who could also delete the child."""
    tenant = await cluster.tenant(RECORDING)
    await tenant.ready()
    every = await children(cluster, tenant.namespace)
    owned = [ref for ref, body in every.items() if "ownerReferences" in body["metadata"]]
    assert {"ResourceQuota", "LimitRange", "StatefulSet"} <= {ref.kind for ref in owned}
    for ref in owned:
        await cluster.patch(ref, {"metadata": {"ownerReferences": None}})
    await exact(tenant)
    await tenant.ready()


async def test_what_others_add_is_left_alone(
    tenant: Tenant, cluster: Cluster, operator: Operating
) -> None:
    added = {"metadata": {"annotations": {"example.org/note": "mine"}, "labels": {"mine": "yes"}}}
    every = await children(cluster, tenant.namespace)
    for ref in every:
        await cluster.patch(ref, added)
    ingress = tenant.child("Ingress", "web")
    assert ingress in every
    await cluster.patch(ingress, {"metadata": {"finalizers": ["example.org/controller"]}})
    await operator.quiet()
    await assert_exact(tenant)
    for ref, body in (await children(cluster, tenant.namespace)).items():
        assert body["metadata"]["annotations"]["example.org/note"] == "mine", ref
        assert body["metadata"]["labels"]["mine"] == "yes", ref
    await tenant.change({"branding": {"applicationName": "Visio"}})
    await tenant.ready()
    found = await cluster.get(ingress)
    assert found["metadata"]["finalizers"] == ["example.org/controller"]
    await cluster.patch(ingress, {"metadata": {"finalizers": None}})


async def test_strangers_in_the_namespace_are_not_touched(
    tenant: Tenant, cluster: Cluster, operator: Operating
) -> None:
    """One that bears the labels of a child, as a person's copy of one would, among them."""
    labels = (await cluster.get(tenant.child("ConfigMap", "web")))["metadata"]["labels"]
    strangers = []
    for name, marks in (("plain", {}), ("copy", labels)):
        body = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": tenant.namespace, "labels": marks},
            "data": {"a": "b"},
        }
        strangers.append(ObjectRef.of(await cluster.create(body)))
    await tenant.change({"media": {"bridges": 2}})
    await tenant.ready()
    await operator.quiet()
    for ref in strangers:
        assert (await cluster.get(ref))["data"] == {"a": "b"}
