"""JitsiTenant: one customer's Jitsi and the contract behind it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from jitsi_tenant_operator.api.conditions import Conditions, Generation
from jitsi_tenant_operator.api.constraints import AtomicList
from jitsi_tenant_operator.api.contract import Contract, Suspension, Termination
from jitsi_tenant_operator.api.meeting import Access, Branding, Meetings
from jitsi_tenant_operator.api.model import (
    CustomResource,
    Definition,
    Model,
    PrinterColumn,
    Rule,
    Scale,
)
from jitsi_tenant_operator.api.record import MAX_ENTRIES
from jitsi_tenant_operator.api.scalars import (
    MAX_LABEL,
    CalendarDate,
    DnsLabel,
    Duration,
    Host,
    Instant,
    LocalTime,
    ObjectName,
    Release,
    Sha256,
    StorageSize,
)


class RecordingResolution(StrEnum):
    """The size of a recording's picture."""

    STANDARD = "1280x720"
    HIGH = "1920x1080"


class Recording(Model):
    """Recording and livestreaming."""

    rules: ClassVar = (
        Rule(
            "self.enabled || !self.livestreaming",
            "livestreaming needs enabled: true, since recorders do both",
            lambda self: self.enabled or not self.livestreaming,
        ),
    )

    enabled: bool = False
    """Whether recorders run; the contract's options must hold Recording."""
    recorders: Annotated[int, Field(ge=1, le=20)] = 1
    """How many recordings or streams may run at once."""
    livestreaming: bool = False
    """Whether meetings can be streamed live; the contract's options must hold Livestreaming."""
    resolution: RecordingResolution = RecordingResolution.STANDARD
    """The size of the picture."""
    storage: StorageSize | None = None
    """The size of the recordings volume; the plan's when not set."""
    max_duration: Duration | None = None
    """How long one recording may last; without limit when not set."""


MAX_BRIDGES = 50
"""How many video bridges one tenant can have."""
BRIDGE_SLOTS = 2 * MAX_BRIDGES
"""How many places there are for them: each can be replaced while the one before still ends."""


class Media(Model):
    """The video bridges."""

    bridges: Annotated[int, Field(ge=1, le=MAX_BRIDGES)] = 1
    """How many video bridges run; never fewer than the plan's minimum."""


class BackupWindow(Model):
    """The part of the night in which backups start, but for 02:00 to 03:59, when clocks change."""

    rules: ClassVar = (
        Rule(
            "self.earliest != self.latest",
            "earliest and latest must differ",
            lambda self: self.earliest != self.latest,
        ),
    )

    earliest: LocalTime
    """The first time of day."""
    latest: LocalTime
    """The last time of day; of the next day when it is before earliest."""


class Backup(Model):
    """This tenant's wishes for its backups; what is promised is in the terms."""

    window: BackupWindow | None = None
    """When backups start; the platform spreads them over the night when not set."""


class UpdatePolicy(StrEnum):
    """When a change that would cut a meeting is made."""

    WHEN_IDLE = "WhenIdle"
    MAINTENANCE_WINDOW = "MaintenanceWindow"
    IMMEDIATELY = "Immediately"


class Updates(Model):
    """Which Jitsi runs, and when it changes."""

    channel: DnsLabel = "stable"
    """The release channel of the platform that this tenant follows."""
    release: Release | None = None
    """A release that this tenant stays on, whatever its channel says."""
    policy: UpdatePolicy = UpdatePolicy.WHEN_IDLE
    """When a change that would cut a meeting is made. WhenIdle: once nobody meets, or a maintenance
    window for meetings runs. MaintenanceWindow: in such a window only. Immediately: at once."""


