"""Bridges come, go, change and are evicted, and no meeting on them is cut.

A finalizer on a pod stands for its meetings: as long as they last, the pod is Terminating.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef
from trial.cluster import Cluster, RefusedError, Tenant, path_of
from trial.expectation import exact
from trial.operating import Operating
from trial.settings import PLAN, PLATFORM
from trial.waiting import POLL_SECONDS, until

if TYPE_CHECKING:
    from tests.integration.operator.conftest import Hasten, Operate

MEETING = "example.org/meeting"
BRIDGES = "app.kubernetes.io/component=jvb"


def pod(tenant: Tenant, slot: int) -> ObjectRef:
    """The pod of the bridge in a slot."""
    return tenant.child("Pod", f"jvb-{slot}-0")


async def meet(tenant: Tenant, slot: int) -> None:
    """A meeting begins on a bridge."""
    await tenant.cluster.patch(pod(tenant, slot), {"metadata": {"finalizers": [MEETING]}})


async def end_meeting(tenant: Tenant, slot: int) -> None:
    """The meeting on a bridge ends."""
    await tenant.cluster.patch(pod(tenant, slot), {"metadata": {"finalizers": None}})


async def evict(tenant: Tenant, slot: int) -> None:
    """Evict a bridge, as `kubectl drain` does; RefusedError if a budget does not let it."""
    ref = pod(tenant, slot)
    metadata = {"name": ref.name, "namespace": ref.namespace}
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata}
    await tenant.cluster.call("POST", f"{path_of(ref)}/eviction", body)


async def pods(tenant: Tenant) -> dict[str, JsonObject]:
    """The pods of a tenant's bridges."""
    found = await tenant.cluster.list("v1", "Pod", tenant.namespace, BRIDGES)
    return {each["metadata"]["name"].removeprefix("acme-"): each for each in found}


def takes_meetings(body: JsonObject) -> bool:
    """Whether a pod is ready and not told to end."""
    conditions = body.get("status", {}).get("conditions") or ()
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
    return ready and "deletionTimestamp" not in body["metadata"]


async def serving(tenant: Tenant) -> set[str]:
    """The bridges that take new meetings."""
    return {name for name, body in (await pods(tenant)).items() if takes_meetings(body)}


async def wait_for(tenant: Tenant, *slots: int) -> None:
    """Return when the bridges in these slots, and no others, take meetings."""

    async def look() -> bool:
        found = await serving(tenant)
        assert found == {f"jvb-{slot}-0" for slot in slots}, found
        return True

    await until(look)


async def uids(tenant: Tenant) -> dict[str, str]:
    """Which pod each bridge has."""
    return {name: body["metadata"]["uid"] for name, body in (await pods(tenant)).items()}


async def port(tenant: Tenant, slot: int) -> int:
    """The node port of the bridge in a slot."""
    service = await tenant.cluster.get(tenant.child("Service", f"jvb-{slot}"))
    number: int = service["spec"]["ports"][0]["nodePort"]
    return number


@asynccontextmanager
async def never_without_a_bridge(tenant: Tenant) -> AsyncIterator[None]:
    """Within the block, a bridge takes new meetings at any time."""

    async def watch() -> None:
        while True:
            assert await serving(tenant), "new meetings found no bridge"
            await asyncio.sleep(POLL_SECONDS)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(watch())
        yield
        task.cancel()


