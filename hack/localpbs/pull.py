"""Copies snapshots from another server, over the network and with the rights it gives."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import aiohttp

from localpbs.datastore import Archive, Group, GroupId, Snapshot
from localpbs.errors import RefusedError
from localpbs.tasks import Task
from localpbs.world import World

JsonObject = dict[str, object]


@dataclass(frozen=True, slots=True)
class Pull:
    """One run: what is to be copied, on whose behalf, and where its log goes."""

    world: World
    auth_id: str
    values: Mapping[str, object]
    task: Task

    async def run(self) -> None:
        """Copy what is newer than the last copy of each group. RefusedError if that fails."""
        remote = self.world.remotes[str(self.values["remote"])]
        pinned = bytes.fromhex(str(remote["fingerprint"]).replace(":", ""))
        secret = quote(str(remote["password"]), safe="")
        headers = {"Authorization": f"PBSAPIToken={remote['auth-id']}:{secret}"}
        connector = aiohttp.TCPConnector(ssl=aiohttp.Fingerprint(pinned))
        base = f"https://{remote['host']}:{remote.get('port', 8007)}/api2/json/"
        try:
            async with aiohttp.ClientSession(base, headers=headers, connector=connector) as session:
                await self._copy(session)
        except aiohttp.ClientError as error:
            raise RefusedError(f"remote connection failed - {type(error).__name__}") from error

    async def _copy(self, session: aiohttp.ClientSession) -> None:
        remote_store = str(self.values["remote-store"])
        query = {"ns": str(self.values.get("remote-ns", ""))}
        found = await _get(session, f"admin/datastore/{remote_store}/snapshots", query)
        wanted = [snapshot for snapshot in found if self._is_wanted(snapshot)]
        for described in sorted(wanted, key=lambda snapshot: str(snapshot["backup-time"])):
            await self._copy_one(session, described, query)
        if self.values.get("remove-vanished"):
            self._remove_vanished(found)

    def _is_wanted(self, snapshot: JsonObject) -> bool:
        filters = self.values.get("group-filter") or ()
        assert isinstance(filters, tuple)
        name = f"{snapshot['backup-type']}/{snapshot['backup-id']}"
        return not filters or any(_matches(name, filter_) for filter_ in filters)

    async def _copy_one(
        self, session: aiohttp.ClientSession, described: JsonObject, query: dict[str, str]
    ) -> None:
        time = int(str(described["backup-time"]))
        name = GroupId(str(described["backup-type"]), str(described["backup-id"]))
        store = self.world.datastore(str(self.values["store"]))
        groups = store.groups(str(self.values.get("ns", "")))
        group = groups.setdefault(name, Group(self.auth_id))
        if group.owner != self.auth_id:
            raise RefusedError(f"owner check failed ({self.auth_id} != {group.owner})")
        if group.snapshots and time <= max(group.snapshots):
            return
        names = {"backup-type": name.backup_type, "backup-id": name.backup_id}
        content = await _get(
            session,
            f"localpbs/{self.values['remote-store']}/snapshot",
            query | names | {"backup-time": str(time)},
        )
        for digest, data in content["chunks"].items():
            plain = not content["fingerprint"]
            store.add_chunk(digest, base64.b64decode(data), plain=plain, now=self.world.now())
        files = {
            file: Archive(archive["size"], archive["crypt-mode"], tuple(archive["chunks"]))
            for file, archive in content["files"].items()
        }
        missing = {digest for file in files.values() for digest in file.chunks} - set(store.chunks)
        if missing:
            raise RefusedError(f"sync snapshot {name}/{time} failed - missing chunks")
        group.snapshots[time] = Snapshot(
            time, files, content["fingerprint"], comment=content["comment"]
        )
        self.task.log.append(f"sync snapshot {name}/{time} done")

    def _remove_vanished(self, found: list[JsonObject]) -> None:
        store, namespace = (
            self.world.datastore(str(self.values["store"])),
            str(self.values.get("ns", "")),
        )
        there = {(str(item["backup-id"]), int(str(item["backup-time"]))) for item in found}
        for name, group in list(store.groups(namespace).items()):
            for time, snapshot in list(group.snapshots.items()):
                if (name.backup_id, time) not in there and not snapshot.protected:
                    store.remove_snapshot(namespace, name, time)


def _matches(name: str, group_filter: str) -> bool:
    kind, _, value = group_filter.partition(":")
    if kind == "regex":
        return re.search(value, name) is not None
    return name == value if kind == "group" else name.partition("/")[0] == value


async def _get(session: aiohttp.ClientSession, path: str, query: dict[str, str]) -> Any:
    async with session.get(path, params=query) as answer:
        if answer.status >= 400:  # noqa: PLR2004 - refused
            raise RefusedError(f"remote: {await answer.text()}")
        return (await answer.json())["data"]
