"""Processes that go on when the one that started them ends."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from localplane.identity import ProcessIdentity

_children: dict[int, subprocess.Popen[bytes]] = {}
"""Those started by this process, which alone can collect their exit status."""


def spawn(
    command: Sequence[str],
    log: Path,
    *,
    folder: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> ProcessIdentity:
    """Start `command` in `folder` with its output in `log`, which is begun anew."""
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _children[process.pid] = process
    try:
        return ProcessIdentity.of(process.pid)
    except ProcessLookupError:
        # It has ended within this moment; no process has such a start.
        return ProcessIdentity(process.pid, "")


def collect(identity: ProcessIdentity) -> None:
    """Forget a process that has ended, should it be a child of this one."""
    child = _children.pop(identity.pid, None)
    if child is not None:
        child.wait()
