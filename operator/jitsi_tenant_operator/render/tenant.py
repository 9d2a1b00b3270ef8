"""The children of one tenant, all of them."""

from __future__ import annotations

from collections.abc import Iterator

from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef
from jitsi_tenant_operator.render import (
    bridge,
    credentials,
    entry,
    isolation,
    jicofo,
    limits,
    names,
    prosody,
    recorder,
    service_accounts,
    volume_claims,
    web,
)
from jitsi_tenant_operator.render.context import Source, SourceKind, TenantContext

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
)
"""In the order in which a reader meets them; what restricts comes before what it restricts."""


def tenant(context: TenantContext) -> dict[ObjectRef, JsonObject]:
    """Every child that the tenant should have now, but the Secret of generated passwords.

    Pure: equal contexts give equal children, written as the API server stores them. A bridge whose
    address is not known yet has its Service only.
    """
    return {ObjectRef.of(obj): obj for obj in _children(context)}


def sources(context: TenantContext) -> tuple[Source, ...]:
    """The Secret and ConfigMap keys whose digest the children depend on."""
    generated = [
        Source(SourceKind.SECRET, names.CREDENTIALS, key)
        for key in credentials.required_keys(context)
        if key != credentials.SALT_KEY
    ]
    return tuple(sorted({*generated, *_given(context)}))


def _given(context: TenantContext) -> Iterator[Source]:
    access = context.spec.access
    if access.jwt is not None and access.jwt.secret is not None:
        yield Source(SourceKind.SECRET, access.jwt.secret.name, access.jwt.secret.key)
    if access.ldap is not None and access.ldap.bind_password is not None:
        password = access.ldap.bind_password
        yield Source(SourceKind.SECRET, password.name, password.key)
    for source in (web.logo(context), prosody.certificate_authority(context)):
        if source is not None:
            yield source


def _children(context: TenantContext) -> Iterator[JsonObject]:
    for family in _FAMILIES:
        yield from family.children(context)
