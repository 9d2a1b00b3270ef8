"""What becomes of an archive whose time is up: it is deleted, or anonymised.

The manifest is told before anything goes, with the digest of what goes. So a crash leaves an
archive that is listed as gone and is still there, which the next run removes, and never one that
is gone and still listed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from jitsi_tenant_operator.api.terms import LogDisposal
from jitsi_tenant_operator.logs import compression
from jitsi_tenant_operator.logs.anonymised import Result, anonymise
from jitsi_tenant_operator.logs.configuration import LogPolicy
from jitsi_tenant_operator.logs.holding import Held
from jitsi_tenant_operator.logs.keeping import Keeping
from jitsi_tenant_operator.logs.layout import UNFINISHED, Archive, Layout
from jitsi_tenant_operator.logs.manifest import Archived, Disposed, Event, Kept, Manifest
from jitsi_tenant_operator.logs.storage import Storage


def is_due(manifest: Manifest, kept: Kept, keeping: Keeping, now: datetime) -> bool:
    """Whether the time of an archive with people in it is up."""
    if kept.disposal is not None:
        return False
    policy = keeping.policy_of_kept(manifest.tenant, kept)
    return keeping.expires_at(kept.archive.day, policy) <= now


@dataclass(frozen=True, slots=True)
class Expiry:
    """Expires the archives of one tenant, whose lock is held."""

    layout: Layout
    storage: Storage
    manifest: Manifest
    keeping: Keeping
    held: Held
    now: datetime

    def due(self) -> Iterator[Kept]:
        """The archives whose time is up, held or not."""
        return (
            kept
            for kept in self.manifest.archives()
            if is_due(self.manifest, kept, self.keeping, self.now)
        )

    def is_held(self, kept: Kept) -> bool:
        """Whether an archive must stay."""
        return self.held.covers(kept.archive.component, kept.archive.day)

    def event(self, kept: Kept) -> Event:
        """What is to become of an archive."""
        policy = self.keeping.policy_of_kept(self.manifest.tenant, kept)
        anonymised = policy.disposal is LogDisposal.ANONYMISE
        return Event.ANONYMISED if anonymised else Event.DELETED

    def expire(self, kept: Kept) -> Disposed:
        """Delete or anonymise one archive that is due and not held; what was there.

        Raises OSError, AlteredError and NotAnonymousError; the archive is then as it was.
        """
        policy = self.keeping.policy_of_kept(self.manifest.tenant, kept)
        archive = kept.archive
        found = self._digest(self._path(archive))
        if self.event(kept) is Event.ANONYMISED and found is not None:
            disposed = self._anonymise(kept, found, policy)
        else:
            disposed = _disposed(kept, found)
            self._enter(kept, Event.DELETED, policy, disposed)
        self.storage.remove(self._path(archive))
        return disposed

    def left(self) -> Iterator[Archive]:
        """What a crash has left: archives that are listed as gone, are still there and not held."""
        for kept in self.manifest.archives():
            gone = kept.replaced or (kept.archive if kept.disposal is Event.DELETED else None)
            if gone is not None and not self.is_held(kept) and self._path(gone).exists():
                yield gone

    def remove(self, archive: Archive) -> None:
        """Remove one of those that are left. Raises OSError."""
        self.storage.remove(self._path(archive))

    def _anonymise(self, kept: Kept, found: str, policy: LogPolicy) -> Disposed:
        archive = Archive(
            kept.archive.component, kept.archive.day, kept.archive.part, anonymised=True
        )
        place = self._path(archive)
        unfinished = place.with_name(place.name + UNFINISHED)
        result = anonymise(self._path(kept.archive), kept.archived, unfinished, self.storage)
        self.storage.rename(unfinished, place)
        disposed = _disposed(kept, found, result.withheld)
        archived = _archived(archive, kept.archived, result)
        self._enter(kept, Event.ANONYMISED, policy, disposed, archived)
        return disposed

    def _enter(
        self,
        kept: Kept,
        event: Event,
        policy: LogPolicy,
        disposed: Disposed,
        archived: Archived | None = None,
    ) -> None:
        self.manifest.add(
            self.now,
            event,
            self.storage,
            component=kept.archive.component,
            day=kept.archive.day,
            part=kept.archive.part,
            disposed=disposed,
            archived=archived,
            policy=policy,
        )

    def _path(self, archive: Archive) -> Path:
        return self.layout.archive(self.manifest.tenant, archive)

    def _digest(self, path: Path) -> str | None:
        """The digest of an archive; None when it is gone."""
        try:
            return compression.digest_of(path)
        except FileNotFoundError:
            return None


def _disposed(kept: Kept, found: str | None, withheld: int = 0) -> Disposed:
    return Disposed(
        file=str(kept.archive.path),
        sha256=found,
        as_archived=found == kept.archived.sha256,
        withheld=withheld,
    )


def _archived(archive: Archive, before: Archived, result: Result) -> Archived:
    return Archived(
        file=str(archive.path),
        bytes=result.compressed.bytes,
        sha256=result.compressed.sha256,
        lines=result.compressed.lines,
        content_bytes=result.compressed.content_bytes,
        content_sha256=result.compressed.content_sha256,
        first=before.first,
        last=before.last,
        unparsed=before.unparsed,
    )
