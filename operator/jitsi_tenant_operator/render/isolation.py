"""Network policies: nothing goes in or out of a tenant's namespace but the flows listed here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jitsi_tenant_operator.api.entry import EntryType
from jitsi_tenant_operator.api.media import TrafficPolicy
from jitsi_tenant_operator.api.meeting import LdapAccess
from jitsi_tenant_operator.api.objects import JsonObject
from jitsi_tenant_operator.render import bridge, jicofo, media, prosody, recorder, storage, web
from jitsi_tenant_operator.render.context import TenantContext
from jitsi_tenant_operator.render.labels import Component, selector

_API_VERSION = "networking.k8s.io/v1"
_ANYWHERE = ("0.0.0.0/0", "::/0")
_NODE_LOCAL_DNS = "169.254.20.10/32"
_SOLVER_LABEL = "acme.cert-manager.io/http01-solver"
_SOLVER_PORT = 8089
_STREAMING_PORTS = (443, 1935)

Rule = JsonObject


def children(context: TenantContext) -> Iterator[JsonObject]:
    """The policies of the namespace and of each component that runs."""
    yield _default(context)
    if context.platform.entry.type is EntryType.INGRESS:
        yield from _certificate_solver(context)
    yield _component(context, Component.WEB, *_web(context))
    yield _component(context, Component.PROSODY, *_prosody(context))
    yield _component(context, Component.JICOFO, *_jicofo(context))
    yield _component(context, Component.JVB, *_bridge(context))
    if context.may_record:
        yield _component(context, Component.JIBRI, *_recorder(context))


def _default(context: TenantContext) -> JsonObject:
    obj = context.object(_API_VERSION, "NetworkPolicy", context.child("default-deny"))
    dns = [_namespaces({"kubernetes.io/metadata.name": "kube-system"}), _block(_NODE_LOCAL_DNS)]
    obj["spec"] = {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
        "egress": [{"to": dns, "ports": [_port(53, "UDP"), _port(53, "TCP")]}],
    }
    return obj


def _certificate_solver(context: TenantContext) -> Iterator[JsonObject]:
    """cert-manager answers HTTP-01 challenges from a pod of its own in this namespace."""
    tls = context.platform.entry.tls
    if tls is None or tls.issuer is None:
        return
    obj = context.object(_API_VERSION, "NetworkPolicy", context.child("acme"))
    obj["spec"] = {
        "podSelector": {"matchLabels": {_SOLVER_LABEL: "true"}},
        "policyTypes": ["Ingress"],
        "ingress": [_from(_entry(context), _port(_SOLVER_PORT))],
    }
    yield obj


def _web(context: TenantContext) -> tuple[list[Rule], list[Rule]]:
    ingress = [_from(_entry(context), _port(web.PORT))]
    egress = [_to([_pods(context, Component.PROSODY)], _port(prosody.HTTP_PORT))]
    return ingress, egress


def _prosody(context: TenantContext) -> tuple[list[Rule], list[Rule]]:
    clients = [Component.JICOFO, Component.JVB]
    if context.may_record:
        clients.append(Component.JIBRI)
    ingress = [
        _from([_pods(context, Component.WEB)], _port(prosody.HTTP_PORT)),
        _from([_pods(context, each) for each in clients], _port(prosody.XMPP_PORT)),
        _from(_monitoring(context), _port(prosody.HTTP_PORT)),
    ]
    return ingress, _authentication(context)


def _authentication(context: TenantContext) -> list[Rule]:
    access = context.spec.access
    if access.ldap is not None:
        return [_to(_blocks(_ANYWHERE), _port(_directory_port(access.ldap)))]
    if access.jwt is not None and access.jwt.key_server is not None:
        return [_to(_blocks(_ANYWHERE), _port(_https_port(access.jwt.key_server)))]
    return []


def _jicofo(context: TenantContext) -> tuple[list[Rule], list[Rule]]:
    ingress = [_from([_operator(context), *_monitoring(context)], _port(jicofo.PORT))]
    return ingress, [_to_prosody(context)]


def _bridge(context: TenantContext) -> tuple[list[Rule], list[Rule]]:
    clients = _blocks(context.platform.media.client_networks)
    balanced = context.platform.media.external_traffic_policy is TrafficPolicy.CLUSTER
    # With that policy, media comes with the address of a node instead of the client's.
    sources = _blocks(_ANYWHERE) if balanced else clients
    inside = [_pods(context, Component.JVB)]
    if context.may_record:
        inside.append(_pods(context, Component.JIBRI))
    port = _port(media.PORT, "UDP")
    ingress = [
        _from([*sources, *inside], port),
        _from([_operator(context), *_monitoring(context)], _port(bridge.PORT)),
    ]
    # A bridge also opens connections: to any port that a client offers, to others at their own.
    egress = [
        _to(clients, {"protocol": "UDP"}),
        _to(inside, {"protocol": "UDP"}),
        _to_prosody(context),
    ]
    return ingress, egress


def _recorder(context: TenantContext) -> tuple[list[Rule], list[Rule]]:
    ingress = [
        _from([_operator(context), *_monitoring(context)], _port(recorder.PORT)),
        _from([_operator(context)], _port(storage.PORT)),
    ]
    egress = [
        _to_prosody(context),
        _to([_pods(context, Component.JVB)], {"protocol": "UDP"}),
        # The recorder opens the meeting as a browser does: at the public address, which leads to
        # the entry's pods or leaves the cluster and comes back. At the addresses of nodes stands
        # more than the entry, so that nothing there is opened but what is open anywhere.
        _to([_entry_pods(context)], {"protocol": "TCP"}),
        _to(_blocks(_ANYWHERE), *(_port(each) for each in _recorder_ports(context))),
    ]
    return ingress, egress


def _recorder_ports(context: TenantContext) -> tuple[int, ...]:
    return _STREAMING_PORTS if context.streams else (443,)


def _component(
    context: TenantContext, component: Component, ingress: Sequence[Rule], egress: Sequence[Rule]
) -> JsonObject:
    name = context.child(component.value)
    obj = context.object(_API_VERSION, "NetworkPolicy", name, component=component)
    rules = {"ingress": _reachable(ingress), "egress": _reachable(egress)}
    obj["spec"] = {
        "podSelector": {"matchLabels": selector(context.name, component)},
        "policyTypes": ["Ingress", "Egress"],
        **{direction: found for direction, found in rules.items() if found},
    }
    return obj


def _reachable(rules: Sequence[Rule]) -> list[Rule]:
    """Without the rules that name no peer: to Kubernetes, these would mean everybody."""
    return [each for each in rules if each.get("from") or each.get("to")]


def _from(peers: list[JsonObject], *ports: JsonObject) -> Rule:
    return {"from": peers, "ports": list(ports)}


def _to(peers: list[JsonObject], *ports: JsonObject) -> Rule:
    return {"to": peers, "ports": list(ports)}


def _to_prosody(context: TenantContext) -> Rule:
    return _to([_pods(context, Component.PROSODY)], _port(prosody.XMPP_PORT))


def _port(number: int, protocol: str = "TCP") -> JsonObject:
    return {"port": number, "protocol": protocol}


def _pods(context: TenantContext, component: Component) -> JsonObject:
    return {"podSelector": {"matchLabels": selector(context.name, component)}}


def _namespaces(found: dict[str, str]) -> JsonObject:
    return {"namespaceSelector": {"matchLabels": found}}


def _entry(context: TenantContext) -> list[JsonObject]:
    return [_entry_pods(context), *_blocks(context.platform.entry.networks)]


def _entry_pods(context: TenantContext) -> JsonObject:
    return _namespaces(dict(context.platform.entry.namespaces))


def _operator(context: TenantContext) -> JsonObject:
    return _namespaces({"kubernetes.io/metadata.name": context.operator_namespace})


def _monitoring(context: TenantContext) -> list[JsonObject]:
    found = context.platform.monitoring_namespaces
    return [] if found is None else [_namespaces(dict(found))]


def _block(network: str) -> JsonObject:
    return {"ipBlock": {"cidr": network}}


def _blocks(networks: Sequence[str]) -> list[JsonObject]:
    return [_block(each) for each in networks]


def _directory_port(ldap: LdapAccess) -> int:
    scheme, _, place = ldap.url.partition("://")
    _, separator, port = place.partition(":")
    if separator:
        return int(port)
    return 636 if scheme == "ldaps" else 389


def _https_port(url: str) -> int:
    place = url.removeprefix("https://").partition("/")[0]
    _, separator, port = place.partition(":")
    return int(port) if separator else 443
