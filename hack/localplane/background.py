"""A control plane that outlives the command that starts it, and is found again by its folder.

A supervisor process owns the components; the system kills them when it dies. It ends on SIGTERM,
and, when it has an owner, as soon as that process is gone.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from localplane.connection import Connection
from localplane.detached import collect, spawn
from localplane.errors import PlaneError
from localplane.identity import ProcessIdentity
from localplane.options import PlaneOptions
from localplane.processes import tail

STATE_FILE = "state.json"
OPTIONS_FILE = "options.json"
SUPERVISOR_LOG = "supervisor.log"
POLL_SECONDS = 0.05
STOP_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class State:
    """What a supervisor writes down: itself, its components, and how to connect."""

    supervisor: ProcessIdentity
    components: tuple[ProcessIdentity, ...]
    connection: Connection

    def write(self, folder: Path) -> None:
        """Write it below `folder`, whole or not at all."""
        content = {
            "supervisor": self.supervisor.to_json(),
            "components": [identity.to_json() for identity in self.components],
            "connection": self.connection.to_json(),
        }
        draft = folder / f"{STATE_FILE}.new"
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(content, indent=2))
        draft.rename(folder / STATE_FILE)

    @classmethod
    def read(cls, folder: Path) -> State | None:
        """What is written below `folder`; None when nothing is, or nothing readable."""
        try:
            content = json.loads((folder / STATE_FILE).read_text())
            return cls(
                ProcessIdentity.from_json(content["supervisor"]),
                tuple(ProcessIdentity.from_json(one) for one in content["components"]),
                Connection.from_json(content["connection"]),
            )
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None


def start_in_background(
    folder: Path, options: PlaneOptions | None = None, owner: int | None = None
) -> Connection:
    """Start a control plane below `folder` that goes on when this process ends.

    With `owner`, it ends when the process of that id does. One that runs there already is taken as
    it is. Raises PlaneError when it does not come up.
    """
    folder = folder.absolute()
    options = options or PlaneOptions()
    running = attach(folder)
    if running is not None:
        return running
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / STATE_FILE).unlink(missing_ok=True)
    (folder / OPTIONS_FILE).write_text(options.to_json())
    supervisor = _spawn(folder, owner)
    # The supervisor keeps to its own limit; the surplus is for the case that it hangs.
    deadline = time.monotonic() + options.start_seconds + 10
    while True:
        connection = attach(folder)
        if connection is not None:
            return connection
        log = folder / SUPERVISOR_LOG
        if not supervisor.alive:
            collect(supervisor)
            raise PlaneError(f"the control plane did not start:\n{tail(log)}")
        if time.monotonic() > deadline:
            supervisor.send(signal.SIGKILL)
            collect(supervisor)
            raise PlaneError(
                f"the control plane did not start in time. The end of {log}:\n{tail(log)}"
            )
        time.sleep(POLL_SECONDS)


def attach(folder: Path) -> Connection | None:
    """The connection to the control plane that runs below `folder`; None when none does."""
    state = State.read(folder)
    if state is None or not all(one.alive for one in (state.supervisor, *state.components)):
        return None
    return state.connection


def stop(folder: Path) -> bool:
    """End the control plane below `folder` and whatever is left of it; False if nothing ran.

    Only processes that are proved to be the ones written down are ended.
    """
    folder = folder.absolute()
    state = State.read(folder)
    if state is None:
        return False
    everything = (state.supervisor, *state.components)
    found = any(identity.alive for identity in everything)
    state.supervisor.send(signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while any(identity.alive for identity in everything) and time.monotonic() < deadline:
        if not state.supervisor.alive:
            # The system kills them together with it; should one be left, nobody else will.
            for identity in state.components:
                identity.send(signal.SIGKILL)
        time.sleep(POLL_SECONDS)
    left = [identity for identity in everything if identity.alive]
    if left:
        raise PlaneError(f"still running after {STOP_SECONDS:.0f} s: {left}")
    collect(state.supervisor)
    (folder / STATE_FILE).unlink(missing_ok=True)
    return found


def _spawn(folder: Path, owner: int | None) -> ProcessIdentity:
    command = [sys.executable, "-m", "localplane.supervisor", str(folder)]
    if owner is not None:
        command += ["--owner", str(owner)]
    hack = Path(__file__).resolve().parent.parent
    return spawn(command, folder / SUPERVISOR_LOG, folder=hack)
