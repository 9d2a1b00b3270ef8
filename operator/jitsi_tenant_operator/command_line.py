"""What the commands share: how dates are given to them, and how they write what they found."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from datetime import date, datetime
from typing import TypeVar

MISTAKE = 2
"""Exit status for input that cannot be used, as argparse has it for the command line itself."""

_CENTURY = 20
"""The first digits of the years that the API takes."""


def instant_or_day(text: str) -> datetime | date:
    """The value of an option: an instant with its zone, or a day."""
    if "T" not in text:
        return calendar_day(text)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not an instant with its zone, such as 2027-06-01T08:00:00Z"
        )
    return _in_range(at, text)


def calendar_day(text: str) -> date:
    """The value of an option: a day of this century."""
    try:
        return _in_range(date.fromisoformat(text), text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day, such as 2028-12-31") from None


D = TypeVar("D", bound=date)


def _in_range(at: D, text: str) -> D:
    if at.year // 100 != _CENTURY:
        raise argparse.ArgumentTypeError(f"{text!r} is not in this century")
    return at


def print_text(text: Callable[[], str], mistake: type[Exception]) -> int:
    """Write what `text` returns to the standard output; the exit status.

    That is MISTAKE when it raises `mistake`, which is told on the standard error.
    """
    try:
        written = text()
    except mistake as error:
        print(error, file=sys.stderr)
        return MISTAKE
    try:
        # YAML is in UTF-8, whatever the terminal's language.
        sys.stdout.buffer.write(written.encode())
        sys.stdout.flush()
    except OSError as error:
        return _not_written(error)
    return 0


def _not_written(error: OSError) -> int:
    """Whoever reads the output may have seen enough of it, as `head` does; a full disk is worse."""
    # Python writes what is left at its end, and would complain once more.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):
        return 0
    print(f"the output cannot be written: {error.strerror}", file=sys.stderr)
    return 1
