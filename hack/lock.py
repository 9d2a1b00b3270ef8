"""Resolve the dependencies and write requirements/*.txt: exact versions with their hashes.

The locks hold for every supported Python (markers where they differ), and name no index: which
package index is used is the business of the machine that installs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from install import ROOT, VirtualEnvironment

REQUIREMENTS = ROOT / "requirements"
OLDEST_PYTHON = "3.11"

LOCKS: dict[str, tuple[str, ...]] = {
    "pip": ("requirements/pip.in",),
    "uv": ("requirements/uv.in",),
    "go": ("requirements/go.in",),
    "runtime": ("pyproject.toml",),
    "build": ("--group", "build"),
    # The constraint keeps what is tested and what is shipped the same.
    "dev": ("pyproject.toml", "--group", "dev", "-c", "requirements/runtime.txt"),
}


def main(options: list[str]) -> int:
    """Write every lock; `options` (for instance `--upgrade`) go to `uv pip compile`."""
    with tempfile.TemporaryDirectory(prefix="lock-") as folder:
        environment = VirtualEnvironment(Path(folder) / "uv")
        environment.create(Path(sys.executable))
        environment.install("--require-hashes", "-r", str(REQUIREMENTS / "uv.txt"))
        for name, sources in LOCKS.items():
            print(f"requirements/{name}.txt", flush=True)
            _compile(environment.command("uv"), name, sources, options)
    return 0


def _compile(uv: Path, name: str, sources: tuple[str, ...], options: list[str]) -> None:
    arguments = ["--universal", "--python-version", OLDEST_PYTHON, "--generate-hashes"]
    arguments += ["--quiet", "--no-emit-index-url", "--no-emit-find-links", *options]
    arguments += ["--output-file", f"requirements/{name}.txt"]
    environ = os.environ | {"UV_CUSTOM_COMPILE_COMMAND": "make lock"}
    subprocess.run(
        [str(uv), "pip", "compile", *arguments, *sources], check=True, cwd=ROOT, env=environ
    )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
