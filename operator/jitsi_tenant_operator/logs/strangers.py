"""What is on the volumes: the logs, and what is no log."""

from __future__ import annotations

import stat
from collections.abc import Iterator

from jitsi_tenant_operator.logs.layout import (
    ACCESS,
    ACCESS_LOCK,
    LOCK,
    MANIFEST,
    UNFINISHED,
    CurrentLog,
    Layout,
)
from jitsi_tenant_operator.logs.manifest import Event, Manifest
from jitsi_tenant_operator.logs.storage import files_below, is_folder, names_in

_LONGEST_NAME = 80


def current_logs(layout: Layout, tenant: str) -> list[CurrentLog]:
    """The current logs of a tenant, sorted. Raises OSError."""
    return [log for log in map(CurrentLog.parse, _regular(layout, tenant)) if log is not None]


def strangers(layout: Layout, manifest: Manifest) -> Iterator[str]:
    """What is in the folders of a tenant and is neither a log nor listed; in words. OSError.

    Such a file is never read nor removed: nobody knows whose it is and what it says.
    """
    logs = {log.name for log in current_logs(layout, manifest.tenant)}
    folder = layout.current / manifest.tenant
    for path in files_below(folder) if is_folder(folder) else ():
        if path not in logs:
            yield f"current/{_shown(path)}"
    known = {MANIFEST, ACCESS, LOCK, ACCESS_LOCK}
    for kept in manifest.archives():
        if kept.disposal is not Event.DELETED:
            known.add(str(kept.archive.path))
        # What is listed as gone may be there until the next run, or as long as it is held.
        known.add(str((kept.replaced or kept.archive).path))
    for path in files_below(layout.archives / manifest.tenant):
        if path not in known and not path.endswith(UNFINISHED):
            yield f"archives/{_shown(path)}"


def _regular(layout: Layout, tenant: str) -> list[str]:
    folder = layout.current / tenant
    if not is_folder(folder):
        return []
    files, _ = names_in(folder)
    return [name for name in files if stat.S_ISREG((folder / name).lstat().st_mode)]


def _shown(path: str) -> str:
    """A path as it can be written anywhere: without control characters, and not too long."""
    return ascii(path)[1:-1][:_LONGEST_NAME]
