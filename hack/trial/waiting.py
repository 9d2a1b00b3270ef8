"""Waiting for what is going to happen: by looking, up to a deadline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

SECONDS = 90.0
POLL_SECONDS = 0.05


async def until(
    look: Callable[[], Awaitable[T]], seconds: float = SECONDS, every: float = POLL_SECONDS
) -> T:
    """What `look` returns once it is true; it may also raise AssertionError until all is well.

    Raises AssertionError with what was seen last when that takes too long.
    """
    deadline = time.monotonic() + seconds
    while True:
        wrong: object
        try:
            found = await look()
            if found:
                return found
            wrong = found
        except AssertionError as error:
            if time.monotonic() > deadline:
                raise
            wrong = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not so after {seconds:g} s: {wrong!r}")
        await asyncio.sleep(every)


async def throughout(look: Callable[[], Awaitable[T]], seconds: float) -> None:
    """Raise AssertionError as soon as `look` returns what is not true, within `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = await look()
        assert found, found
        await asyncio.sleep(POLL_SECONDS)
