"""The children of one tenant, all of them."""

from __future__ import annotations

from collections.abc import Iterator

from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef
from jitsi_tenant_operator.render import (
    backup,
    bridge,
    entry,
    isolation,
    jicofo,
    keeper,
    limits,
    prosody,
    recorder,
    service_accounts,
    volume_claims,
    web,
)
from jitsi_tenant_operator.render.context import TenantContext

_FAMILIES = (
    isolation,
    limits,
    service_accounts,
    volume_claims,
    web,
    prosody,
    jicofo,
    bridge,
    recorder,
    entry,
    backup,
    keeper,
)
"""In the order in which a reader meets them; what restricts comes before what it restricts."""


def tenant(context: TenantContext) -> dict[ObjectRef, JsonObject]:
    """Every child that the tenant should have now, but the Secrets of generated passwords and keys.

    Pure: equal contexts give equal children, written as the API server stores them. A bridge whose
    address is not known yet has its Service only.
    """
    return {ObjectRef.of(obj): obj for obj in _children(context)}


def _children(context: TenantContext) -> Iterator[JsonObject]:
    for family in _FAMILIES:
        yield from family.children(context)
