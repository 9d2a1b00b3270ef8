"""Make the virtual environment of this checkout from the locks, with nothing but Python.

Runs on the machine's own Python, so it imports the standard library only. Debian's python3 comes
without pip and ensurepip (they are in python3-venv); then pip itself is taken from the package
index, checked against requirements/pip.txt like everything else.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST_PYTHON = (3, 11)
INDEX = "PIP_INDEX_URL"
DEFAULT_INDEX = "https://pypi.org/simple"
INPUTS = ("pyproject.toml", "requirements/pip.txt", "requirements/dev.txt")


class InstallError(Exception):
    """Something that the person at the terminal can put right; the message says what."""


class VirtualEnvironment:
    """A virtual environment with the pinned pip."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def command(self, name: str) -> Path:
        """Where the command `name` of the environment is, installed or not."""
        return self.folder / "bin" / name

    def create(self, python: Path) -> None:
        """Make it afresh on the interpreter `python`, with pip of the locked version."""
        make = [str(python), "-m", "venv", "--clear", str(self.folder)]
        if not _succeeds(python, "-c", "import ensurepip"):
            make.append("--without-pip")
        subprocess.run(make, check=True)
        if "--without-pip" in make:
            self._install_pip()
        self.install("--require-hashes", "-r", str(ROOT / "requirements" / "pip.txt"))

    def _install_pip(self) -> None:
        with tempfile.TemporaryDirectory(prefix="pip-") as download:
            wheel = _download_pip(Path(download))
            # A wheel is a zip archive, and Python runs packages inside one.
            self._run(f"{wheel}/pip", "install", "--no-index", "--no-deps", str(wheel))

    def install(self, *arguments: str) -> None:
        """Run `pip install` with `arguments`; raises InstallError when it fails."""
        self._run("-m", "pip", "install", *arguments)

    def _run(self, *arguments: str) -> None:
        quiet = ("--quiet", "--disable-pip-version-check", "--no-input")
        # Set but empty, as a build argument may be, it would be taken for an index.
        environ = {key: value for key, value in os.environ.items() if value or key != INDEX}
        command = [str(self.command("python")), *arguments, *quiet]
        done = subprocess.run(command, check=False, env=environ)
        if done.returncode:
            raise InstallError(
                "pip failed, see above. Without a way to the package index nothing can be "
                "installed; an index of your own can be named in PIP_INDEX_URL."
            )


def _succeeds(python: Path, *arguments: str) -> bool:
    return not subprocess.run(
        [str(python), *arguments], capture_output=True, check=False
    ).returncode


def _download_pip(folder: Path) -> Path:
    lock = (ROOT / "requirements" / "pip.txt").read_text()
    version = re.search(r"^pip==(\S+)", lock, re.MULTILINE)
    digests = set(re.findall(r"--hash=sha256:([0-9a-f]{64})", lock))
    if version is None:
        raise InstallError("requirements/pip.txt pins no pip; run `make lock`.")
    name = f"pip-{version[1]}-py3-none-any.whl"
    index = (os.environ.get(INDEX) or DEFAULT_INDEX).rstrip("/") + "/pip/"
    try:
        page = _get(index).decode()
        link = re.search(rf'href="([^"]*/{re.escape(name)}[^"]*)"', page)
        if link is None:
            raise InstallError(f"{_without_password(index)} does not offer {name}.")
        wheel = _get(urllib.parse.urljoin(index, link[1]))
    except OSError as error:
        raise InstallError(
            f"cannot reach the package index {_without_password(index)} ({error}). "
            "Check the network, or name an index in PIP_INDEX_URL."
        ) from error
    if hashlib.sha256(wheel).hexdigest() not in digests:
        raise InstallError(f"{name} is not the file that requirements/pip.txt has the hash of.")
    path = folder / name
    path.write_bytes(wheel)
    return path


