"""Each section of the spec can be changed, and only the pods that must do start anew."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef
from jitsi_tenant_operator.kube.transport import Request
from trial.cluster import RECORDING, Cluster, Tenant, laid_over, path_of
from trial.expectation import exact, templates
from trial.operating import Operating
from trial.settings import PLAN, PLATFORM, storage_class
from trial.waiting import until

BRIDGES = "bridges"
ALL = {"web", "prosody", "jicofo", BRIDGES}

CHANGES: dict[str, tuple[JsonObject, set[str]]] = {
    "access": ({"access": {"authentication": "Anonymous"}}, {"web", "prosody", "jicofo"}),
    "guests": ({"access": {"guests": "None"}}, {"web", "prosody"}),
    "participants": ({"meetings": {"maxParticipants": 42}}, {"prosody"}),
    "language": ({"meetings": {"language": "de"}}, {"web"}),
    "branding": ({"branding": {"applicationName": "Visio"}}, {"web"}),
    "recording": (RECORDING, {"web", "prosody", "jicofo"}),
    "bridges": ({"media": {"bridges": 3}}, set()),
    "host": ({"host": "meet.other.example"}, {"web", "prosody"}),
    "release": ({"updates": {"release": "stable-11146-9"}}, ALL),
    # It holds fewer participants, and smaller bridges.
    "plan": ({"plan": "essential"}, {"prosody", BRIDGES}),
    "backup": ({"backup": {"window": {"earliest": "22:00", "latest": "23:30"}}}, set()),
    "contract": ({"contract": {"client": {"language": "en"}}}, set()),
}


def rolled(before: Mapping[str, str], after: Mapping[str, str]) -> set[str]:
    """The workloads that were there and have another pod template now.

    Instead of a bridge that changes another one comes, of another name.
    """
    found = {name for name in before.keys() & after.keys() if before[name] != after[name]}
    return found | {BRIDGES for name in before if is_bridge(name) and name not in after}


def is_bridge(name: str) -> bool:
    """Whether a workload is a bridge, by its name without the tenant's."""
    return name.startswith("jvb-")


def without_bridges(found: Mapping[str, str]) -> dict[str, str]:
    """The other workloads: a bridge has another port when it has gone elsewhere and back."""
    return {name: template for name, template in found.items() if not is_bridge(name)}


KEPT = {"access": {"accounts"}, "recording": {"recordings"}}
"""The volumes that stay although the spec of the moment needs none."""


async def test_each_section_can_be_changed_and_rolls_what_it_must(
    cluster: Cluster, operator: Operating
) -> None:
    async with asyncio.TaskGroup() as group:
        for section in CHANGES:
            group.create_task(change_and_undo(cluster, section))


async def change_and_undo(cluster: Cluster, section: str) -> None:
    """Change one section of a tenant of its own, and take the change back."""
    tenant = await cluster.tenant(name=section)
    await tenant.ready()
    change, expected = CHANGES[section]
    before = await templates(tenant)
    kept = [tenant.child("PersistentVolumeClaim", name) for name in KEPT.get(section, ())]
    await tenant.change(change)
    await tenant.ready()
    await exact(tenant, *kept)
    assert rolled(before, await templates(tenant)) == expected, section
    await tenant.change(undo(change))
    await tenant.ready()
    await exact(tenant, *kept)
    now = await templates(tenant)
    assert without_bridges(now) == without_bridges(before), f"the way back: {section}"


def undo(change: JsonObject) -> JsonObject:
    """The merge patch that takes `change` back on the tenant of these tests."""
    if "plan" in change:
        return {"plan": "business"}
    keys = dict.fromkeys(change)
    if "contract" in keys:
        return {**keys, "contract": {"options": None, "client": {"language": None}}}
    return keys


async def test_kubectl_scale_sets_the_number_of_bridges(tenant: Tenant, cluster: Cluster) -> None:
    def scale(number: int) -> None:
        cluster.connection.kubectl(
            "scale", "-n", tenant.namespace, f"jt/{tenant.name}", f"--replicas={number}"
        )

    scale(3)
    status = await tenant.ready()
    assert [bridge["name"] for bridge in status["bridges"]] == [f"acme-jvb-{n}" for n in range(3)]
    assert len({bridge["port"] for bridge in status["bridges"]}) == 3
    await exact(tenant)
    answer = await cluster.call("GET", f"{path_of(tenant.ref)}/scale")
    assert answer["status"]["replicas"] == 3
    pods = await cluster.list("v1", "Pod", tenant.namespace, answer["status"]["selector"])
    assert len(pods) == 3
    scale(1)
    await exact(tenant)

    async def look() -> bool:
        return [bridge["name"] for bridge in (await tenant.ready())["bridges"]] == ["acme-jvb-0"]

    await until(look)


