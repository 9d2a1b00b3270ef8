"""The programs of Debian that tests run, and their installation on a machine that lacks them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

PACKAGES: Mapping[str, str] = {
    "chromium": "chromium",
    "nginx": "nginx-light",
    "promtool": "prometheus",
    "rclone": "rclone",
    "restic": "restic",
    "zstd": "zstd",
}
"""The package that brings each program."""
POLICY = Path("/usr/sbin/policy-rc.d")
"""What Debian asks before it starts a service; 101 as its exit status forbids it."""
_SEARCHED = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))


class MissingProgramError(Exception):
    """Programs are missing; the message says how to install them."""


def program(name: str) -> Path:
    """Where the program `name` of PACKAGES is; MissingProgramError when it is nowhere."""
    found = shutil.which(name, path=_SEARCHED)
    if found is None:
        raise _missing([name])
    return Path(found)


def install_missing() -> None:
    """Install the packages of missing programs; nothing when all are there.

    Raises MissingProgramError where that needs another user or another system, or fails.
    """
    missing = [name for name in PACKAGES if shutil.which(name, path=_SEARCHED) is None]
    if not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise _missing(missing)
    packages = [PACKAGES[name] for name in missing]
    environ = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    install = ("install", "--yes", "--no-install-recommends", *packages)
    with _no_service_started():
        for arguments in (("update",), install):
            command = ["apt-get", "--quiet=2", *arguments]
            if subprocess.run(command, check=False, env=environ).returncode:
                raise MissingProgramError(f"`{' '.join(command)}` failed, see above.")


def _missing(names: list[str]) -> MissingProgramError:
    packages = " ".join(PACKAGES[name] for name in names)
    return MissingProgramError(
        f"{' and '.join(names)} missing, which tests run. On Debian, as root: "
        f"apt-get install --no-install-recommends {packages}"
    )


@contextmanager
def _no_service_started() -> Iterator[None]:
    """Tests start nginx themselves, and of Prometheus they run promtool only."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()


def main() -> int:
    """Install what is missing; exit status 1 when that cannot be done."""
    try:
        install_missing()
    except MissingProgramError as error:
        print(f"packages: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
