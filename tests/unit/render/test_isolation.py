"""Which connections the network policies of a tenant let through, and which they do not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any

import pytest

from jitsi_tenant_operator import render
from jitsi_tenant_operator.api.objects import JsonObject
from jitsi_tenant_operator.render import TenantContext

if TYPE_CHECKING:
    from tests.unit.render.conftest import MakeContext


@dataclass(frozen=True)
class End:
    """One end of a connection: a pod of a namespace, or an address outside."""

    namespace: str = ""
    labels: frozenset[tuple[str, str]] = frozenset()
    address: str = ""


def pod(component: str, tenant: str = "acme") -> End:
    """A pod of a tenant."""
    labels = {"jitsi.rezosocial.com/tenant": tenant, "app.kubernetes.io/component": component}
    return End(f"tenant-{tenant}", frozenset(labels.items()))


def other(namespace: str, **labels: str) -> End:
    """A pod of another namespace."""
    return End(namespace, frozenset(labels.items()))


OUTSIDE = End(address="203.0.113.77")
ENTRY = other("ingress-nginx")
OPERATOR = other("jitsi-operator")
MONITORING = other("monitoring")
DNS = other("kube-system")


def allowed(context: TenantContext, source: End, target: End, protocol: str, port: int) -> bool:
    """Whether Kubernetes' rules let `source` connect to `target`."""
    policies = [body for ref, body in render.tenant(context).items() if ref.kind == "NetworkPolicy"]
    return _passes(policies, "Egress", source, target, protocol, port) and _passes(
        policies, "Ingress", target, source, protocol, port
    )


def _passes(
    policies: list[JsonObject], direction: str, held: End, peer: End, protocol: str, port: int
) -> bool:
    of_it = [
        policy["spec"]
        for policy in policies
        if policy["metadata"]["namespace"] == held.namespace
        and direction in policy["spec"]["policyTypes"]
        and _selects(policy["spec"]["podSelector"], held)
    ]
    if not of_it:
        return True
    rules = [rule for spec in of_it for rule in spec.get(direction.lower(), [])]
    peers = "from" if direction == "Ingress" else "to"
    return any(
        any(_is(each, peer, held.namespace) for each in rule[peers])
        and any(
            each["protocol"] == protocol and each.get("port", port) == port
            for each in rule["ports"]
        )
        for rule in rules
    )


def _selects(selector: Mapping[str, Any], end: End) -> bool:
    return set(selector.get("matchLabels", {}).items()) <= end.labels


def _is(peer: JsonObject, end: End, namespace: str) -> bool:
    if "ipBlock" in peer:
        # Pods have addresses as well, but whether a block matches them depends on the network.
        return bool(end.address) and ip_address(end.address) in ip_network(peer["ipBlock"]["cidr"])
    if "namespaceSelector" in peer:
        wanted = peer["namespaceSelector"]["matchLabels"]
        return {"kubernetes.io/metadata.name": end.namespace} == dict(wanted)
    return end.namespace == namespace and _selects(peer["podSelector"], end)


@pytest.fixture
def context(contexts: dict[str, TenantContext]) -> TenantContext:
    return contexts["everything-on"]


@pytest.mark.parametrize(
    ("source", "target", "protocol", "port"),
    [
        (ENTRY, pod("web"), "TCP", 8000),
        (pod("web"), pod("prosody"), "TCP", 5280),
        (pod("jicofo"), pod("prosody"), "TCP", 5222),
        (pod("jvb"), pod("prosody"), "TCP", 5222),
        (pod("jibri"), pod("prosody"), "TCP", 5222),
        (OUTSIDE, pod("jvb"), "UDP", 10000),
        (pod("jvb"), OUTSIDE, "UDP", 51820),
        (pod("jvb"), pod("jvb"), "UDP", 10000),
        (pod("jibri"), pod("jvb"), "UDP", 10000),
        (pod("jibri"), ENTRY, "TCP", 443),
        (pod("jibri"), OUTSIDE, "TCP", 443),
        (OPERATOR, pod("jvb"), "TCP", 8080),
        (OPERATOR, pod("jicofo"), "TCP", 8888),
        (OPERATOR, pod("jibri"), "TCP", 2222),
        (MONITORING, pod("jvb"), "TCP", 8080),
        (MONITORING, pod("prosody"), "TCP", 5280),
        *((pod(each), DNS, "UDP", 53) for each in ("web", "prosody", "jicofo", "jvb", "jibri")),
    ],
)
def test_meetings_can_be_held(
    context: TenantContext, source: End, target: End, protocol: str, port: int
) -> None:
    assert allowed(context, source, target, protocol, port)


