"""Whether somebody serves the platform's entry: a tenant's Ingress, or its route."""

from __future__ import annotations

from collections.abc import Iterable

from jitsi_tenant_operator.api.entry import EntryType
from jitsi_tenant_operator.api.objects import TenantKey
from jitsi_tenant_operator.kube.children import ChildRecord
from jitsi_tenant_operator.kube.facts import RouteFacts
from jitsi_tenant_operator.kube.informer import Informer
from jitsi_tenant_operator.kube.metadata import MetadataRecord
from jitsi_tenant_operator.reconcile.conditions import Reason
from jitsi_tenant_operator.reconcile.resolve import Problem
from jitsi_tenant_operator.render.context import TenantContext


def obstacle(
    context: TenantContext,
    records: Iterable[ChildRecord[TenantKey]],
    ingress_classes: Informer[MetadataRecord],
) -> Problem | None:
    """What keeps people from getting to the web pods, as far as the cluster tells.

    An Ingress of a class that there is counts as served, since not every controller writes to its
    status. `records` are the tenant's children; one that was not made yet is no obstacle here.
    """
    entry = context.platform.entry
    if entry.type is EntryType.GATEWAY:
        return _of_route(context, records)
    name = entry.ingress.class_name if entry.ingress is not None else ""
    if ingress_classes.get("", name) is not None:
        return None
    return Problem(
        Reason.INGRESS_CLASS_NOT_FOUND,
        f"there is no IngressClass {name}, so that no controller serves the tenant's Ingress:"
        " install the controller with its class, or correct spec.entry.ingress.className of the"
        " JitsiPlatform",
    )


def _of_route(context: TenantContext, records: Iterable[ChildRecord[TenantKey]]) -> Problem | None:
    route = next((each.facts for each in records if isinstance(each.facts, RouteFacts)), None)
    gateway = context.platform.entry.gateway
    if route is None or gateway is None or route.accepted:
        return None
    if route.accepted is None:
        return Problem(
            Reason.PROGRESSING,
            f"waiting for the Gateway {gateway.namespace}/{gateway.name} to take the route",
        )
    return Problem(Reason.ROUTE_NOT_ACCEPTED, f"HTTPRoute: {route.why_not}")