def _get(url: str) -> bytes:
    request = urllib.request.Request(url, headers={"Accept": "text/html"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        content: bytes = answer.read()
    return content


def _without_password(url: str) -> str:
    return re.sub(r"//[^/@]*@", "//", url)


def install_checkout(python: Path, folder: Path) -> bool:
    """Bring the environment `folder` up to the locks; False when it already was.

    Several that do so at once wait for each other. Raises InstallError when `python` is too old or
    something cannot be had.
    """
    _refuse_old(python)
    with folder.with_name(f"{folder.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _bring_up_to_date(python, folder)


def _bring_up_to_date(python: Path, folder: Path) -> bool:
    stamp = folder / ".installed-from"
    wanted = _digest(python)
    if stamp.is_file() and stamp.read_text() == wanted:
        return False
    environment = VirtualEnvironment(folder)
    # Another interpreter needs another environment; newer packages do not.
    interpreter = folder / ".made-by"
    if not interpreter.is_file() or interpreter.read_text() != _identity(python):
        environment.create(python)
        interpreter.write_text(_identity(python))
    environment.install("--require-hashes", "-r", str(ROOT / "requirements" / "dev.txt"))
    # hatchling is in the lock, so nothing unlocked is fetched to build the project itself.
    environment.install("--no-build-isolation", "--no-deps", "--editable", str(ROOT))
    stamp.write_text(wanted)
    return True


def _refuse_old(python: Path) -> None:
    if not _succeeds(python, "-c", f"import sys; sys.exit(sys.version_info < {OLDEST_PYTHON})"):
        raise InstallError(
            f"{python} is older than Python {'.'.join(map(str, OLDEST_PYTHON))} or does not run; "
            "name another interpreter, for instance: make install PYTHON=python3.13"
        )


def _identity(python: Path) -> str:
    about = "import sys; print(sys.version, sys.base_prefix)"
    done = subprocess.run([str(python), "-c", about], capture_output=True, text=True, check=True)
    return done.stdout


def _digest(python: Path) -> str:
    digest = hashlib.sha256(_identity(python).encode())
    for name in INPUTS:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest() + f" in {ROOT}"


def install_runtime(python: Path, folder: Path) -> None:
    """Make the environment `folder` with what the operator needs to run, but without itself."""
    _refuse_old(python)
    environment = VirtualEnvironment(folder)
    environment.create(python)
    environment.install("--require-hashes", "-r", str(ROOT / "requirements" / "runtime.txt"))


def install_project(python: Path, folder: Path) -> None:
    """Add the project to the environment `folder`, and take pip out of it.

    What builds the project is in an environment of its own, which does not stay.
    """
    with tempfile.TemporaryDirectory(prefix="build-") as scratch:
        builder = VirtualEnvironment(Path(scratch) / "venv")
        builder.create(python)
        builder.install("--require-hashes", "-r", str(ROOT / "requirements" / "build.txt"))
        target = ("--python", str(VirtualEnvironment(folder).command("python")))
        wheels = Path(scratch) / "wheels"
        subprocess.run(
            [str(builder.command("hatchling")), "build", "-t", "wheel", "-d", str(wheels)],
            cwd=ROOT,
            check=True,
        )
        (wheel,) = wheels.glob("*.whl")
        pip = [str(builder.command("python")), "-m", "pip", *target]
        subprocess.run([*pip, "install", "--no-index", "--no-deps", str(wheel)], check=True)
        subprocess.run([*pip, "uninstall", "--yes", "pip"], check=True)


def main() -> int:
    """Make an environment for the checkout, or one to run in; exit status 1 when it fails."""
    parser = argparse.ArgumentParser(prog="install", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / ".venv")
    parser.add_argument(
        "--runtime", type=Path, metavar="FOLDER", help="only what the operator needs to run"
    )
    parser.add_argument(
        "--project", action="store_true", help="with --runtime: add the project to that environment"
    )
    options = parser.parse_args()
    python = Path(sys.executable)
    try:
        if options.runtime and options.project:
            install_project(python, options.runtime.absolute())
        elif options.runtime:
            install_runtime(python, options.runtime.absolute())
        elif install_checkout(python, options.folder.absolute()):
            print(f"installed: {options.folder}")
    except InstallError as error:
        print(f"install: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
