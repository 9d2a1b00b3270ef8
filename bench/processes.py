"""What a process uses, by /proc (Linux)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_USER_TIME = 11
"""Index of utime among the fields of /proc/PID/stat after the program's name; stime follows."""


def resident_bytes(pid: int, field: str = "VmRSS") -> int:
    """Resident memory of a process; VmHWM for its highest so far."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) * 1024
    raise ProcessLookupError(f"process {pid} has no {field}: it has ended")


def cpu_seconds(pids: Iterable[int]) -> float:
    """CPU time that processes have used together, in user and system mode."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[_USER_TIME]) + int(fields[_USER_TIME + 1])
    return total / _TICKS
