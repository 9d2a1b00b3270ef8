"""A tenant's backups on Proxmox Backup Server: a namespace on each of two servers.

The client program writes and reads data, with the tenant's key and by a token that may do no more
than that; everything else is asked of the servers by REST. What is to go is decided elsewhere, by
date: nothing here counts backups.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path

from jitsi_tenant_operator.backup.pbs.access import ensure_namespace, exists
from jitsi_tenant_operator.backup.pbs.archives import FOLDERS, Archives
from jitsi_tenant_operator.backup.pbs.client import Parameters
from jitsi_tenant_operator.backup.pbs.errors import RefusedError
from jitsi_tenant_operator.backup.pbs.namespace import Namespace, remote_of
from jitsi_tenant_operator.backup.pbs.program import PROGRAM, Program, Told
from jitsi_tenant_operator.backup.pbs.snapshots import (
    BACKUP_TYPE,
    Listed,
    notes,
    parameters,
    read_snapshots,
    snapshot_id,
    with_hold,
)
from jitsi_tenant_operator.backup.process import Line
from jitsi_tenant_operator.backup.store import (
    BackupRequest,
    Copy,
    Depth,
    Snapshot,
    StoredFile,
    StoreError,
    StoreReason,
    Written,
)
from jitsi_tenant_operator.clock import Clock

TASK_SECONDS = 12 * 3600.0
"""How long a server's task is waited for: a first copy off-site takes hours."""
INDEX = "index.json.blob"
"""What makes a snapshot a finished one."""

_SIZES = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_UPLOADED = re.compile(
    r"[^:]+: had to backup (?P<amount>[0-9.]+) (?P<unit>B|KiB|MiB|GiB|TiB) of .*"
)


