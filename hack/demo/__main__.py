"""`python -m demo start|stop`: see the operator at work.

Environment: CLUSTER=current takes the cluster of the current kubeconfig context instead of one of
its own, and CONFIRM=yes answers its questions beforehand; KUBEBUILDER_ASSETS names a folder with
ready programs of a control plane.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import localplane
from demo.clusters import Cluster, CurrentCluster, LocalCluster, confirmed, person
from demo.errors import DemoError
from demo.operator_process import OperatorProcess
from demo.scenario import Scenario
from installation import ROOT
from toolbox import ToolError
from toolbox.places import kubectl

FOLDER = ROOT / ".demo"


def main() -> int:
    """Exit status 0; 1 with a message when it does not work; 130 when interrupted."""
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("action", choices=["start", "stop"])
    action = parser.parse_args().action
    try:
        (start if action == "start" else stop)(FOLDER, os.environ)
    except (DemoError, localplane.PlaneError, ToolError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("demo: interrupted; `make demo-stop` ends what runs", file=sys.stderr)
        return 130
    return 0


def start(folder: Path, environ: Mapping[str, str]) -> None:
    """Bring everything up and say what there is; a second time takes what runs already."""
    cluster = _cluster(folder, environ)
    if cluster is None:
        return
    print(f"\n{Scenario(cluster, folder).run()}\n")
    print("Look around:")
    if cluster.look_around:
        print(f"  {cluster.look_around}")
    print(f"  {kubectl()} get jitsitenants,pods -A")
    print(f"The operator's log: {OperatorProcess(folder).log}")
    print("Stop: make demo-stop")


def stop(folder: Path, environ: Mapping[str, str]) -> None:
    """End every process of the demonstration; removes its own cluster, asks in another."""
    context = _remembered_context(folder)
    operator = OperatorProcess(folder)
    try:
        if context is not None:
            _leave(CurrentCluster(context), folder, environ)
    finally:
        # Even when that cluster does not answer any more.
        found = operator.stop()
        found |= localplane.stop(folder / "plane")
        shutil.rmtree(folder, ignore_errors=True)
    print("The demonstration is stopped." if found else "No demonstration runs.")


def _cluster(folder: Path, environ: Mapping[str, str]) -> Cluster | None:
    wanted = environ.get("CLUSTER", "")
    if wanted not in {"", "current"}:
        raise DemoError(f"CLUSTER={wanted} means nothing; it can be `current` or unset.")
    if wanted == "":
        if _remembered_context(folder) is not None:
            raise DemoError("a demonstration runs in another cluster: `make demo-stop` first.")
        folder.mkdir(mode=0o700, exist_ok=True)
        return LocalCluster.start(folder / "plane")
    if localplane.attach(folder / "plane") is not None:
        raise DemoError("a demonstration runs in a cluster of its own: `make demo-stop` first.")
    cluster = CurrentCluster.current()
    place = f"context {cluster.context} ({cluster.server})"
    question = f"Install the kinds, rights and samples into {place}?"
    agreed = confirmed(question, environ, person())
    if agreed is None:
        raise DemoError(f"{question} Nobody is here to answer; say so with CONFIRM=yes.")
    if not agreed:
        print("Nothing was changed.")
        return None
    folder.mkdir(mode=0o700, exist_ok=True)
    _context_file(folder).write_text(cluster.context)
    return cluster


def _leave(cluster: CurrentCluster, folder: Path, environ: Mapping[str, str]) -> None:
    # Without an operator a tenant's finalizer would stay, and with it the tenant.
    running = OperatorProcess(folder).running
    question = f"Delete the sample tenants and their namespaces from context {cluster.context}?"
    if running and confirmed(question, environ, person()):
        Scenario(cluster, folder).remove_tenants()
    else:
        print("The tenants stay, and nobody looks after them until an operator runs again.")
    print(f"The kinds (crds/) and rights (manifests/base/rbac) stay in {cluster.context}.")


def _context_file(folder: Path) -> Path:
    return folder / "context"


def _remembered_context(folder: Path) -> str | None:
    file = _context_file(folder)
    return file.read_text() if file.is_file() else None


if __name__ == "__main__":
    raise SystemExit(main())
