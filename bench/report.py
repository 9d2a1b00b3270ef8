"""The result for people and for programs, and the machine that it is about."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

from bench.figures import Figure
from bench.run import Measurements, Options
from jitsi_tenant_operator import __version__

_LIBRARIES = ("aiohttp", "kopf", "kubernetes", "orjson", "pydantic")
_VERDICTS = {True: "met", False: "MISSED", None: ""}
_HEADINGS = ("", "value", "floor", "ratio", "target", "")
_GIBIBYTE = 2**30


def machine() -> dict[str, Any]:
    """What the run took place on. `load` is the machine's one-minute load average."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gibibytes": round(
            os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _GIBIBYTE, 1
        ),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "operator": __version__,
        "libraries": {name: version(name) for name in _LIBRARIES},
        "load": os.getloadavg()[0],
    }


def document(
    options: Options, where: dict[str, Any], measured: Measurements, found: Sequence[Figure]
) -> bytes:
    """Everything as JSON: machine, options, figures, and each single measurement."""
    return orjson.dumps(
        {
            "machine": where,
            "options": asdict(options),
            "figures": [asdict(each) for each in found],
            "measurements": asdict(measured),
        },
        option=orjson.OPT_INDENT_2,
    )


def table(where: dict[str, Any], found: Iterable[Figure]) -> str:
    """The figures as a table for a terminal."""
    rows = [_HEADINGS, *(_row(each) for each in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    lines = [
        "  ".join(
            cell.ljust(width) if column in (0, 4, 5) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    about = (
        f"{where['cores']} cores ({where['processor']}), {where['memory_gibibytes']} GiB,"
        f" {where['system']}, Python {where['python']}, load before {where['load']:.1f}"
    )
    return "\n".join([about, "", *lines])


def _row(figure: Figure) -> tuple[str, ...]:
    unit = f" {figure.unit}" if figure.unit else ""
    return (
        figure.name,
        f"{_number(figure.value)}{unit}",
        "" if figure.floor is None else f"{_number(figure.floor)}{unit}",
        "" if figure.ratio is None else f"{figure.ratio:.2f}",
        figure.target,
        _VERDICTS[figure.met],
    )


def _number(value: float) -> str:
    if value == int(value):
        return f"{value:.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.2f}"  # noqa: PLR2004


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