async def test_a_bridge_that_comes_back_spares_the_one_that_still_ends(
    tenant: Tenant, cluster: Cluster, operator: Operating
) -> None:
    await tenant.change({"media": {"bridges": 2}})
    await tenant.ready()
    await meet(tenant, 1)
    before, advertised = (await uids(tenant))["jvb-1-0"], await port(tenant, 1)
    await tenant.change({"media": {"bridges": 1}})
    await wait_for(tenant, 0)
    await tenant.change({"media": {"bridges": 2}})
    await wait_for(tenant, 0, 2)
    await operator.quiet()
    assert (await uids(tenant))["jvb-1-0"] == before
    assert await port(tenant, 1) == advertised, "media of a running meeting was cut"
    shown = {bridge["name"]: bridge for bridge in (await tenant.ready())["bridges"]}
    assert {name: bridge["ready"] for name, bridge in shown.items()} == {
        "acme-jvb-0": True,
        "acme-jvb-1": False,
        "acme-jvb-2": True,
    }
    assert shown["acme-jvb-1"]["port"] == advertised
    await end_meeting(tenant, 1)
    await cluster.gone(tenant.child("Service", "jvb-1"))
    await exact(tenant)
    await wait_for(tenant, 0, 2)


async def test_another_bridge_takes_over_from_one_that_is_evicted(
    tenant: Tenant, cluster: Cluster, operator: Operating
) -> None:
    await meet(tenant, 0)
    before, advertised = (await uids(tenant))["jvb-0-0"], await port(tenant, 0)
    await evict(tenant, 0)
    await wait_for(tenant, 1)
    # Its own end is as long, and the first one's does not stand in the way of it.
    await meet(tenant, 1)
    await until(lambda: evicted(tenant, 1))
    await wait_for(tenant, 2)
    await tenant.ready()
    await operator.quiet()
    assert (await uids(tenant))["jvb-0-0"] == before, "a second pod came behind its port"
    assert await port(tenant, 0) == advertised
    for slot in (0, 1):
        await end_meeting(tenant, slot)
    await exact(tenant)
    await wait_for(tenant, 2)


async def evicted(tenant: Tenant, slot: int) -> bool:
    """Whether a bridge is evicted now; its disruption budget needs a moment to see the others."""
    try:
        await evict(tenant, slot)
    except RefusedError as error:
        raise AssertionError(str(error)) from error
    return True


async def test_the_only_bridge_changes_and_new_meetings_always_find_one(
    tenant: Tenant, cluster: Cluster, operator: Operating
) -> None:
    await meet(tenant, 0)
    before, advertised = (await uids(tenant))["jvb-0-0"], await port(tenant, 0)
    async with never_without_a_bridge(tenant):
        await cluster.patch(PLAN, {"spec": {"sizes": {"bridge": {"memory": "3Gi"}}}})
        await wait_for(tenant, 1)
        await tenant.ready()
    assert (await uids(tenant))["jvb-0-0"] == before
    assert await port(tenant, 0) == advertised
    # It changes back, while the first one still ends.
    async with never_without_a_bridge(tenant):
        await cluster.patch(PLAN, {"spec": {"sizes": {"bridge": {"memory": "4Gi"}}}})
        await wait_for(tenant, 2)
    await end_meeting(tenant, 0)
    await exact(tenant)


async def test_several_bridges_change_one_after_the_other(
    tenant: Tenant, cluster: Cluster, operator: Operating
) -> None:
    await tenant.change({"media": {"bridges": 3}})
    await tenant.ready()

    async def three_serve() -> None:
        while True:
            found = await pods(tenant)
            assert sum(map(takes_meetings, found.values())) >= 3, found.keys()
            await asyncio.sleep(POLL_SECONDS)

    old = set((await uids(tenant)).values())

    async def look() -> bool:
        now = set((await uids(tenant)).values())
        return len(now) == 3 and not now & old

    async with asyncio.TaskGroup() as group:
        task = group.create_task(three_serve())
        await cluster.patch(PLAN, {"spec": {"sizes": {"bridge": {"memory": "3Gi"}}}})
        await until(look)
        task.cancel()
    await exact(tenant)


