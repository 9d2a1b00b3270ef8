"""One control plane for a whole run, whatever the number of workers, and tests that come last."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from localplane import stop

FOLDER = "LOCALPLANE_FOLDER"
OWNER = "LOCALPLANE_OWNER"
FINISHED = "finished-tests"
FAILED = "failed"
KEPT = ("logs", "audit.log", "supervisor.log")
"""What stays of the control plane of a run that failed."""
NO_PROGRESS_SECONDS = 180.0


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--plane",
        metavar="FOLDER",
        help="use the control plane that runs there, or start one and leave it running: "
        "saves seconds while working on a test (python -m localplane stop FOLDER ends it)",
    )


def pytest_configure(config: pytest.Config) -> None:
    if _is_worker(config):
        return
    # Inherited by the workers; the control plane ends with the owner, even if that is killed.
    os.environ[OWNER] = str(os.getpid())
    os.environ[FOLDER] = tempfile.mkdtemp(prefix="localplane-")


def pytest_unconfigure(config: pytest.Config) -> None:
    if not _is_worker(config):
        folder = Path(os.environ[FOLDER])
        stop(folder)
        if (folder / FAILED).exists():
            _remove_all_but(KEPT, folder)
        else:
            shutil.rmtree(folder, ignore_errors=True)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: pytest.ExitCode
) -> None:
    logs = Path(os.environ[FOLDER]) / "logs"
    if exitstatus != pytest.ExitCode.OK and logs.is_dir():
        (logs.parent / FAILED).touch()
        terminalreporter.write_line(f"logs of the control plane: {logs}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.get_closest_marker("after_all") is not None)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("after_all") is not None:
        _wait_for_the_others(item.session)


def pytest_runtest_logfinish(nodeid: str) -> None:
    with (Path(os.environ[FOLDER]) / FINISHED).open("a") as file:
        file.write(f"{nodeid}\n")


def _wait_for_the_others(session: pytest.Session) -> None:
    others = {item.nodeid for item in session.items if not item.get_closest_marker("after_all")}
    deadline, seen = time.monotonic() + NO_PROGRESS_SECONDS, 0
    while missing := others - (finished := _finished()):
        if len(finished) > seen:
            deadline, seen = time.monotonic() + NO_PROGRESS_SECONDS, len(finished)
        if time.monotonic() > deadline:
            pytest.fail(f"waited in vain for {sorted(missing)}")
        time.sleep(0.1)


def _finished() -> set[str]:
    path = Path(os.environ[FOLDER]) / FINISHED
    return set(path.read_text().splitlines()) if path.exists() else set()


def _remove_all_but(kept: Sequence[str], folder: Path) -> None:
    for path in folder.iterdir():
        if path.name in kept:
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")
