"""`python -m toolbox [NAME…]`: make sure that the programs are there, and say where."""

from __future__ import annotations

import argparse
import sys

from toolbox.catalog import TOOLS
from toolbox.errors import ToolError
from toolbox.provision import provide


def main() -> int:
    """Print `name path` for each program; exit status 1 when one cannot be had."""
    parser = argparse.ArgumentParser(prog="toolbox", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(TOOLS)}")
    parser.add_argument("--quiet", action="store_true", help="do not say where they are")
    options = parser.parse_args()
    try:
        found = provide(options.names or TOOLS)
    except ToolError as error:
        print(f"tools: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("tools: interrupted; what is complete is kept", file=sys.stderr)
        return 130
    if not options.quiet:
        for name, path in found.items():
            print(f"{name:<24}{path}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