async def test_smaller_bridges_come_although_larger_ones_still_end(
    tenant: Tenant, cluster: Cluster
) -> None:
    """The quota follows the plan, and must not leave them without room."""
    await cluster.patch(PLAN, {"spec": {"sizes": {"bridge": {"cpu": "16", "memory": "64Gi"}}}})
    await wait_for(tenant, 1)
    await meet(tenant, 1)
    async with never_without_a_bridge(tenant):
        await cluster.patch(PLAN, {"spec": {"sizes": {"bridge": {"cpu": "1", "memory": "1Gi"}}}})

        async def look() -> bool:
            return await serving(tenant) in ({"jvb-0-0"}, {"jvb-2-0"})

        await until(look)
    await end_meeting(tenant, 1)
    await exact(tenant)


async def test_a_change_that_cannot_start_ends_nothing_and_can_be_corrected(
    tenant: Tenant, cluster: Cluster, operator: Operating
) -> None:
    before = await uids(tenant)
    async with never_without_a_bridge(tenant):
        # No node is as large.
        await cluster.patch(PLAN, {"spec": {"sizes": {"bridge": {"memory": "9000Gi"}}}})
        await tenant.refused("Progressing", "jvb-1")
        await operator.quiet()
        assert (await uids(tenant)).items() >= before.items()
        await cluster.patch(PLAN, {"spec": {"sizes": {"bridge": {"memory": "4Gi"}}}})
        await exact(tenant)
        await tenant.ready()
    assert await uids(tenant) == before


async def test_a_bridge_that_a_person_restarts_is_replaced_by_another(
    tenant: Tenant, cluster: Cluster
) -> None:
    async with never_without_a_bridge(tenant):
        cluster.connection.kubectl(
            "rollout", "restart", "-n", tenant.namespace, "statefulset/acme-jvb-0"
        )
        await wait_for(tenant, 1)
    await exact(tenant)


async def test_an_operator_that_ends_in_the_middle_changes_nothing(
    cluster: Cluster, operate: Operate
) -> None:
    async with operate():
        tenant = await cluster.tenant()
        await tenant.ready()
        await meet(tenant, 0)
        await evict(tenant, 0)
        await wait_for(tenant, 1)
    before = await uids(tenant)
    async with operate() as again:
        await again.caught_up()
        await again.quiet()
        mark = cluster.audit.mark()
        await again.quiet()
        assert cluster.audit.writes(mark) == []
        assert await uids(tenant) == before
        await end_meeting(tenant, 0)
        await exact(tenant)
        await wait_for(tenant, 1)


async def test_a_bridge_whose_statefulset_alone_is_deleted_goes_on(
    tenant: Tenant, cluster: Cluster, operator: Operating
) -> None:
    before = await uids(tenant)
    cluster.connection.kubectl(
        "delete", "-n", tenant.namespace, "statefulset/acme-jvb-0", "--cascade=orphan"
    )
    await exact(tenant)
    await operator.quiet()
    assert await uids(tenant) == before


async def test_a_host_port_is_handed_out_again_when_its_meetings_have_ended(
    cluster: Cluster, operate: Operate, hasten: Hasten
) -> None:
    ports = {"exposure": "HostPort", "hostPorts": {"first": 20000, "last": 20002}}
    await cluster.patch(PLATFORM, {"spec": {"media": ports}})
    async with operate():
        tenant = await cluster.tenant(namespace=await cluster.namespace(labels={}))
        await tenant.ready()
        await meet(tenant, 0)
        await evict(tenant, 0)
        await wait_for(tenant, 1)
        await tenant.ready()
    async with operate():
        other = await cluster.tenant(
            {"media": {"bridges": 2}}, name="b", namespace=await cluster.namespace(labels={})
        )
        await other.refused("NoFreePort", "20000", "20002")
        shown = {
            bridge["name"]: bridge.get("port") for bridge in (await tenant.status())["bridges"]
        }
        assert shown == {"acme-jvb-0": 20000, "acme-jvb-1": 20001}
        await end_meeting(tenant, 0)
        async with hasten():
            status = await other.ready()
        assert {bridge["port"] for bridge in status["bridges"]} == {20000, 20002}
        await exact(tenant)
