"""Brings together what is there already and what must be built."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TextIO

from toolbox.build import build
from toolbox.catalog import CONTROL_PLANE, TOOLS, Tool
from toolbox.errors import ToolError
from toolbox.golang import toolchain
from toolbox.locking import exclusive
from toolbox.places import Places
from toolbox.progress import Progress, minutes

Builder = Callable[[Tool, Path, Path, Progress], None]
"""Makes the program of a tool with a Go command at a path."""


def provide(
    names: Iterable[str] = CONTROL_PLANE,
    *,
    places: Places | None = None,
    out: TextIO | None = None,
    builder: Builder = build,
) -> dict[str, Path]:
    """The path of each program of `names`, which are built when they are nowhere yet.

    Writes its progress to `out` (standard error) and nothing when all are there. ToolError when a
    name is unknown or a build fails.
    """
    places = places or Places.from_environment()
    tools = [_tool(name) for name in names]
    found = {tool.name: places.find(tool) for tool in tools}
    missing = [tool for tool in tools if found[tool.name] is None]
    if missing:
        progress = Progress(out or sys.stderr)
        go = toolchain(max(tool.go_version for tool in missing), places.cache)
        for number, tool in enumerate(missing, start=1):
            label = f"[{number}/{len(missing)}] {tool.name} {tool.version}"
            found[tool.name] = _ensure(tool, places, go, progress, label, builder)
    return {name: path for name, path in found.items() if path}


def _tool(name: str) -> Tool:
    try:
        return TOOLS[name]
    except KeyError:
        raise ToolError(f"there is no tool {name}; there are: {', '.join(TOOLS)}.") from None


def _ensure(
    tool: Tool, places: Places, go: Path, progress: Progress, label: str, builder: Builder
) -> Path:
    lock = places.cache / f"{tool.cache_name}.lock"
    with exclusive(lock, lambda: progress.start(label, "waits for another build of it")):
        # Whoever had the lock before has usually built it.
        path = places.find(tool)
        if path is None:
            path = places.built(tool)
            progress.start(label, f"building, about {minutes(tool.cold_seconds)} the first time")
            try:
                builder(tool, go, path, progress)
            except BaseException:
                progress.fail()
                raise
            progress.finish("built")
    return path
