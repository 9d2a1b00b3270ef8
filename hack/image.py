"""Build the operator's container image with docker or podman; further arguments go to `build`.

Environment: ENGINE (docker or podman), IMAGE (name:tag), BASE_IMAGE.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENGINES = ("docker", "podman")


class ImageError(Exception):
    """The image cannot be built here; the message says why."""


def engine(environ: Mapping[str, str]) -> str:
    """The container engine to use: the one that is named, else the first that works."""
    named = environ.get("ENGINE")
    candidates = (named,) if named else ENGINES
    found = [name for name in candidates if shutil.which(name)]
    if not found:
        raise ImageError(f"an image is built with {' or '.join(candidates)}: install it.")
    for name in found:
        if not subprocess.run([name, "info"], capture_output=True, check=False).returncode:
            return name
    raise ImageError(f"{found[0]} is installed but does not answer; see `{found[0]} info`.")


def version() -> str:
    """The version of the checkout."""
    text = (ROOT / "operator" / "jitsi_tenant_operator" / "__init__.py").read_text()
    found = re.search(r'^__version__ = "([^"]+)"', text, re.MULTILINE)
    if found is None:
        raise ImageError("the package names no version")
    return found[1]


def main(arguments: list[str]) -> int:
    """The exit status of the engine; 1 when there is none."""
    try:
        name = engine(os.environ)
        image = os.environ.get("IMAGE") or f"jitsi-tenant-operator:{version()}"
    except ImageError as error:
        print(f"image: {error}", file=sys.stderr)
        return 1
    command = [name, "build", "--tag", image]
    if base := os.environ.get("BASE_IMAGE"):
        command += ["--build-arg", f"BASE_IMAGE={base}"]
    status = subprocess.run([*command, *arguments, str(ROOT)], check=False).returncode
    if status == 0:
        print(f"built {image}")
    return status


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
