"""How this package's own client uploads and reads data: no part of Proxmox's interface.

Rights, owners and order of backups are those of the documented protocol.
"""

from __future__ import annotations

import base64
from typing import Any

from localpbs.datastore import Archive, Datastore, Group, GroupId, Snapshot
from localpbs.errors import RefusedError, forbidden
from localpbs.parameters import (
    ANY_TEXT,
    BACKUP_ID,
    BACKUP_TIME,
    BACKUP_TYPE,
    NAMESPACE,
    Parameter,
    required,
)
from localpbs.rights import owns
from localpbs.web import Call, Routes

ROUTES = Routes()


def _anything(value: Any) -> Any:
    return value


_GROUP = {
    "ns": NAMESPACE,
    "backup-type": required(BACKUP_TYPE),
    "backup-id": required(BACKUP_ID),
}
_SNAPSHOT = _GROUP | {"backup-time": required(BACKUP_TIME)}
_CONTENT = Parameter(_anything, required=True)


@ROUTES(
    "POST",
    "/localpbs/{store}/backup",
    _SNAPSHOT | {"files": _CONTENT, "chunks": _CONTENT, "fingerprint": ANY_TEXT},
)
async def upload(call: Call) -> object:
    """Take a whole snapshot: its files by their chunks, and the chunks in base64."""
    store = call.world.datastore(call.text("store"))
    group = _group_to_write(call, store)
    time, now = call.number("backup-time"), call.world.now()
    if group.snapshots and time <= max(group.snapshots):
        raise RefusedError("backup timestamp is older than last backup.")
    files: Any = call.values["files"]
    archives = {
        name: Archive(file["size"], file["crypt-mode"], tuple(file["chunks"]))
        for name, file in files.items()
    }
    plain = {
        digest: archive.crypt_mode != "encrypt"
        for archive in archives.values()
        for digest in archive.chunks
    }
    chunks: Any = call.values["chunks"]
    for digest, data in chunks.items():
        content = base64.b64decode(data)
        store.add_chunk(digest, content, plain=plain[digest], now=now)
    group.snapshots[time] = Snapshot(time, archives, call.text("fingerprint") or None)
    store.namespaces[call.text("ns")].setdefault(call.group, group)
    return {"previous": len(group.snapshots) - 1}


def _group_to_write(call: Call, store: Datastore) -> Group:
    if not call.world.holds(call.auth_id, call.text("store"), call.text("ns"), "Datastore.Backup"):
        raise forbidden()
    group = store.groups(call.text("ns")).get(call.group)
    if group is None:
        return Group(call.auth_id)
    if not owns(call.auth_id, group.owner):
        raise forbidden(f"backup owner check failed ({call.auth_id} != {group.owner})")
    return group


@ROUTES("GET", "/localpbs/{store}/snapshot", _SNAPSHOT)
async def download(call: Call) -> object:
    """A whole snapshot in the form in which it is uploaded."""
    check_read(call, call.group)
    store = call.world.datastore(call.text("store"))
    snapshot = store.snapshot(call.text("ns"), call.group, call.number("backup-time"))
    digests = {digest for archive in snapshot.files.values() for digest in archive.chunks}
    return {
        "files": {
            name: {
                "size": archive.size,
                "crypt-mode": archive.crypt_mode,
                "chunks": list(archive.chunks),
            }
            for name, archive in snapshot.files.items()
        },
        "chunks": {
            digest: base64.b64encode(store.chunks[digest].data).decode()
            for digest in digests
            if digest in store.chunks
        },
        "fingerprint": snapshot.fingerprint,
        "comment": snapshot.comment,
    }


def check_read(call: Call, name: GroupId) -> None:
    """RefusedError (403) unless the caller may read the data of a group."""
    call.world.check_group(
        call.auth_id,
        call.text("store"),
        call.text("ns"),
        name,
        "Datastore.Read",
        "Datastore.Backup",
    )
