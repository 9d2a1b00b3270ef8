"""The program `copy`: brings to the other site what the terms keep and it lacks.

It runs where the off-site copy is reached, which is not where backups are made.
"""

from __future__ import annotations

from jitsi_tenant_operator.backup.programs.running import Run
from jitsi_tenant_operator.backup.report import Outcome
from jitsi_tenant_operator.backup.retention import plan
from jitsi_tenant_operator.backup.store import Copy


async def copy(run: Run) -> None:
    """Copy off-site what is kept; nothing where the configuration names no other site."""
    verdicts = plan(await run.listing(Copy.PRIMARY), run.terms, run.now(), run.calendar)
    kept = [each.snapshot for each in verdicts if each.keep]

    async def one(offsite: Copy) -> None:
        run.say("copying off-site")
        await run.store.copy_offsite(kept)
        await run.listing(offsite)

    if Copy.OFFSITE in run.store.copies:
        await run.attempt(Copy.OFFSITE, one)
    else:
        run.fields["outcome"] = Outcome.UNCHANGED
