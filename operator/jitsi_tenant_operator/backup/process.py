"""Another program as a child process: its lines as they come, its end whatever happens to us."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass

_CHUNK = 256 * 1024
_TAIL_LINES = 200
_TAIL_WIDTH = 2_000
_GRACE_SECONDS = 20.0
"""Less than Kubernetes' grace for a pod, 30 seconds."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended: its exit status, and the last lines of its standard error."""

    status: int
    errors: str


Line = Callable[[bytes], None]


async def run(
    command: Sequence[str | bytes],
    environment: Mapping[str, str],
    on_line: Line,
    *,
    hopeless: Callable[[str], bool] = lambda _: False,
) -> Finished:
    """Run `command`, never through a shell; `on_line` is given each line that it writes.

    Memory is bounded by the longest line. It is ended when this is cancelled, and as soon as
    `hopeless` says so of a line of its standard error. OSError when it cannot be started.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=dict(environment),
    )
    tail: deque[str] = deque(maxlen=_TAIL_LINES)

    async def output() -> None:
        assert process.stdout is not None
        async for line in _lines(process.stdout):
            on_line(line)

    async def errors() -> None:
        assert process.stderr is not None
        async for line in _lines(process.stderr):
            tail.append(line.decode(errors="replace")[:_TAIL_WIDTH])
            if hopeless(tail[-1]):
                _end(process)

    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(output())
            tasks.create_task(errors())
        status = await process.wait()
    finally:
        if process.returncode is None:
            await _ended(process)
    return Finished(status, "\n".join(tail))


def _end(process: asyncio.subprocess.Process) -> None:
    """SIGINT is what every version of restic removes its locks for."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)


async def _ended(process: asyncio.subprocess.Process) -> None:
    _end(process)
    try:
        async with asyncio.timeout(_GRACE_SECONDS):
            await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[bytes]:
    rest = b""
    while chunk := await stream.read(_CHUNK):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line
    if rest:
        yield rest
