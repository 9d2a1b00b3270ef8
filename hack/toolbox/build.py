"""Builds one program from its pinned module."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from toolbox.catalog import Tool
from toolbox.errors import ToolError
from toolbox.progress import Progress

TICK_SECONDS = 1.0
TAIL_LINES = 15
NO_NETWORK = re.compile(
    r"dial tcp|no such host|connection refused|i/o timeout|network is unreachable|proxyconnect"
    r"|TLS handshake|module lookup disabled|: (?:40[134]|410|50\d) [A-Z]"
)


def build(tool: Tool, go: Path, target: Path, progress: Progress) -> None:
    """Make `target`, which is there whole or not at all; ToolError when the build fails."""
    target.parent.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{tool.name}-", dir=target.parent.parent))
    try:
        result = scratch / "result"
        result.mkdir()
        _run_go(tool, go, result / tool.name, scratch / "log", progress)
        result.rename(target.parent)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _run_go(tool: Tool, go: Path, output: Path, log: Path, progress: Progress) -> None:
    command = [str(go), "build", *tool.build_arguments, "-o", str(output), tool.package]
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command,
            cwd=tool.folder,
            env=_environment(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
        try:
            while not _ended(process):
                progress.tick(_last_line(log))
        finally:
            # Only when interrupted is it still there.
            if process.poll() is None:
                process.terminate()
                process.wait()
    if process.returncode:
        raise _explain(tool, log.read_text(errors="replace"))


def _ended(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(TICK_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return True


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    kept = {key: value for key, value in environ.items() if key not in {"GOFLAGS", "GOWORK"}}
    return kept | {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"}


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    return lines[-1].strip() if lines else ""


def _explain(tool: Tool, output: str) -> ToolError:
    tail = "\n".join(f"  {line}" for line in output.splitlines()[-TAIL_LINES:])
    advice = "The build said:"
    if NO_NETWORK.search(output):
        advice = (
            "Its Go modules could not be downloaded. Check the network or GOPROXY, or put ready "
            "programs into a folder and name it in KUBEBUILDER_ASSETS. The build said:"
        )
    elif "no space left on device" in output:
        advice = "The disk is full; a first build needs about 4 GB in all. The build said:"
    return ToolError(f"{tool.name} {tool.version} could not be built. {advice}\n{tail}")
