"""The entry: how browsers reach the web pods, by an Ingress or a route of a shared Gateway."""

from __future__ import annotations

from collections.abc import Iterator

from jitsi_tenant_operator.api.entry import EntryTls, GatewayEntry, IngressEntry, IssuerKind
from jitsi_tenant_operator.api.objects import JsonObject
from jitsi_tenant_operator.render import web
from jitsi_tenant_operator.render.context import TenantContext
from jitsi_tenant_operator.render.labels import Component

_GATEWAY_GROUP = "gateway.networking.k8s.io"
_ISSUER_ANNOTATIONS = {
    IssuerKind.CLUSTER_ISSUER: "cert-manager.io/cluster-issuer",
    IssuerKind.ISSUER: "cert-manager.io/issuer",
}


def children(context: TenantContext) -> Iterator[JsonObject]:
    """One Ingress, or one HTTPRoute."""
    entry = context.platform.entry
    if entry.gateway is not None and entry.type.value == "Gateway":
        yield _route(context, entry.gateway)
    elif entry.ingress is not None and entry.tls is not None:
        yield _ingress(context, entry.ingress, entry.tls)


def _ingress(context: TenantContext, entry: IngressEntry, tls: EntryTls) -> JsonObject:
    given = dict(entry.annotations)
    if tls.issuer is not None:
        given[_ISSUER_ANNOTATIONS[tls.issuer.kind]] = tls.issuer.name
    name = context.child(Component.WEB.value)
    obj = context.object(
        "networking.k8s.io/v1",
        "Ingress",
        name,
        component=Component.WEB,
        extra_annotations=given,
    )
    backend = {"service": {"name": name, "port": {"number": web.PORT}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    certificate = tls.secret_name or context.child("tls")
    obj["spec"] = {
        "ingressClassName": entry.class_name,
        "tls": [{"hosts": [context.host], "secretName": certificate}],
        "rules": [{"host": context.host, "http": {"paths": [path]}}],
    }
    return obj


def _route(context: TenantContext, gateway: GatewayEntry) -> JsonObject:
    name = context.child(Component.WEB.value)
    obj = context.object(f"{_GATEWAY_GROUP}/v1", "HTTPRoute", name, component=Component.WEB)
    parent = {
        "group": _GATEWAY_GROUP,
        "kind": "Gateway",
        "name": gateway.name,
        "namespace": gateway.namespace,
    }
    if gateway.section_name is not None:
        parent["sectionName"] = gateway.section_name
    backend = {"group": "", "kind": "Service", "name": name, "port": web.PORT, "weight": 1}
    match = {"path": {"type": "PathPrefix", "value": "/"}}
    obj["spec"] = {
        "parentRefs": [parent],
        "hostnames": [context.host],
        "rules": [{"matches": [match], "backendRefs": [backend]}],
    }
    return obj
