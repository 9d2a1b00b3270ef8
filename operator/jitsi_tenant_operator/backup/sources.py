"""What is backed up: recordings where they lie, small files as a copy, each file with its digest.

A recording that was touched less than `settle_for` ago is taken to be still written, and left for
the next backup: Jibri writes until a meeting ends, and then finalises. A time of change that lies
far in the future counts as settled, or such a file would never be backed up.

Accounts and configuration change at any time. They are small, so they are copied first, and the
copy is what is backed up. Kubernetes mounts Secrets and ConfigMaps as links, which are followed in
the configuration alone: a link elsewhere may lead anywhere.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from jitsi_tenant_operator.backup.configuration import Part
from jitsi_tenant_operator.backup.manifest import Entry, sha256_of

STAGED = "jitsi-tenant-backup"
"""The folder that holds the copies and the manifest, by which a snapshot's manifest is found."""


class SourceError(Exception):
    """A folder cannot be backed up; the message names it."""


@dataclass(frozen=True, slots=True)
class Found:
    """The files to back up, in order, and those that are left for the next backup."""

    files: tuple[tuple[Part, Path], ...]
    postponed: tuple[Path, ...]


def check(folders: Mapping[Part, Path]) -> None:
    """Raise SourceError unless all folders are there and can be listed."""
    for part, folder in folders.items():
        if not folder.is_dir():
            raise SourceError(f"the folder of {part} is not there, or is no folder: {folder}")
        if not os.access(folder, os.R_OK | os.X_OK):
            raise SourceError(f"the folder of {part} cannot be read: {folder}")


def stage(folders: Mapping[Part, Path], into: Path) -> dict[Part, Path]:
    """Copy what is small into `into`; the folder to back up of each part.

    Raises OSError when something cannot be read.
    """
    if into.exists():
        shutil.rmtree(into)
    into.mkdir(mode=0o700, parents=True)
    staged = dict(folders)
    for part in (Part.ACCOUNTS, Part.CONFIGURATION):
        if part in folders:
            staged[part] = into / part
            _copy(folders[part], staged[part], follow=part is Part.CONFIGURATION)
    return staged


def find(folders: Mapping[Part, Path], settled: datetime, now: datetime) -> Found:
    """The regular files in `folders`, and the recordings touched since `settled`, until `now`.

    A time of change as far in the future counts as `now`: clocks of servers differ.
    """
    since, until = settled.timestamp(), (now + (now - settled)).timestamp()
    files: list[tuple[Part, Path]] = []
    postponed: list[Path] = []
    for part in sorted(folders):
        for file in _walk(folders[part]):
            try:
                status = file.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            if not stat.S_ISREG(status.st_mode):
                continue
            if part is Part.RECORDINGS and since < status.st_mtime < until:
                postponed.append(file)
            else:
                files.append((part, file))
    return Found(tuple(files), tuple(postponed))


def entries(
    found: Found, folders: Mapping[Part, Path], known: Mapping[tuple[Part, str], Entry]
) -> Iterator[Entry]:
    """The manifest's entries; a recording that `known` holds unchanged is not read again.

    A file that is gone by now was deleted by the client, and is passed over.
    """
    for part, file in found.files:
        path = str(file.relative_to(folders[part]))
        with suppress(FileNotFoundError):
            status = file.stat(follow_symlinks=False)
            before = known.get((part, path))
            same = before is not None and (before.size, before.mtime) == _state(status)
            digest = before.sha256 if before is not None and same else sha256_of(file)
            yield Entry(part, path, status.st_size, status.st_mtime_ns, digest)


def changed(entries: Iterator[Entry], folders: Mapping[Part, Path]) -> int:
    """How many of the files are no longer what their entries say."""
    count = 0
    for each in entries:
        try:
            status = (folders[each.part] / each.path).stat(follow_symlinks=False)
        except OSError:
            count += 1
        else:
            count += (each.size, each.mtime) != _state(status)
    return count


def _state(status: os.stat_result) -> tuple[int, int]:
    return status.st_size, status.st_mtime_ns


def _walk(folder: Path) -> Iterator[Path]:
    """What lies below `folder`, by name in each folder; links are not followed."""
    with os.scandir(folder) as scanned:
        inside = sorted(scanned, key=lambda entry: os.fsencode(entry.name))
    for entry in inside:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path))
        else:
            yield Path(entry.path)


def _copy(source: Path, target: Path, *, follow: bool) -> None:
    """Copy a folder's regular files, with their times; a name with `..` in front is Kubernetes'."""
    target.mkdir(mode=0o700)
    with os.scandir(source) as scanned:
        inside = list(scanned)
    for entry in inside:
        if follow and entry.name.startswith(".."):
            continue
        if entry.is_dir(follow_symlinks=follow):
            _copy(Path(entry.path), target / entry.name, follow=follow)
        elif entry.is_file(follow_symlinks=follow):
            shutil.copy2(entry.path, target / entry.name, follow_symlinks=follow)
