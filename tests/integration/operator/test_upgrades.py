"""What an earlier version made becomes what this one wants, also where it cannot be changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef
from jitsi_tenant_operator.render.labels import MANAGER
from localplane.meetings import nobody_meets, people_meet
from trial.cluster import Cluster, Tenant, path_of
from trial.expectation import exact
from trial.operating import Operating
from trial.waiting import until

if TYPE_CHECKING:
    from tests.integration.operator.conftest import Operate

LOOK_SECONDS = 31.0
KEPT = ("name", "namespace", "labels", "annotations", "ownerReferences")


async def made_otherwise(cluster: Cluster, ref: ObjectRef, spec: JsonObject) -> JsonObject:
    """Put into the place of a child what a version would have made that wanted `spec` in it."""
    found = await cluster.get(ref)
    await cluster.call("DELETE", path_of(ref), {"propagationPolicy": "Orphan"})
    await cluster.gone(ref)
    metadata = {name: found["metadata"][name] for name in KEPT}
    body = {
        "apiVersion": ref.api_version,
        "kind": ref.kind,
        "metadata": metadata,
        "spec": {**found["spec"], **spec},
    }
    return await cluster.apply(body, MANAGER)


async def prosody_pod(tenant: Tenant, of: JsonObject) -> str:
    """The uid of the pod that a StatefulSet of Prosody has, once it has it."""
    ref = tenant.child("Pod", "prosody-0")

    async def look() -> str:
        metadata = (await tenant.cluster.get(ref))["metadata"]
        owners = [each["uid"] for each in metadata.get("ownerReferences", ())]
        assert owners == [of["metadata"]["uid"]]
        uid: str = metadata["uid"]
        return uid

    return await until(look)


async def test_meetings_outlive_a_stateful_set_that_must_be_made_anew(
    cluster: Cluster, operate: Operate
) -> None:
    async with operate():
        tenant = await cluster.tenant()
        await tenant.ready()
    prosody = tenant.child("StatefulSet", "prosody")
    old = await made_otherwise(cluster, prosody, {"serviceName": "before"})
    pod = await prosody_pod(tenant, old)
    async with operate() as operator:
        await exact(tenant)
        await tenant.ready()
        new = await cluster.get(prosody)
        assert await prosody_pod(tenant, new) == pod
        name = "children_applied_total"
        assert operator.metric(name, kind="StatefulSet", op="replace") == 1
        assert operator.metric(name, kind="StatefulSet", op="create") == 1
        assert operator.metric("reconcile_total", result="failed") == 0


async def test_pods_that_a_new_stateful_set_would_replace_go_on_until_nobody_meets(
    cluster: Cluster, operate: Operate
) -> None:
    async with operate() as operator:
        tenant = await cluster.tenant()
        await tenant.ready()
        await operator.quiet()
    prosody = tenant.child("StatefulSet", "prosody")
    template = (await cluster.get(prosody))["spec"]["template"]
    template["spec"]["priorityClassName"] = "system-cluster-critical"
    old = await made_otherwise(cluster, prosody, {"serviceName": "before", "template": template})
    uid = old["metadata"]["uid"]
    cluster.connection.kubectl(
        *("rollout", "status", "-n", tenant.namespace, f"statefulset/{prosody.name}"),
        "--timeout=60s",
    )
    pod = await prosody_pod(tenant, old)
    labels = "app.kubernetes.io/component=jicofo"
    (jicofo,) = await cluster.list("v1", "Pod", tenant.namespace, labels)
    address = jicofo["status"]["podIP"]
    people_meet(address)

    async def waits() -> bool:
        return bool((await tenant.condition("UpToDate"))["reason"] == "WaitingForIdle")

    async with operate() as operator:
        await until(waits)
        assert (await cluster.get(prosody))["metadata"]["uid"] == uid
        assert await prosody_pod(tenant, old) == pod
        nobody_meets(address)
        operator.clock.turn(LOOK_SECONDS)
        await tenant.ready()
        await exact(tenant)
        new = await cluster.get(prosody)
        assert new["metadata"]["uid"] != uid
        assert operator.metric("children_applied_total", kind="StatefulSet", op="replace") == 1
        assert operator.metric("reconcile_total", result="failed") == 0


async def test_what_only_a_person_may_delete_is_told_and_got_over(
    tenant: Tenant, cluster: Cluster, operator: Operating
) -> None:
    web = tenant.child("ConfigMap", "web")
    await cluster.patch(web, {"immutable": True})
    before = await cluster.get(web)
    await tenant.change({"branding": {"applicationName": "Visio"}})
    told = await tenant.refused("ImmutableField", str(web), "data", "immutable", "delete it")
    assert "save what is in it" in told["message"]
    assert (await cluster.get(web))["metadata"]["uid"] == before["metadata"]["uid"]
    await cluster.delete(web)
    await tenant.ready()
    await exact(tenant)
    assert operator.metric("children_applied_total", kind="ConfigMap", op="replace") == 0
