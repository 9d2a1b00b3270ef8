"""What the server says of itself, and of its tasks."""

from __future__ import annotations

from localpbs.errors import forbidden
from localpbs.parameters import integer
from localpbs.rights import user_of
from localpbs.tasks import Task
from localpbs.web import Call, Routes

ROUTES = Routes()

_TASK = "/nodes/localhost/tasks/{upid}"


@ROUTES("GET", "/version")
async def version(call: Call) -> object:
    """The version, for everybody who is known."""
    return {"version": call.world.version, "release": "1", "repoid": "0" * 40}


@ROUTES("GET", "/ping")
async def ping(_: Call) -> object:
    """That the server is there."""
    return {"pong": True}


@ROUTES("GET", "/nodes/localhost/time")
async def time(call: Call) -> object:
    """What time it is, and in which zone."""
    now = call.world.clock()
    offset = now.astimezone(call.world.zone).utcoffset()
    seconds = int(offset.total_seconds()) if offset else 0
    return {
        "time": call.world.now(),
        "localtime": call.world.now() + seconds,
        "timezone": call.world.time_zone,
    }


@ROUTES("GET", f"{_TASK}/status")
async def status(call: Call) -> object:
    """How a task stands."""
    return _task(call).status()


@ROUTES("GET", f"{_TASK}/log", {"start": integer(), "limit": integer()})
async def log(call: Call) -> object:
    """What a task wrote, by lines numbered from 1."""
    first, limit = call.number("start"), call.number("limit", 50)
    lines = list(enumerate(_task(call).log, 1))
    return [{"n": number, "t": line} for number, line in lines[first : first + limit]]


def _task(call: Call) -> Task:
    task = call.world.tasks.task(call.text("upid"))
    own = task.user == call.auth_id or user_of(task.user) == call.auth_id
    if not own and "Sys.Audit" not in call.world.access.privileges(call.auth_id, "/system/tasks"):
        raise forbidden()
    return task
