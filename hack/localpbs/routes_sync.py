"""Copies from another server: remotes, sync jobs, and a pull that is asked for once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from localpbs.errors import RefusedError, forbidden
from localpbs.parameters import (
    ANY_TEXT,
    AUTH_ID,
    BOOLEAN,
    DEPTH,
    FINGERPRINT,
    ID,
    KEEP,
    NAMESPACE,
    TEXTS,
    Parameter,
    integer,
    required,
)
from localpbs.pull import Pull
from localpbs.tasks import Task
from localpbs.web import Call, Routes
from localpbs.world import World, acl_path

ROUTES = Routes()

_PULL: Mapping[str, Parameter] = {
    "store": required(ID),
    "ns": NAMESPACE,
    "remote": required(ID),
    "remote-store": required(ID),
    "remote-ns": NAMESPACE,
    "max-depth": DEPTH,
    "remove-vanished": BOOLEAN,
    "group-filter": TEXTS,
    "transfer-last": integer(1),
    "resync-corrupt": BOOLEAN,
}
_JOB = {"id": required(ID), "store": required(ID), "ns": NAMESPACE, "schedule": ANY_TEXT}
_KINDS: Mapping[str, Mapping[str, Parameter]] = {
    "sync": {**_PULL, **_JOB, "owner": AUTH_ID, "comment": ANY_TEXT},
    "prune": {**_JOB, **KEEP, "max-depth": DEPTH, "disable": BOOLEAN, "comment": ANY_TEXT},
}


@ROUTES(
    "POST",
    "/config/remote",
    {
        "name": required(ID),
        "host": required(ANY_TEXT),
        "port": integer(1, 65535),
        "auth-id": required(AUTH_ID),
        "password": required(ANY_TEXT),
        "fingerprint": FINGERPRINT,
    },
)
async def add_remote(call: Call) -> object:
    """Make another server known."""
    call.world.access.check(call.auth_id, "/remote", "Remote.Modify")
    call.world.remotes[call.text("name")] = dict(call.values)
    return None


@ROUTES("GET", "/config/remote")
async def list_remotes(call: Call) -> object:
    """The other servers that the caller may know of, without passwords."""
    return [
        {key: value for key, value in remote.items() if key != "password"}
        for name, remote in call.world.remotes.items()
        if "Remote.Audit" in call.world.access.privileges(call.auth_id, f"/remote/{name}")
    ]


@ROUTES("POST", "/pull", _PULL)
async def pull(call: Call) -> object:
    """Copy from another server once; a UPID."""
    return _start_pull(call.world, call.auth_id, call.values, "pull")


def _start_pull(world: World, auth_id: str, values: Mapping[str, object], worker_id: str) -> str:
    remote, store = str(values["remote"]), str(values["store"])
    namespace = str(values.get("ns", ""))
    if remote not in world.remotes:
        raise RefusedError(f"no such remote '{remote}'", HTTPStatus.NOT_FOUND)
    world.access.check(auth_id, f"/remote/{remote}/{values['remote-store']}", "Remote.Read")
    if not world.holds(auth_id, store, namespace, "Datastore.Backup"):
        raise forbidden()
    if values.get("remove-vanished"):
        world.access.check(auth_id, acl_path(store, namespace), "Datastore.Prune")
    work = _work(world, auth_id, values)
    return world.tasks.start("sync", worker_id, auth_id, work)


def _work(
    world: World, auth_id: str, values: Mapping[str, object]
) -> Callable[[Task], Awaitable[None]]:
    async def work(task: Task) -> None:
        await Pull(world, auth_id, values, task).run()

    return work


@ROUTES("POST", "/config/sync", _KINDS["sync"])
async def add_sync_job(call: Call) -> object:
    """Make a sync job."""
    _add_job(call, "sync")
    return None


@ROUTES("POST", "/config/prune", _KINDS["prune"])
async def add_prune_job(call: Call) -> object:
    """Make a prune job."""
    _add_job(call, "prune")
    return None


def _add_job(call: Call, kind: str) -> None:
    path = acl_path(call.text("store"), call.text("ns"))
    call.world.access.check(call.auth_id, path, "Datastore.Modify")
    if call.text("id") in call.world.jobs[kind]:
        raise RefusedError(f"job '{call.text('id')}' already exists.")
    call.world.jobs[kind][call.text("id")] = dict(call.values)


@ROUTES("GET", "/admin/sync", {"store": ID})
async def list_sync_jobs(call: Call) -> object:
    """The sync jobs that the caller may know of, with their last run."""
    return _list_jobs(call, "sync")


@ROUTES("GET", "/admin/prune", {"store": ID})
async def list_prune_jobs(call: Call) -> object:
    """The prune jobs that the caller may know of, with their last run."""
    return _list_jobs(call, "prune")


def _list_jobs(call: Call, kind: str) -> list[dict[str, object]]:
    world, found = call.world, []
    for name, job in world.jobs[kind].items():
        store, namespace = str(job["store"]), str(job.get("ns", ""))
        asked_for = call.text("store", store) == store
        if asked_for and world.holds(call.auth_id, store, namespace, "Datastore.Audit"):
            found.append(dict(job) | _last_run(world, f"{kind}/{name}"))
    return found


def _last_run(world: World, key: str) -> dict[str, object]:
    if key not in world.runs:
        return {}
    task = world.tasks.task(world.runs[key])
    run: dict[str, object] = {"last-run-upid": task.upid}
    if task.exit_status is not None:
        run |= {"last-run-endtime": task.ended, "last-run-state": task.exit_status}
    return run


@ROUTES("POST", "/admin/sync/{id}/run")
async def run_sync_job(call: Call) -> object:
    """Run a sync job now, as its owner; a UPID."""
    name = call.text("id")
    job = call.world.jobs["sync"].get(name)
    if job is None:
        raise RefusedError(f"no such sync job '{name}'", HTTPStatus.NOT_FOUND)
    owner = str(job.get("owner", call.auth_id))
    values = {key: value for key, value in job.items() if key in _PULL}
    upid = _start_pull(call.world, owner, values, name)
    call.world.runs[f"sync/{name}"] = upid
    return upid
