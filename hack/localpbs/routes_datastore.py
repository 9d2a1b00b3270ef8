"""Namespaces, groups and snapshots of a datastore."""

from __future__ import annotations

from localpbs.datastore import Group, GroupId, Snapshot
from localpbs.errors import RefusedError, forbidden
from localpbs.parameters import (
    ANY_TEXT,
    AUTH_ID,
    BACKUP_ID,
    BACKUP_TIME,
    BACKUP_TYPE,
    BOOLEAN,
    COMPONENT,
    DEPTH,
    KEEP,
    NAMESPACE,
    required,
)
from localpbs.pruning import kept
from localpbs.rights import owns
from localpbs.web import Call, Routes
from localpbs.world import acl_path

ROUTES = Routes()

_STORE = "/admin/datastore/{store}"
_GROUP = {
    "ns": NAMESPACE,
    "backup-type": required(BACKUP_TYPE),
    "backup-id": required(BACKUP_ID),
}
_SNAPSHOT = _GROUP | {"backup-time": required(BACKUP_TIME)}


@ROUTES("GET", f"{_STORE}/status", {"verbose": BOOLEAN})
async def status(call: Call) -> object:
    """How full a datastore is, and with `verbose` what is in it."""
    store = call.world.datastore(call.text("store"))
    call.world.access.check(
        call.auth_id, acl_path(call.text("store"), ""), "Datastore.Audit", "Datastore.Backup"
    )
    used = sum(len(chunk.data) for chunk in store.chunks.values())
    answer: dict[str, object] = {
        "total": store.capacity,
        "used": used,
        "avail": store.capacity - used,
        "backend-type": "filesystem",
    }
    if call.true("verbose"):
        groups = [group for found in store.namespaces.values() for group in found.values()]
        snapshots = sum(len(group.snapshots) for group in groups)
        answer["counts"] = {"host": {"groups": len(groups), "snapshots": snapshots}}
        answer["gc-status"] = store.collected
    return answer


@ROUTES("GET", f"{_STORE}/namespace", {"parent": NAMESPACE, "max-depth": DEPTH})
async def list_namespaces(call: Call) -> object:
    """A namespace and those below it, as far as the caller may know of them."""
    store, name = call.world.datastore(call.text("store")), call.text("store")
    parent = call.text("parent")
    store.groups(parent)
    found = store.below(parent, call.number("max-depth", 7))
    visible = [ns for ns in found if call.world.sees(call.auth_id, name, ns)]
    if not visible:
        raise forbidden()
    return [{"ns": ns} for ns in visible]


@ROUTES("POST", f"{_STORE}/namespace", {"parent": NAMESPACE, "name": required(COMPONENT)})
async def create_namespace(call: Call) -> object:
    """Make a namespace, which is the right of who may modify its parent."""
    store, parent = call.text("store"), call.text("parent")
    call.world.access.check(call.auth_id, acl_path(store, parent), "Datastore.Modify")
    try:
        NAMESPACE.read(f"{parent}/{call.text('name')}" if parent else call.text("name"))
    except ValueError as error:
        raise RefusedError(str(error)) from None
    return call.world.datastore(store).create_namespace(parent, call.text("name"))


@ROUTES(
    "DELETE",
    f"{_STORE}/namespace",
    {"ns": NAMESPACE, "delete-groups": BOOLEAN, "error-on-protected": BOOLEAN},
)
async def delete_namespace(call: Call) -> object:
    """Delete a namespace, which is the right of who may modify its parent."""
    store, namespace = call.text("store"), call.text("ns")
    parent = namespace.rpartition("/")[0]
    call.world.access.check(call.auth_id, acl_path(store, parent), "Datastore.Modify")
    call.world.datastore(store).remove_namespace(namespace, with_groups=call.true("delete-groups"))
    return None


@ROUTES("GET", f"{_STORE}/groups", {"ns": NAMESPACE})
async def list_groups(call: Call) -> object:
    """The groups of a namespace: all for who may audit it, else one's own."""
    return [
        {
            "backup-type": name.backup_type,
            "backup-id": name.backup_id,
            "last-backup": max(group.snapshots, default=0),
            "backup-count": len(group.snapshots),
            "files": sorted(group.snapshots[max(group.snapshots)].files),
            "owner": group.owner,
            "comment": group.comment.partition("\n")[0],
        }
        for name, group in _visible(call)
        if group.snapshots
    ]


@ROUTES("DELETE", f"{_STORE}/groups", _GROUP | {"error-on-protected": BOOLEAN})
async def delete_group(call: Call) -> object:
    """Delete a group; what is protected stays, and is an error unless the caller says otherwise."""
    _check(call, "Datastore.Modify", "Datastore.Prune")
    store = call.world.datastore(call.text("store"))
    removed, protected = store.remove_group(call.text("ns"), call.group)
    if protected and call.true("error-on-protected", default=True):
        raise RefusedError("group only partially deleted due to protected snapshots")
    return {
        "removed-groups": int(not protected),
        "removed-snapshots": removed,
        "protected-snapshots": protected,
    }


@ROUTES(
    "GET",
    f"{_STORE}/snapshots",
    {"ns": NAMESPACE, "backup-type": BACKUP_TYPE, "backup-id": BACKUP_ID},
)
async def list_snapshots(call: Call) -> object:
    """The snapshots of the groups that the caller may see."""
    return [
        _described(name, group, snapshot)
        for name, group in _visible(call)
        if call.text("backup-type", name.backup_type) == name.backup_type
        and call.text("backup-id", name.backup_id) == name.backup_id
        for snapshot in group.snapshots.values()
    ]


