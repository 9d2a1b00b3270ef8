"""The PersistentVolumeClaims of a tenant: they hold its data, and outlive the JitsiTenant."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jitsi_tenant_operator.api.objects import JsonObject
from jitsi_tenant_operator.api.platform import Store
from jitsi_tenant_operator.render.context import TenantContext, VolumeClaim
from jitsi_tenant_operator.render.labels import Component
from jitsi_tenant_operator.render.quantities import canonical_storage, memory, storage_mebibytes

_SIZE = re.compile(r"[1-9][0-9]*[MGT]i")


def accounts_name(context: TenantContext) -> str:
    """The name of the claim for the accounts of internal authentication."""
    return context.child("accounts")


def recordings_name(context: TenantContext) -> str:
    """The name of the claim for recordings."""
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
    if context.records or context.watching:
        size = recordings_size(context)
        yield _claim(context, recordings_name(context), storage.recordings, size, Component.JIBRI)


def _claim(
    context: TenantContext, name: str, store: Store, size: str, component: Component
) -> JsonObject:
    obj = context.object("v1", "PersistentVolumeClaim", name, component=component, retain=True)
    held = context.observed.volumes.get(name)
    modes = list(held.access_modes) if held is not None else [store.access_mode.value]
    obj["spec"] = {
        "accessModes": modes,
        "resources": {"requests": {"storage": _size(size, held)}},
    }
    if store.class_name is not None:
        made_with = held.storage_class if held is not None else None
        obj["spec"]["storageClassName"] = made_with or store.class_name
    return obj


def _size(wanted: str, held: VolumeClaim | None) -> str:
    """What is wanted, or what there is when that is more: a volume can grow, never shrink."""
    if held is None or _SIZE.fullmatch(held.size) is None:
        return canonical_storage(wanted)
    return memory(max(storage_mebibytes(wanted), storage_mebibytes(held.size)))
