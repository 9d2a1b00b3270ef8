"""The manifest of a tenant: of each day what was archived, and what became of it.

It stays when the archives have gone, and names nobody who met: sizes, digests, dates and terms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from jitsi_tenant_operator import __version__
from jitsi_tenant_operator.api.model import Model
from jitsi_tenant_operator.api.scalars import CalendarDate, DnsLabel, Instant, Sha256
from jitsi_tenant_operator.logs.chain import BrokenChainError, Chain, Link
from jitsi_tenant_operator.logs.configuration import LogHold, LogPolicy
from jitsi_tenant_operator.logs.layout import Archive
from jitsi_tenant_operator.logs.report import Head
from jitsi_tenant_operator.logs.storage import Storage

ACTOR = "archive-logs"


class Event(StrEnum):
    """What an entry tells of."""

    ARCHIVED = "Archived"
    """A log, or what came late of it, is in an archive."""
    GAP = "Gap"
    """Of a day there is no log."""
    DELETED = "Deleted"
    """The time of an archive was up: it is being removed."""
    ANONYMISED = "Anonymised"
    """The time of an archive was up: another one without people in it is there instead."""
    HOLD_PLACED = "HoldPlaced"
    """From here on a hold is in force."""
    HOLD_RELEASED = "HoldReleased"
    """A hold is in force no more."""


class GapReason(StrEnum):
    """What is known of why there is no log of a day."""

    NO_FILE = "NoFile"
    """The collector wrote none: no line was logged, or none reached it."""
    NO_LINE = "NoLine"
    """The collector made a file and wrote no line to it."""


class Archived(Model):
    """What an archive holds."""

    file: str
    """Its path below the tenant's folder."""
    bytes: int
    """Its size."""
    sha256: Sha256
    """Its digest."""
    lines: int
    """How many lines are in it."""
    content_bytes: int
    """How many bytes `zstd -d` makes of it."""
    content_sha256: Sha256
    """The digest of these."""
    first: Instant | None = None
    """The time of the earliest line; of plain logs, of the first. None when it tells none."""
    last: Instant | None = None
    """The time of the latest line; of plain logs, of the last. None when it tells none."""
    unparsed: int = 0
    """How many lines were not as the collector writes them, and are kept as they were."""


class Raw(Model):
    """The part of a current log from which an archive was made."""

    start: int
    """Where it begins."""
    end: int
    """Where it ends: the size of the file then."""
    sha256: Sha256
    """The digest of the file from its beginning up to there."""


class Disposed(Model):
    """What was there before an archive was deleted or anonymised."""

    file: str
    """Its path below the tenant's folder."""
    sha256: Sha256 | None
    """Its digest, as it was found; None when nothing was there."""
    as_archived: bool
    """Whether that is the digest with which it was archived."""
    withheld: int = 0
    """How many lines were left out whole, since people might have been found in what was left."""


class Entry(Model):
    """One entry: an event, and what belongs to it."""

    number: int
    previous: Sha256
    at: Instant
    event: Event
    by: str = ACTOR
    version: str = __version__
    component: DnsLabel | None = None
    day: CalendarDate | None = None
    part: int = 0
    archived: Archived | None = None
    raw: Raw | None = None
    reason: GapReason | None = None
    disposed: Disposed | None = None
    policy: LogPolicy | None = None
    hold: LogHold | None = None


@dataclass(slots=True)
class Kept:
    """An archive that the manifest lists, and how it is now."""

    archive: Archive
    archived: Archived
    policy: LogPolicy
    number: int
    """The number of its entry."""
    raw: Raw | None = None
    disposal: Event | None = None
    """Deleted or Anonymised, when its time was up."""
    replaced: Archive | None = None
    """Once it is anonymised: the archive with people in it, which is to go or has gone."""


@dataclass
class Manifest:
    """The manifest of one tenant, as far as it was read."""

    tenant: str
    chain: Chain
    kept: dict[tuple[str, date], list[Kept]] = field(default_factory=dict)
    """The archives of each component and day, by part."""
    gaps: dict[tuple[str, date], GapReason] = field(default_factory=dict)
    """The days of each component of which there was nothing when they were closed."""
    holds: dict[str, LogHold] = field(default_factory=dict)
    """The holds in force when it was last written to, by name."""
    latest: datetime | None = None
    """The latest instant at which anything was entered."""

    @classmethod
    def read(
        cls, tenant: str, path: Path, seen: Callable[[Link], None] = lambda _: None
    ) -> Manifest:
        """The manifest in a file; an empty one when there is none. `seen` is told of each entry.

        Raises BrokenChainError when it is not as it was written, and OSError.
        """
        found = cls(tenant, Chain(path))
        for link in found.chain.read():
            seen(link)
            found._take(_entry(path.name, link))
        return found

    @property
    def head(self) -> Head | None:
        """The last entry."""
        return self.chain.head

    def archives(self) -> Iterator[Kept]:
        """Every archive, whatever became of it, in the order of component, day and part."""
        for key in sorted(self.kept):
            yield from self.kept[key]

    def next_part(self, component: str, day: date) -> int:
        """The part that the next archive of a component and day is."""
        return len(self.kept.get((component, day), ()))

    def add(self, at: datetime, event: Event, storage: Storage, **content: Any) -> Entry:
        """Enter what happened at an instant; on return it has reached the disk. Raises OSError."""
        entry = Entry(number=0, previous="0" * 64, at=at.astimezone(UTC), event=event, **content)
        body = entry.model_dump(mode="json", by_alias=True, exclude_none=True)
        link = self.chain.add(body, storage)
        entry = entry.model_copy(update={"number": link.number})
        self._take(entry)
        return entry

    def _take(self, entry: Entry) -> None:
        self.latest = entry.at if self.latest is None else max(self.latest, entry.at)
        if entry.hold is not None:
            if entry.event is Event.HOLD_PLACED:
                self.holds[entry.hold.name] = entry.hold
            else:
                self.holds.pop(entry.hold.name, None)
        if entry.component is None or entry.day is None:
            return
        key = (entry.component, entry.day)
        if entry.event is Event.GAP and entry.reason is not None:
            self.gaps[key] = entry.reason
        elif entry.event is Event.ARCHIVED:
            self._archived(key, entry)
        elif entry.disposed is not None:
            self._disposed(key, entry)

    def _archived(self, key: tuple[str, date], entry: Entry) -> None:
        if entry.archived is None or entry.policy is None:
            return
        archive = Archive(*key, entry.part)
        kept = Kept(archive, entry.archived, entry.policy, entry.number, entry.raw)
        self.kept.setdefault(key, []).append(kept)

    def _disposed(self, key: tuple[str, date], entry: Entry) -> None:
        for kept in self.kept.get(key, ()):
            if kept.archive.part == entry.part and not kept.archive.anonymised:
                kept.disposal = entry.event
                if entry.archived is not None:
                    kept.replaced = kept.archive
                    kept.archive = Archive(*key, entry.part, anonymised=True)
                    kept.archived = entry.archived


def _entry(name: str, link: Link) -> Entry:
    try:
        return Entry.model_validate_json(link.content)
    except ValidationError:
        raise BrokenChainError(f"line {link.number} of {name} is no entry") from None
