"""One current log into one archive, in steps that can each be the last before a crash.

    rename   the collector, which opens by name, adds no more to this file
    write    an unfinished file, compressed
    check    it reads back as it was written
    rename   to its place
    enter    in the manifest: from here on the archive counts
    remove   the current log, when nobody has added to it meanwhile

Whatever is found of this after a crash, the same steps lead on: an archive that was not entered is
written again; a log that was entered, and is still there, is removed; what was added to it since,
through a file that a writer had kept open, is a further part.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from jitsi_tenant_operator.logs import compression
from jitsi_tenant_operator.logs.compression import Compressed, Digest, Sha256
from jitsi_tenant_operator.logs.configuration import LineFormat, LogPolicy
from jitsi_tenant_operator.logs.content import PIECE, Content, content
from jitsi_tenant_operator.logs.layout import UNFINISHED, Archive, CurrentLog, Layout
from jitsi_tenant_operator.logs.manifest import Archived, Event, GapReason, Manifest, Raw
from jitsi_tenant_operator.logs.storage import Storage, open_regular


@dataclass(frozen=True, slots=True)
class Archiver:
    """Archives the logs of one tenant, whose lock is held."""

    layout: Layout
    storage: Storage
    manifest: Manifest
    form: LineFormat
    now: datetime
    """The instant that the manifest is told."""

    def archive(self, log: CurrentLog, policy: LogPolicy) -> int:
        """Archive a log that is closed, and remove it; how many archives that made: 0 or 1.

        Raises OSError and AlteredError; the log is then still there. One that grows meanwhile
        stays too, and the next run takes it up.
        """
        raw = self._closing(log)
        made = 0
        with open_regular(raw) as file:
            end = os.fstat(file.fileno()).st_size
            start, before = self._archived_before(log, file, end)
            if start < end:
                self._archive_part(log, policy, file, _Part(start, end, before))
                made = 1
            elif not end:
                self._enter_empty(log)
            if os.fstat(file.fileno()).st_size == end:
                self.storage.remove(raw)
        return made

    def _closing(self, log: CurrentLog) -> Path:
        """Take the log from the collector."""
        closing = CurrentLog(log.component, log.day, closing=True)
        raw = self.layout.raw(self.manifest.tenant, closing)
        if not log.closing:
            if raw.exists():
                raise FileExistsError(f"{raw.name} is still there")
            self.storage.rename(self.layout.raw(self.manifest.tenant, log), raw)
        return raw

    def _archived_before(self, log: CurrentLog, file: BinaryIO, end: int) -> tuple[int, Sha256]:
        """From where on the file is in no archive, and the digest of what comes before.

        That it was archived shows by its digest up to where the last archive of the day ends.
        """
        parts = self.manifest.kept.get((log.component, log.day), [])
        last = parts[-1].raw if parts else None
        if last is not None and 0 < last.end <= end:
            digest = hashlib.sha256()
            while (left := last.end - file.tell()) > 0 and (piece := file.read(min(PIECE, left))):
                digest.update(piece)
            if digest.hexdigest() == last.sha256:
                return last.end, digest
        file.seek(0)
        return 0, hashlib.sha256()

    def _archive_part(
        self, log: CurrentLog, policy: LogPolicy, file: BinaryIO, part: _Part
    ) -> None:
        tenant, manifest = self.manifest.tenant, self.manifest
        number = manifest.next_part(log.component, log.day)
        place = self.layout.archive(tenant, Archive(log.component, log.day, number))
        unfinished = place.with_name(place.name + UNFINISHED)
        self.storage.make_folders(place.parent, self.layout.archives / tenant)
        reader = content(self.form)
        # Of a plain log as a whole, what is read and what is archived are the same bytes.
        same = self.form is LineFormat.PLAIN and not part.start
        with compression.digests() as digest:
            raw_digest = digest(part.before)
            pieces = _read(reader, file, part.end, None if same else raw_digest)
            made = compression.write(pieces, unfinished, self.storage, digest(), digest())
            compression.check(unfinished, made, digest(), digest())
            sha256 = made.content_sha256 if same else raw_digest.hexdigest()
        self.storage.rename(unfinished, place)
        manifest.add(
            self.now,
            Event.ARCHIVED,
            self.storage,
            component=log.component,
            day=log.day,
            part=number,
            archived=_archived(Archive(log.component, log.day, number), made, reader),
            raw=Raw(start=part.start, end=part.end, sha256=sha256),
            policy=policy,
        )

    def _enter_empty(self, log: CurrentLog) -> None:
        key = (log.component, log.day)
        if key not in self.manifest.kept and key not in self.manifest.gaps:
            self.manifest.add(
                self.now,
                Event.GAP,
                self.storage,
                component=log.component,
                day=log.day,
                reason=GapReason.NO_LINE,
            )


@dataclass(frozen=True, slots=True)
class _Part:
    """What of a current log goes into an archive."""

    start: int
    end: int
    before: Sha256
    """The digest of what comes before."""


def _read(reader: Content, file: BinaryIO, end: int, digest: Digest | None) -> Iterator[bytes]:
    for read, made in reader.pieces(file, end):
        if digest is not None:
            digest.update(read)
        yield made


def _archived(archive: Archive, made: Compressed, reader: Content) -> Archived:
    return Archived(
        file=str(archive.path),
        bytes=made.bytes,
        sha256=made.sha256,
        lines=made.lines,
        content_bytes=made.content_bytes,
        content_sha256=made.content_sha256,
        first=reader.first,
        last=reader.last,
        unparsed=reader.unparsed,
    )
