"""`python -m bench`: measure, print a table, write JSON."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from bench.figures import figures, missed
from bench.report import document, machine, table
from bench.run import Options, measure
from installation import ROOT
from localplane import PlaneError
from toolbox import ToolError

RESULT = ROOT / "build" / "bench.json"
FEWEST = 8


def main() -> int:
    """Exit status 0; 1 when it did not work or, with --check, a figure was missed."""
    arguments = _parser().parse_args()
    options = Options(
        tenants=arguments.tenants,
        samples=arguments.samples,
        idle_seconds=arguments.idle_seconds,
        restarts=arguments.restarts,
    )
    where = machine()
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            measured = asyncio.run(measure(options, Path(folder), _say))
    except (PlaneError, ToolError, TimeoutError, RuntimeError) as error:
        print(f"bench: {str(error) or 'it took too long'}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bench: interrupted; nothing of it runs any more", file=sys.stderr)
        return 130
    found = figures(measured)
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_bytes(document(options, where, measured, found))
    print(f"{table(where, found)}\n\nEverything measured: {arguments.json}")
    return 1 if arguments.check and missed(found) else 0


def _parser() -> argparse.ArgumentParser:
    usual = Options()
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument(
        "--tenants",
        type=_tenants,
        default=usual.tenants,
        metavar="N",
        help="how many tenants there are in the end; the figures are promised for the default"
        " (%(default)s), fewer are for a quick look",
    )
    parser.add_argument(
        "--samples",
        type=_positive,
        default=usual.samples,
        metavar="N",
        help="how often one new tenant is timed (%(default)s)",
    )
    parser.add_argument(
        "--restarts",
        type=_positive,
        default=usual.restarts,
        metavar="N",
        help="how often a restart is timed (%(default)s)",
    )
    parser.add_argument(
        "--idle-seconds",
        type=float,
        default=usual.idle_seconds,
        metavar="S",
        help="how long the steady state is watched (%(default)s)",
    )
    parser.add_argument(
        "--json", type=Path, default=RESULT, metavar="FILE", help="where to write (%(default)s)"
    )
    parser.add_argument(
        "--check", action="store_true", help="exit with status 1 when a figure is missed"
    )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("it must be 1 or more")
    return number


def _tenants(text: str) -> int:
    number = _positive(text)
    if number < FEWEST:
        raise argparse.ArgumentTypeError(f"it must be {FEWEST} or more, to be made in rounds")
    return number


def _say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
