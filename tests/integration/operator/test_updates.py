"""A change that would cut a meeting waits until nobody meets, or until somebody lets it be made."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest

from jitsi_tenant_operator.api.objects import API_VERSION, JsonObject, ObjectRef
from jitsi_tenant_operator.kube.transport import Request
from jitsi_tenant_operator.reconcile.turns import Turns
from localplane.meetings import nobody_meets, people_meet, unreachable
from trial.cluster import Cluster, Tenant, shared
from trial.expectation import exact, templates
from trial.operating import Operating, TurnedClock
from trial.waiting import until

if TYPE_CHECKING:
    from tests.integration.operator.conftest import Operate

FEWER: JsonObject = {"meetings": {"maxParticipants": 42}}
"""A change of Prosody alone."""
ENGLISH: JsonObject = {"meetings": {"language": "en"}}
"""A change of the web pods alone."""
BOTH: JsonObject = {"meetings": {"maxParticipants": 42, "language": "en"}}
APPLY = "jitsi.rezosocial.com/apply-changes"
LOOK_SECONDS = 31.0


async def jicofo(tenant: Tenant) -> str:
    """The address of the tenant's ready Jicofo pod."""
    labels = "app.kubernetes.io/component=jicofo"

    async def look() -> str:
        found = await tenant.cluster.list("v1", "Pod", tenant.namespace, labels)
        (pod,) = [each for each in found if "deletionTimestamp" not in each["metadata"]]
        address: str = pod["status"].get("podIP", "")
        return address

    return await until(look)


async def waits(tenant: Tenant, reason: str, *words: str) -> JsonObject:
    """The condition once a change waits for `reason`, saying `words`."""

    async def look() -> JsonObject:
        body = await tenant.body()
        found = await tenant.condition("UpToDate")
        assert (found.get("status"), found.get("reason")) == ("False", reason), found
        assert found["observedGeneration"] == body["metadata"]["generation"]
        assert all(word in found["message"] for word in words), found
        return found

    return await until(look)


async def meeting(tenant: Tenant, operator: Operating) -> dict[str, str]:
    """People meet on the tenant; its pod templates as they are while they do."""
    await operator.quiet()
    people_meet(await jicofo(tenant))
    return await templates(tenant)


async def named(tenant: Tenant) -> str:
    """What stands for the change that waits."""
    name: str = (await tenant.status())["waitingChange"]
    return name


async def annotate(tenant: Tenant, value: object) -> None:
    """Say of a change that it may cut meetings."""
    await tenant.cluster.patch(tenant.ref, {"metadata": {"annotations": {APPLY: str(value)}}})


async def window(cluster: Cluster, clock: TurnedClock, *affects: str, **more: object) -> datetime:
    """Declare an emergency that begins in an hour; its start."""
    start = (clock.now() + timedelta(hours=1)).replace(microsecond=0)
    spec: JsonObject = {
        "start": start.isoformat().replace("+00:00", "Z"),
        "end": (start + timedelta(hours=2)).isoformat().replace("+00:00", "Z"),
        "affects": list(affects),
        "description": "Prosody is renewed",
        "emergency": {"reason": "a hole in it"},
        **more,
    }
    await cluster.create(shared("JitsiMaintenance", "renewal", spec))
    return start


async def test_a_change_waits_until_the_people_have_left(
    tenant: Tenant, cluster: Cluster, operator: Operating
) -> None:
    before = await meeting(tenant, operator)
    observed = (await tenant.status())["observedGeneration"]
    generation = await tenant.change(BOTH)
    await waits(tenant, "WaitingForIdle", "Prosody", "until nobody meets")
    after = await templates(tenant)
    assert after["prosody"] == before["prosody"], "people were thrown out of their meeting"
    assert after["web"] != before["web"], "what interrupts nobody does not wait"
    assert (await tenant.status())["observedGeneration"] == observed < generation

    async def look() -> bool:
        return bool((await tenant.condition("Ready"))["status"] == "True")

    await until(look)  # people can meet
    await operator.quiet()
    status = await tenant.status()
    operator.clock.turn(LOOK_SECONDS)
    await operator.quiet()
    assert await tenant.status() == status, "a look that finds nothing new writes nothing"

    nobody_meets(await jicofo(tenant))
    operator.clock.turn(LOOK_SECONDS)
    status = await tenant.ready()
    assert (await tenant.condition("UpToDate"))["status"] == "True"
    assert status["observedGeneration"] == generation
    assert (await templates(tenant))["prosody"] != before["prosody"]
    await exact(tenant)


async def test_what_interrupts_nobody_asks_nobody(tenant: Tenant, operator: Operating) -> None:
    await operator.quiet()
    unreachable(await jicofo(tenant))
    await tenant.change({**ENGLISH, "media": {"bridges": 2}})
    await tenant.ready()
    assert (await tenant.condition("UpToDate"))["status"] == "True"


