"""The program `restore`: gives back a backup, or parts or files of it, as they were recorded.

Files are restored beside their place first, compared with the recorded digests, and moved into
place then. What is not as recorded is left out and told.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from jitsi_tenant_operator.backup.configuration import Part
from jitsi_tenant_operator.backup.manifest import Entry, Manifest, ManifestError, sha256_of
from jitsi_tenant_operator.backup.programs.contents import manifest_of
from jitsi_tenant_operator.backup.programs.running import ProblemError, Run
from jitsi_tenant_operator.backup.report import ProblemReason, problem
from jitsi_tenant_operator.backup.store import Copy, Snapshot, StoreError, StoreReason

ASIDE = ".restoring"
"""The folder beside the restored files for the time of a restore."""

_OF_THE_VOLUME = frozenset({ASIDE, "lost+found"})


@dataclass(frozen=True, slots=True)
class Asked:
    """What to restore from where: the newest backup until `at`, or the one named by `snapshot`.

    All parts that the backup holds, or `parts`; with `path`, within its part, that file alone.
    Each part goes into a folder of its name in `into`, or else to its folder of the configuration.
    A day as `at` stands for its beginning. `replace` lets restored files take the place of present
    ones.
    """

    copy: Copy
    parts: Sequence[str] = ()
    into: Path | None = None
    snapshot: str = ""
    at: date | None = None
    path: str = ""
    replace: bool = False


async def restore(run: Run, asked: Asked) -> None:
    """Restore what is asked for; files of other names that are present stay as they are."""
    at = asked.at
    if at is not None and not isinstance(at, datetime):
        at = run.calendar.start_of(at)
    snapshot = await chosen(run, asked.copy, asked.snapshot, at)
    manifest = await _manifest(run, asked.copy, snapshot)
    wanted = {part: _wanted(manifest, part, asked) for part in manifest.head.folders}
    targets = {part: _target(run, part, asked) for part, entries in wanted.items() if entries}
    if not targets:
        raise ProblemError(ProblemReason.NO_SNAPSHOT, "the backup holds nothing of what is asked")
    for part, target in targets.items():
        if not asked.replace and _occupied(target, asked.path):
            message = f"there is data where {part} would be restored to"
            raise ProblemError(ProblemReason.TARGET_NOT_EMPTY, message)
    run.fields |= {
        "files": 0,
        "bytes": 0,
        "manifest": manifest.sha256,
        "group": snapshot.group,
        "day": manifest.head.day,
    }
    for part, target in targets.items():
        run.say(f"restoring {part}")
        await _restore(run, asked, snapshot, manifest.head.folders[part], wanted[part], target)


def _wanted(manifest: Manifest, part: Part, asked: Asked) -> list[Entry]:
    if asked.parts and part not in asked.parts:
        return []
    return [
        each for each in manifest.entries if each.part is part and asked.path in ("", each.path)
    ]


def _target(run: Run, part: Part, asked: Asked) -> Path:
    if asked.into is not None:
        return asked.into / part
    sources = run.configuration.sources
    named = sources.folders() if sources is not None else {}
    if part not in named:
        message = f"the configuration names no folder for {part}: name one, or restore elsewhere"
        raise ProblemError(ProblemReason.SOURCE_MISSING, message)
    return named[part]


async def chosen(run: Run, copy: Copy, snapshot_id: str, at: datetime | None) -> Snapshot:
    """The snapshot that an id begins with, or else the newest at `at`. Raises ProblemError."""
    found = [
        each
        for each in await run.listing(copy)
        if each.id.startswith(snapshot_id) and (at is None or each.time <= at)
    ]
    if not found or (snapshot_id and len(found) > 1):
        raise ProblemError(ProblemReason.NO_SNAPSHOT, "there is no such backup", copy)
    run.fields["primary" if copy is Copy.PRIMARY else "offsite"] = found[-1].id
    return found[-1]


async def _manifest(run: Run, copy: Copy, snapshot: Snapshot) -> Manifest:
    try:
        return await manifest_of(run.store, copy, snapshot, run.scratch)
    except ManifestError as error:
        raise ProblemError(ProblemReason.NO_MANIFEST, str(error), copy) from None


async def _restore(
    run: Run, asked: Asked, snapshot: Snapshot, folder: Path, entries: Sequence[Entry], target: Path
) -> None:
    """Restore one part, which the snapshot has in `folder`, to `target`."""
    aside = target / ASIDE
    await asyncio.to_thread(_clear, aside)
    paths = [folder / asked.path] if asked.path else [folder]
    intact, bad = await fetch(run, asked.copy, snapshot, paths, entries, folder, aside)
    await asyncio.to_thread(_move, aside / folder.relative_to("/"), target)
    await asyncio.to_thread(shutil.rmtree, aside)
    run.fields["files"] += len(intact)
    run.fields["bytes"] += sum(each.size for each in intact)
    if bad:
        message = f"{bad} files are not as they were recorded, and were left out"
        run.problems.append(problem(ProblemReason.NOT_AS_RECORDED, message, asked.copy))


async def fetch(
    run: Run,
    copy: Copy,
    snapshot: Snapshot,
    paths: Sequence[Path],
    entries: Sequence[Entry],
    folder: Path,
    into: Path,
) -> tuple[list[Entry], int]:
    """Restore `paths` below `into`; the entries that are as recorded, and the number of others.

    What is not as recorded is removed again.
    """
    try:
        await run.store.restore(copy, snapshot.id, paths, into)
    except StoreError as error:
        if error.reason is not StoreReason.DAMAGED:
            raise
        run.problems.append(problem(error.reason, str(error), copy))

    def compare() -> list[Entry]:
        intact = []
        for each in entries:
            file = into / (folder / each.path).relative_to("/")
            with suppress(OSError):
                if file.stat().st_size == each.size and sha256_of(file) == each.sha256:
                    intact.append(each)
                    continue
                file.unlink()
        return intact

    intact = await asyncio.to_thread(compare)
    return intact, len(entries) - len(intact)


def _occupied(target: Path, file: str) -> bool:
    if file:
        return os.path.lexists(target / file)
    return target.is_dir() and any(each.name not in _OF_THE_VOLUME for each in target.iterdir())


def _clear(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700, parents=True)


def _move(source: Path, target: Path) -> None:
    """Move what lies in `source` to `target`, folder into folder, file over file."""
    if not source.is_dir():
        return
    for inside in list(source.iterdir()):
        place = target / inside.name
        if place.is_dir() and not place.is_symlink() and inside.is_dir():
            _move(inside, place)
        else:
            inside.replace(place)
