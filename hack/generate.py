"""Write the generated files, or with --check say which of them are not what would be written.

To add one: write a function that returns the text of each file by its path in the repository, and
name it in GENERATORS.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

Generator = Callable[[], Mapping[str, str]]
"""Makes files: their texts by their paths relative to the repository's root."""

GENERATORS: tuple[Generator, ...] = ()


def generated(generators: Sequence[Generator]) -> dict[str, str]:
    """The texts of all generated files by path; ValueError when two generators claim one path."""
    files: dict[str, str] = {}
    for generator in generators:
        for path, text in generator().items():
            if path in files:
                raise ValueError(f"{path} is generated twice")
            files[path] = text
    return files


def write(files: Mapping[str, str], root: Path) -> list[str]:
    """Write what differs below `root`; the paths that were written."""
    stale = [path for path, text in files.items() if _read(root / path) != text]
    for path in stale:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(files[path], encoding="utf-8")
    return stale


def differences(files: Mapping[str, str], root: Path) -> str:
    """What `write` would change below `root`, as a unified diff; empty when nothing."""
    lines: list[str] = []
    for path, text in files.items():
        present = _read(root / path) or ""
        lines += difflib.unified_diff(
            present.splitlines(keepends=True), text.splitlines(keepends=True), path, path
        )
    return "".join(lines)


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def main() -> int:
    """Write, or check: then exit status 1 and a diff when a file is not up to date."""
    parser = argparse.ArgumentParser(description=__doc__, prog="generate")
    parser.add_argument("--check", action="store_true", help="write nothing, show what is stale")
    check = parser.parse_args().check
    files = generated(GENERATORS)
    if not check:
        for path in write(files, ROOT):
            print(f"wrote {path}")
        return 0
    diff = differences(files, ROOT)
    if diff:
        print(f"{diff}\nGenerated files are not up to date: run `make generate`.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
