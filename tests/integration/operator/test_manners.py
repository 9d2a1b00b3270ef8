"""The operator writes only what is its own, only when there is news, and stops when asked to."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef
from trial.cluster import RECORDING, SMALL, Cluster, Tenant, laid_over, shared
from trial.expectation import children, exact
from trial.operating import Operating, TurnedClock
from trial.waiting import until

if TYPE_CHECKING:
    from tests.integration.operator.conftest import Operate

FINALIZER = "jitsi.rezosocial.com/operator"
PAUSED = "jitsi.rezosocial.com/paused"
TRACKED = {
    "labels": {"app.kubernetes.io/instance": "tenants", "team": "hosting"},
    "annotations": {
        "argocd.argoproj.io/tracking-id": "tenants:jitsi.rezosocial.com/JitsiTenant:t/acme",
        "argocd.argoproj.io/sync-wave": "1",
    },
}


async def events(tenant: Tenant) -> list[tuple[str, str]]:
    """Type and reason of the Events about a tenant, the oldest first."""
    found = await tenant.cluster.list("events.k8s.io/v1", "Event", tenant.namespace)
    mine = [event for event in found if event["regarding"]["kind"] == "JitsiTenant"]
    mine.sort(key=lambda event: event["eventTime"])
    return [(event["type"], event["reason"]) for event in mine]


async def annotate(tenant: Tenant, **annotations: str | None) -> None:
    """Set or remove annotations of a tenant."""
    await tenant.cluster.patch(tenant.ref, {"metadata": {"annotations": annotations}})


def metadata(body: JsonObject) -> JsonObject:
    """What a person wrote of the metadata, and the finalizers."""
    found: JsonObject = deepcopy(body["metadata"])
    for name in ("managedFields", "resourceVersion", "generation"):
        del found[name]
    return found


async def test_only_a_finalizer_is_added_to_the_metadata_of_a_tenant(
    cluster: Cluster, operator: Operating, clock: TurnedClock
) -> None:
    """As Argo CD would apply it, whose marks must not spread either."""
    namespace = await cluster.namespace()
    body = shared("JitsiTenant", "acme", laid_over(SMALL, RECORDING))
    body["metadata"] |= {"namespace": namespace, **TRACKED}
    created = metadata(await cluster.apply(body, "argocd-controller"))
    tenant = Tenant(cluster, ObjectRef.of(body))
    await tenant.ready()
    await tenant.change({"media": {"bridges": 2}})
    await tenant.ready()
    clock.turn(40_000.0)
    await operator.quiet()
    seen = await tenant.body()
    assert metadata(seen) == {**created, "finalizers": [FINALIZER]}
    assert seen["spec"] == laid_over((await cluster.get(tenant.ref))["spec"], body["spec"]) | {
        "media": {"bridges": 2}
    }
    for ref, child in (await children(cluster, namespace)).items():
        marks = child["metadata"]["labels"] | child["metadata"]["annotations"]
        assert "team" not in marks, ref
        assert marks["app.kubernetes.io/instance"] == "acme", ref
        assert "argocd.argoproj.io/tracking-id" not in marks, ref
        assert "argocd.argoproj.io/sync-wave" not in marks, ref
        assert marks["argocd.argoproj.io/ignore-resource-updates"] == "true", ref
        assert ("ownerReferences" in child["metadata"]) == (
            "jitsi.rezosocial.com/retain" not in marks
        ), ref


async def test_nobody_but_the_person_owns_a_field_of_the_spec(tenant: Tenant) -> None:
    await tenant.change({"media": {"bridges": 2}})
    await tenant.ready()
    for entry in (await tenant.body())["metadata"]["managedFields"]:
        assert ("f:spec" in entry["fieldsV1"]) == (entry["manager"] == "person"), entry
        assert entry["manager"] in {"person", "jitsi-tenant-operator"}


async def test_events_tell_of_transitions_only(
    tenant: Tenant, operator: Operating, clock: TurnedClock
) -> None:
    told = [("Normal", "AsWanted")]

    async def all_told() -> bool:
        found = await events(tenant)
        assert found == told, found
        return True

    await until(all_told)
    for change, event in (
        ({"plan": "absent"}, ("Warning", "PlanNotFound")),
        ({"plan": "essential"}, ("Normal", "AsWanted")),
        ({"updates": {"channel": "absent"}}, ("Warning", "ChannelNotFound")),
    ):
        await tenant.change(change)
        told.append(event)
        await until(all_told)
        clock.turn(40_000.0)
        await operator.quiet()
        await all_told()


async def test_a_condition_changes_its_time_only_with_its_state(
    tenant: Tenant, clock: TurnedClock
) -> None:
    before = {c["type"]: c for c in (await tenant.status())["conditions"]}
    clock.turn(3_600.0)
    await tenant.change({"contract": {"client": {"language": "en"}}})
    await tenant.ready()
    after = {c["type"]: c for c in (await tenant.status())["conditions"]}
    assert after.keys() == before.keys()
    for name, condition in after.items():
        assert condition["lastTransitionTime"] == before[name]["lastTransitionTime"], name
        assert condition["observedGeneration"] == 2, name


async def test_a_paused_tenant_is_left_alone_until_it_is_not_paused_any_more(
    tenant: Tenant, cluster: Cluster, operate: Operate, operator: Operating
) -> None:
    before = await children(cluster, tenant.namespace)
    applied = (await tenant.status())["observedGeneration"]
    await annotate(tenant, **{PAUSED: "true"})
    await tenant.change({"branding": {"applicationName": "Visio"}})
    await cluster.delete(tenant.child("PodDisruptionBudget", "web"))

    async def paused() -> bool:
        ready = await tenant.condition()
        assert (ready["status"], ready["reason"]) == ("Unknown", "Paused"), ready
        assert PAUSED in ready["message"]
        return True

    await until(paused)
    await operator.quiet()
    after = await children(cluster, tenant.namespace)
    assert before.keys() - after.keys() == {tenant.child("PodDisruptionBudget", "web")}
    web = tenant.child("ConfigMap", "web")
    assert after[web]["data"] == before[web]["data"]
    status = await tenant.status()
    assert status["observedGeneration"] == applied
    assert status["url"] == "https://acme.meet.hosting.example"
    await annotate(tenant, **{PAUSED: None})
    await tenant.ready()
    await exact(tenant)


async def test_a_paused_tenant_can_be_deleted(tenant: Tenant) -> None:
    await annotate(tenant, **{PAUSED: "true"})
    await tenant.delete()


NAMES = [
    "a" * 63,
    "a" * 62 + "b",
    "a" * 61 + "-b",
    "7-of-nine",
    "x",
    "with--dashes-1234abcd",
    "a" * 40,
]


async def test_extreme_names_give_distinct_stable_children(
    cluster: Cluster, operate: Operate
) -> None:
    """All of them have the same beginning, and their namespaces are the only thing between them."""
    async with operate():
        tenants = [await cluster.tenant(name=name) for name in NAMES]
        for tenant in tenants:
            await tenant.ready()
            await exact(tenant)
        names = [await workloads(tenant) for tenant in tenants]
    assert len(set().union(*names)) == sum(map(len, names)), "two tenants share a name"
    async with operate() as again:
        await again.caught_up()
        assert [await workloads(tenant) for tenant in tenants] == names


async def workloads(tenant: Tenant) -> set[str]:
    """The names of a tenant's Deployments."""
    found = await tenant.cluster.list("apps/v1", "Deployment", tenant.namespace)
    return {body["metadata"]["name"] for body in found}