def _described(name: GroupId, group: Group, snapshot: Snapshot) -> dict[str, object]:
    optional = {
        "fingerprint": snapshot.fingerprint,
        "comment": snapshot.comment.partition("\n")[0] or None,
        "verification": snapshot.verification,
    }
    return {
        "backup-type": name.backup_type,
        "backup-id": name.backup_id,
        "backup-time": snapshot.time,
        "files": _files(snapshot),
        "size": sum(archive.size for archive in snapshot.files.values()),
        "owner": group.owner,
        "protected": snapshot.protected,
    } | {key: value for key, value in optional.items() if value is not None}


def _files(snapshot: Snapshot) -> list[dict[str, object]]:
    return [
        {"filename": name, "size": archive.size, "crypt-mode": archive.crypt_mode}
        for name, archive in snapshot.files.items()
    ]


@ROUTES("DELETE", f"{_STORE}/snapshots", _SNAPSHOT)
async def delete_snapshot(call: Call) -> object:
    """Delete one snapshot."""
    _check(call, "Datastore.Modify", "Datastore.Prune")
    store = call.world.datastore(call.text("store"))
    store.remove_snapshot(call.text("ns"), call.group, call.number("backup-time"))
    return None


@ROUTES("GET", f"{_STORE}/files", _SNAPSHOT)
async def list_files(call: Call) -> object:
    """The files of one snapshot."""
    _check(call, "Datastore.Audit", "Datastore.Backup")
    return _files(_snapshot(call))


@ROUTES("GET", f"{_STORE}/protected", _SNAPSHOT)
async def is_protected(call: Call) -> object:
    """Whether a snapshot is protected."""
    _check(call, "Datastore.Audit", "Datastore.Backup")
    return _snapshot(call).protected


@ROUTES("PUT", f"{_STORE}/protected", _SNAPSHOT | {"protected": required(BOOLEAN)})
async def protect(call: Call) -> object:
    """Protect a snapshot from being deleted, or take that back."""
    _check(call, "Datastore.Modify", "Datastore.Backup")
    _snapshot(call).protected = call.true("protected")
    return None


@ROUTES("GET", f"{_STORE}/notes", _SNAPSHOT)
async def notes(call: Call) -> object:
    """What was noted of a snapshot."""
    _check(call, "Datastore.Audit", "Datastore.Backup")
    return _snapshot(call).comment


@ROUTES("PUT", f"{_STORE}/notes", _SNAPSHOT | {"notes": required(ANY_TEXT)})
async def set_notes(call: Call) -> object:
    """Note something of a snapshot."""
    _check(call, "Datastore.Modify", "Datastore.Backup")
    _snapshot(call).comment = call.text("notes")
    return None


@ROUTES("POST", f"{_STORE}/change-owner", _GROUP | {"new-owner": required(AUTH_ID)})
async def change_owner(call: Call) -> object:
    """Give a group another owner."""
    store = call.text("store")
    path = acl_path(store, call.text("ns"))
    call.world.access.check(call.auth_id, path, "Datastore.Modify")
    group = call.world.datastore(store).group(call.text("ns"), call.group)
    group.owner = call.text("new-owner")
    return None


@ROUTES("POST", f"{_STORE}/prune", _GROUP | dict(KEEP) | {"dry-run": BOOLEAN, "use-task": BOOLEAN})
async def prune(call: Call) -> object:
    """Remove what the options do not keep of a group; tells of each snapshot, oldest first."""
    _check(call, "Datastore.Modify", "Datastore.Prune")
    store = call.world.datastore(call.text("store"))
    snapshots = store.group(call.text("ns"), call.group).snapshots
    options = {name: call.number(name) for name in KEEP if name in call.values}
    protected = [time for time, snapshot in snapshots.items() if snapshot.protected]
    stays = kept(snapshots, options, call.world.zone, protected)
    answer = [
        {
            "backup-type": call.group.backup_type,
            "backup-id": call.group.backup_id,
            "backup-time": time,
            "keep": time in stays,
            "protected": snapshots[time].protected,
        }
        for time in sorted(snapshots)
    ]
    if not call.true("dry-run"):
        for time in sorted(set(snapshots) - stays):
            store.remove_snapshot(call.text("ns"), call.group, time)
    return answer


def _visible(call: Call) -> list[tuple[GroupId, Group]]:
    store, namespace = call.text("store"), call.text("ns")
    groups = call.world.datastore(store).groups(namespace)
    everything = call.world.holds(call.auth_id, store, namespace, "Datastore.Audit")
    if not everything and not call.world.holds(call.auth_id, store, namespace, "Datastore.Backup"):
        raise forbidden()
    return [
        (name, group)
        for name, group in groups.items()
        if everything or owns(call.auth_id, group.owner)
    ]


def _check(call: Call, full: str, owned: str) -> None:
    call.world.check_group(
        call.auth_id, call.text("store"), call.text("ns"), call.group, full, owned
    )


def _snapshot(call: Call) -> Snapshot:
    store = call.world.datastore(call.text("store"))
    return store.snapshot(call.text("ns"), call.group, call.number("backup-time"))
