"""JitsiPlatform: what all tenants of one cluster share."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, StringConstraints

from jitsi_tenant_operator.api.conditions import Conditions, Generation
from jitsi_tenant_operator.api.constraints import Expected, MapList, SetList, Verified
from jitsi_tenant_operator.api.model import (
    CustomResource,
    Definition,
    Model,
    PrinterColumn,
    Rule,
)
from jitsi_tenant_operator.api.scalars import (
    Cidr,
    CountryCode,
    DnsLabel,
    Email,
    Host,
    Ipv4Address,
    ObjectName,
    Release,
    SecretKey,
    ShortText,
)

LabelKey = Annotated[
    str,
    StringConstraints(
        pattern=r"^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?"
        r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$",
        max_length=317,
    ),
    Expected("the key of a label, such as example.org/role"),
]
LabelValue = Annotated[
    str,
    StringConstraints(pattern=r"^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$", max_length=63),
    Expected("the value of a label: at most 63 letters, digits, hyphens, underscores and dots"),
]
ImagePath = Annotated[
    str,
    StringConstraints(
        pattern=r"^[a-z0-9.-]+(:[0-9]{1,5})?(/[a-z0-9]+([._-][a-z0-9]+)*)*$", max_length=255
    ),
    Expected("a registry and path in lower case, such as registry.example.org/jitsi"),
]


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
Labels = Annotated[dict[LabelKey, LabelValue], Field(max_length=16)]
Annotations = Annotated[
    dict[LabelKey, Annotated[str, StringConstraints(max_length=1024)]], Field(max_length=16)
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


class Location(Model):
    """Where something stands."""

    country: CountryCode
    """The country."""
    site: ShortText
    """The site within it, for instance a data centre."""


class ComputeLocation(Location):
    """Where the pods of tenants run."""

    node_selector: Labels = Field(default={})
    """The labels of the nodes that stand there; pods are scheduled on these only."""


class EntryType(StrEnum):
    """How web traffic enters."""

    INGRESS = "Ingress"
    GATEWAY = "Gateway"


class IngressEntry(Model):
    """Entry through an Ingress of each tenant."""

    class_name: ObjectName
    """The IngressClass."""
    annotations: Annotations = Field(default={})
    """Annotations for each Ingress, for instance of the controller."""


class GatewayEntry(Model):
    """Entry through a Gateway that all tenants share."""

    name: ObjectName
    """The Gateway."""
    namespace: DnsLabel
    """Its namespace."""
    section_name: ObjectName | None = None
    """The listener that the routes attach to; all when not set."""


class IssuerKind(StrEnum):
    """A kind of cert-manager issuer."""

    CLUSTER_ISSUER = "ClusterIssuer"
    ISSUER = "Issuer"


class Issuer(Model):
    """A cert-manager issuer."""

    name: ObjectName
    """Its name."""
    kind: IssuerKind = IssuerKind.CLUSTER_ISSUER
    """Its kind."""


class EntryTls(Model):
    """Where the certificates of Ingresses come from; a Gateway brings its own."""

    rules: ClassVar = (
        Rule(
            "has(self.issuer) != has(self.secretName)",
            "set exactly one of issuer and secretName",
            lambda self: (self.issuer is None) != (self.secret_name is None),
        ),
    )

    issuer: Issuer | None = None
    """A cert-manager issuer that makes a certificate for each tenant."""
    secret_name: ObjectName | None = None
    """A wildcard certificate's Secret, which must be present in each tenant's namespace."""


class Entry(Model):
    """How browsers reach a tenant's web pods."""

    rules: ClassVar = (
        Rule(
            "self.type == 'Ingress' ? has(self.ingress) && has(self.tls) : has(self.gateway)",
            "an Ingress entry needs ingress and tls, a Gateway entry needs gateway",
            lambda self: (
                self.ingress is not None and self.tls is not None
                if self.type is EntryType.INGRESS
                else self.gateway is not None
            ),
        ),
    )

    type: EntryType = EntryType.INGRESS
    """Ingress or Gateway."""
    ingress: IngressEntry | None = None
    """With an Ingress: its class."""
    gateway: GatewayEntry | None = None
    """With a Gateway: which one."""
    tls: EntryTls | None = None
    """With an Ingress: its certificates."""
    namespaces: Labels = Field(
        default={"kubernetes.io/metadata.name": "ingress-nginx"}, min_length=1
    )
    """The labels of the namespaces whose pods carry the entry's traffic to the web pods."""


class Exposure(StrEnum):
    """How media reaches a bridge."""

    NODE_PORT = "NodePort"
    LOAD_BALANCER = "LoadBalancer"
    HOST_PORT = "HostPort"


class TrafficPolicy(StrEnum):
    """Kubernetes' externalTrafficPolicy."""

    LOCAL = "Local"
    CLUSTER = "Cluster"


