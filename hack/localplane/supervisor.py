"""`python -m localplane.supervisor FOLDER [--owner PID]`: run a control plane until stopped."""

from __future__ import annotations

import argparse
import os
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from localplane.background import OPTIONS_FILE, State
from localplane.errors import PlaneError
from localplane.identity import ProcessIdentity
from localplane.options import PlaneOptions
from localplane.plane import LocalPlane, start
from toolbox import ToolError

CHECK_MILLISECONDS = 1000


def main() -> int:
    """Exit status 0 when stopped, 1 when the control plane failed."""
    parser = argparse.ArgumentParser(prog="localplane.supervisor", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--owner", type=int, help="end when the process with this id ends")
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        options = PlaneOptions.from_json((folder / OPTIONS_FILE).read_text(encoding="utf-8"))
        with _end_of(arguments.owner) as owner_ended, start(folder, options) as plane:
            _state_of(plane).write(folder)
            _wait(plane, owner_ended)
    except (PlaneError, ToolError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _state_of(plane: LocalPlane) -> State:
    components = tuple(ProcessIdentity.of(pid) for pid in plane.pids.values())
    return State(ProcessIdentity.of(os.getpid()), components, plane.connection)


@contextmanager
def _end_of(owner: int | None) -> Iterator[select.poll]:
    """Something to wait on that reports when the process `owner` ends; never, without owner."""
    waiting = select.poll()
    if owner is None:
        yield waiting
        return
    try:
        handle = os.pidfd_open(owner)
    except ProcessLookupError:
        raise PlaneError(f"the owner, process {owner}, has ended already") from None
    waiting.register(handle, select.POLLIN)
    try:
        yield waiting
    finally:
        os.close(handle)


def _wait(plane: LocalPlane, owner_ended: select.poll) -> None:
    while not owner_ended.poll(CHECK_MILLISECONDS):
        plane.check()


if __name__ == "__main__":
    raise SystemExit(main())