class JitsiTenantSpec(Model):
    """One customer's Jitsi and the contract behind it."""

    rules: ClassVar = (
        Rule(
            "!has(self.termination.erasure)"
            " || self.termination.erasure.contractReference == self.contract.reference",
            "termination.erasure.contractReference must repeat contract.reference",
            lambda self: (
                self.termination.erasure is None
                or self.termination.erasure.contract_reference == self.contract.reference
            ),
        ),
    )

    contract: Contract
    """The commercial document."""
    plan: ObjectName
    """The JitsiPlan."""
    host: Host | None = None
    """The host name of the service; <name>.<platform domain> when not set."""
    access: Access = Access()
    """Who may come in."""
    meetings: Meetings = Meetings()
    """How meetings go."""
    branding: Branding = Branding()
    """The colours and names that people see."""
    recording: Recording = Recording()
    """Recording and livestreaming."""
    media: Media = Media()
    """The video bridges."""
    backup: Backup = Backup()
    """Wishes for backups."""
    updates: Updates = Updates()
    """Which Jitsi runs, and when it changes."""
    suspension: Suspension = Suspension()
    """What is suspended by order of a person."""
    termination: Termination = Termination()
    """What is known of the end of the contract."""


class EffectiveTerm(Model):
    """One term in force for this tenant, and where it comes from."""

    name: Annotated[str, Field(max_length=64)]
    """The term, for instance backup.daily."""
    value: Annotated[str, Field(max_length=512)]
    """Its value."""
    document: Annotated[str, Field(max_length=253)]
    """The document that sets it."""
    clause: Annotated[str, Field(max_length=16)] | None = None
    """The clause of that document."""


class BridgeStatus(Model):
    """One video bridge as clients reach it."""

    name: Annotated[str, Field(max_length=63)]
    """Its name."""
    addresses: Annotated[
        tuple[Annotated[str, Field(max_length=253)], ...], Field(max_length=8)
    ] = ()
    """The addresses that are given to clients."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """The UDP port at those addresses."""
    ready: bool = False
    """Whether it runs, is ready, and takes new meetings."""


class DeadlineStatus(Model):
    """One date of the contract: when a time is over, or something begins."""

    name: Annotated[str, Field(max_length=64)]
    """Its name, for instance NonRenewal."""
    subject: Annotated[str, Field(max_length=253)] | None = None
    """What it concerns, where there may be several of a name."""
    at: Instant
    """The first instant at which the time is over, or at which something begins."""
    rule: Annotated[str, Field(max_length=512)]
    """By which rule, in words."""
    document: Annotated[str, Field(max_length=253)]
    """The document that has the rule."""
    clause: Annotated[str, Field(max_length=16)] | None = None
    """The clause of that document."""
    passed: bool = False
    """Whether the instant has come."""


_State = Annotated[str, Field(max_length=32)]


class ContractStatus(Model):
    """How the contract stands, on each axis."""

    state: _State
    """Draft, InForce, UnderNotice or Ended."""
    service: _State
    """Serving, Suspended or Disabled."""
    service_reasons: Annotated[tuple[_State, ...], Field(max_length=8), AtomicList()] = ()
    """Why the service is suspended."""
    service_until: Instant | None = None
    """When the suspension ends by itself, where that is known."""
    recording: _State
    """Serving, Suspended or Disabled."""
    recording_reasons: Annotated[tuple[_State, ...], Field(max_length=8), AtomicList()] = ()
    """Why recording alone is suspended."""
    data: _State
    """Live, Retained, Restituted, Erasing, Erased, BackupsExpired or Closed."""
    waits: Annotated[tuple[_State, ...], Field(max_length=8), AtomicList()] = ()
    """What the next step of the data waits for."""
    ends_on: CalendarDate | None = None
    """The last day, where an end is known."""
    end_cause: _State | None = None
    """Why it ends."""
    next: Instant | None = None
    """When anything changes next, if nothing else becomes known."""
    deadlines: Annotated[tuple[DeadlineStatus, ...], Field(max_length=64), AtomicList()] = ()
    """All dates, in order of time; at most 64."""
    record: Annotated[str, Field(max_length=253)] | None = None
    """The JitsiTenantRecord with the ledger."""
    record_entries: Annotated[int, Field(ge=0, le=MAX_ENTRIES)] | None = None
    """How many entries the ledger has."""
    record_digest: Sha256 | None = None
    """The digest of the last of them, which any later state of the ledger holds too."""


class LogStatus(Model):
    """How the technical logs stand, as the archiver reported last."""

    checked_at: Instant
    """When the archiver ran."""
    entries: Annotated[int, Field(ge=0, le=1_000_000_000)]
    """How many entries the manifest of the archives has."""
    head: Sha256 | None = None
    """The digest of the last entry, which stands for all of them."""
    oldest: CalendarDate | None = None
    """The oldest day of which there is an archive that names people."""
    held: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0
    """How many archives a legal hold keeps beyond their time."""
    overdue: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0
    """How many archives are kept beyond their time without one."""


class BackupSummary(Model):
    """How the backups of a tenant stand."""

    count: Annotated[int, Field(ge=0, le=100_000)]
    """How many complete ones there are."""
    newest: Annotated[str, Field(max_length=253)]
    """The JitsiBackup of the newest."""
    newest_at: Instant
    """When it was begun."""
    oldest_at: Instant
    """When the oldest was begun."""
    verified_at: Instant | None = None
    """When the newest was begun that was copied off-site, where that is promised, and verified."""


class JitsiTenantStatus(Model):
    """What the operator found and did."""

    observed_generation: Generation | None = None
    """The generation whose spec was applied last."""
    conditions: Conditions | None = None
    """Ready sums up; the others say of each part how it stands."""
    url: Annotated[str, Field(max_length=300)] | None = None
    """Where people meet."""
    release: Annotated[str, Field(max_length=32)] | None = None
    """The Jitsi release that was applied."""
    bridges: (
        Annotated[
            tuple[BridgeStatus, ...],
            Field(max_length=BRIDGE_SLOTS),
            AtomicList(),
        ]
        | None
    ) = None
    """The video bridges, also those that only let their meetings end."""
    bridge_replicas: Annotated[int, Field(ge=0, le=BRIDGE_SLOTS)] | None = None
    """How many video bridges there are, for the scale subresource."""
    bridge_selector: Annotated[str, Field(max_length=512)] | None = None
    """The label selector of the bridges' pods, for the scale subresource."""
    waiting_change: Annotated[str, Field(max_length=64)] | None = None
    """The change that waits, since it would cut meetings: what the annotation apply-changes names
    to have it made now."""
    terms: (
        Annotated[
            tuple[EffectiveTerm, ...],
            Field(max_length=64),
            AtomicList(),
        ]
        | None
    ) = None
    """The terms in force, each with its source."""
    phase: _State | None = None
    """How the contract and its data stand, in one word."""
    contract: ContractStatus | None = None
    """How the contract stands, and every date of it."""
    logs: LogStatus | None = None
    """How the technical logs stand; absent where no archiver has reported."""
    backup: BackupSummary | None = None
    """How its backups stand, once there are any."""


