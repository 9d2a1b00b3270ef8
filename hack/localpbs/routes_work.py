"""Verification and garbage collection."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from localpbs.datastore import Datastore, GroupId
from localpbs.errors import RefusedError, forbidden
from localpbs.parameters import (
    BACKUP_ID,
    BACKUP_TIME,
    BACKUP_TYPE,
    BOOLEAN,
    DEPTH,
    NAMESPACE,
    integer,
)
from localpbs.tasks import Task
from localpbs.web import Call, Routes
from localpbs.world import World, acl_path

ROUTES = Routes()

_STORE = "/admin/datastore/{store}"
_DAY = 24 * 3600


@ROUTES(
    "POST",
    f"{_STORE}/verify",
    {
        "ns": NAMESPACE,
        "backup-type": BACKUP_TYPE,
        "backup-id": BACKUP_ID,
        "backup-time": BACKUP_TIME,
        "ignore-verified": BOOLEAN,
        "outdated-after": integer(),
        "max-depth": DEPTH,
    },
)
async def verify(call: Call) -> object:
    """Have what the parameters name verified; a UPID."""
    store, namespace = call.text("store"), call.text("ns")
    if "backup-id" in call.values:
        call.world.check_group(
            call.auth_id, store, namespace, call.group, "Datastore.Verify", "Datastore.Backup"
        )
    elif not call.world.holds(call.auth_id, store, namespace, "Datastore.Verify"):
        raise forbidden()
    worker_id = f"{store}:{namespace}" if namespace else store
    return call.world.tasks.start("verify", worker_id, call.auth_id, _verification(call))


def _verification(call: Call) -> Callable[[Task], Awaitable[None]]:
    store = call.world.datastore(call.text("store"))

    async def work(task: Task) -> None:
        damaged = []
        for namespace in store.below(call.text("ns"), call.number("max-depth", 7)):
            for name, group in store.groups(namespace).items():
                for time, snapshot in group.snapshots.items():
                    if not _asked_for(call, name, time) or _known(call, snapshot.verification):
                        continue
                    task.log.append(f"verify {call.text('store')}:{name}/{time}")
                    failures = store.damaged(snapshot)
                    snapshot.verification = {
                        "state": "failed" if failures else "ok",
                        "upid": task.upid,
                    }
                    damaged += [f"{name}/{time}"] if failures else []
        if damaged:
            task.log.append("Failed to verify the following snapshots/groups:")
            task.log.extend(f"\t{name}" for name in damaged)
            raise RefusedError("verification failed - please check the log for details")

    return work


def _asked_for(call: Call, name: GroupId, time: int) -> bool:
    return (
        call.text("backup-type", name.backup_type) == name.backup_type
        and call.text("backup-id", name.backup_id) == name.backup_id
        and call.number("backup-time", time) == time
    )


def _known(call: Call, verification: dict[str, str] | None) -> bool:
    if not call.true("ignore-verified", default=True):
        return False
    if verification is None or verification["state"] == "failed":
        return False
    days = call.number("outdated-after")
    verified = call.world.tasks.task(verification["upid"]).started
    return not days or call.world.now() - verified <= days * _DAY


@ROUTES("GET", f"{_STORE}/gc")
async def collected(call: Call) -> object:
    """What the last garbage collection found."""
    call.world.access.check(call.auth_id, acl_path(call.text("store"), ""), "Datastore.Audit")
    return gc_status(call.text("store"), call.world.datastore(call.text("store")))


@ROUTES("POST", f"{_STORE}/gc")
async def collect(call: Call) -> object:
    """Collect garbage; a UPID."""
    call.world.access.check(call.auth_id, acl_path(call.text("store"), ""), "Datastore.Modify")
    return start_gc(call.world, call.text("store"), call.auth_id)


def start_gc(world: World, name: str, auth_id: str) -> str:
    """Collect the garbage of a datastore, as its schedule does too; the UPID."""
    store = world.datastore(name)

    async def work(task: Task) -> None:
        store.collected = store.collect_garbage(task.started) | {"upid": task.upid}
        task.log.append(f"Removed chunks: {store.collected['removed-chunks']}")
        store.collected |= {"last-run-state": "OK", "last-run-endtime": world.now()}

    return world.tasks.start("garbage_collection", name, auth_id, work)


def gc_status(name: str, store: Datastore) -> dict[str, object]:
    """What the last garbage collection of a datastore found; zeros if there was none."""
    nothing = {
        f"{what}-{unit}": 0
        for what in ("disk", "removed", "pending")
        for unit in ("bytes", "chunks")
    }
    empty = {"index-file-count": 0, "index-data-bytes": 0, "removed-bad": 0, "still-bad": 0}
    return {"store": name} | nothing | empty | store.collected
