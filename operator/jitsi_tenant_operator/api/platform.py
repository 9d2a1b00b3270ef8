"""JitsiPlatform: what all tenants of one cluster share."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, StringConstraints

from jitsi_tenant_operator.api.conditions import Conditions, Generation
from jitsi_tenant_operator.api.constraints import Expected, SetList, Verified
from jitsi_tenant_operator.api.entry import Entry
from jitsi_tenant_operator.api.images import JitsiImages
from jitsi_tenant_operator.api.media import PlatformMedia
from jitsi_tenant_operator.api.model import (
    CustomResource,
    Definition,
    Model,
    PrinterColumn,
    Rule,
)
from jitsi_tenant_operator.api.saturation import Saturation
from jitsi_tenant_operator.api.scalars import (
    Cidr,
    CountryCode,
    Email,
    Host,
    HttpsUrl,
    Labels,
    ObjectName,
    SecretKey,
    ShortText,
)


def _is_time_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


TimeZone = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_+/-]{1,63}$", max_length=64),
    # CEL has no function that says whether a zone exists; one that uses it fails for any other.
    Verified(
        "self != 'Local' && timestamp('2026-01-01T00:00:00Z').getHours(self) >= 0",
        "must be a time zone of the IANA database, such as Europe/Paris",
        _is_time_zone,
    ),
    Expected("a time zone such as Europe/Paris"),
]


RepositoryAddress = Annotated[
    str,
    StringConstraints(pattern=r"^[!-~]+$", max_length=512),
    Expected("the address of a repository, without blanks"),
]


class SecretKeyReference(Model):
    """One value in a Secret of the same namespace as the pods that read it."""

    name: ObjectName
    """The Secret."""
    key: SecretKey
    """The key inside it."""


class ConfigMapKeyReference(Model):
    """One value in a ConfigMap of the tenant's namespace."""

    name: ObjectName
    """The ConfigMap."""
    key: SecretKey
    """The key inside it."""


class Location(Model):
    """Where something stands."""

    country: CountryCode
    """The country."""
    site: ShortText
    """The site within it, for instance a data centre."""


class ComputeLocation(Location):
    """Where the pods of tenants run."""

    rules: ClassVar = (
        Rule(
            "has(self.nodeSelector) != self.allNodes",
            "set either nodeSelector, or allNodes: true if every node of the cluster stands there",
            lambda self: (self.node_selector is not None) != self.all_nodes,
        ),
    )

    node_selector: Annotated[Labels, Field(min_length=1)] | None = None
    """The labels of the nodes that stand there; pods are scheduled on these only."""
    all_nodes: bool = False
    """That every node of the cluster stands there, now and later: pods run on any of them."""


class AccessMode(StrEnum):
    """How a volume can be mounted."""

    READ_WRITE_ONCE = "ReadWriteOnce"
    READ_WRITE_MANY = "ReadWriteMany"


class Store(Model):
    """A kind of storage that volumes are taken from."""

    class_name: ObjectName | None = None
    """The storage class; the cluster's default when not set."""
    access_mode: AccessMode = AccessMode.READ_WRITE_ONCE
    """Several recorders of a tenant need ReadWriteMany."""
    location: Location | None = None
    """Where the data lies; the location of compute when not set."""


class PlatformStorage(Model):
    """Where the volumes of tenants come from."""

    recordings: Store = Store()
    """Recordings."""
    accounts: Store = Store()
    """Accounts of internal authentication."""
    saturation: Saturation = Saturation()
    """When recording is suspended for want of space."""


class RepositoryDriver(StrEnum):
    """What kind of backup repository it is."""

    RESTIC = "Restic"
    PROXMOX_BACKUP_SERVER = "ProxmoxBackupServer"


_REST_ADDRESS = re.compile(r"^rest:https?://[^@/]+(/[^@]*)?$")

Certificates = Annotated[
    str,
    StringConstraints(
        pattern=r"^-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\n -]*-----END CERTIFICATE-----\n*$",
        max_length=16_384,
    ),
    Expected("one or more certificates as PEM"),
]


class BackupRepository(Model):
    """One backup server, which holds a repository for each tenant."""

    rules: ClassVar = (
        Rule(
            "self.driver != 'Restic' || self.address.matches('^rest:https?://[^@/]+(/[^@]*)?$')",
            "a Restic repository is reached at rest:https://HOST/PATH/, without a login in it",
            lambda self: (
                self.driver is not RepositoryDriver.RESTIC
                or _REST_ADDRESS.match(self.address) is not None
            ),
        ),
    )

    driver: RepositoryDriver
    """Its kind."""
    address: RepositoryAddress
    """Its address, as the driver writes it. Of a Restic one, the repository of a tenant is the
    folder NAME.NAMESPACE below it, for a user of that name."""
    maintenance_address: RepositoryAddress | None = None
    """Where the operator's own programs reach the same repositories, which also delete; address
    when not set."""
    credentials: ObjectName
    """The Secret in the operator's namespace with the username and password of these programs."""
    certificate_authority: Certificates | None = None
    """The certificates (PEM) that the server is checked against; the public ones when not set."""
    networks: Annotated[tuple[Cidr, ...], Field(max_length=16), SetList()] = ()
    """The networks that the server is in: backups may connect to these only; anywhere at its port
    when empty."""
    location: Location
    """Where it stands."""


