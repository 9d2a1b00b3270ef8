"""The volumes of a tenant. They hold its data, so that they outlive the JitsiTenant object."""

from __future__ import annotations

from collections.abc import Iterator

from jitsi_tenant_operator.api.objects import JsonObject
from jitsi_tenant_operator.api.platform import Store
from jitsi_tenant_operator.render.context import TenantContext
from jitsi_tenant_operator.render.labels import Component
from jitsi_tenant_operator.render.quantities import canonical_storage


def accounts_name(context: TenantContext) -> str:
    """The claim for accounts of internal authentication."""
    return context.child("accounts")


def recordings_name(context: TenantContext) -> str:
    """The claim for recordings."""
    return context.child("recordings")


def recordings_size(context: TenantContext) -> str:
    """The size of the recordings volume, as the tenant or its plan says."""
    return context.spec.recording.storage or context.plan.capacity.storage.recordings


def children(context: TenantContext) -> Iterator[JsonObject]:
    """The claims that are needed now."""
    storage = context.platform.storage
    if context.keeps_accounts:
        size = context.plan.capacity.storage.accounts
        yield _claim(context, accounts_name(context), storage.accounts, size, Component.PROSODY)
    if context.records:
        size = recordings_size(context)
        yield _claim(context, recordings_name(context), storage.recordings, size, Component.JIBRI)


def _claim(
    context: TenantContext, name: str, store: Store, size: str, component: Component
) -> JsonObject:
    obj = context.object("v1", "PersistentVolumeClaim", name, component=component, retain=True)
    obj["spec"] = {
        "accessModes": [store.access_mode.value],
        "resources": {"requests": {"storage": canonical_storage(size)}},
    }
    if store.class_name is not None:
        obj["spec"]["storageClassName"] = store.class_name
    return obj