async def test_a_drift_is_mended_once_nobody_meets(cluster: Cluster, operate: Operate) -> None:
    """Whoever edited the template has cut a meeting; the repair must not cut the next one."""
    tenant = await cluster.tenant()
    async with operate() as running:
        await tenant.ready()
        await running.quiet()
        before = await templates(tenant)
    kubectl = cluster.connection.kubectl
    here = ("-n", tenant.namespace, f"statefulset/{tenant.name}-prosody")
    kubectl("set", "image", *here, "prosody=example.org/prosody:odd")
    kubectl("rollout", "status", *here, "--timeout=60s")
    edited = await templates(tenant)
    assert edited != before
    people_meet(await jicofo(tenant))
    async with operate() as running:
        await waits(tenant, "WaitingForIdle", "Prosody")
        assert await templates(tenant) == edited
        nobody_meets(await jicofo(tenant))
        running.clock.turn(LOOK_SECONDS)

        async def look() -> bool:
            return await templates(tenant) == before

        await until(look)


async def test_not_knowing_whether_people_meet_is_no_permission(
    tenant: Tenant, operator: Operating
) -> None:
    await operator.quiet()
    before = await templates(tenant)
    address = await jicofo(tenant)
    unreachable(address)
    await tenant.change(FEWER)
    await waits(tenant, "MeetingsUnknown", "Jicofo could not be reached")
    assert await templates(tenant) == before
    nobody_meets(address)
    operator.clock.turn(LOOK_SECONDS)
    await tenant.ready()


async def test_a_window_lets_the_change_be_made(
    tenant: Tenant, cluster: Cluster, operator: Operating
) -> None:
    before = await meeting(tenant, operator)
    start = await window(cluster, operator.clock, "Meetings")
    await tenant.change(FEWER)
    begins = start.isoformat().replace("+00:00", "Z")
    await waits(tenant, "WaitingForIdle", f"or for the maintenance window that begins at {begins}")
    assert await templates(tenant) == before
    operator.clock.turn(3600.0)
    await tenant.ready()
    assert (await templates(tenant))["prosody"] != before["prosody"]


async def test_a_tenant_may_ask_for_windows_alone(
    tenant: Tenant, cluster: Cluster, operator: Operating
) -> None:
    """Even while nobody meets, and nobody is asked."""
    await operator.quiet()
    before = await templates(tenant)
    unreachable(await jicofo(tenant))
    await tenant.change({**FEWER, "updates": {"policy": "MaintenanceWindow"}})
    await waits(tenant, "WaitingForWindow", "none is planned")
    start = await window(cluster, operator.clock, "Recording")
    await operator.quiet()
    await waits(tenant, "WaitingForWindow", "none is planned")
    operator.clock.turn(3600.0)
    await operator.quiet()
    assert await templates(tenant) == before, "that window is not for meetings"
    ref = ObjectRef(API_VERSION, "JitsiMaintenance", "", "renewal")
    await cluster.delete(ref)
    start = await window(cluster, operator.clock, "Meetings")
    await waits(tenant, "WaitingForWindow", start.isoformat().replace("+00:00", "Z"))
    operator.clock.turn(3600.0)
    await tenant.ready()
    assert (await templates(tenant))["prosody"] != before["prosody"]


async def test_a_person_can_say_now(tenant: Tenant, operator: Operating) -> None:
    before = await meeting(tenant, operator)
    generation = await tenant.change({"meetings": {"maxParticipants": 40}})
    await waits(tenant, "WaitingForIdle")
    other = await named(tenant)
    generation = await tenant.change(FEWER)
    await waits(tenant, "WaitingForIdle")
    for value in (other, generation):
        await annotate(tenant, value)
        await operator.quiet()
        assert await templates(tenant) == before, "that was said of another change"
    await annotate(tenant, await named(tenant))
    await tenant.ready()
    assert "waitingChange" not in await tenant.status()
    assert (await templates(tenant))["prosody"] != before["prosody"]


async def test_what_was_said_of_one_change_lets_none_through_that_comes_later(
    tenant: Tenant, operator: Operating
) -> None:
    """Not even one that comes from elsewhere, and leaves the generation as it is."""
    await meeting(tenant, operator)
    await tenant.change(FEWER)
    await waits(tenant, "WaitingForIdle")
    await annotate(tenant, await named(tenant))
    await tenant.ready()
    people_meet(await jicofo(tenant))
    after = await templates(tenant)
    plan = ObjectRef(API_VERSION, "JitsiPlan", "", "business")
    await tenant.cluster.patch(plan, {"spec": {"sizes": {"prosody": {"cpu": "333m"}}}})
    await waits(tenant, "WaitingForIdle")
    assert (await templates(tenant))["prosody"] == after["prosody"]


