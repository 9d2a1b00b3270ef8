"""One datastore: namespaces, groups, snapshots, and the chunks that they share."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import NamedTuple

from localpbs.errors import RefusedError

GRACE_SECONDS = 24 * 3600 + 5 * 60
"""How long a chunk stays that nothing refers to any more, counted from its last use."""


class GroupId(NamedTuple):
    """What a group is called within its namespace."""

    backup_type: str
    backup_id: str

    def __str__(self) -> str:
        return f"{self.backup_type}/{self.backup_id}"


@dataclass
class Chunk:
    """A piece of data; `used` is when it was last written or found to be in use."""

    data: bytes
    used: int
    checksum: int
    plain: bool

    def sound(self, digest: str) -> bool:
        """Whether a server can take it for intact: of what is encrypted, only by a checksum."""
        if self.plain:
            return hashlib.sha256(self.data).hexdigest() == digest
        return zlib.crc32(self.data) == self.checksum


@dataclass
class Archive:
    """One file of a snapshot, as the chunks that it is made of."""

    size: int
    crypt_mode: str
    chunks: tuple[str, ...]


@dataclass
class Snapshot:
    """One backup; times in seconds of Unix time."""

    time: int
    files: dict[str, Archive]
    fingerprint: str | None = None
    protected: bool = False
    comment: str = ""
    verification: dict[str, str] | None = None


@dataclass
class Group:
    """The backups of one source."""

    owner: str
    snapshots: dict[int, Snapshot] = field(default_factory=dict)
    comment: str = ""


@dataclass
class Datastore:
    """Everything that one datastore holds."""

    namespaces: dict[str, dict[GroupId, Group]] = field(default_factory=lambda: {"": {}})
    comments: dict[str, str] = field(default_factory=dict)
    chunks: dict[str, Chunk] = field(default_factory=dict)
    collected: dict[str, object] = field(default_factory=dict)
    """What the last garbage collection found, as the server shows it."""
    capacity: int = 2**40

    def groups(self, namespace: str) -> dict[GroupId, Group]:
        """The groups of a namespace. RefusedError if there is no such namespace."""
        if namespace not in self.namespaces:
            raise RefusedError(f"namespace '{namespace}' does not exist.", HTTPStatus.NOT_FOUND)
        return self.namespaces[namespace]

    def group(self, namespace: str, name: GroupId) -> Group:
        """One group. RefusedError if there is none of that name."""
        group = self.groups(namespace).get(name)
        if group is None:
            raise RefusedError(f"group '{name}' does not exist", HTTPStatus.NOT_FOUND)
        return group

    def snapshot(self, namespace: str, name: GroupId, time: int) -> Snapshot:
        """One snapshot. RefusedError if there is none of that time."""
        snapshot = self.group(namespace, name).snapshots.get(time)
        if snapshot is None:
            raise RefusedError(f"snapshot '{name}/{time}' does not exist", HTTPStatus.NOT_FOUND)
        return snapshot

    def create_namespace(self, parent: str, name: str) -> str:
        """Make a namespace; its full name. RefusedError without its parent, or if it is there."""
        self.groups(parent)
        namespace = f"{parent}/{name}" if parent else name
        if namespace in self.namespaces:
            raise RefusedError(f"namespace '{namespace}' already exists!")
        self.namespaces[namespace] = {}
        return namespace

    def below(self, namespace: str, depth: int = 7) -> list[str]:
        """A namespace and those below it, so many levels down."""
        start = len(_parts(namespace))
        return sorted(
            name
            for name in self.namespaces
            if _parts(name)[:start] == _parts(namespace) and len(_parts(name)) - start <= depth
        )

    def remove_namespace(self, namespace: str, *, with_groups: bool) -> None:
        """Delete a namespace and those below. RefusedError if something of it must stay."""
        self.groups(namespace)
        names = self.below(namespace)
        if not namespace or (not with_groups and len(names) > 1):
            raise RefusedError(f"cannot delete namespace '{namespace}': it is not empty")
        for name in names:
            for group in list(self.namespaces[name]) if with_groups else ():
                self.remove_group(name, group)
        if any(self.namespaces[name] for name in names):
            raise RefusedError("group only partially deleted due to protected snapshots")
        for name in names:
            del self.namespaces[name]

    def remove_group(self, namespace: str, name: GroupId) -> tuple[int, int]:
        """Delete a group but for what is protected; how many went, and how many stay."""
        group = self.group(namespace, name)
        before = len(group.snapshots)
        group.snapshots = {time: kept for time, kept in group.snapshots.items() if kept.protected}
        if not group.snapshots:
            del self.namespaces[namespace][name]
        return before - len(group.snapshots), len(group.snapshots)

    def remove_snapshot(self, namespace: str, name: GroupId, time: int) -> None:
        """Delete a snapshot, and its group with the last one. RefusedError if protected."""
        if self.snapshot(namespace, name, time).protected:
            raise RefusedError(f"cannot remove protected snapshot '{name}/{time}'")
        group = self.group(namespace, name)
        del group.snapshots[time]
        if not group.snapshots:
            del self.namespaces[namespace][name]

    def add_chunk(self, digest: str, data: bytes, *, plain: bool, now: int) -> None:
        """Keep a chunk; one that is there already was used again."""
        if digest in self.chunks:
            self.chunks[digest].used = now
        else:
            self.chunks[digest] = Chunk(data, now, zlib.crc32(data), plain)

    def every_snapshot(self) -> Iterator[Snapshot]:
        """All snapshots of all groups."""
        for groups in self.namespaces.values():
            for group in groups.values():
                yield from group.snapshots.values()

    def damaged(self, snapshot: Snapshot) -> list[str]:
        """The files of a snapshot with a chunk that is missing or not sound."""
        return [name for name, archive in snapshot.files.items() if not self._sound(archive.chunks)]

    def _sound(self, digests: Iterable[str]) -> bool:
        return all(
            digest in self.chunks and self.chunks[digest].sound(digest) for digest in digests
        )

    def collect_garbage(self, now: int) -> dict[str, object]:
        """Remove what nothing refers to and nobody used within the grace; what was found."""
        in_use = {
            digest
            for snapshot in self.every_snapshot()
            for archive in snapshot.files.values()
            for digest in archive.chunks
        }
        for digest in in_use & self.chunks.keys():
            self.chunks[digest].used = now
        oldest = now - GRACE_SECONDS
        gone = [digest for digest, chunk in self.chunks.items() if chunk.used < oldest]
        removed = sum(len(self.chunks.pop(digest).data) for digest in gone)
        pending = [chunk for digest, chunk in self.chunks.items() if digest not in in_use]
        return {
            "index-file-count": sum(len(found.files) for found in self.every_snapshot()),
            "index-data-bytes": sum(
                archive.size for found in self.every_snapshot() for archive in found.files.values()
            ),
            "disk-bytes": sum(len(chunk.data) for chunk in self.chunks.values()),
            "disk-chunks": len(self.chunks),
            "removed-bytes": removed,
            "removed-chunks": len(gone),
            "pending-bytes": sum(len(chunk.data) for chunk in pending),
            "pending-chunks": len(pending),
            "removed-bad": 0,
            "still-bad": 0,
        }


def _parts(namespace: str) -> list[str]:
    return namespace.split("/") if namespace else []
