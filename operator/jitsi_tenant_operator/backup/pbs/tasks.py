"""Tasks of a Proxmox Backup Server, by their UPID."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from jitsi_tenant_operator.backup.pbs.errors import plain
from jitsi_tenant_operator.backup.store import StoreError, StoreReason

_UPID = re.compile(
    r"UPID:[^:]+:[0-9A-Fa-f]{8}:[0-9A-Fa-f]{8,16}:[0-9A-Fa-f]{8}:(?P<started>[0-9A-Fa-f]{8}):"
    r"[^:]+:[^:]*:.+:"
)


@dataclass(frozen=True, slots=True)
class Task:
    """How a task stands. `result` is what it ended with: OK, WARNINGS: n, or what went wrong."""

    upid: str
    ended: bool
    result: str = ""

    @property
    def succeeded(self) -> bool:
        """Whether it ended, without an error and without a warning."""
        return self.ended and self.result == "OK"


def read_task(status: Any) -> Task:
    """What the server says of a task. Raises StoreError for something else."""
    if not isinstance(status, dict) or status.get("status") not in {"running", "stopped"}:
        raise StoreError(StoreReason.FAILED, "the server did not say how a task stands")
    ended = status["status"] == "stopped"
    result = plain(str(status.get("exitstatus", "unknown"))) if ended else ""
    return Task(str(status.get("upid", "")), ended, result)


def started_at(upid: str) -> datetime:
    """When the task of that UPID began, in UTC. ValueError for something else."""
    match = _UPID.fullmatch(upid)
    if match is None:
        raise ValueError("not a UPID")
    return datetime.fromtimestamp(int(match["started"], 16), UTC)