@pytest.mark.parametrize(
    ("source", "target", "protocol", "port"),
    [
        # The private APIs know no authentication.
        (OUTSIDE, pod("jvb"), "TCP", 8080),
        (ENTRY, pod("jvb"), "TCP", 8080),
        (pod("web"), pod("jvb"), "TCP", 8080),
        (OUTSIDE, pod("jicofo"), "TCP", 8888),
        (pod("jibri"), pod("jicofo"), "TCP", 8888),
        (ENTRY, pod("prosody"), "TCP", 5280),
        (OUTSIDE, pod("prosody"), "TCP", 5222),
        (OUTSIDE, pod("web"), "TCP", 8000),
        (OUTSIDE, pod("jibri"), "TCP", 2222),
        (MONITORING, pod("web"), "TCP", 8000),
        # Nothing of one tenant reaches another.
        (pod("web", "other"), pod("prosody"), "TCP", 5280),
        (pod("jvb", "other"), pod("prosody"), "TCP", 5222),
        (pod("jibri", "other"), pod("jvb"), "UDP", 10000),
        (pod("prosody"), pod("prosody", "other"), "TCP", 5222),
        # Nothing leaves that need not.
        (pod("prosody"), OUTSIDE, "TCP", 443),
        (pod("web"), OUTSIDE, "TCP", 443),
        (pod("jicofo"), OUTSIDE, "TCP", 443),
        (pod("jvb"), OUTSIDE, "TCP", 443),
        (pod("anything"), OUTSIDE, "TCP", 443),
        (OUTSIDE, pod("anything"), "TCP", 80),
    ],
)
def test_nothing_else_gets_through(
    context: TenantContext, source: End, target: End, protocol: str, port: int
) -> None:
    assert not allowed(context, source, target, protocol, port)


def test_without_monitoring_nobody_reads_metrics(make: MakeContext) -> None:
    for target, port in ((pod("jvb"), 8080), (pod("jicofo"), 8888), (pod("prosody"), 5280)):
        assert not allowed(make(), MONITORING, target, "TCP", port)


def test_no_rule_lets_everybody_in(case: tuple[str, TenantContext]) -> None:
    for ref, body in render.tenant(case[1]).items():
        if ref.kind == "NetworkPolicy":
            for direction, peers in (("ingress", "from"), ("egress", "to")):
                for rule in body["spec"].get(direction, []):
                    assert rule[peers], ref
                    assert rule["ports"], ref


def test_the_directory_is_reached_at_its_port(make: MakeContext) -> None:
    for url, start_tls, port in (
        ("ldaps://ldap.example", False, 636),
        ("ldap://ldap.example", True, 389),
        ("ldaps://ldap.example:3269", False, 3269),
    ):
        ldap = {"url": url, "base": "dc=example", "startTls": start_tls}
        context = make({"access": {"authentication": "LDAP", "ldap": ldap}})
        assert allowed(context, pod("prosody"), OUTSIDE, "TCP", port)
        assert not allowed(context, pod("prosody"), OUTSIDE, "TCP", port + 1)


def test_the_key_server_is_reached_at_its_port(make: MakeContext) -> None:
    for url, port in (("https://keys.example/k", 443), ("https://keys.example:8443/k", 8443)):
        jwt = {"appId": "a", "keyServer": url}
        context = make({"access": {"authentication": "JWT", "jwt": jwt}})
        assert allowed(context, pod("prosody"), OUTSIDE, "TCP", port)


def test_streams_leave_only_where_they_are_subscribed_to(make: MakeContext) -> None:
    for streaming in (True, False):
        context = make(recording=True, livestreaming=streaming)
        assert allowed(context, pod("jibri"), OUTSIDE, "TCP", 1935) == streaming


def test_media_comes_only_from_the_networks_of_clients(make: MakeContext) -> None:
    context = make(platform={"media": {"clientNetworks": ["10.0.0.0/8"]}})
    assert allowed(context, End(address="10.1.2.3"), pod("jvb"), "UDP", 10000)
    assert not allowed(context, OUTSIDE, pod("jvb"), "UDP", 10000)


def test_media_that_comes_by_way_of_another_node_is_let_in(make: MakeContext) -> None:
    media = {"clientNetworks": ["10.0.0.0/8"], "externalTrafficPolicy": "Cluster"}
    assert allowed(make(platform={"media": media}), OUTSIDE, pod("jvb"), "UDP", 10000)


SOLVER = End("tenant-acme", frozenset({("acme.cert-manager.io/http01-solver", "true")}))


def test_certificate_challenges_are_answered(make: MakeContext) -> None:
    assert allowed(make(), ENTRY, SOLVER, "TCP", 8089)
    assert not allowed(make(), OUTSIDE, SOLVER, "TCP", 8089)


@pytest.mark.parametrize(("target", "port"), [(pod("web"), 8000), (SOLVER, 8089)])
def test_an_entry_on_the_network_of_nodes_is_let_in(
    make: MakeContext, target: End, port: int
) -> None:
    nodes = {"entry": {"networks": ["192.0.2.0/28", "2001:db8::/64"]}}
    for address in ("192.0.2.7", "2001:db8::7"):
        assert allowed(make(platform=nodes), End(address=address), target, "TCP", port)
        assert not allowed(make(), End(address=address), target, "TCP", port)
    assert allowed(make(platform=nodes), ENTRY, target, "TCP", port)
    assert not allowed(make(platform=nodes), OUTSIDE, target, "TCP", port)


def test_an_entry_on_the_network_of_nodes_opens_nothing_else(make: MakeContext) -> None:
    context = make(platform={"entry": {"networks": ["192.0.2.0/28"]}}, recording=True)
    node = End(address="192.0.2.7")
    for target, port in (("prosody", 5280), ("jvb", 8080), ("jicofo", 8888), ("jibri", 2222)):
        assert not allowed(context, node, pod(target), "TCP", port)
    assert allowed(context, pod("jibri"), node, "TCP", 443)
    assert not allowed(context, pod("jibri"), node, "TCP", 10250)