_READY = '.status.conditions[?(@.type=="Ready")]'


class JitsiTenant(CustomResource):
    """One customer's Jitsi and the contract behind it; there is one in a namespace."""

    definition: ClassVar = Definition(
        kind="JitsiTenant",
        plural="jitsitenants",
        short_names=("jt",),
        namespaced=True,
        columns=(
            PrinterColumn("Ready", f"{_READY}.status"),
            PrinterColumn("Reason", f"{_READY}.reason"),
            PrinterColumn("Phase", ".status.phase"),
            PrinterColumn("URL", ".status.url"),
            PrinterColumn("Plan", ".spec.plan"),
            PrinterColumn("Bridges", ".status.bridgeReplicas", "integer"),
            PrinterColumn("Release", ".status.release", wide=True),
            PrinterColumn("Contract", ".spec.contract.reference", wide=True),
            PrinterColumn("Backup", ".status.backup.newestAt", wide=True),
            PrinterColumn("Message", f"{_READY}.message", wide=True),
        ),
        scale=Scale(".spec.media.bridges", ".status.bridgeReplicas", ".status.bridgeSelector"),
    )
    rules: ClassVar = (
        Rule(
            "self.metadata.name.size() <= 63 && !self.metadata.name.contains('.')",
            "the name of a tenant is a DNS label: at most 63 characters, no dots",
            lambda self: len(self.metadata.name) <= MAX_LABEL and "." not in self.metadata.name,
        ),
    )

    spec: JitsiTenantSpec
    """What is wanted."""
    status: JitsiTenantStatus | None = None
    """What was found and done."""
