"""The program `verify`: both copies are sound, and the off-site one lacks nothing."""

from __future__ import annotations

from jitsi_tenant_operator.backup.programs.running import Run
from jitsi_tenant_operator.backup.report import ProblemReason, Verification, problem
from jitsi_tenant_operator.backup.retention import plan
from jitsi_tenant_operator.backup.store import Copy, Depth


async def verify(run: Run, depth: Depth, percent: int) -> None:
    """Verify each copy; what one of them holds is compared with what the other holds."""
    origins: dict[Copy, set[str]] = {}

    async def one(copy: Copy) -> None:
        verdicts = plan(await run.listing(copy), run.terms, run.now(), run.calendar)
        origins[copy] = {each.snapshot.origin for each in verdicts if each.keep}
        if not verdicts:
            run.problems.append(problem(ProblemReason.NO_SNAPSHOT, "there is no backup", copy))
            return
        run.say(f"verifying {copy}")
        await run.store.verify(copy, depth, percent)
        run.verified.append(
            Verification(
                at=run.now(),
                depth=depth,
                copy_=copy,
                percent=percent if depth is Depth.SAMPLE else 100,
            )
        )

    for copy in run.store.copies:
        await run.attempt(copy, one)
    behind = origins.get(Copy.PRIMARY, set()) - origins.get(Copy.OFFSITE, set())
    if Copy.OFFSITE in origins and behind:
        message = f"{len(behind)} backups of the primary are not in the off-site copy"
        run.problems.append(problem(ProblemReason.OFFSITE_BEHIND, message, Copy.OFFSITE))
