"""A full volume suspends recording and nothing else, until there is space again (clause 6.4)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import formatdate
from typing import TYPE_CHECKING

from aiohttp import web

from jitsi_tenant_operator.api.objects import API_VERSION, JsonObject, ObjectRef
from jitsi_tenant_operator.kube.transport import Request
from jitsi_tenant_operator.reconcile.storage import LOOK_SECONDS
from jitsi_tenant_operator.render import storage
from trial.cluster import RECORDING, Cluster, Tenant
from trial.expectation import children
from trial.operating import Operating
from trial.waiting import until

if TYPE_CHECKING:
    from tests.integration.operator.conftest import Operate

_OF_THE_SERVER = ("resourceVersion", "generation", "managedFields", "uid", "creationTimestamp")


class Volume:
    """What the simulated pods of a tenant's recorders report of its volume."""

    def __init__(self, tenant: Tenant) -> None:
        self.percent = 50
        self._tenant = tenant
        self._sites: dict[str, web.TCPSite] = {}

    async def report(self, _: web.Request) -> web.Response:
        headers = {"Last-Modified": formatdate(usegmt=True)}
        body = {"capacity": 100, "available": 100 - self.percent}
        return web.json_response(body, headers=headers)

    async def follow(self, runner: web.AppRunner) -> None:
        """Answer at the addresses of the pods that are there, until cancelled."""
        while True:
            addresses = {body["status"].get("podIP") for body in await recorders(self._tenant)}
            for address in self._sites.keys() - addresses:
                await self._sites.pop(address).stop()
            for address in addresses - self._sites.keys() - {None}:
                site = web.TCPSite(runner, address, storage.PORT)
                await site.start()
                self._sites[address] = site
            await asyncio.sleep(0.1)


@asynccontextmanager
async def volume(tenant: Tenant) -> AsyncIterator[Volume]:
    """A volume that is half full."""
    found = Volume(tenant)
    app = web.Application()
    app.router.add_get("/storage", found.report)
    runner = web.AppRunner(app)
    await runner.setup()
    following = asyncio.create_task(found.follow(runner))
    try:
        yield found
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await runner.cleanup()


async def recorders(tenant: Tenant) -> list[JsonObject]:
    """The pods in the place of recorders."""
    found = await tenant.cluster.list("v1", "Pod", tenant.namespace)
    return [body for body in found if "-jibri-" in body["metadata"]["name"]]


async def containers(tenant: Tenant) -> list[str]:
    """The containers of these pods."""
    return [
        container["name"]
        for body in await recorders(tenant)
        for container in body["spec"]["containers"]
    ]


async def content(tenant: Tenant) -> dict[str, JsonObject]:
    """Everything of the tenant, without what the API server adds."""
    kept = {}
    for ref, body in (await children(tenant.cluster, tenant.namespace)).items():
        metadata = {k: v for k, v in body["metadata"].items() if k not in _OF_THE_SERVER}
        metadata["annotations"].pop("deployment.kubernetes.io/revision", None)
        parts = {k: v for k, v in body.items() if k not in ("metadata", "status")}
        kept[str(ref)] = {**parts, "metadata": metadata}
    return kept


async def told(tenant: Tenant) -> list[str]:
    """What the notices to the client are about."""
    found = await tenant.cluster.list(API_VERSION, "JitsiNotice", tenant.namespace)
    return sorted(body["spec"]["about"] for body in found)


async def states(tenant: Tenant) -> list[str]:
    """What the ledger says of recording, in order."""
    name = f"{tenant.name}.{tenant.namespace}"
    record = await tenant.cluster.get(ObjectRef(API_VERSION, "JitsiTenantRecord", "", name))
    entries = record["spec"]["entries"]
    return [each["value"] for each in entries if each["subject"] == "Recording"]


async def reached(tenant: Tenant, operator: Operating, *, full: bool) -> JsonObject:
    """The condition of recording once it is suspended for want of space, or is not any more."""

    async def look() -> JsonObject:
        operator.clock.turn(LOOK_SECONDS)
        await asyncio.sleep(0.1)
        condition = await tenant.condition("RecordingAvailable")
        assert (condition.get("status") == "False") is full, condition
        assert await containers(tenant) == (["storage"] if full else ["jibri", "storage"])
        return condition

    return await until(look)


async def test_6_4_a_full_volume_suspends_recording_until_there_is_space(
    cluster: Cluster, operate: Operate
) -> None:
    tenant = await cluster.tenant(RECORDING)
    async with volume(tenant) as store:
        async with operate() as operator:
            await tenant.ready()
            await operator.quiet()
            before = await content(tenant)
            store.percent = 95
            condition = await reached(tenant, operator, full=True)
            assert condition["reason"] == "Suspended"
            assert "StorageSaturated (clause 6.4 of" in condition["message"]
            assert "spec.recording.storage" in condition["message"]
            await operator.quiet()
        store.percent = 85
        async with operate() as operator:
            await operator.quiet()
            await reached(tenant, operator, full=True)
            await operator.quiet()
            assert await states(tenant) == ["Serving", "Suspended"], "a restart changes nothing"
            store.percent = 79
            await reached(tenant, operator, full=False)
            await operator.quiet()
        assert await content(tenant) == before
    assert await told(tenant) == ["RecordingResumed", "RecordingSuspended"]
    assert await states(tenant) == ["Serving", "Suspended", "Serving"]


async def test_6_4_a_recording_that_is_going_on_is_finished(
    cluster: Cluster, operator: Operating
) -> None:
    """The recorder gets all its time, and whoever measures waits until it is gone."""
    tenant = await cluster.tenant(RECORDING)
    await tenant.ready()
    (pod,) = await recorders(tenant)
    ref = ObjectRef("v1", "Pod", tenant.namespace, pod["metadata"]["name"])
    await cluster.patch(ref, {"metadata": {"finalizers": ["example.org/recording"]}})
    async with volume(tenant) as store:
        store.percent = 99

        deletions: list[str] = []

        async def note(request: Request) -> None:
            if request.method == "DELETE" and "/pods/" in request.path:
                deletions.append(request.path)

        operator.wire.before = note

        async def leaving() -> bool:
            operator.clock.turn(LOOK_SECONDS)
            await asyncio.sleep(0.1)
            return "deletionTimestamp" in (await cluster.get(ref))["metadata"]

        await until(leaving)
        await operator.quiet()
        (one,) = await recorders(tenant)
        assert one["metadata"]["uid"] == pod["metadata"]["uid"]
        assert deletions == [], "nothing shortens the time that the recorder has"
        assert pod["spec"]["terminationGracePeriodSeconds"] > 3600
        await cluster.patch(ref, {"metadata": {"finalizers": None}})
        await reached(tenant, operator, full=True)
        await operator.quiet()
