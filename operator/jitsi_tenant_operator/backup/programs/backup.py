"""The program `backup`: one backup, its evidence, and its copy on the other site.

A scheduled backup is told by its local day: where the day has a complete one, a second run writes
nothing, and only brings the off-site copy up to date.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from jitsi_tenant_operator.backup import sources
from jitsi_tenant_operator.backup.configuration import Part
from jitsi_tenant_operator.backup.manifest import NAME, Entry, Head, ManifestError, write
from jitsi_tenant_operator.backup.programs.contents import manifest_of, missing
from jitsi_tenant_operator.backup.programs.running import ProblemError, Run
from jitsi_tenant_operator.backup.report import Outcome, ProblemReason, problem
from jitsi_tenant_operator.backup.retention import plan
from jitsi_tenant_operator.backup.store import (
    BackupRequest,
    Copy,
    Group,
    Snapshot,
    StoreError,
    Written,
)


async def back_up(run: Run, group: Group) -> None:
    """Back up what the configuration names, unless the day's scheduled backup is there."""
    configuration = run.configuration
    if configuration.sources is None:
        raise ProblemError(ProblemReason.SOURCE_MISSING, "the configuration names no sources")
    folders = configuration.sources.folders()
    sources.check(folders)
    day = run.calendar.day_of(run.now())
    run.fields |= {"group": group, "day": day.isoformat()}
    before = await run.store.snapshots(Copy.PRIMARY)
    present = await _backup_of_the_day(run, before) if group is Group.SCHEDULED else None
    if present is None:
        present = await _write(run, group, folders, before)
    else:
        run.fields["outcome"] = Outcome.UNCHANGED
    await _finish(run, present)


async def _backup_of_the_day(run: Run, before: Sequence[Snapshot]) -> Snapshot | None:
    """The day's scheduled backup, if it holds all that its manifest lists."""
    today = run.calendar.day_of(run.now())
    for snapshot in reversed(before):
        if snapshot.group is Group.SCHEDULED and run.calendar.day_of(snapshot.time) == today:
            try:
                files = await run.store.files(Copy.PRIMARY, snapshot.id)
                manifest = await manifest_of(run.store, Copy.PRIMARY, snapshot, run.scratch, files)
            except (ManifestError, StoreError):
                return None
            if missing(manifest.head, manifest.entries, files):
                return None
            run.fields |= {
                "files": len(manifest.entries),
                "bytes": sum(entry.size for entry in manifest.entries),
                "manifest": manifest.sha256,
            }
            return snapshot
    return None


async def _write(
    run: Run, group: Group, folders: dict[Part, Path], before: Sequence[Snapshot]
) -> Snapshot:
    known = await _known(run, before)
    written, differing = await _once(run, group, folders, known)
    if differing:
        # A file that changed while it was read is not settled when this one looks.
        written, differing = await _once(run, group, folders, known)
    if differing:
        message = f"{differing} files changed while they were read, or are not in the snapshot"
        run.problems.append(problem(ProblemReason.SOURCE_CHANGED, message))
    return written.snapshot


async def _once(
    run: Run, group: Group, folders: dict[Part, Path], known: dict[tuple[Part, str], Entry]
) -> tuple[Written, int]:
    """Write a snapshot; what was written, and how many files are not as the manifest says."""
    now, staging = run.now(), run.scratch / sources.STAGED
    settled = run.calendar.before(now, run.configuration.settle_for)
    run.say("reading")
    staged = await asyncio.to_thread(sources.stage, folders, staging)
    found = await asyncio.to_thread(sources.find, staged, settled, now)
    if not found.files:
        raise ProblemError(ProblemReason.NOTHING_TO_BACK_UP, "the folders hold no file")
    day = run.calendar.day_of(now)
    tenant = run.configuration.tenant
    head = Head(tenant.name, tenant.uid, day.isoformat(), staged)
    entries: list[Entry] = []

    def write_manifest() -> tuple[str, int, int]:
        entries.extend(sources.entries(found, staged, known))
        return write(staging / NAME, head, entries)

    digest, files, size = await asyncio.to_thread(write_manifest)
    run.fields |= {
        "files": files,
        "bytes": size,
        "manifest": digest,
        "postponed": len(found.postponed) or None,
    }
    recordings = [staged[Part.RECORDINGS]] if Part.RECORDINGS in staged else []
    run.say("writing")
    request = BackupRequest(group, day, now, [*recordings, staging], found.postponed, digest)
    written = await run.store.back_up(request)
    run.fields["added_bytes"] = written.added
    stored = await run.store.files(Copy.PRIMARY, written.snapshot.id)
    changed = await asyncio.to_thread(sources.changed, iter(entries), staged)
    return written, max(changed, missing(head, entries, stored))


async def _known(run: Run, before: Sequence[Snapshot]) -> dict[tuple[Part, str], Entry]:
    """The recordings of the last backup: what has not changed since need not be read again."""
    if not before:
        return {}
    try:
        manifest = await manifest_of(run.store, Copy.PRIMARY, before[-1], run.scratch)
    except (ManifestError, StoreError):
        return {}
    return {each.key: each for each in manifest.entries if each.part is Part.RECORDINGS}


async def _finish(run: Run, snapshot: Snapshot) -> None:
    """Copy off-site what the terms keep, and say how long this backup is kept."""
    run.fields["primary"] = snapshot.id
    verdicts = plan(await run.listing(Copy.PRIMARY), run.terms, run.now(), run.calendar)
    kept = [each.snapshot for each in verdicts if each.keep]
    for each in verdicts:
        if each.snapshot.id == snapshot.id:
            run.fields |= {"expires": each.until, "rule": each.rule.value}

    async def copy(copy: Copy) -> None:
        run.say("copying off-site")
        await run.store.copy_offsite(kept)
        for each in await run.listing(copy):
            if each.origin == snapshot.id:
                run.fields["offsite"] = each.id

    if Copy.OFFSITE in run.store.copies:
        await run.attempt(Copy.OFFSITE, copy)
