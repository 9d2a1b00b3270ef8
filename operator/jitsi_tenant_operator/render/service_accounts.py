"""ServiceAccounts of the pods: one for each component, none with a token."""

from __future__ import annotations

from collections.abc import Iterator

from jitsi_tenant_operator.api.objects import JsonObject
from jitsi_tenant_operator.render.context import TenantContext
from jitsi_tenant_operator.render.labels import Component


def children(context: TenantContext) -> Iterator[JsonObject]:
    """The ServiceAccounts of the components that run."""
    for component in components(context):
        name = context.child(component.value)
        obj = context.object("v1", "ServiceAccount", name, component=component)
        obj["automountServiceAccountToken"] = False
        yield obj


def components(context: TenantContext) -> tuple[Component, ...]:
    """The components that run for this tenant."""
    return tuple(each for each in Component if each is not Component.JIBRI or context.may_record)
