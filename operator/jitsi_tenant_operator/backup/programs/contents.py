"""What a snapshot holds: its manifest, found and verified, and whether all of it is there."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from jitsi_tenant_operator.backup.configuration import Part
from jitsi_tenant_operator.backup.manifest import NAME, Entry, Head, Manifest, ManifestError, read
from jitsi_tenant_operator.backup.sources import STAGED
from jitsi_tenant_operator.backup.store import BackupStore, Copy, Snapshot, StoredFile

_PLACE = f"/{STAGED}/{NAME}"


async def manifest_of(
    store: BackupStore,
    copy: Copy,
    snapshot: Snapshot,
    scratch: Path,
    files: Sequence[StoredFile] | None = None,
) -> Manifest:
    """The manifest inside a snapshot, which must have the digest that the snapshot states.

    Raises ManifestError when there is none such, and StoreError.
    """
    into = scratch / "manifest"
    for stored in files if files is not None else await store.files(copy, snapshot.id):
        if not stored.path.endswith(_PLACE):
            continue
        shutil.rmtree(into, ignore_errors=True)
        await store.restore(copy, snapshot.id, [Path(stored.path)], into)
        found = read(into / stored.path.lstrip("/"))
        if found.sha256 == snapshot.manifest:
            return found
    raise ManifestError("the snapshot holds no manifest with the digest that it states")


def missing(head: Head, entries: Iterable[Entry], files: Iterable[StoredFile]) -> int:
    """How many files differ between a manifest and the listing of its snapshot, in name or size.

    Names are compared as listings have them, where several that are not UTF-8 can look alike.
    """
    wanted = Counter(
        StoredFile(_as_listed(head.folders[each.part] / each.path), each.size) for each in entries
    )
    recordings = head.folders.get(Part.RECORDINGS)
    present = Counter(
        each
        for each in files
        # The manifest itself is no entry; a recording may well be called so.
        if not each.path.endswith(_PLACE)
        or (recordings is not None and each.path.startswith(f"{_as_listed(recordings)}/"))
    )
    differing = (wanted - present) + (present - wanted)
    return differing.total()


def _as_listed(path: Path) -> str:
    """Each byte that is not UTF-8 stands as U+FFFD, as in Go's JSON."""
    text = os.fsdecode(path)
    return "".join("\ufffd" if "\udc80" <= char <= "\udcff" else char for char in text)