class LoadBalancer(Model):
    """Services of type LoadBalancer, for media."""

    class_name: ObjectName | None = None
    """The load balancer class; the cluster's own when not set."""
    annotations: Annotations = Field(default={})
    """Annotations for each such Service, for instance of MetalLB."""


class PortRange(Model):
    """Ports, both ends included."""

    rules: ClassVar = (
        Rule(
            "self.first <= self.last",
            "first must not be above last",
            lambda self: self.first <= self.last,
        ),
    )

    first: Annotated[int, Field(ge=1024, le=65535)] = 10000
    """The lowest port."""
    last: Annotated[int, Field(ge=1024, le=65535)] = 10999
    """The highest port."""


class PlatformMedia(Model):
    """How media reaches the bridges of all tenants."""

    rules: ClassVar = (
        Rule(
            "self.advertiseNodeAddress || self.exposure == 'LoadBalancer'"
            " || self.advertisedAddresses.size() > 0",
            "without the node's address, advertisedAddresses must name at least one",
            lambda self: (
                self.advertise_node_address
                or self.exposure is Exposure.LOAD_BALANCER
                or bool(self.advertised_addresses)
            ),
        ),
    )

    exposure: Exposure = Exposure.NODE_PORT
    """NodePort, LoadBalancer or HostPort."""
    advertise_node_address: bool = True
    """Whether the address of the bridge's node is given to clients (NodePort, HostPort)."""
    advertised_addresses: Annotated[
        tuple[Ipv4Address, ...],
        Field(max_length=4),
        SetList(),
    ] = ()
    """Further addresses that clients are given with the same port, for instance behind a NAT.

    IPv4 only: a bridge maps its own IPv4 address.
    """
    external_traffic_policy: TrafficPolicy = TrafficPolicy.LOCAL
    """Local keeps the client's address and takes no second hop."""
    load_balancer: LoadBalancer = LoadBalancer()
    """With LoadBalancer: how."""
    host_ports: PortRange = PortRange()
    """With HostPort: the ports that the operator may hand out."""
    client_networks: Annotated[
        tuple[Cidr, ...],
        Field(min_length=1, max_length=32),
        SetList(),
    ] = ("0.0.0.0/0", "::/0")
    """From where media may come."""


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


class Channel(Model):
    """A release channel of Jitsi, followed by the tenants that name it."""

    name: DnsLabel
    """Its name."""
    release: Release
    """The release that its tenants run."""


class PullPolicy(StrEnum):
    """Kubernetes' imagePullPolicy."""

    IF_NOT_PRESENT = "IfNotPresent"
    ALWAYS = "Always"


class JitsiImages(Model):
    """Which Jitsi images run, and where they come from."""

    registry: ImagePath = "ghcr.io/jitsi"
    """The registry and path in front of web, prosody, jicofo, jvb and jibri."""
    pull_policy: PullPolicy = PullPolicy.IF_NOT_PRESENT
    """When images are pulled."""
    pull_secrets: Annotated[
        tuple[ObjectName, ...],
        Field(max_length=4),
        SetList(),
    ] = ()
    """Secrets with registry credentials, which must be present in each tenant's namespace."""
    channels: Annotated[
        tuple[Channel, ...],
        Field(min_length=1, max_length=16),
        MapList("name"),
    ] = (Channel(name="stable", release="stable-11146-2"),)
    """The release channels."""


class RepositoryDriver(StrEnum):
    """What kind of backup repository it is."""

    RESTIC = "Restic"
    PROXMOX_BACKUP_SERVER = "ProxmoxBackupServer"


class BackupRepository(Model):
    """One backup repository."""

    driver: RepositoryDriver
    """Its kind."""
    address: RepositoryAddress
    """Its address, as the driver writes it."""
    credentials: ObjectName
    """The Secret in the operator's namespace that holds its credentials."""
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


class PlatformLogs(Model):
    """Where technical logs are kept."""

    store: Store = Store()
    """The storage of the volumes for current and archived logs."""


class PlatformNotifications(Model):
    """How notices leave."""

    smtp_host: Host
    """The mail server."""
    smtp_port: Annotated[int, Field(ge=1, le=65535)] = 587
    """Its port; TLS is always asked for."""
    sender: Email
    """The address that notices come from."""
    credentials: ObjectName | None = None
    """The Secret in the operator's namespace with username and password."""


class PriorityClasses(Model):
    """The PriorityClasses of the pods, so that meetings outlast what can wait."""

    media: ObjectName = "jitsi-media"
    """Bridges and the pods that meetings cannot do without."""
    recording: ObjectName = "jitsi-recording"
    """Recorders."""
    web: ObjectName = "jitsi-web"
    """Web pods."""


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
