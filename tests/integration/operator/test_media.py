"""Bridges get addresses and ports in every way of exposing them, and web traffic its entry."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef
from trial.cluster import Cluster, Tenant
from trial.expectation import exact, templates
from trial.operating import Operating
from trial.settings import PLATFORM, answer_route, balancing, give_address, give_addresses
from trial.waiting import until

if TYPE_CHECKING:
    from tests.integration.operator.conftest import Hasten, Operate

LEVEL = "pod-security.kubernetes.io/enforce"
GATEWAY: JsonObject = {"entry": {"type": "Gateway", "gateway": {"name": "web", "namespace": "web"}}}
INGRESS: JsonObject = {"entry": {"type": "Ingress", "gateway": None}}


async def expose(cluster: Cluster, **media: object) -> None:
    """Change how the platform exposes media."""
    await cluster.patch(PLATFORM, {"spec": {"media": media}})


async def ports(tenants: list[Tenant]) -> list[int]:
    """The ports of all bridges."""
    return [bridge["port"] for each in tenants for bridge in (await each.status())["bridges"]]


async def test_a_bridge_without_address_holds_up_nothing_else(
    cluster: Cluster, operator: Operating
) -> None:
    await expose(cluster, exposure="LoadBalancer")
    tenant = await cluster.tenant({"media": {"bridges": 2}})
    await tenant.refused("MediaAddressPending", "bridge 0", "bridge 1")
    for part in ("ResourcesApplied", "Available", "SpecValid"):

        async def look(part: str = part) -> bool:
            return bool((await tenant.condition(part)).get("status") == "True")

        await until(look)
    assert (await templates(tenant)).keys() == {"web", "prosody", "jicofo"}
    await give_address(tenant, 1, "203.0.113.9")
    await tenant.refused("MediaAddressPending", "bridge 0")
    await give_address(tenant, 0, "203.0.113.8", "2001:db8::8")
    status = await tenant.ready()
    assert [(b["addresses"], b["port"], b["ready"]) for b in status["bridges"]] == [
        (["203.0.113.8"], 10000, True),
        (["203.0.113.9"], 10000, True),
    ]


async def test_a_bridge_that_loses_its_address_is_left_running(
    cluster: Cluster, operator: Operating
) -> None:
    await expose(cluster, exposure="LoadBalancer")
    tenant = await cluster.tenant()
    await give_addresses(tenant, 1)
    await tenant.ready()
    before = await templates(tenant)
    await give_address(tenant, 0)
    await tenant.refused("MediaAddressPending", "bridge 0")
    await operator.quiet()
    assert await templates(tenant) == before
    await tenant.change({"branding": {"applicationName": "Visio"}})
    await tenant.refused("MediaAddressPending")
    await operator.quiet()
    now = await templates(tenant)
    assert {name for name in before if now.get(name) != before[name]} == {"web"}
    await give_address(tenant, 0, "203.0.113.77")
    # What it told browsers cannot be changed: another one comes, at an address of its own.
    async with balancing(tenant):
        await exact(tenant)
        (bridge,) = (await tenant.ready())["bridges"]
    assert (bridge["name"], bridge["addresses"]) == ("acme-jvb-1", ["203.0.113.101"])


async def test_host_ports_wait_for_pod_security_to_allow_them(
    cluster: Cluster, operator: Operating
) -> None:
    await expose(cluster, exposure="HostPort")
    tenant = await cluster.tenant()
    await tenant.refused("PodSecurity", tenant.namespace, f"{LEVEL}=privileged", "restricted")
    assert "jvb-0" not in await templates(tenant)
    namespace = ObjectRef("v1", "Namespace", "", tenant.namespace)
    await cluster.patch(namespace, {"metadata": {"labels": {LEVEL: "privileged"}}})
    await tenant.ready()
    await exact(tenant)


async def test_host_ports_are_handed_out_once_and_kept_over_a_restart(
    cluster: Cluster, operate: Operate
) -> None:
    await expose(cluster, exposure="HostPort")
    wish = {"media": {"bridges": 2}}
    tenants = []
    async with operate():
        for name in ("one", "two", "three"):
            namespace = await cluster.namespace(labels={})
            tenants.append(await cluster.tenant(wish, name=name, namespace=namespace))
        for tenant in tenants:
            await tenant.ready()
        before = await ports(tenants)
        assert sorted(before) == list(range(10000, 10006))
    namespace = await cluster.namespace(labels={})
    # It would come first if ports were handed out anew.
    early = await cluster.tenant(wish, name="a", namespace=namespace)
    async with operate():
        await early.ready()
        for tenant in tenants:
            await tenant.ready()
        assert await ports(tenants) == before
        assert not set(await ports([early])) & set(before)
        for tenant in tenants:
            await exact(tenant)


async def test_a_tenant_without_host_port_gets_the_one_that_becomes_free(
    cluster: Cluster, operator: Operating, hasten: Hasten
) -> None:
    await expose(cluster, exposure="HostPort", hostPorts={"first": 20000, "last": 20000})
    made = []
    for name in ("first", "second"):
        namespace = await cluster.namespace(labels={})
        made.append(await cluster.tenant(name=name, namespace=namespace))
        if name == "first":
            await made[0].ready()
    first, second = made
    await second.refused("NoFreePort", "20000", "spec.media.hostPorts")
    await first.delete()
    async with hasten():
        await second.ready()
    assert await ports([second]) == [20000]


@pytest.mark.parametrize("exposure", ["LoadBalancer", "HostPort"])
async def test_the_exposure_can_be_changed_and_changed_back(
    cluster: Cluster, operator: Operating, hasten: Hasten, exposure: str
) -> None:
    namespace = await cluster.namespace(labels={})
    tenant = await cluster.tenant({"media": {"bridges": 2}}, namespace=namespace)
    before = await tenant.ready()
    for wanted in (exposure, "NodePort"):
        await expose(cluster, exposure=wanted)

        async def look(wanted: str = wanted) -> bool:
            status = await tenant.ready()
            serving = [bridge for bridge in status["bridges"] if bridge["ready"]]
            # A bridge of before serves on while its address is none of this exposure.
            allocated = {bridge.get("port", 0) >= 30000 for bridge in serving}
            known = all("port" in bridge for bridge in serving)
            return known and allocated == {wanted == "NodePort"}

        async with hasten(), balancing(tenant):
            await until(look)
            await exact(tenant)
        now = (await tenant.status())["bridges"]
        assert sum(bridge["ready"] for bridge in now) == len(before["bridges"])


async def test_the_entry_can_be_switched_to_a_gateway_and_back(
    gateway_api: None, tenant: Tenant, cluster: Cluster, hasten: Hasten
) -> None:
    ingress, route = tenant.child("Ingress", "web"), tenant.child("HTTPRoute", "web")
    before = await templates(tenant)
    for entry, there, gone in ((GATEWAY, route, ingress), (INGRESS, ingress, route)):
        async with hasten():
            await cluster.patch(PLATFORM, {"spec": entry})
            await cluster.gone(gone)
            if there == route:
                await answer_route(tenant)
            await tenant.ready()
            assert await cluster.find(there)
            await exact(tenant)
    assert await templates(tenant) == before


async def test_a_route_of_someone_else_is_not_taken_over(
    gateway_api: None, tenant: Tenant, cluster: Cluster, hasten: Hasten
) -> None:
    route = tenant.child("HTTPRoute", "web")
    await cluster.create(
        {
            "apiVersion": route.api_version,
            "kind": route.kind,
            "metadata": {"name": route.name, "namespace": route.namespace},
            "spec": {"hostnames": ["meet.others.example"]},
        }
    )
    async with hasten():
        await cluster.patch(PLATFORM, {"spec": GATEWAY})
        await tenant.refused("NameConflict", route.name)
        assert (await cluster.get(route))["spec"]["hostnames"] == ["meet.others.example"]
        await cluster.delete(route)
        await cluster.gone(route)
        await answer_route(tenant)
        await tenant.ready()
        await exact(tenant)


async def test_a_gateway_is_waited_for_until_the_cluster_knows_what_it_is(
    cluster: Cluster,
    without_gateway_api: None,
    operator: Operating,
    hasten: Hasten,
    install_http_routes: Callable[[], None],
) -> None:
    await cluster.patch(PLATFORM, {"spec": GATEWAY})
    tenant = await cluster.tenant()
    await tenant.refused("ApplyFailed", "HTTPRoute")
    install_http_routes()
    async with hasten():
        await answer_route(tenant)
        await tenant.ready()
        await exact(tenant)
