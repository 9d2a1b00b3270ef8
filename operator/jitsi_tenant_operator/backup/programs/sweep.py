"""The program `sweep`: removes from both copies what the terms no longer allow, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from jitsi_tenant_operator.backup.programs.running import Run
from jitsi_tenant_operator.backup.report import Outcome, ProblemReason, problem
from jitsi_tenant_operator.backup.retention import Verdict, plan
from jitsi_tenant_operator.backup.store import Copy, Snapshot

_SKEW = timedelta(hours=1)
"""By how much clocks may differ before that is told."""


async def sweep(run: Run, *, dry_run: bool) -> None:
    """Decide on every snapshot of each copy by its date, and delete what is over its time.

    Under a hold nothing is deleted. Where one copy fails the other is swept all the same.
    """
    removed = 0

    async def one(copy: Copy) -> None:
        nonlocal removed
        if not dry_run:
            await run.store.hold(copy, held=run.configuration.held)
        expired = _expired(run, copy, await run.listing(copy))
        run.say(f"{len(expired)} backups are over their time in {copy}")
        if not dry_run and not run.configuration.held:
            # Without ids too: an interrupted run may have left data that nothing uses.
            await run.store.forget(copy, [each.snapshot.id for each in expired])
            removed += len(expired)
            await run.listing(copy)

    for copy in run.store.copies:
        await run.attempt(copy, one)
    run.fields |= {"removed": removed}
    if not removed:
        run.fields["outcome"] = Outcome.UNCHANGED


def _expired(run: Run, copy: Copy, snapshots: Sequence[Snapshot]) -> list[Verdict]:
    now = run.now()
    if any(each.time > now + _SKEW for each in snapshots):
        message = "there are snapshots from the future; they are kept, and replace no others"
        run.problems.append(problem(ProblemReason.CLOCK_BEHIND, message, copy))
    verdicts = plan(snapshots, run.terms, now, run.calendar)
    return [each for each in verdicts if not each.keep]
