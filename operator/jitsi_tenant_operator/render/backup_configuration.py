"""What the backup programs of a tenant are told: the files that their Jobs mount.

Snapshots hold files under the paths at which they were mounted, so that these never change.
"""

from __future__ import annotations

from dataclasses import dataclass

from jitsi_tenant_operator.api.platform import BackupRepository, PlatformBackup, RepositoryDriver
from jitsi_tenant_operator.api.terms import BackupTerms
from jitsi_tenant_operator.backup.configuration import (
    BackedUpTenant,
    Configuration,
    Repository,
    ResticRepository,
    RetentionTerms,
    ServerLogin,
    Sources,
)
from jitsi_tenant_operator.render import names
from jitsi_tenant_operator.render.context import TenantContext

FOLDER = "/etc/jitsi-backup"
"""Where the configuration is mounted."""
FILE = "configuration.json"
PRIMARY_AUTHORITY = "primary.crt"
OFFSITE_AUTHORITY = "offsite.crt"
KEYS = "/run/jitsi-backup/tenant"
"""Where the tenant's own keys and login are mounted."""
PRIMARY_LOGIN = "/run/jitsi-backup/primary"
"""Where the operator's login to the primary server is mounted, in its own namespace only."""
OFFSITE_LOGIN = "/run/jitsi-backup/offsite"
RECORDINGS = "/data/recordings"
ACCOUNTS = "/data/accounts"
CONFIGURATION = "/data/configuration"
KEY, OFFSITE_KEY, USERNAME, PASSWORD = "key", "offsite-key", "username", "password"
"""The names of the files with keys and logins."""


@dataclass(frozen=True, slots=True)
class Promise:
    """That a tenant is backed up: where to, and how long it is kept."""

    platform: PlatformBackup
    daily: str
    weekly: str
    offsite: bool


def promise(context: TenantContext) -> Promise | None:
    """What is promised of the backups of a tenant; None where there are none.

    There are some where the platform has repositories that the programs can use, these have an
    image, and the terms say how long backups are kept.
    """
    platform, terms = context.platform.backup, context.terms.backup or BackupTerms()
    if platform is None or not context.operator_image:
        return None
    if terms.daily is None or terms.weekly is None or not is_supported(platform):
        return None
    return Promise(platform, terms.daily, terms.weekly, bool(terms.offsite))


def is_supported(platform: PlatformBackup) -> bool:
    """Whether this version makes Jobs for the repositories of the platform."""
    return {platform.primary.driver, platform.offsite.driver} == {RepositoryDriver.RESTIC}


def of_tenant(context: TenantContext, promised: Promise, sources: Sources) -> Configuration:
    """For the programs in the tenant's namespace: they know the primary repository only."""
    return Configuration(
        tenant=_tenant(context),
        sources=sources,
        primary=_repository(
            context,
            promised.platform.primary,
            promised.platform.primary.address,
            key=f"{KEYS}/{KEY}",
            login=KEYS,
            authority=PRIMARY_AUTHORITY,
        ),
        backup=RetentionTerms(daily=promised.daily, weekly=promised.weekly),
        time_zone=context.platform.time_zone,
        bandwidth=promised.platform.bandwidth,
    )


def of_keeper(context: TenantContext, promised: Promise) -> Configuration:
    """For the programs in the operator's namespace: they copy, delete and verify."""
    primary, offsite = promised.platform.primary, promised.platform.offsite
    return Configuration(
        tenant=_tenant(context),
        primary=_repository(
            context,
            primary,
            primary.maintenance_address or primary.address,
            key=f"{KEYS}/{KEY}",
            login=PRIMARY_LOGIN,
            authority=PRIMARY_AUTHORITY,
        ),
        offsite=_repository(
            context,
            offsite,
            offsite.maintenance_address or offsite.address,
            key=f"{KEYS}/{OFFSITE_KEY}",
            login=OFFSITE_LOGIN,
            authority=OFFSITE_AUTHORITY,
        )
        if promised.offsite
        else None,
        backup=RetentionTerms(daily=promised.daily, weekly=promised.weekly),
        held=context.backups_held,
        time_zone=context.platform.time_zone,
        bandwidth=promised.platform.bandwidth,
    )


def files(configuration: Configuration, promised: Promise) -> dict[str, str]:
    """The files of a configuration: itself, and the certificates that it names."""
    found = {FILE: configuration.model_dump_json(by_alias=True, exclude_none=True, indent=2) + "\n"}
    authorities = {PRIMARY_AUTHORITY: promised.platform.primary.certificate_authority}
    if configuration.offsite is not None:
        authorities[OFFSITE_AUTHORITY] = promised.platform.offsite.certificate_authority
    return found | {name: text for name, text in authorities.items() if text is not None}


def _tenant(context: TenantContext) -> BackedUpTenant:
    # In files a tenant has no uid yet.
    uid = context.tenant.metadata.uid or "none"
    return BackedUpTenant(name=context.name, namespace=context.namespace, uid=uid)


def _repository(
    context: TenantContext,
    server: BackupRepository,
    address: str,
    *,
    key: str,
    login: str,
    authority: str,
) -> Repository:
    return ResticRepository(
        driver=RepositoryDriver.RESTIC,
        address=f"{address.rstrip('/')}/{names.repository(context.namespace, context.name)}/",
        key_file=key,
        login=ServerLogin(username_file=f"{login}/{USERNAME}", password_file=f"{login}/{PASSWORD}"),
        certificate_authority_file=f"{FOLDER}/{authority}"
        if server.certificate_authority is not None
        else None,
    )