class ProxmoxStore:
    """The backups of one tenant; a BackupStore.

    `scratch` is a folder of its own, `rate` the most that the client sends or receives, in KiB a
    second.
    """

    def __init__(
        self,
        namespaces: Mapping[Copy, Namespace],
        clock: Clock,
        scratch: Path,
        *,
        rate: int | None = None,
        program: str = PROGRAM,
    ) -> None:
        self._namespaces = namespaces
        self._clock = clock
        self._scratch = scratch
        self._rate = [] if rate is None else ["--rate", f"{rate}KiB"]
        self._program = program

    @property
    def copies(self) -> Sequence[Copy]:
        """The copies that there are."""
        return tuple(self._namespaces)

    async def snapshots(self, copy: Copy) -> Sequence[Snapshot]:
        """The finished snapshots of a copy in order of time; none where there is no namespace."""
        return [each.snapshot for each in await self._listed(copy)]

    async def back_up(self, request: BackupRequest) -> Written:
        """Write a snapshot, encrypted by the client.

        The server takes none that is older than the newest of its group. A warning of the client
        is an error: StoreError with INCOMPLETE, and a snapshot without the digest of a manifest.
        """
        archives = Archives.of(request.folders)
        self._scratch.mkdir(parents=True, exist_ok=True)
        folders = self._scratch / FOLDERS
        folders.write_bytes(archives.encode())
        told = await self._run(
            Copy.PRIMARY,
            "backup",
            *archives.specifications(),
            f"{FOLDERS}:{folders}",
            "--backup-type",
            BACKUP_TYPE,
            "--backup-id",
            request.group.value,
            "--backup-time",
            str(int(request.time.timestamp())),
            *(
                part
                for each in archives.exclusions(request.excluded)
                for part in ("--exclude", each)
            ),
            *self._rate,
        )
        if told.warnings:
            raise StoreError(
                StoreReason.INCOMPLETE,
                f"{PROGRAM} left something out: {told.warnings} warnings",
            )
        name = snapshot_id(request.group, request.time)
        await self._note(name, request.manifest)
        written = await self._one(Copy.PRIMARY, name)
        stored = await self._stored(Copy.PRIMARY, name, archives)
        return Written(written, len(stored), sum(file.size for file in stored), added(told.lines))

    async def copy_offsite(self, snapshots: Collection[Snapshot]) -> None:
        """Have the second server fetch what it lacks of the groups of `snapshots`, and check it.

        The second server knows the first as a remote, told by its fingerprint. What is gone from
        the first stays on the second (`remove-vanished` is false), until its own time is up.
        """
        groups = sorted({each.group.value for each in snapshots})
        primary, offsite = self._namespaces[Copy.PRIMARY], self._namespaces[Copy.OFFSITE]
        if not groups:
            return
        async with offsite.client(self._clock) as client:
            await ensure_namespace(client, offsite.name)
            task = await client.finished(
                await client.post(
                    "pull",
                    {
                        "store": offsite.address.datastore,
                        "ns": offsite.name,
                        "remote": await remote_of(client, primary),
                        "remote-store": primary.address.datastore,
                        "remote-ns": primary.name,
                        "max-depth": 0,
                        "remove-vanished": False,
                        "group-filter": [f"group:{BACKUP_TYPE}/{group}" for group in groups],
                    },
                ),
                TASK_SECONDS,
            )
        if not task.succeeded:
            raise StoreError(StoreReason.FAILED, f"the copy off-site ended with: {task.result}")
        there = {each.id for each in await self.snapshots(Copy.OFFSITE)}
        missing = sum(each.id not in there for each in snapshots)
        if missing:
            # A server copies only what is newer than its newest copy of the group.
            raise StoreError(StoreReason.DAMAGED, f"the off-site copy lacks {missing} snapshots")

    async def forget(self, copy: Copy, ids: Collection[str]) -> None:
        """Delete snapshots; one that is gone already is no error, a protected one is.

        The data goes with the server's next garbage collection that comes late enough: see
        `garbage.collected_since`.
        """
        listed = {each.snapshot.id: each for each in await self._listed(copy)}
        held = sum(name in listed and listed[name].snapshot.protected for name in ids)
        if held:
            raise StoreError(StoreReason.FAILED, f"{held} of these snapshots are protected")
        namespace = self._namespaces[copy]
        async with namespace.client(self._clock) as client:
            for name in sorted(set(ids) & set(listed)):
                try:
                    await client.delete(
                        client.datastore("snapshots"), {"ns": namespace.name, **parameters(name)}
                    )
                except RefusedError as error:
                    if error.status != HTTPStatus.NOT_FOUND:
                        raise

    async def protect(self, copy: Copy, snapshot_id: str, *, protected: bool) -> None:
        """Keep a snapshot from being deleted, or no longer. Protection is not copied: each copy
        has its own.
        """
        await self._one(copy, snapshot_id)
        namespace = self._namespaces[copy]
        async with namespace.client(self._clock) as client:
            await client.put(
                client.datastore("protected"),
                {"ns": namespace.name, **parameters(snapshot_id), "protected": protected},
            )

    async def hold(self, copy: Copy, *, held: bool) -> None:
        """Protect all snapshots of a copy, or release those that were protected by this.

        What somebody else protected stays so. It is noted before it is done, and until it is
        undone, so that an interruption leaves nothing protected for ever.
        """
        namespace = self._namespaces[copy]
        for each in await self._listed(copy):
            if each.snapshot.protected if held else not each.held:
                continue
            name = {"ns": namespace.name, **parameters(each.snapshot.id)}
            async with namespace.client(self._clock) as client:
                noted = await client.get(client.datastore("notes"), name)
                text = with_hold(noted if isinstance(noted, str) else "", held=held)
                steps: list[tuple[str, Parameters]] = [
                    ("notes", {**name, "notes": text}),
                    ("protected", {**name, "protected": held}),
                ]
                for path, step in steps if held else reversed(steps):
                    await client.put(client.datastore(path), step)

    async def files(self, copy: Copy, snapshot_id: str) -> Sequence[StoredFile]:
        """The regular files that a snapshot's catalog lists, but for those of our own."""
        return await self._stored(copy, snapshot_id, await self._archives(copy, snapshot_id))

    async def verify(self, copy: Copy, depth: Depth, percent: int = 100) -> None:
        """Have the server read its chunks anew: all of them, or those of the newest snapshots.

        Of what is encrypted the server can tell no more than that it was stored so: that it can
        be read is shown by a restore alone. Structure means that no snapshot lacks its files, is
        not encrypted, or failed before.
        """
        listed = await self._listed(copy)
        if depth is Depth.RESTORED:
            raise StoreError(StoreReason.NOT_SUPPORTED, "a server restores nothing")
        if depth is Depth.STRUCTURE:
            damaged = sum(not _is_whole(each) for each in listed)
            if damaged:
                raise StoreError(StoreReason.DAMAGED, f"{damaged} snapshots are not whole")
            return
        wanted = len(listed) if depth is Depth.EVERYTHING else -(-len(listed) * percent // 100)
        namespace = self._namespaces[copy]
        async with namespace.client(self._clock) as client:
            failed = 0
            for each in list(reversed(listed))[:wanted]:
                upid = await client.post(
                    client.datastore("verify"),
                    {
                        "ns": namespace.name,
                        **parameters(each.snapshot.id),
                        "ignore-verified": False,
                    },
                )
                failed += not (await client.finished(upid, TASK_SECONDS)).succeeded
        if failed:
            raise StoreError(StoreReason.DAMAGED, f"{failed} snapshots failed verification")

    async def restore(
        self, copy: Copy, snapshot_id: str, paths: Sequence[Path], into: Path
    ) -> None:
        """Restore files or folders, or all when `paths` is empty, to their own paths in `into`.

        A file that is there already is not overwritten, and an error.
        """
        archives = await self._archives(copy, snapshot_id)
        for name, folder, patterns in archives.chosen(paths):
            target = into / folder.relative_to("/")
            target.mkdir(parents=True, exist_ok=True)
            await self._run(
                copy,
                "restore",
                snapshot_id,
                f"{name}.pxar",
                str(target),
                "--allow-existing-dirs",
                "true",
                "--ignore-ownership",
                "true",
                *(part for each in patterns for part in ("--pattern", each)),
                *self._rate,
            )

    async def _stored(self, copy: Copy, name: str, archives: Archives) -> list[StoredFile]:
        found: list[StoredFile] = []

        def read(line: bytes) -> None:
            stored = archives.stored_file(line)
            if stored is not None:
                found.append(stored)

        await self._run(copy, "catalog", "dump", name, on_line=read)
        return found

    async def _listed(self, copy: Copy) -> list[Listed]:
        namespace = self._namespaces[copy]
        async with namespace.client(self._clock) as client:
            try:
                found = await client.get(client.datastore("snapshots"), {"ns": namespace.name})
            except RefusedError as error:
                if error.status == HTTPStatus.FORBIDDEN or await exists(client, namespace.name):
                    raise
                return []
        return [each for each in read_snapshots(found) if INDEX in each.files]

    async def _one(self, copy: Copy, name: str) -> Snapshot:
        for each in await self.snapshots(copy):
            if each.id == name:
                return each
        raise StoreError(StoreReason.UNKNOWN_SNAPSHOT, "there is no such snapshot")

    async def _note(self, name: str, manifest: str) -> None:
        namespace = self._namespaces[Copy.PRIMARY]
        async with namespace.client(self._clock) as client:
            await client.put(
                client.datastore("notes"),
                {"ns": namespace.name, **parameters(name), "notes": notes(manifest)},
            )

    async def _archives(self, copy: Copy, name: str) -> Archives:
        await self._one(copy, name)
        lines: list[bytes] = []
        await self._run(copy, "restore", name, FOLDERS, "-", on_line=lines.append)
        return Archives.read(b"\n".join(lines))

    async def _run(self, copy: Copy, *arguments: str, on_line: Line = lambda _: None) -> Told:
        namespace = self._namespaces[copy]
        if namespace.key_file is None:
            raise StoreError(
                StoreReason.KEY_REFUSED, "no key is given, without which nothing is read"
            )
        client = Program(
            namespace.address,
            namespace.name,
            namespace.secret_file,
            namespace.fingerprint,
            self._scratch,
            self._program,
        )
        return await client.run([*arguments, "--keyfile", str(namespace.key_file)], on_line)


def added(lines: Sequence[str]) -> int:
    """The bytes that the client says it had to upload; it rounds them."""
    amounts = [match for line in lines if (match := _UPLOADED.fullmatch(line))]
    return sum(round(float(match["amount"]) * _SIZES[match["unit"]]) for match in amounts)


def _is_whole(listed: Listed) -> bool:
    archives = {name for name in listed.files if name.endswith(".didx")}
    encrypted = all(mode == "encrypt" for name, mode in listed.files.items() if name in archives)
    return bool(archives) and encrypted and listed.verified != "failed"
