"""A program as a command: reads its configuration, says what it does, ends with a report.

Progress goes to the standard error: on a terminal as words, else as a JSON object a line. The
report goes to the standard output, and into a file where one is named: in a Job, the container's
termination message.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TextIO

from jitsi_tenant_operator.backup.configuration import (
    Configuration,
    ConfigurationError,
    read_configuration,
)
from jitsi_tenant_operator.backup.programs.running import Run, report_of
from jitsi_tenant_operator.backup.report import Outcome, Program, Report, encode
from jitsi_tenant_operator.backup.store import StoreError
from jitsi_tenant_operator.backup.stores import open_store
from jitsi_tenant_operator.clock import Clock

Work = Callable[[Run], Awaitable[None]]

_NICENESS = 15
"""Meetings come first."""
_STEP = 10
"""Every how many percent a progress is told."""


def run_program(
    program: Program, path: Path, report_file: Path | None, work: Work, clock: Clock
) -> int:
    """Run a program to its end; the exit status is 0 unless its report says that it failed.

    Raises ConfigurationError when it cannot even begin.
    """
    voice = Voice(program, sys.stderr, terminal=sys.stderr.isatty())
    configuration = read_configuration(path)
    os.nice(_NICENESS)
    report = asyncio.run(_supervised(program, configuration, work, clock, voice))
    text = encode(report)
    if report_file is not None:
        try:
            report_file.write_text(text)
        except OSError as error:
            raise ConfigurationError(f"{report_file}: {error.strerror}") from None
    sys.stdout.write(_in_words(report) if sys.stdout.isatty() else f"{text}\n")
    return 0 if report.outcome is not Outcome.FAILED else 1


async def _supervised(
    program: Program, configuration: Configuration, work: Work, clock: Clock, voice: Voice
) -> Report:
    try:
        store = open_store(configuration, voice.progress, clock)
    except StoreError as error:
        raise ConfigurationError(str(error)) from None
    run = Run(configuration, store, clock, voice.say)
    task = asyncio.ensure_future(report_of(program, run, work))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await task


class Voice:
    """Says what a program is doing."""

    def __init__(self, program: Program, out: TextIO, *, terminal: bool) -> None:
        self._program, self._out, self._terminal = program, out, terminal
        self._told = 0

    def say(self, doing: str) -> None:
        """Say what is begun."""
        self._told = 0
        self._write(doing, {"doing": doing})

    def progress(self, part: float) -> None:
        """Say how much of it is done, from 0 to 1, in steps."""
        percent = int(part * 100)
        if percent >= self._told + _STEP:
            self._told = percent - percent % _STEP
            self._write(f"{self._told} %", {"percent": self._told})

    def _write(self, words: str, fields: dict[str, object]) -> None:
        line = json.dumps({"program": self._program, **fields})
        self._out.write(f"{self._program}: {words}\n" if self._terminal else f"{line}\n")
        self._out.flush()


def _in_words(report: Report) -> str:
    """A report for a person."""
    shown = report.to_json()
    problems, copies = shown.pop("problems", []), shown.pop("copies", [])
    lines = [f"{name}: {value}" for name, value in shown.items() if value not in ([], "")]
    lines += [
        f"{copy['copy']}: {copy['count']} backups, {copy['expired']} over their time"
        for copy in copies
    ]
    for each in problems:
        where = f" ({each['copy']})" if "copy" in each else ""
        lines.append(f"{each['reason']}{where}: {each['message']}")
    return "\n".join(lines) + "\n"
