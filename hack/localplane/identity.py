"""Which process a number means: ids are given again, so a number alone proves nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

FIELDS_BEFORE_START_TIME = 19
"""Fields of /proc/PID/stat between the state and the start time, see proc(5)."""


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A process by its id and when it started, which together no other ever has.

    What it runs proves less: it changes when the process replaces its program.
    """

    pid: int
    started: str
    """Clock ticks since the machine booted, and which boot that was."""

    @classmethod
    def of(cls, pid: int) -> ProcessIdentity:
        """The process that has the id `pid` now; ProcessLookupError when none has."""
        try:
            return cls(pid, _started(pid))
        except FileNotFoundError:
            raise ProcessLookupError(pid) from None

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> ProcessIdentity:
        """What `to_json` wrote; KeyError or ValueError when it is not that."""
        return cls(int(fields["pid"]), str(fields["started"]))

    def to_json(self) -> dict[str, Any]:
        """As `from_json` reads it."""
        return asdict(self)

    @property
    def alive(self) -> bool:
        """Whether this very process still runs."""
        try:
            return _started(self.pid) == self.started
        except (FileNotFoundError, ProcessLookupError):
            return False

    def send(self, number: signal.Signals) -> None:
        """Send the signal to this very process, and to no other that may have its id by now."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            # The handle cannot change its meaning any more; the id was checked after it was taken.
            if self.alive:
                signal.pidfd_send_signal(handle, number)
        finally:
            os.close(handle)


def _started(pid: int) -> str:
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    # The second field is the program's name in parentheses and may hold anything.
    state, *fields = stat.rpartition(")")[2].split()
    if state == "Z":
        raise ProcessLookupError(pid)
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{fields[FIELDS_BEFORE_START_TIME - 1]}@{boot}"
