"""What the rendering of a tenant is given: everything it depends on, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from jitsi_tenant_operator.api.meeting import Authentication, Guests
from jitsi_tenant_operator.api.objects import JsonObject
from jitsi_tenant_operator.api.plan import Feature, JitsiPlanSpec
from jitsi_tenant_operator.api.platform import JitsiPlatformSpec
from jitsi_tenant_operator.api.tenant import JitsiTenant, JitsiTenantSpec
from jitsi_tenant_operator.api.terms import OperationalTerms
from jitsi_tenant_operator.render import names
from jitsi_tenant_operator.render.labels import Component, child_annotations, labels

if TYPE_CHECKING:
    from jitsi_tenant_operator.render.closed import Closed


class SourceKind(StrEnum):
    """The kinds of object whose content a pod reads and the rendering does not write."""

    SECRET = "Secret"  # noqa: S105 - a kind
    CONFIG_MAP = "ConfigMap"


class Operation(StrEnum):
    """How the service of a tenant runs."""

    SERVING = "Serving"
    """People meet."""
    CLOSING = "Closing"
    """Nobody comes in any more; meetings that are going on may end."""
    CLOSED = "Closed"
    """Nothing runs but the page that visitors are shown."""


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """One key of a Secret or ConfigMap in the tenant's namespace."""

    kind: SourceKind
    name: str
    key: str


@dataclass(frozen=True, slots=True)
class MediaAddress:
    """Where clients reach one bridge.

    `port` is the UDP port at every address; it is text only where nothing is sent to an API
    server, as a placeholder. `addresses` are those of a load balancer; else empty.
    """

    port: int | str
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VolumeClaim:
    """A volume claim that is there: what it was made with, which Kubernetes lets nobody change."""

    storage_class: str | None
    access_modes: tuple[str, ...]
    size: str


@dataclass(frozen=True, slots=True)
class BridgeSlots:
    """Which places the bridges of a tenant have.

    Those in `running` are to have a bridge as the spec has it. Those in `left` have one of before,
    of which nothing is rendered: it serves as it is until others have taken over. Those in
    `reserved` have no bridge, but keep their Service or port.
    """

    running: tuple[int, ...]
    left: tuple[int, ...] = ()
    reserved: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Requests:
    """What a pod asks of its node: CPU in thousandths of a core, memory in MiB."""

    millicores: int
    mebibytes: int


