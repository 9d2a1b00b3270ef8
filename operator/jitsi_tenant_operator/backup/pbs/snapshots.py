"""Snapshots as Proxmox Backup Server lists them, and as the rest of the project knows them.

A group's backup id is the group's name, its type `host`. An id is that of the server,
`host/scheduled/2026-09-03T00:30:00Z`, the same on both servers, so a copy tells its origin by it.
The digest of the manifest stands in the notes, which are copied along.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from jitsi_tenant_operator.backup.store import Group, Snapshot, StoreError, StoreReason

BACKUP_TYPE = "host"

HELD = " (held by jitsi-tenant-operator)"
"""The end of the first line of the notes of what is protected for a hold."""

_TIME = "%Y-%m-%dT%H:%M:%SZ"
_NOTES = re.compile(r"jitsi-tenant-operator manifest sha256:(?P<manifest>[0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Listed:
    """A snapshot, and what only this server says of it.

    `files` maps the name of each file to how it is encrypted: encrypt, sign-only or none;
    `verified` is ok, failed, or empty if it was never verified.
    """

    snapshot: Snapshot
    owner: str
    files: Mapping[str, str]
    verified: str
    notes: str = ""
    """The first line of what is noted of it."""

    @property
    def held(self) -> bool:
        """Whether it is protected for a hold, and not by somebody's hand."""
        return self.notes.endswith(HELD)


def snapshot_id(group: Group, time: datetime) -> str:
    """The id of the snapshot of a group that was begun at `time`."""
    return f"{BACKUP_TYPE}/{group.value}/{time.astimezone(UTC).strftime(_TIME)}"


def parameters(snapshot_id: str) -> dict[str, str | int]:
    """What names a snapshot to the server. Raises StoreError for what is no id."""
    try:
        kind, name, time = snapshot_id.split("/")
        moment = datetime.strptime(time, _TIME).replace(tzinfo=UTC)
    except ValueError:
        raise StoreError(
            StoreReason.UNKNOWN_SNAPSHOT, "that is no id of a snapshot of this server"
        ) from None
    return {"backup-type": kind, "backup-id": name, "backup-time": int(moment.timestamp())}


def notes(manifest: str) -> str:
    """What is noted of a snapshot whose manifest has that SHA-256."""
    return f"jitsi-tenant-operator manifest sha256:{manifest}"


def with_hold(text: str, *, held: bool) -> str:
    """Notes whose first line says, or no longer says, that the snapshot is protected for a hold."""
    first, feed, rest = text.partition("\n")
    return f"{first.removesuffix(HELD)}{HELD if held else ''}{feed}{rest}"


def read_snapshots(found: Any) -> list[Listed]:
    """What the server lists of a tenant's namespace, in order of time.

    Groups that are not ours are passed over. Raises StoreError if it is no list of snapshots.
    """
    try:
        listed = [_listed(each) for each in found if _is_ours(each)]
    except (KeyError, TypeError, ValueError, OverflowError, OSError, AttributeError):
        raise StoreError(
            StoreReason.FAILED, "the server lists something else than snapshots"
        ) from None
    return sorted(listed, key=lambda each: (each.snapshot.time, each.snapshot.id))


def _is_ours(found: Any) -> bool:
    return found["backup-type"] == BACKUP_TYPE and found["backup-id"] in set(Group)


def _listed(found: Any) -> Listed:
    group = Group(found["backup-id"])
    time = datetime.fromtimestamp(int(found["backup-time"]), UTC)
    noted = _NOTES.search(found.get("comment") or "")
    name = snapshot_id(group, time)
    snapshot = Snapshot(
        id=name,
        time=time,
        group=group,
        protected=bool(found.get("protected")),
        origin=name,
        manifest=noted["manifest"] if noted else "",
    )
    files = {each["filename"]: each.get("crypt-mode") or "none" for each in found["files"]}
    verification = found.get("verification") or {}
    return Listed(
        snapshot,
        str(found.get("owner", "")),
        files,
        str(verification.get("state", "")),
        str(found.get("comment") or ""),
    )
