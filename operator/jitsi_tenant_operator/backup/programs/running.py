"""What all programs have in common: what they work with, and a report however they end."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from jitsi_tenant_operator.backup.configuration import Configuration
from jitsi_tenant_operator.backup.report import (
    Listed,
    Outcome,
    ProblemReason,
    Program,
    Report,
    ReportedProblem,
    Verification,
    instant,
    listed,
    problem,
)
from jitsi_tenant_operator.backup.retention import Terms, plan
from jitsi_tenant_operator.backup.sources import SourceError
from jitsi_tenant_operator.backup.store import BackupStore, Copy, Snapshot, StoreError
from jitsi_tenant_operator.clock import Clock
from jitsi_tenant_operator.contract.calendar import Calendar

Say = Callable[[str], None]
"""Is told what a program is doing, in a few words without names of files."""


class ProblemError(Exception):
    """Ends a program with a problem of its own."""

    def __init__(self, reason: ProblemReason, message: str, copy: Copy | None = None) -> None:
        super().__init__(message)
        self.problem = problem(reason, message, copy)


@dataclass
class Run:
    """What a program works with, and what it has found so far."""

    configuration: Configuration
    store: BackupStore
    clock: Clock
    say: Say = lambda _: None
    fields: dict[str, Any] = field(default_factory=dict)
    problems: list[ReportedProblem] = field(default_factory=list)
    verified: list[Verification] = field(default_factory=list)
    copies: dict[Copy, Listed] = field(default_factory=dict)

    @property
    def calendar(self) -> Calendar:
        """The platform's calendar."""
        return Calendar.of(self.configuration.time_zone)

    @property
    def terms(self) -> Terms:
        """The terms on backups."""
        return Terms(self.configuration.backup.daily, self.configuration.backup.weekly)

    @property
    def scratch(self) -> Path:
        """The program's own folder."""
        return Path(self.configuration.scratch)

    def now(self) -> datetime:
        """The present instant, to the second."""
        return instant(self.clock.now())

    async def listing(self, copy: Copy) -> Sequence[Snapshot]:
        """The snapshots of a copy, all protected under a hold; the report then lists them."""
        held = self.configuration.held
        found = [
            replace(each, protected=each.protected or held)
            for each in await self.store.snapshots(copy)
        ]
        expired = sum(not each.keep for each in plan(found, self.terms, self.now(), self.calendar))
        self.copies[copy] = listed(copy, found, expired)
        return found

    async def attempt(self, copy: Copy, work: Callable[[Copy], Awaitable[None]]) -> bool:
        """Do something with one copy; a failure is noted, and does not keep from the other."""
        try:
            await work(copy)
        except StoreError as error:
            self.problems.append(problem(error.reason, str(error), copy))
            return False
        return True


async def report_of(program: Program, run: Run, work: Callable[[Run], Awaitable[None]]) -> Report:
    """Do `work`, and report on it whatever happens; a cancellation is reported as well."""
    started, begun = run.now(), run.clock.monotonic()
    try:
        await work(run)
    except StoreError as error:
        run.problems.append(problem(error.reason, str(error), Copy.PRIMARY))
    except ProblemError as error:
        run.problems.append(error.problem)
    except SourceError as error:
        run.problems.append(problem(ProblemReason.SOURCE_MISSING, str(error)))
    except OSError as error:
        run.problems.append(_of_the_system(error))
    except asyncio.CancelledError:
        run.problems.append(problem(ProblemReason.INTERRUPTED, "it was told to stop"))
    outcome = run.fields.pop("outcome", Outcome.SUCCEEDED)
    return Report(
        program=program,
        outcome=Outcome.FAILED if run.problems else outcome,
        started=started,
        seconds=round(run.clock.monotonic() - begun, 1),
        verified=tuple(run.verified),
        problems=tuple(run.problems),
        copies=tuple(run.copies.values()),
        **run.fields,
    )


def _of_the_system(error: OSError) -> ReportedProblem:
    """Without the path, which can be the name of a recording."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return problem(ProblemReason.DISK_FULL, "there is no space left where the program works")
    reason = (error.strerror or type(error).__name__).lower()
    return problem(ProblemReason.SOURCE_MISSING, f"a file cannot be read or written: {reason}")