@dataclass(frozen=True, slots=True)
class Observed:
    """What others decided or hold.

    `media` says by slot where a bridge is reached; a bridge that is missing waits for its
    address, and its pod is not rendered. `digests` says for each source a value that changes with
    its content; a source that is missing does not exist, or not yet. `volumes` are the claims that
    are there, by name. `slots` says where the bridges are, None when nobody looked. `outgoing` are
    the bridges that others replace or have replaced, as long as their pods are there.
    """

    media: Mapping[int, MediaAddress] = field(default_factory=dict)
    digests: Mapping[Source, str] = field(default_factory=dict)
    volumes: Mapping[str, VolumeClaim] = field(default_factory=dict)
    slots: BridgeSlots | None = None
    outgoing: tuple[Requests, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantContext:
    """All that the children of one tenant are made from.

    `terms` are the effective terms, `release` the Jitsi release that this tenant runs, `features`
    what its contract holds. `recording` and `livestreaming` say whether they are to run now,
    `watching` that the volume of recordings is measured although nobody records.
    `closed` is what visitors are told while the service is not open.
    `operator_namespace` is where the operator itself runs, which may ask media components for
    their state; `operator_image` is its image, which holds the backup programs, empty where it is
    not known. `backups_held` says whether a legal hold keeps backups from being deleted.
    """

    tenant: JitsiTenant
    plan: JitsiPlanSpec
    platform: JitsiPlatformSpec
    terms: OperationalTerms
    release: str
    features: frozenset[Feature]
    recording: bool
    livestreaming: bool
    operator_namespace: str
    watching: bool = False
    operation: Operation = Operation.SERVING
    closed: Closed | None = None
    operator_image: str = ""
    backups_held: bool = False
    observed: Observed = field(default_factory=Observed)

    @property
    def spec(self) -> JitsiTenantSpec:
        """What the tenant wants."""
        return self.tenant.spec

    @property
    def name(self) -> str:
        """The tenant's name."""
        return self.tenant.metadata.name

    @property
    def namespace(self) -> str:
        """The tenant's namespace, in which all its children live."""
        return self.tenant.metadata.namespace

    @property
    def host(self) -> str:
        """The host name at which people meet."""
        return self.spec.host or f"{self.name}.{self.platform.domain}"

    @property
    def public_url(self) -> str:
        """The address at which people meet: https, no path."""
        return f"https://{self.host}"

    @property
    def bridges(self) -> int:
        """How many bridges run: what the tenant wants, within what the plan allows."""
        allowed = self.plan.capacity.bridges
        return max(allowed.minimum, min(self.spec.media.bridges, allowed.maximum))

    @property
    def open(self) -> bool:
        """Whether people can come in."""
        return self.operation is Operation.SERVING

    @property
    def conducting(self) -> bool:
        """Whether meetings can go on: Prosody and Jicofo run."""
        return self.operation is not Operation.CLOSED

    @property
    def slots(self) -> BridgeSlots:
        """Where they are: in the lowest slots if nobody looked."""
        return self.observed.slots or BridgeSlots(tuple(range(self.bridges)))

    @property
    def may_record(self) -> bool:
        """Whether the contract holds recording.

        What meetings depend on follows this, so that recorders come and go without ending any.
        """
        return Feature.RECORDING in self.features and self.plan.capacity.recorders > 0

    @property
    def records(self) -> bool:
        """Whether this tenant has recorders at all."""
        return self.recorders > 0

    @property
    def streams(self) -> bool:
        """Whether its recorders may stream live."""
        return self.records and self.livestreaming

    @property
    def recorders(self) -> int:
        """How many recorders run: what the tenant wants, within what the plan allows."""
        if not self.recording:
            return 0
        return min(self.spec.recording.recorders, self.plan.capacity.recorders)

    @property
    def participants(self) -> int:
        """How many people may meet in one room, within what the plan allows."""
        allowed = self.plan.capacity.participants
        return min(self.spec.meetings.max_participants or allowed, allowed)

    @property
    def authenticated(self) -> bool:
        """Whether an account or a token is needed to open a room."""
        return self.spec.access.authentication is not Authentication.ANONYMOUS

    @property
    def guests(self) -> Guests:
        """How people without an account join; nobody is a guest where nobody has an account."""
        return self.spec.access.guests if self.authenticated else Guests.NONE

    @property
    def keeps_accounts(self) -> bool:
        """Whether Prosody holds accounts that must survive it."""
        return self.spec.access.authentication is Authentication.INTERNAL

    def child(self, suffix: str) -> str:
        """The name of the child that `suffix` says."""
        return names.child(self.name, suffix)

    def service_name(self, component: Component) -> str:
        """The name under which a component's Service is resolved, without search domains."""
        domain = self.platform.cluster_domain
        return f"{self.child(component.value)}.{self.namespace}.svc.{domain}"

    def image(self, component: Component) -> str:
        """The image of a component; all components of a tenant run the same release."""
        return f"{self.platform.jitsi.registry}/{component.value}:{self.release}"

    def object(
        self,
        api_version: str,
        kind: str,
        name: str,
        *,
        component: Component | None = None,
        retain: bool = False,
        extra_annotations: Mapping[str, str] | None = None,
    ) -> JsonObject:
        """A new child with its name, labels and annotations, to which the caller adds the rest."""
        return {
            "apiVersion": api_version,
            "kind": kind,
            "metadata": {
                "name": name,
                "namespace": self.namespace,
                "labels": labels(self.name, component),
                "annotations": {**(extra_annotations or {}), **child_annotations(retain=retain)},
            },
        }

    def present(self, source: Source | None) -> Source | None:
        """`source` when it is known to exist: a file of it that is missing stops a pod's start."""
        return source if source is not None and self.digest(source) else None

    def digest(self, source: Source) -> str:
        """A value that changes with the content of `source`; empty while it does not exist."""
        return self.observed.digests.get(source, "")