class PlatformBackup(Model):
    """Where backups go."""

    rules: ClassVar = (
        Rule(
            "self.primary.location.country != self.offsite.location.country"
            " || self.primary.location.site != self.offsite.location.site",
            "the off-site repository must stand on another site than the primary",
            lambda self: self.primary.location != self.offsite.location,
        ),
    )

    primary: BackupRepository
    """The repository that is written first."""
    offsite: BackupRepository
    """The copy on another site."""
    bandwidth: Annotated[int, Field(ge=16, le=10_000_000)] | None = None
    """The most that one run sends or receives, in KiB a second; not limited when not set."""


class PlatformLogs(Model):
    """Where technical logs are kept."""

    store: Store = Store()
    """The storage of the volumes for current and archived logs."""


class Webhook(Model):
    """Another system that is told of each notice, by signed JSON."""

    url: HttpsUrl
    """Where the JSON is posted."""
    secret: SecretKeyReference
    """The key of a Secret in the operator's namespace that signs it."""


class PlatformNotifications(Model):
    """How notices leave."""

    smtp_host: Host
    """The mail server."""
    smtp_port: Annotated[int, Field(ge=1, le=65535)] = 587
    """Its port; with 465 TLS from the first byte on, else by STARTTLS, never without."""
    certificate_authority: ConfigMapKeyReference | None = None
    """The key of a ConfigMap in the operator's namespace with the certificates (PEM) that the mail
    server is checked against; those of the operator's image when not set."""
    sender: Email
    """The address that notices come from."""
    sender_name: ShortText | None = None
    """The name beside that address, and below the text: the host's own."""
    credentials: ObjectName | None = None
    """The Secret in the operator's namespace with username and password."""
    acknowledgement_address: HttpsUrl | None = None
    """Where the operator's page for acknowledging notices is reached; without it, notices have no
    link, and receipts are entered by hand."""
    templates: ObjectName | None = None
    """A ConfigMap in the operator's namespace whose keys replace templates of the same name."""
    webhook: Webhook | None = None
    """Another system that is told of each notice."""


class PriorityClasses(Model):
    """The PriorityClasses of the pods, so that meetings outlast what can wait."""

    media: ObjectName = "jitsi-media"
    """Bridges and the pods that meetings cannot do without."""
    recording: ObjectName = "jitsi-recording"
    """Recorders."""
    web: ObjectName = "jitsi-web"
    """Web pods."""
    backup: ObjectName = "jitsi-backup"
    """Backups, restores, and the keeping of their repositories."""


class JitsiPlatformSpec(Model):
    """What all tenants of one cluster share."""

    domain: Host
    """The domain under which a tenant without a host of its own is reached: <name>.<domain>."""
    cluster_domain: Host = "cluster.local"
    """The DNS domain of the cluster's Services; nginx resolves no shorter names."""
    time_zone: TimeZone = "Europe/Paris"
    """The zone of calendar days, working hours and schedules."""
    entry: Entry
    """How browsers come in."""
    media: PlatformMedia = PlatformMedia()
    """How media comes in."""
    location: ComputeLocation
    """Where pods run."""
    storage: PlatformStorage = PlatformStorage()
    """Where volumes come from."""
    jitsi: JitsiImages = JitsiImages()
    """Images and release channels."""
    backup: PlatformBackup | None = None
    """Where backups go."""
    logs: PlatformLogs = PlatformLogs()
    """Where technical logs are kept."""
    notifications: PlatformNotifications | None = None
    """How notices leave."""
    documents: Annotated[
        tuple[ObjectName, ...],
        Field(max_length=8),
        SetList(),
    ] = ()
    """The JitsiTerms in force for contracts that name none."""
    monitoring_namespaces: Labels | None = None
    """The labels of the namespaces whose pods may read metrics; none when not set."""
    priority_classes: PriorityClasses = PriorityClasses()
    """The PriorityClasses of the pods."""


class JitsiPlatformStatus(Model):
    """What the operator found of the platform."""

    observed_generation: Generation | None = None
    """The generation that was read."""
    conditions: Conditions | None = None
    """SpecValid says whether the platform can be used."""


class JitsiPlatform(CustomResource):
    """What all tenants of one cluster share; there is one, named default."""

    definition: ClassVar = Definition(
        kind="JitsiPlatform",
        plural="jitsiplatforms",
        short_names=("jplatform",),
        namespaced=False,
        columns=(
            PrinterColumn("Domain", ".spec.domain"),
            PrinterColumn("Entry", ".spec.entry.type"),
            PrinterColumn("Exposure", ".spec.media.exposure"),
            PrinterColumn("Country", ".spec.location.country"),
            PrinterColumn("Valid", '.status.conditions[?(@.type=="SpecValid")].status', wide=True),
        ),
    )
    rules: ClassVar = (
        Rule(
            "self.metadata.name == 'default'",
            "there is one platform, named default",
            lambda self: self.metadata.name == "default",
        ),
    )

    spec: JitsiPlatformSpec
    """What tenants share."""
    status: JitsiPlatformStatus | None = None
    """What was found of it."""
