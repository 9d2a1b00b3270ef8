"""`python -m localplane start|status|stop FOLDER`: a control plane to play with."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from localplane.background import attach, start_in_background, stop
from localplane.errors import PlaneError
from toolbox import ToolError, provide


def main() -> int:
    """Exit status 0; 1 when it cannot be done, or when `status` finds nothing running."""
    parser = argparse.ArgumentParser(prog="localplane", description=__doc__)
    parser.add_argument("action", choices=["start", "status", "stop"])
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    try:
        return _ACTIONS[arguments.action](folder)
    except (PlaneError, ToolError) as error:
        print(f"localplane: {error}", file=sys.stderr)
        return 1


def _start(folder: Path) -> int:
    # Here, not in the background: building shows its progress.
    provide()
    print(f"export KUBECONFIG={start_in_background(folder).kubeconfig}")
    return 0


def _status(folder: Path) -> int:
    connection = attach(folder)
    print(f"running: {connection.server}" if connection else "not running")
    return 0 if connection else 1


def _stop(folder: Path) -> int:
    print("stopped" if stop(folder) else "not running")
    return 0


_ACTIONS = {"start": _start, "status": _status, "stop": _stop}

if __name__ == "__main__":
    raise SystemExit(main())
