"""Child processes that write to a log and never outlive the process that started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from localplane.errors import PlaneError

WITH_PARENT = Path(__file__).with_name("with_parent.py")
TAIL_LINES = 20
STOP_SECONDS = 10.0


class Process:
    """One running program; when this process dies, however, the system kills it."""

    def __init__(self, name: str, command: Sequence[str], log: Path) -> None:
        self.name = name
        self.log = log
        wrapped = [sys.executable, "-I", "-S", str(WITH_PARENT), str(os.getpid()), *command]
        with log.open("ab") as sink:
            self._popen = subprocess.Popen(
                wrapped,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                # Ctrl-C in a terminal is for us: components are stopped in their order.
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._popen.pid

    @property
    def running(self) -> bool:
        """Whether it still runs."""
        return self._popen.poll() is None

    def check(self) -> None:
        """Raise PlaneError with the end of its log when it has ended."""
        status = self._popen.poll()
        if status is not None:
            raise PlaneError(
                f"{self.name} ended with status {status}. The end of {self.log}:\n{tail(self.log)}"
            )

    def stop(self, *, kill: bool = False) -> None:
        """End it: politely, or at once with `kill`; at once too when politeness has no effect."""
        if self.running:
            self._popen.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        try:
            self._popen.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()


def tail(log: Path) -> str:
    """The last lines of `log`, indented."""
    if not log.is_file():
        return "  (no log)"
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL_LINES:]
    return "\n".join(f"  {line}" for line in lines) or "  (empty)"