async def test_a_tenant_may_want_every_change_at_once(tenant: Tenant, operator: Operating) -> None:
    before = await meeting(tenant, operator)
    await tenant.change({**FEWER, "updates": {"policy": "Immediately"}})
    await tenant.ready()
    assert (await templates(tenant))["prosody"] != before["prosody"]


async def test_a_suspension_does_not_wait(tenant: Tenant, operator: Operating) -> None:
    """Nor what comes with it, nor the way back."""
    await meeting(tenant, operator)
    await tenant.change(FEWER)
    await waits(tenant, "WaitingForIdle")
    await tenant.change({"suspension": {"service": {"reason": "ProhibitedUse"}}})

    async def look() -> bool:
        found = await tenant.cluster.list("v1", "Pod", tenant.namespace)
        parts = {each["metadata"]["labels"]["app.kubernetes.io/component"] for each in found}
        return parts == {"web"}

    await until(look)
    await tenant.change({"suspension": None})
    await tenant.ready()
    await exact(tenant)


async def test_pods_that_are_not_ready_do_not_wait(
    tenant: Tenant, cluster: Cluster, operator: Operating
) -> None:
    """A change that mends what is broken would wait for ever."""
    before = await meeting(tenant, operator)
    pod = ObjectRef("v1", "Pod", tenant.namespace, f"{tenant.name}-prosody-0")
    broken = [{"type": "Ready", "status": "False"}]
    await cluster.patch(pod, {"status": {"conditions": broken}}, "status")
    await operator.quiet()
    await tenant.change(FEWER)
    await tenant.ready()
    assert (await templates(tenant))["prosody"] != before["prosody"]


async def test_what_waits_goes_on_waiting_after_a_restart(
    cluster: Cluster, operate: Operate
) -> None:
    tenant = await cluster.tenant()
    async with operate() as running:
        await tenant.ready()
        before = await meeting(tenant, running)
        await tenant.change(FEWER)
        await waits(tenant, "WaitingForIdle")
    async with operate() as running:
        await running.caught_up()
        await running.quiet()
        assert await templates(tenant) == before
        status = await tenant.status()
        running.clock.turn(LOOK_SECONDS)
        await running.quiet()
        assert await tenant.status() == status
        nobody_meets(await jicofo(tenant))
        running.clock.turn(LOOK_SECONDS)
        await tenant.ready()
        assert (await templates(tenant))["prosody"] != before["prosody"]


async def test_looks_cost_the_api_server_nothing(tenant: Tenant, operator: Operating) -> None:
    """What would change was found out once; each further look asks Jicofo alone."""
    await meeting(tenant, operator)
    await tenant.change(FEWER)
    await waits(tenant, "WaitingForIdle")
    await operator.quiet()
    sent: list[str] = []

    async def note(request: Request) -> None:
        if f"/namespaces/{tenant.namespace}/" in request.path:
            sent.append(f"{request.method} {request.path}")

    operator.wire.before = note
    for _ in range(3):
        operator.clock.turn(LOOK_SECONDS)
        await operator.quiet()
    assert sent == []


async def test_tenants_that_are_idle_are_not_all_interrupted_at_once(
    cluster: Cluster, operate: Operate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jitsi_tenant_operator.leader.Turns", partial(Turns, at_once=1))
    tenants = [await cluster.tenant(name=f"t{n}") for n in range(3)]
    pods = [ObjectRef("v1", "Pod", each.namespace, f"{each.name}-prosody-0") for each in tenants]
    async with operate() as running:
        for each in tenants:
            await each.ready()
        await running.quiet()
        before = [await templates(each) for each in tenants]
        for pod in pods:
            await cluster.patch(pod, {"metadata": {"finalizers": ["example.org/slow"]}})
        for each in tenants:
            await each.change(FEWER)

        async def states() -> list[str]:
            found = [(await each.condition("UpToDate"))["reason"] for each in tenants]
            observed = [await each.condition("UpToDate") for each in tenants]
            assert all(each["observedGeneration"] == 2 for each in observed)
            return found

        async def look() -> list[str]:
            found = await states()
            assert sorted(found) == ["AsWanted", "WaitingForTurn", "WaitingForTurn"], found
            return found

        turn = (await until(look)).index("AsWanted")
        running.clock.turn(LOOK_SECONDS)
        await running.quiet()
        assert (await states()).index("AsWanted") == turn
        for n, each in enumerate(tenants):
            changed = (await templates(each))["prosody"] != before[n]["prosody"]
            assert changed is (n == turn)
        for pod in pods:
            await cluster.patch(pod, {"metadata": {"finalizers": None}})

        async def all_ready() -> bool:
            running.clock.turn(LOOK_SECONDS)
            return all([(await each.condition("UpToDate"))["status"] == "True" for each in tenants])

        await until(all_ready, every=1.0)
        for each in tenants:
            await each.ready()
