"""What a backup program says at its end, small enough for a container's termination message."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints

from jitsi_tenant_operator.api.model import Model
from jitsi_tenant_operator.api.scalars import Instant, Sha256
from jitsi_tenant_operator.backup.store import Copy, Depth, Group, Snapshot

MAX_BYTES = 4096
"""What Kubernetes keeps of a termination message."""

MAX_PROBLEMS = 8
MAX_MESSAGE = 240
"""How many characters of a problem's message are kept."""

_ID = 12
"""How many characters of an id a list shows: enough to name a snapshot to restic."""


class Program(StrEnum):
    """Which program reports."""

    BACKUP = "backup"
    RESTORE = "restore"
    COPY = "copy"
    SWEEP = "sweep"
    VERIFY = "verify"
    DRILL = "drill"


class Outcome(StrEnum):
    """How it ended."""

    SUCCEEDED = "Succeeded"
    UNCHANGED = "Unchanged"
    """There was nothing left to do: the day's backup was there already."""
    FAILED = "Failed"


class ProblemReason(StrEnum):
    """Why a run failed, besides the reasons of the store itself."""

    SOURCE_MISSING = "SourceMissing"
    """A folder that is to be backed up is not there or cannot be read."""
    NOTHING_TO_BACK_UP = "NothingToBackUp"
    """All folders together hold no file."""
    SOURCE_CHANGED = "SourceChanged"
    """Files changed while they were read; the next run takes them."""
    NOT_IN_SNAPSHOT = "FilesNotInSnapshot"
    """The snapshot does not hold what the manifest lists."""
    TARGET_NOT_EMPTY = "TargetNotEmpty"
    """There is data where something is to be restored."""
    NOT_AS_RECORDED = "NotAsRecorded"
    """Restored bytes are not those that were backed up."""
    NO_MANIFEST = "ManifestMissing"
    """The snapshot holds no manifest, or one that cannot be read."""
    NO_SNAPSHOT = "NoSnapshot"
    """There is no backup to restore or to verify."""
    NOT_OPENED = "NotReadable"
    """A restored file is intact but cannot be opened for what it is."""
    OFFSITE_BEHIND = "OffsiteBehind"
    """The off-site copy lacks snapshots of the primary."""
    CLOCK_BEHIND = "ClockBehindBackups"
    """There are snapshots from the future: this clock, or one that dated them, is wrong."""
    INTERRUPTED = "Interrupted"
    """It was told to stop."""
    DISK_FULL = "DiskFull"
    """There is no space left where the program works."""


class ReportedProblem(Model):
    """One thing that went wrong."""

    reason: Annotated[str, StringConstraints(max_length=64)]
    """A ProblemReason or a StoreReason."""
    message: Annotated[str, StringConstraints(max_length=MAX_MESSAGE)]
    """What happened, for a person; without the names of files of the tenant."""
    copy_: Copy | None = Field(default=None, alias="copy")
    """The copy that it concerns, where it concerns one."""


class Verification(Model):
    """When a copy was verified, and how deep."""

    at: Instant
    """When it ended."""
    depth: Depth
    """How deep it went."""
    copy_: Copy = Field(alias="copy")
    """Which copy."""
    percent: int = 100
    """How much of the data was read, of a Sample."""


class Listed(Model):
    """The snapshots of one copy."""

    copy_: Copy = Field(alias="copy")
    """Which copy."""
    count: int
    """How many there are."""
    oldest: Instant | None = None
    """The time of the oldest."""
    newest: Instant | None = None
    """The time of the newest."""
    expired: int = 0
    """How many of them the terms no longer allow."""
    snapshots: tuple[tuple[str, int, Group], ...] = ()
    """Id (its first 12 characters), time (seconds since 1970) and group, the newest first; as many
    as there is room for."""


class Report(Model):
    """What a run did, and what it found."""

    program: Program
    """Which program."""
    outcome: Outcome
    """How it ended."""
    started: Instant
    """When it began."""
    seconds: float
    """How long it took."""
    group: Group | None = None
    """The group of the backup."""
    day: Annotated[str, StringConstraints(max_length=10)] | None = None
    """The local date that the backup is for."""
    primary: str | None = None
    """The snapshot's whole id in the primary copy."""
    offsite: str | None = None
    """The snapshot's whole id in the off-site copy."""
    files: int | None = None
    """Files that were backed up, restored or compared."""
    bytes: int | None = None
    """Their bytes."""
    added_bytes: int | None = None
    """Bytes that the repository did not hold yet."""
    postponed: int | None = None
    """Recordings that were still being written, and are left for the next backup."""
    manifest: Sha256 | None = None
    """The SHA-256 of the manifest."""
    expires: Instant | None = None
    """Until when the snapshot is kept by the rule that holds now."""
    rule: str | None = None
    """That rule."""
    removed: int | None = None
    """Snapshots that were removed, on both copies."""
    verified: tuple[Verification, ...] = ()
    """What was verified."""
    problems: tuple[ReportedProblem, ...] = ()
    """What went wrong."""
    copies: tuple[Listed, ...] = ()
    """What the copies hold now."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a report; pydantic's ValidationError when it is none."""
        return cls.model_validate_json(text)


def listed(copy: Copy, snapshots: Sequence[Snapshot], expired: int = 0) -> Listed:
    """What a report says of the snapshots of a copy."""
    times = sorted(snapshot.time for snapshot in snapshots)
    newest_first = sorted(snapshots, key=lambda snapshot: snapshot.time, reverse=True)
    return Listed(
        copy_=copy,
        count=len(snapshots),
        oldest=times[0] if times else None,
        newest=times[-1] if times else None,
        expired=expired,
        snapshots=tuple(
            (snapshot.id[:_ID], int(snapshot.time.timestamp()), snapshot.group)
            for snapshot in newest_first
        ),
    )


def problem(reason: StrEnum, message: str, copy: Copy | None = None) -> ReportedProblem:
    """A problem, its message cut to size."""
    short = message if len(message) <= MAX_MESSAGE else message[: MAX_MESSAGE - 1] + "…"
    return ReportedProblem(reason=reason.value, message=short, copy_=copy)


def encode(report: Report) -> str:
    """The report as JSON in one line of at most MAX_BYTES bytes.

    Where there is too much, the lists of snapshots lose their oldest, and then problems beyond the
    first; counts stay as they are.
    """
    report = report.model_copy(update={"problems": report.problems[:MAX_PROBLEMS]})
    while len((text := _json(report)).encode()) > MAX_BYTES:
        longest = max(report.copies, key=lambda each: len(each.snapshots), default=None)
        if longest is not None and longest.snapshots:
            keep = len(longest.snapshots) * 3 // 4
            shorter = longest.model_copy(update={"snapshots": longest.snapshots[:keep]})
            copies = tuple(shorter if each is longest else each for each in report.copies)
            report = report.model_copy(update={"copies": copies})
        else:
            report = report.model_copy(update={"problems": report.problems[:-1]})
    return text


def instant(at: datetime) -> datetime:
    """`at` to the second, as reports have it."""
    return at.replace(microsecond=0)


def _json(report: Report) -> str:
    return report.model_dump_json(by_alias=True, exclude_none=True, exclude_defaults=True)
