"""Tells how far a long job is: a line that moves on a terminal, plain lines elsewhere."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

PLAIN_INTERVAL_SECONDS = 30.0


class Progress:
    """Shows one step at a time; `clock` counts seconds."""

    def __init__(self, out: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._clock = clock
        self._moving = out.isatty()
        self._label = ""
        self._started = 0.0
        self._shown = 0.0

    def start(self, label: str, note: str = "") -> None:
        """Begin the step `label`; `note` says for instance how long it may take."""
        self._label = label
        self._started = self._shown = self._clock()
        self._line(f"{label} {note}".rstrip())

    def tick(self, detail: str = "") -> None:
        """Say that the step goes on; may be called often."""
        now = self._clock()
        if not self._moving and now - self._shown < PLAIN_INTERVAL_SECONDS:
            return
        self._shown = now
        self._line(f"{self._label} {minutes(now - self._started)} {detail}".rstrip())

    def finish(self, outcome: str) -> None:
        """End the step."""
        self._line(f"{self._label} {outcome} in {minutes(self._clock() - self._started)}")
        self._end_line()

    @contextmanager
    def step(self, label: str, outcome: str = "done") -> Iterator[None]:
        """Start and finish the step `label` around a block."""
        self.start(label)
        try:
            yield
        except BaseException:
            self.fail()
            raise
        self.finish(outcome)

    def fail(self) -> None:
        """Leave the step as it stands; what follows begins on a new line."""
        self._end_line()

    def _line(self, text: str) -> None:
        if self._moving:
            width = shutil.get_terminal_size().columns - 1
            self._out.write(f"\r\033[K{text[:width]}")
        else:
            self._out.write(f"{text}\n")
        self._out.flush()

    def _end_line(self) -> None:
        if self._moving:
            self._out.write("\n")
            self._out.flush()


def minutes(seconds: float) -> str:
    """Seconds as m:ss."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
