"""Work that takes a while: a UPID, a status, and a log."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus

from localpbs.errors import RefusedError


@dataclass
class Task:
    """One piece of work; times in seconds of Unix time."""

    upid: str
    worker_type: str
    worker_id: str
    user: str
    started: int
    ended: int | None = None
    exit_status: str | None = None
    log: list[str] = field(default_factory=list)

    def warn(self, line: str) -> None:
        """Say that something is not as it should be, without failing."""
        self.log.append(f"WARN: {line}")

    def status(self) -> dict[str, object]:
        """What the server tells of it."""
        user, _, token = self.user.partition("!")
        fields: dict[str, object] = {
            "upid": self.upid,
            "node": "localhost",
            "pid": 1,
            "pstart": 1,
            "starttime": self.started,
            "type": self.worker_type,
            "id": self.worker_id,
            "user": user,
            "status": "running" if self.exit_status is None else "stopped",
        }
        if token:
            fields["tokenid"] = token
        if self.exit_status is not None:
            fields["exitstatus"] = self.exit_status
        return fields


@dataclass
class Tasks:
    """All tasks that were ever started."""

    now: Callable[[], int]
    known: dict[str, Task] = field(default_factory=dict)
    _running: set[asyncio.Task[None]] = field(default_factory=set)

    def start(
        self,
        worker_type: str,
        worker_id: str,
        user: str,
        work: Callable[[Task], Awaitable[None]],
    ) -> str:
        """Start `work` beside the request; its UPID."""
        started = self.now()
        number = len(self.known) + 1
        escaped = worker_id.replace(":", "\\x3a").replace("/", "\\x2f")
        upid = (
            f"UPID:localhost:00000001:00000001:{number:08X}:{started:08X}:"
            f"{worker_type}:{escaped}:{user}:"
        )
        task = Task(upid, worker_type, worker_id, user, started)
        self.known[upid] = task
        running = asyncio.create_task(self._run(task, work))
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        return upid

    def task(self, upid: str) -> Task:
        """A task by its UPID. RefusedError if there is none."""
        if upid not in self.known:
            raise RefusedError(f"no such task '{upid}'", HTTPStatus.NOT_FOUND)
        return self.known[upid]

    async def stop(self) -> None:
        """End what still runs."""
        for running in set(self._running):
            running.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _run(self, task: Task, work: Callable[[Task], Awaitable[None]]) -> None:
        # The answer with the UPID goes out first, as it does where a worker starts elsewhere.
        await asyncio.sleep(0)
        try:
            await work(task)
        except RefusedError as error:
            task.log.append(f"TASK ERROR: {error}")
            task.exit_status = str(error)
        except asyncio.CancelledError:
            task.exit_status = "unknown"
            raise
        else:
            warnings = sum(line.startswith("WARN: ") for line in task.log)
            task.exit_status = f"WARNINGS: {warnings}" if warnings else "OK"
            task.log.append("TASK OK" if not warnings else f"TASK WARNINGS: {warnings}")
        finally:
            task.ended = self.now()
