"""The program `drill`: restores a sample into a scratch place, compares it, opens it, removes it.

The sample is all accounts and all configuration, the newest recording, and others chosen by the
day, so that in time each of them has its turn.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path

from jitsi_tenant_operator.backup.configuration import Part
from jitsi_tenant_operator.backup.manifest import Entry, Manifest, ManifestError
from jitsi_tenant_operator.backup.opening import opens
from jitsi_tenant_operator.backup.programs.contents import manifest_of
from jitsi_tenant_operator.backup.programs.restore import chosen, fetch
from jitsi_tenant_operator.backup.programs.running import ProblemError, Run
from jitsi_tenant_operator.backup.report import ProblemReason, Verification, problem
from jitsi_tenant_operator.backup.store import Copy, Depth, Snapshot


async def drill(run: Run, copy: Copy, recordings: int) -> None:
    """Restore the newest backup's sample, with so many recordings, from one copy."""
    snapshot = await chosen(run, copy, "", None)
    try:
        manifest = await manifest_of(run.store, copy, snapshot, run.scratch)
    except ManifestError as error:
        raise ProblemError(ProblemReason.NO_MANIFEST, str(error), copy) from None
    place = run.scratch / "drill"
    await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)
    run.fields |= {"files": 0, "bytes": 0, "manifest": manifest.sha256, "day": manifest.head.day}
    try:
        for part, entries in _sample(manifest, run.now().toordinal(), recordings).items():
            run.say(f"restoring a sample of {part}")
            await _try(run, copy, snapshot, manifest.head.folders[part], entries, place)
    finally:
        await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)
    if not run.problems:
        total = sum(each.size for each in manifest.entries)
        percent = 100 * run.fields["bytes"] // total if total else 100
        run.verified.append(
            Verification(at=run.now(), depth=Depth.RESTORED, copy_=copy, percent=percent)
        )


async def _try(
    run: Run, copy: Copy, snapshot: Snapshot, folder: Path, entries: Sequence[Entry], place: Path
) -> None:
    # Small files are restored with their folder: a command line cannot name them all.
    whole = entries[0].part is not Part.RECORDINGS
    paths = [folder] if whole else [folder / each.path for each in entries]
    intact, bad = await fetch(run, copy, snapshot, paths, entries, folder, place)
    files = [place / (folder / each.path).relative_to("/") for each in intact]
    opened = await asyncio.to_thread(lambda: sum(map(opens, files)))
    closed = len(files) - opened
    run.fields["files"] += len(intact)
    run.fields["bytes"] += sum(each.size for each in intact)
    if bad:
        message = f"{bad} restored files are not as they were recorded"
        run.problems.append(problem(ProblemReason.NOT_AS_RECORDED, message, copy))
    if closed:
        message = f"{closed} restored files are intact but cannot be opened for what they are"
        run.problems.append(problem(ProblemReason.NOT_OPENED, message, copy))


def _sample(manifest: Manifest, day: int, recordings: int) -> dict[Part, list[Entry]]:
    by_part: dict[Part, list[Entry]] = {}
    for each in manifest.entries:
        by_part.setdefault(each.part, []).append(each)
    recorded = by_part.get(Part.RECORDINGS, [])
    if len(recorded) > recordings:
        newest = max(recorded, key=lambda each: each.mtime)
        first = day * (recordings - 1) % len(recorded)
        turn = (recorded[first:] + recorded[:first])[: recordings - 1]
        by_part[Part.RECORDINGS] = [each for each in recorded if each in (newest, *turn)]
    return by_part
