"""The manifest of a backup: each file with its size and SHA-256, stored inside the snapshot.

A text file, one JSON object a line: first the head, which names the tenant, the day and the folder
of each part as the snapshot stores it, then the files in order of part and path. `sha256sum` and
`jq` can read it. Bytes of a name that are not UTF-8 stand as lone surrogates (PEP 383).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jitsi_tenant_operator.backup.configuration import Part

NAME = "manifest.jsonl"
_VERSION = 1
_CHUNK = 1024 * 1024


class ManifestError(Exception):
    """A manifest that cannot be read."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a manifest says first: whose it is, the local day, the folders in the snapshot."""

    tenant: str
    uid: str
    day: str
    folders: Mapping[Part, Path]


@dataclass(frozen=True, slots=True)
class Entry:
    """One regular file: its path within its part, bytes, time of change (ns), SHA-256."""

    part: Part
    path: str
    size: int
    mtime: int
    sha256: str

    @property
    def key(self) -> tuple[Part, str]:
        """What tells it from other files."""
        return self.part, self.path


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest as read, and the SHA-256 of its file."""

    head: Head
    entries: tuple[Entry, ...]
    sha256: str


def write(file: Path, head: Head, entries: Iterable[Entry]) -> tuple[str, int, int]:
    """Write a manifest as the entries come; its SHA-256, and the number and bytes of the files."""
    digest, files, size = hashlib.sha256(), 0, 0
    with file.open("wb") as out:
        for line in _lines(head, entries):
            files, size = files + 1, size + line.get("size", 0)
            text = json.dumps(line, separators=(",", ":")).encode() + b"\n"
            digest.update(text)
            out.write(text)
    return digest.hexdigest(), files - 1, size


def _lines(head: Head, entries: Iterable[Entry]) -> Iterator[dict[str, Any]]:
    folders = {part.value: str(folder) for part, folder in head.folders.items()}
    yield {
        "manifest": _VERSION,
        "tenant": head.tenant,
        "uid": head.uid,
        "day": head.day,
        "folders": folders,
    }
    for each in entries:
        yield {
            "part": each.part.value,
            "path": each.path,
            "size": each.size,
            "mtime": each.mtime,
            "sha256": each.sha256,
        }


def read(file: Path) -> Manifest:
    """Read a manifest. Raises ManifestError."""
    digest = hashlib.sha256()
    entries: list[Entry] = []
    head: Head | None = None
    try:
        with file.open("rb") as lines:
            for line in lines:
                digest.update(line)
                found = json.loads(line)
                if head is None:
                    head = _head(found)
                else:
                    entries.append(_entry(found))
    except (OSError, ValueError, KeyError, TypeError):
        raise ManifestError("the manifest cannot be read") from None
    if head is None:
        raise ManifestError("the manifest is empty")
    return Manifest(head, tuple(entries), digest.hexdigest())


def _head(found: dict[str, Any]) -> Head:
    if found["manifest"] != _VERSION:
        raise ManifestError("the manifest is of another version")
    folders = {Part(part): Path(folder) for part, folder in found["folders"].items()}
    return Head(str(found["tenant"]), str(found["uid"]), str(found["day"]), folders)


def _entry(found: dict[str, Any]) -> Entry:
    path = str(found["path"])
    if path.startswith("/") or ".." in path.split("/"):
        raise ManifestError("the manifest names a file outside of its folder")
    return Entry(
        Part(found["part"]), path, int(found["size"]), int(found["mtime"]), str(found["sha256"])
    )


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file's bytes, read in pieces; OSError when it cannot be read."""
    # Not through a link that has taken the file's place since it was found.
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with open(descriptor, "rb", buffering=0) as opened:  # noqa: PTH123 - a descriptor has no path
        digest = hashlib.sha256()
        buffer = memoryview(bytearray(_CHUNK))
        while count := opened.readinto(buffer):
            digest.update(buffer[:count])
        return digest.hexdigest()
