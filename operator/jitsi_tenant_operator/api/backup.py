"""JitsiBackup: one backup of a tenant, with the evidence of it (clause 6.3 of the terms)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from jitsi_tenant_operator.api.conditions import Conditions, Generation
from jitsi_tenant_operator.api.constraints import Expected
from jitsi_tenant_operator.api.model import (
    CustomResource,
    Definition,
    Model,
    PrinterColumn,
    Rule,
)
from jitsi_tenant_operator.api.scalars import (
    CalendarDate,
    DnsLabel,
    Instant,
    Sha256,
    ShortText,
)

SnapshotId = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,255}$", max_length=256),
    Expected("what a repository calls a snapshot"),
]
"""What a repository calls a snapshot."""

Count = Annotated[int, Field(ge=0, le=2**53, json_schema_extra={"format": "int64"})]
"""A number of files or bytes."""


class BackupGroup(StrEnum):
    """The series that a backup belongs to: retention counts each by itself."""

    SCHEDULED = "Scheduled"
    ON_DEMAND = "OnDemand"
    FINAL = "Final"


class VerificationDepth(StrEnum):
    """How deep a repository was verified, the deepest last."""

    STRUCTURE = "Structure"
    """The repository is sound, and has all that its snapshots refer to."""
    SAMPLE = "Sample"
    """Part of the stored bytes was read and compared with its checksums."""
    EVERYTHING = "Everything"
    """Every stored byte was."""
    RESTORED = "Restored"
    """Files were restored, and compared with the digests that the backup recorded."""


class JitsiBackupSpec(Model):
    """Which backup is made, and why."""

    rules: ClassVar = (
        Rule(
            "(self.group == 'Scheduled') == has(self.day)",
            "day is set for a Scheduled backup, and for no other",
            lambda self: (self.group is BackupGroup.SCHEDULED) == (self.day is not None),
        ),
        Rule("self == oldSelf", "a backup is what it is: make another one"),
    )

    tenant: DnsLabel
    """The JitsiTenant of this namespace."""
    group: BackupGroup = BackupGroup.ON_DEMAND
    """The series that it belongs to. The operator makes those of the group Scheduled itself, as the
    record of what ran at night; one of that group that bears another name than it gives counts for
    nothing."""
    day: CalendarDate | None = None
    """For a Scheduled one: the day in the platform's zone that it is the backup of."""
    reason: ShortText | None = None
    """Why it is made, for people."""


class BackupEvidence(Model):
    """What a run stored in the primary repository, as it reported it."""

    rules: ClassVar = (Rule("self == oldSelf", "evidence is never changed"),)

    snapshot: SnapshotId
    """What the primary repository calls it."""
    started_at: Instant
    """When the run began."""
    completed_at: Instant
    """When it was complete."""
    files: Annotated[Count, Field(ge=1)]
    """How many files it holds."""
    size: Count
    """How many bytes these have."""
    added: Count
    """How many bytes were new, as sent to the repository."""
    manifest_digest: Sha256
    """The SHA-256 of the list of its files with their digests."""


class BackupCopy(Model):
    """The copy in the off-site repository."""

    rules: ClassVar = (Rule("self == oldSelf", "evidence is never changed"),)

    snapshot: SnapshotId
    """What the off-site repository calls it."""
    copied_at: Instant
    """When it was first seen there."""


class BackupVerification(Model):
    """That the repository which holds a backup was read again and found sound."""

    at: Instant
    """When, last."""
    depth: VerificationDepth
    """How deep."""


class BackupExpiry(Model):
    """Until when a backup is kept, and who says so."""

    at: Instant
    """From when on it is removed from both repositories."""
    rule: Annotated[str, StringConstraints(max_length=128)]
    """By which rule it is kept until then."""
    document: Annotated[str, StringConstraints(max_length=253)] | None = None
    """The document that has the term."""
    clause: Annotated[str, StringConstraints(max_length=16)] | None = None
    """The clause of that document."""


class JitsiBackupStatus(Model):
    """What became of a backup."""

    rules: ClassVar = (
        Rule(
            "!has(oldSelf.evidence) || has(self.evidence)",
            "evidence is never taken away",
        ),
        Rule(
            "!has(oldSelf.offsite) || has(self.offsite)",
            "evidence is never taken away",
        ),
    )

    observed_generation: Generation | None = None
    """The generation that was acted upon."""
    conditions: Conditions | None = None
    """Complete says whether it is stored, Verified whether it was read again and found sound."""
    evidence: BackupEvidence | None = None
    """What is stored, once the run is complete."""
    offsite: BackupCopy | None = None
    """The copy on the other site."""
    verified: BackupVerification | None = None
    """When it was last found sound."""
    expiry: BackupExpiry | None = None
    """Until when it is kept."""


_COMPLETE = '.status.conditions[?(@.type=="Complete")]'


class JitsiBackup(CustomResource):
    """One backup of the tenant in this namespace, made at night or on demand, with its evidence."""

    definition: ClassVar = Definition(
        kind="JitsiBackup",
        plural="jitsibackups",
        short_names=("jbackup",),
        namespaced=True,
        columns=(
            PrinterColumn("Group", ".spec.group"),
            PrinterColumn("Complete", f"{_COMPLETE}.status"),
            PrinterColumn("Reason", f"{_COMPLETE}.reason"),
            PrinterColumn("Files", ".status.evidence.files", "integer"),
            PrinterColumn("Size", ".status.evidence.size", "integer"),
            PrinterColumn("Off-Site", ".status.offsite.copiedAt", "date"),
            PrinterColumn("Verified", ".status.verified.at", "date"),
            PrinterColumn("Kept-Until", ".status.expiry.at", wide=True),
            PrinterColumn("Snapshot", ".status.evidence.snapshot", wide=True),
            PrinterColumn("Message", f"{_COMPLETE}.message", wide=True),
        ),
    )

    spec: JitsiBackupSpec
    """Which backup."""
    status: JitsiBackupStatus | None = None
    """What became of it."""
