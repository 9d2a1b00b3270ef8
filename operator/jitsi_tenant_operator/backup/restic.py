"""restic as a store: a repository for each tenant and copy, each with a password of its own.

The day, the group and the manifest's digest of a snapshot are its tags. Snapshots are deleted by
their ids alone: none of restic's own policies, which count and group, decides on anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import orjson

from jitsi_tenant_operator.api.objects import JsonObject
from jitsi_tenant_operator.backup.configuration import BackedUpTenant, ResticRepository
from jitsi_tenant_operator.backup.process import Finished
from jitsi_tenant_operator.backup.restic_command import MESSAGES, Restic, access, failure
from jitsi_tenant_operator.backup.store import (
    BackupRequest,
    Copy,
    Depth,
    Group,
    Snapshot,
    StoredFile,
    StoreError,
    StoreReason,
    Written,
)

Progress = Callable[[float], None]
"""Is told the part of the work that is done, from 0 to 1."""

_IDS_AT_ONCE = 200
_WITH_SPARSE = (0, 15)
"""The version from which `restore` knows `--sparse`."""


class ResticStore:
    """The repositories of one tenant; `host` is fixed, since restic looks for parents by it.

    `progress` is told how far a backup is.
    """

    def __init__(
        self,
        tenant: BackedUpTenant,
        repositories: dict[Copy, ResticRepository],
        restic: Restic,
        progress: Progress = lambda _: None,
    ) -> None:
        self._host = tenant.name
        self._restic = restic
        self._access = {
            copy: access(repository, restic.scratch / "access", copy)
            for copy, repository in repositories.items()
        }
        self._progress = progress

    @property
    def copies(self) -> Sequence[Copy]:
        """The copies that are configured, the primary first."""
        return tuple(self._access)

    async def snapshots(self, copy: Copy) -> Sequence[Snapshot]:
        """All snapshots of a copy in order of time; none where there is no repository yet."""
        return await self._listed(copy) or ()

    async def back_up(self, request: BackupRequest) -> Written:
        """Write a snapshot to the primary copy, which is made when there is none."""
        excluded = [b"--exclude=" + pattern(path) for path in request.excluded]
        time = f"{request.time.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
        tags = (f"group={request.group}", f"day={request.day}", f"manifest={request.manifest}")
        summary: JsonObject = {}
        unread = 0

        def read(line: bytes) -> None:
            nonlocal summary, unread
            message = _message(line)
            match message.get("message_type"):
                case "status":
                    self._progress(float(message.get("percent_done", 0)))
                case "summary":
                    summary = message
                case "error":
                    unread += 1

        command: list[str | bytes] = [
            *("backup", "--json", "--host", self._host, "--time", time),
            *(f"--tag={tag}" for tag in tags),
            *excluded,
            "--",
            *(str(folder) for folder in request.folders),
        ]
        try:
            await self._locking(Copy.PRIMARY, command, read)
        except StoreError as error:
            if error.reason is not StoreReason.MISSING:
                raise
            await self._run(Copy.PRIMARY, ["init"])
            await self._locking(Copy.PRIMARY, command, read)
        if unread or not summary:
            raise StoreError(StoreReason.INCOMPLETE, MESSAGES[StoreReason.INCOMPLETE])
        # restic 0.14 states the first characters of the id only.
        written = str(summary["snapshot_id"])
        found = await self.snapshots(Copy.PRIMARY)
        return Written(
            next(each for each in found if each.id.startswith(written)),
            files=int(summary["total_files_processed"]),
            bytes=int(summary["total_bytes_processed"]),
            added=int(summary["data_added"]),
        )

    async def copy_offsite(self, snapshots: Collection[Snapshot]) -> None:
        """Copy those of `snapshots`, of the primary, that the off-site copy lacks."""
        source = self._access[Copy.PRIMARY].options("from-")
        found = await self._listed(Copy.OFFSITE)
        if found is None:
            await self._run(Copy.OFFSITE, ["init", "--copy-chunker-params", *source])
        present = {each.origin for each in found or ()}
        missing = [each.id for each in snapshots if each.origin not in present]
        for ids in _batches(missing):
            await self._locking(Copy.OFFSITE, ["copy", *source, *ids])

    async def forget(self, copy: Copy, ids: Collection[str]) -> None:
        """Delete the snapshots with these ids, and free what no other snapshot uses.

        That includes what an interrupted run has left, so it frees without ids too. Nothing that
        was deleted stays behind in a pack that other data shares.
        """
        for batch in _batches(ids):
            await self._locking(copy, ["forget", *batch])
        # Newer versions end well though a server has refused.
        if ids and any(each.id in ids for each in await self.snapshots(copy)):
            raise StoreError(StoreReason.READ_ONLY, MESSAGES[StoreReason.READ_ONLY])
        try:
            await self._locking(copy, ["prune", "--max-unused", "0"])
        except StoreError as error:
            if error.reason is not StoreReason.MISSING or ids:
                raise

    async def protect(self, copy: Copy, snapshot_id: str, *, protected: bool) -> None:
        """Refused: restic cannot keep one snapshot from being deleted."""
        del copy, snapshot_id, protected
        raise StoreError(StoreReason.NOT_SUPPORTED, MESSAGES[StoreReason.NOT_SUPPORTED])

    async def hold(self, copy: Copy, *, held: bool) -> None:
        """Nothing: restic deletes by ids alone, so that it is enough that nobody sweeps."""
        del copy, held

    async def files(self, copy: Copy, snapshot_id: str) -> Sequence[StoredFile]:
        """The regular files that a snapshot holds, in the order of their paths' parts."""
        found: list[StoredFile] = []

        def read(line: bytes) -> None:
            node = _message(line)
            if node.get("type") == "file":
                found.append(StoredFile(str(node["path"]), int(node.get("size", 0))))

        await self._run(copy, ["ls", "--json", "--no-lock", snapshot_id], read)
        return found

    async def verify(self, copy: Copy, depth: Depth, percent: int = 100) -> None:
        """Verify a copy: its structure, or for Sample and Everything `percent` of its data too."""
        data = {
            Depth.STRUCTURE: [],
            Depth.SAMPLE: [f"--read-data-subset={percent}%"],
            Depth.EVERYTHING: ["--read-data"],
        }
        if depth not in data:
            raise ValueError(f"{depth} is not what restic's check does")
        try:
            await self._locking(copy, ["check", *data[depth]])
        except StoreError as error:
            if error.reason is StoreReason.FAILED:
                raise StoreError(StoreReason.DAMAGED, MESSAGES[StoreReason.DAMAGED]) from None
            raise

    async def restore(
        self, copy: Copy, snapshot_id: str, paths: Sequence[Path], into: Path
    ) -> None:
        """Restore files or folders, or all when `paths` is empty, to their own paths in `into`."""
        sparse = ["--sparse"] if await self._version() >= _WITH_SPARSE else []
        included = [b"--include=" + pattern(path) for path in paths]
        options: list[str | bytes] = ["--no-lock", "--target", str(into), *sparse, *included]
        await self._run(copy, ["restore", *options, snapshot_id])

    async def _listed(self, copy: Copy) -> Sequence[Snapshot] | None:
        """The snapshots of a copy; None where there is no repository."""
        try:
            found = await self._json(copy, ["snapshots", "--json", "--no-lock"])
        except StoreError as error:
            if error.reason is StoreReason.MISSING:
                return None
            raise
        return sorted(map(_snapshot, found or ()), key=lambda each: (each.time, each.id))

    async def _locking(
        self,
        copy: Copy,
        arguments: Sequence[str | bytes],
        on_line: Callable[[bytes], None] = lambda _: None,
    ) -> None:
        """Run a command that locks; where a lock is in the way, remove stale ones and try again.

        Only stale ones: those of a process that is gone from this host, or half an hour old.
        """
        try:
            await self._run(copy, arguments, on_line)
        except StoreError as error:
            if error.reason is not StoreReason.LOCKED:
                raise
            await self._run(copy, ["unlock"])
            await self._run(copy, arguments, on_line)

    async def _run(
        self,
        copy: Copy,
        arguments: Sequence[str | bytes],
        on_line: Callable[[bytes], None] = lambda _: None,
    ) -> None:
        await self._restic.run(self._access[copy], arguments, on_line)

    async def _json(self, copy: Copy, arguments: Sequence[str]) -> list[JsonObject]:
        lines: list[bytes] = []
        await self._run(copy, arguments, lines.append)
        found: list[JsonObject] = orjson.loads(b"\n".join(lines) or b"[]")
        return found

    async def _version(self) -> tuple[int, ...]:
        lines: list[bytes] = []
        finished = await self._restic.try_run(["version"], lines.append)
        match = re.match(rb"restic (\d+)\.(\d+)", b"\n".join(lines))
        if finished.status or match is None:
            raise failure(Finished(finished.status, finished.errors))
        return tuple(map(int, match.groups()))


def pattern(path: Path) -> bytes:
    """A pattern of restic that matches `path`, byte for byte, and nothing else."""
    return re.sub(rb"([*?\[\\])", rb"\\\1", bytes(path))


def _snapshot(found: JsonObject) -> Snapshot:
    tags = dict(str(tag).partition("=")[::2] for tag in found.get("tags") or ())
    group = tags.get("group", "")
    return Snapshot(
        id=str(found["id"]),
        time=datetime.fromisoformat(_to_microseconds(str(found["time"]))).astimezone(UTC),
        group=Group(group) if group in set(Group) else Group.ON_DEMAND,
        origin=str(found.get("original") or found["id"]),
        manifest=tags.get("manifest", ""),
    )


def _to_microseconds(time: str) -> str:
    """Go writes nanoseconds, which Python does not read."""
    return re.sub(r"(\.\d{6})\d+", r"\1", time)


def _message(line: bytes) -> JsonObject:
    """A line of JSON; without fields when it is something else, such as words for people."""
    try:
        message = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return message if isinstance(message, dict) else {}


def _batches(ids: Collection[str]) -> Iterator[list[str]]:
    rest = iter(ids)
    while batch := list(islice(rest, _IDS_AT_ONCE)):
        yield batch