async def test_a_bridge_that_ends_keeps_its_port_until_its_meetings_have_ended(
    tenant: Tenant, cluster: Cluster
) -> None:
    await tenant.change({"media": {"bridges": 2}})
    await tenant.ready()
    index = "jitsi.rezosocial.com/index=1,app.kubernetes.io/component=jvb"
    (pod,) = await cluster.list("v1", "Pod", tenant.namespace, index)
    meeting = ["example.org/meeting"]
    await cluster.patch(ObjectRef.of(pod), {"metadata": {"finalizers": meeting}})
    await tenant.change({"media": {"bridges": 1}})
    await cluster.gone(tenant.child("StatefulSet", "jvb-1"))
    await tenant.ready()
    service = tenant.child("Service", "jvb-1")
    assert await cluster.find(service), "media of a running meeting was cut"
    await cluster.patch(ObjectRef.of(pod), {"metadata": {"finalizers": None}})
    await cluster.gone(service)
    await exact(tenant)


async def test_a_volume_that_cannot_change_keeps_nobody_from_the_rest(
    cluster: Cluster, operator: Operating
) -> None:
    wish = laid_over(RECORDING, {"recording": {"storage": "20Gi"}})
    tenant = await cluster.tenant(wish)
    await tenant.ready()
    claim = tenant.child("PersistentVolumeClaim", "recordings")
    before = (await cluster.get(claim))["spec"]
    store = {"accessMode": "ReadWriteMany", "className": "other"}
    await storage_class(cluster, "other")
    await cluster.patch(PLATFORM, {"spec": {"storage": {"recordings": store}}})
    await tenant.change({"recording": {"storage": "10Gi", "recorders": 1}})
    await tenant.ready()
    await exact(tenant)
    assert (await cluster.get(claim))["spec"] == before


async def test_a_change_of_the_plan_reaches_its_tenants(tenant: Tenant, cluster: Cluster) -> None:
    before = await templates(tenant)
    await cluster.patch(PLAN, {"spec": {"sizes": {"bridge": {"memory": "3Gi"}}}})

    async def look() -> bool:
        return rolled(before, await templates(tenant)) == {BRIDGES}

    await until(look)
    await exact(tenant)


async def test_a_change_of_the_platform_reaches_all_tenants(
    tenant: Tenant, cluster: Cluster
) -> None:
    other = await cluster.tenant(name="other")
    await other.ready()
    channels = [{"name": "stable", "release": "stable-11146-7"}]
    await cluster.patch(PLATFORM, {"spec": {"jitsi": {"channels": channels}}})
    for each in (tenant, other):

        async def look(each: Tenant = each) -> bool:
            return bool((await each.status())["release"] == "stable-11146-7")

        await until(look)
        await exact(each)


async def test_a_change_while_the_status_is_written_is_not_lost(
    tenant: Tenant, cluster: Cluster, operator: Operating
) -> None:
    """The answer to the operator's own write tells of the new spec before any event does."""
    status = f"{path_of(tenant.ref)}/status"
    pass_on, changed, held = operator.leader.observe, asyncio.Event(), []

    async def change_it(request: Request) -> None:
        if request.path.startswith(status) and not changed.is_set():
            operator.leader.observe = lambda *event: held.append(event)  # type: ignore[method-assign]
            await tenant.change({"branding": {"applicationName": "Visio"}})
            changed.set()

    operator.client.wire.before = change_it
    # It changes no child, whose own events would have the tenant looked at again.
    await tenant.change({"contract": {"client": {"language": "en"}}})
    await changed.wait()
    await operator.quiet()
    operator.leader.observe = pass_on  # type: ignore[method-assign]
    assert held
    for event in held:
        pass_on(*event)
    await tenant.ready()
    await exact(tenant)
