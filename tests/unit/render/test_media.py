"""How clients reach bridges, by each way of exposing them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from jitsi_tenant_operator import render
from jitsi_tenant_operator.api.media import PlatformMedia
from jitsi_tenant_operator.render import MediaAddress, TenantContext, media

if TYPE_CHECKING:
    from tests.unit.render.conftest import MakeContext


def exposed(**given: Any) -> PlatformMedia:
    return PlatformMedia.model_validate(given)


@pytest.mark.parametrize(
    ("platform", "found", "expected"),
    [
        ({}, {"node_port": 30100}, "$(HOST_IP)#30100"),
        (
            {"advertised_addresses": ("198.51.100.7",)},
            {"node_port": 30100},
            "$(HOST_IP)#30100,198.51.100.7#30100",
        ),
        (
            {"advertise_node_address": False, "advertised_addresses": ("198.51.100.7",)},
            {"node_port": 30100},
            "198.51.100.7#30100",
        ),
        (
            {"exposure": "LoadBalancer"},
            {"addresses": ["203.0.113.9", "lb.example.net"]},
            "203.0.113.9#10000",
        ),
        ({"exposure": "HostPort"}, {"host_port": 10020}, "$(HOST_IP)#10020"),
    ],
)
def test_what_a_bridge_tells_clients(
    platform: dict[str, Any], found: dict[str, Any], expected: str
) -> None:
    given = exposed(**platform)
    address = media.address(given, **found)
    assert address is not None
    assert media.advertised(given, address) == expected


@pytest.mark.parametrize(
    ("exposure", "found"),
    [
        ("NodePort", {}),
        ("NodePort", {"addresses": ["203.0.113.9"], "host_port": 10020}),
        ("LoadBalancer", {"node_port": 30100}),
        ("LoadBalancer", {"addresses": ["lb.example.net", "2001:db8::1"]}),
        ("HostPort", {"node_port": 30100}),
    ],
)
def test_an_address_that_is_not_there_yet(exposure: str, found: dict[str, Any]) -> None:
    assert media.address(exposed(exposure=exposure), **found) is None


def test_status_shows_the_address_of_the_node(make: MakeContext) -> None:
    given = exposed(advertised_addresses=("198.51.100.7",))
    address = MediaAddress(30100)
    assert media.public_addresses(given, address, "192.0.2.5") == ("192.0.2.5", "198.51.100.7")
    assert media.public_addresses(given, address, None) == ("198.51.100.7",)


def test_a_bridge_without_address_holds_up_nothing_else(make: MakeContext) -> None:
    known = {(ref.kind, ref.name) for ref in render.tenant(make())}
    waiting = {(ref.kind, ref.name) for ref in render.tenant(make(media_known=False))}
    assert known - waiting == {("StatefulSet", "acme-jvb-0")}
    assert waiting <= known


def test_each_bridge_has_a_service_of_its_own(make: MakeContext) -> None:
    for exposure, public in (("NodePort", 3), ("LoadBalancer", 3), ("HostPort", 0)):
        context = make(
            {"media": {"bridges": 3}},
            plan={"capacity": {"bridges": {"maximum": 3}}},
            platform={"media": {"exposure": exposure}},
        )
        services = [
            body
            for ref, body in render.tenant(context).items()
            if ref.kind == "Service" and "jvb" in ref.name
        ]
        assert len(services) == public
        assert {body["spec"]["type"] for body in services} <= {exposure}
        selectors = [tuple(sorted(body["spec"]["selector"].items())) for body in services]
        assert len(set(selectors)) == public
        for body in services:
            assert [each["protocol"] for each in body["spec"]["ports"]] == ["UDP"]


def test_the_number_of_bridges_stays_within_the_plan(make: MakeContext) -> None:
    plan = {"capacity": {"bridges": {"minimum": 2, "maximum": 4}}}
    for wanted, given in ((1, 2), (3, 3), (50, 4)):
        assert make({"media": {"bridges": wanted}}, plan=plan).bridges == given


def test_every_bridge_listens_at_the_port_that_its_service_leads_to(
    contexts: dict[str, TenantContext],
) -> None:
    for name in ("minimal", "load-balancer", "host-port"):
        for ref, body in render.tenant(contexts[name]).items():
            if ref.kind == "StatefulSet" and "jvb" in ref.name:
                container = body["spec"]["template"]["spec"]["containers"][0]
                port = next(each for each in container["ports"] if each["name"] == media.PORT_NAME)
                assert {"name": "JVB_PORT", "value": str(port["containerPort"])} in container["env"]
