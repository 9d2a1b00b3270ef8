"""A tenant's backups as one store of two copies: what the programs ask of it, and what they get.

There are drivers for restic and for Proxmox Backup Server behind it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol


class Group(StrEnum):
    """Why a backup was made; groups other than the schedule's do not disturb its series."""

    SCHEDULED = "scheduled"
    ON_DEMAND = "ondemand"
    FINAL = "final"


class Copy(StrEnum):
    """One of the two copies of a tenant's backups."""

    PRIMARY = "primary"
    OFFSITE = "offsite"


class Depth(StrEnum):
    """How deep a verification went, the deepest last."""

    STRUCTURE = "Structure"
    SAMPLE = "Sample"
    EVERYTHING = "Everything"
    RESTORED = "Restored"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One backup in one copy.

    `time` is when it was begun, in UTC; `origin` is the id of the primary's snapshot that it is a
    copy of, or its own id; `manifest` is the SHA-256 of its manifest, empty when it is not known.
    """

    id: str
    time: datetime
    group: Group
    protected: bool = False
    origin: str = ""
    manifest: str = ""


@dataclass(frozen=True, slots=True)
class BackupRequest:
    """What to write as one snapshot.

    `folders` are stored with their absolute paths, but for the files in `excluded`; `day` is the
    local date that the backup is for, `time` the instant at which it was begun.
    """

    group: Group
    day: date
    time: datetime
    folders: Sequence[Path]
    excluded: Sequence[Path]
    manifest: str


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: the snapshot, the files and bytes in it, and the bytes that were new."""

    snapshot: Snapshot
    files: int
    bytes: int
    added: int


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A regular file as a snapshot lists it; `path` is absolute, `size` in bytes.

    Bytes of `path` that are not UTF-8 stand as U+FFFD, one each.
    """

    path: str
    size: int


class StoreError(Exception):
    """A store could not do what it was asked; `reason` is stable, the message holds no secret."""

    def __init__(self, reason: StoreReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class StoreReason(StrEnum):
    """Why a store could not do what it was asked."""

    UNREACHABLE = "RepositoryUnreachable"
    """It does not answer, or refuses the connection or the login."""
    MISSING = "RepositoryMissing"
    """There is no repository at the address."""
    KEY_REFUSED = "KeyRefused"
    """The password or key does not open the repository."""
    LOCKED = "RepositoryLocked"
    """Another run works on it, also after stale locks were removed."""
    READ_ONLY = "RepositoryReadOnly"
    """It does not let this login write or delete."""
    FULL = "RepositoryFull"
    """There is no space left where it stands."""
    DAMAGED = "RepositoryDamaged"
    """Data in it is missing or is not what was written."""
    INCOMPLETE = "SourceIncomplete"
    """Files could not be read, so the snapshot lacks them."""
    UNKNOWN_SNAPSHOT = "SnapshotUnknown"
    """There is no such snapshot."""
    NOT_SUPPORTED = "NotSupported"
    """The driver has no such function."""
    FAILED = "StoreFailed"
    """Anything else; the message says what the driver was told."""


class BackupStore(Protocol):
    """One tenant's backups. Every method raises StoreError; none waits for ever for a lock."""

    @property
    def copies(self) -> Sequence[Copy]:
        """The copies that there are: the primary, and the off-site one where it is configured."""

    async def snapshots(self, copy: Copy) -> Sequence[Snapshot]:
        """All snapshots of a copy, in order of time."""

    async def back_up(self, request: BackupRequest) -> Written:
        """Write a snapshot to the primary copy, which is made when there is none."""

    async def copy_offsite(self, snapshots: Collection[Snapshot]) -> None:
        """Copy those of `snapshots`, of the primary, that the off-site copy lacks."""

    async def forget(self, copy: Copy, ids: Collection[str]) -> None:
        """Delete the snapshots with these ids, and free what only they used."""

    async def protect(self, copy: Copy, snapshot_id: str, *, protected: bool) -> None:
        """Keep a snapshot from being deleted, or no longer."""

    async def hold(self, copy: Copy, *, held: bool) -> None:
        """Have the store itself keep all snapshots of a copy while a hold lasts, where it can.

        Afterwards those are released that were kept for this alone.
        """

    async def files(self, copy: Copy, snapshot_id: str) -> Sequence[StoredFile]:
        """The regular files that a snapshot holds."""

    async def verify(self, copy: Copy, depth: Depth, percent: int = 100) -> None:
        """Verify a copy: its structure, or for Sample and Everything `percent` of its data too."""

    async def restore(
        self, copy: Copy, snapshot_id: str, paths: Sequence[Path], into: Path
    ) -> None:
        """Restore files or folders, or all when `paths` is empty, to their own paths in `into`."""
