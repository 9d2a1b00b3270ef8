"""The Secrets and ConfigMaps that a tenant names, and those that are made for it."""

from __future__ import annotations

from collections.abc import Iterator

from jitsi_tenant_operator.render import credentials, names, prosody, web
from jitsi_tenant_operator.render.context import Source, SourceKind, TenantContext


def sources(context: TenantContext) -> tuple[Source, ...]:
    """The Secret and ConfigMap keys whose digest the children depend on."""
    return tuple(sorted({*generated(context), *given(context)}))


def generated(context: TenantContext) -> Iterator[Source]:
    """The passwords that components know each other by."""
    for key in credentials.required_keys(context):
        if key != credentials.SALT_KEY:
            yield Source(SourceKind.SECRET, names.CREDENTIALS, key)


def given(context: TenantContext) -> Iterator[Source]:
    """What the spec of the tenant names."""
    access = context.spec.access
    if access.jwt is not None and access.jwt.secret is not None:
        yield Source(SourceKind.SECRET, access.jwt.secret.name, access.jwt.secret.key)
    if access.ldap is not None and access.ldap.bind_password is not None:
        password = access.ldap.bind_password
        yield Source(SourceKind.SECRET, password.name, password.key)
    for source in (web.logo(context), prosody.certificate_authority(context)):
        if source is not None:
            yield source
