"""Whether what the manifest says of a tenant's logs is so, day by day: reads, changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum

from jitsi_tenant_operator.api.model import Model
from jitsi_tenant_operator.api.scalars import CalendarDate, DnsLabel, Instant
from jitsi_tenant_operator.logs import compression
from jitsi_tenant_operator.logs.chain import BrokenChainError, Chain, Link
from jitsi_tenant_operator.logs.compression import AlteredError
from jitsi_tenant_operator.logs.configuration import Configuration, Holds
from jitsi_tenant_operator.logs.holding import Held
from jitsi_tenant_operator.logs.keeping import Keeping
from jitsi_tenant_operator.logs.layout import Layout
from jitsi_tenant_operator.logs.manifest import Event, Kept, Manifest
from jitsi_tenant_operator.logs.report import Finding, Head, Trouble
from jitsi_tenant_operator.logs.storage import is_locked
from jitsi_tenant_operator.logs.strangers import current_logs, strangers

_DAY = "P1D"
_GRACE = "PT24H"
"""How long after a log could be closed, or an archive's time was up, the archiver may take."""


class Coverage(StrEnum):
    """How a day of a component is accounted for."""

    ARCHIVED = "Archived"
    """Its archives are there and as they were written."""
    CURRENT = "Current"
    """It is still a current log."""
    GAP = "Gap"
    """There is no log of it, and the manifest says so."""
    DELETED = "Deleted"
    """Its time was up, and it is gone."""
    ANONYMISED = "Anonymised"
    """Its time was up, and nobody is in it any more."""
    MISSING = "Missing"
    """An archive of it is gone or altered."""
    UNACCOUNTED = "Unaccounted"
    """Neither a log nor an entry is there."""


PROVED = frozenset(Coverage) - {Coverage.MISSING, Coverage.UNACCOUNTED}


class DayProof(Model):
    """One day of a component."""

    component: DnsLabel
    day: CalendarDate
    coverage: Coverage
    lines: int = 0
    """How many lines its archives have."""
    reason: str | None = None
    """Of a gap: what is known of why."""
    held: bool = False
    """Whether a hold keeps it."""
    overdue: bool = False
    """Whether it should be archived, deleted or anonymised by now, and no hold keeps it."""


class Proof(Model):
    """What was found of one tenant."""

    tenant: DnsLabel
    at: Instant
    proved: bool
    """Whether every entry holds and every day is accounted for."""
    first: CalendarDate
    """The first day looked at."""
    last: CalendarDate
    """The last day looked at."""
    head: Head | None
    """The last entry of the manifest."""
    entries: int
    """How many entries the manifest has."""
    archives: int
    """How many archives were read and their digests computed again."""
    oldest: CalendarDate | None
    """The oldest day of which there is an archive that names people."""
    overdue: int
    """How many archives or logs are there beyond their time without a hold."""
    held: int
    """How many archives a hold keeps beyond their time."""
    days: tuple[DayProof, ...]
    """Every day of every component in the period."""
    findings: tuple[Finding, ...]
    """What is wrong."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be proved."""

    tenant: str
    first: date | None = None
    """The first day; None for the oldest whose time is not up."""
    last: date | None = None
    """The last day; None for the last one that is over."""
    head: Head | None = None
    """An entry that somebody has kept: the manifest must have it."""


@dataclass(frozen=True, slots=True)
class Prover:
    """Proves what the volumes hold.

    `holds` is None where only those are known that the manifest says are in force; `thorough` also
    decompresses each archive and computes the digest of its content again.
    """

    layout: Layout
    configuration: Configuration
    holds: Holds | None
    now: datetime
    thorough: bool = True

    def prove(self, question: Question) -> Proof:
        """What is found of one tenant. Raises OSError when a volume cannot be read."""
        return _Examination(self, question, Keeping.of(self.configuration)).proof()


class _Examination:
    """One proof in the making."""

    def __init__(self, prover: Prover, question: Question, keeping: Keeping) -> None:
        self._layout = prover.layout
        self._thorough = prover.thorough
        self._now = prover.now.astimezone(UTC)
        self._question = question
        self._tenant = question.tenant
        self._keeping = keeping
        self._findings: list[Finding] = []
        self._read = 0
        self._manifest = self._read_manifest()
        holds = prover.holds
        in_force = tuple(self._manifest.holds.values())
        self._held = Held(holds.of(self._tenant) if holds is not None else in_force)
        self._current = {
            (log.component, log.day) for log in current_logs(self._layout, self._tenant)
        }
        self._said = keeping.tenants.get(self._tenant)

    def proof(self) -> Proof:
        """All of it."""
        first, last = self._period()
        days = tuple(self._days(first, last))
        with_people = [kept for kept in self._manifest.archives() if kept.disposal is None]
        due = [kept for kept in with_people if self._expired(kept) <= self._now]
        held = sum(self._is_held(kept.archive.component, kept.archive.day) for kept in due)
        for message in strangers(self._layout, self._manifest):
            self._findings.append(Finding(trouble=Trouble.UNKNOWN_FILE, message=message))
        overdue = self._overdue(due)
        if self._findings and is_locked(self._layout.lock(self._tenant)):
            message = "a run is at work: ask again when it has ended"
            self._findings.append(Finding(trouble=Trouble.BUSY, message=message))
        return Proof(
            tenant=self._tenant,
            at=self._now,
            proved=not self._findings and all(each.coverage in PROVED for each in days),
            first=first,
            last=last,
            head=self._manifest.head,
            entries=self._manifest.head.number if self._manifest.head else 0,
            archives=self._read,
            oldest=min((kept.archive.day for kept in with_people), default=None),
            overdue=overdue,
            held=held,
            days=days,
            findings=tuple(self._findings),
        )

    def _find(
        self,
        trouble: Trouble,
        message: str,
        component: str | None = None,
        day: date | None = None,
    ) -> None:
        self._findings.append(
            Finding(trouble=trouble, component=component, day=day, message=message)
        )

    def _read_manifest(self) -> Manifest:
        kept = self._question.head
        found: list[str] = []

        def seen(link: Link) -> None:
            if kept is not None and link.number == kept.number:
                found.append(link.digest)

        path = self._layout.manifest(self._tenant)
        try:
            manifest = Manifest.read(self._tenant, path, seen)
        except BrokenChainError as error:
            self._find(Trouble.MANIFEST_BROKEN, str(error))
            return Manifest(self._tenant, Chain(path))
        if manifest.chain.torn:
            message = "its last line is cut off, which the next run of the archiver repairs"
            self._find(Trouble.MANIFEST_BROKEN, message)
        if kept is not None and found != [kept.digest]:
            self._find(Trouble.MANIFEST_BROKEN, f"entry {kept.number} is not the one that was kept")
        return manifest

    def _period(self) -> tuple[date, date]:
        calendar = self._keeping.calendar
        last = self._question.last or calendar.day_before(self._now)
        begins = [
            next(self._keeping.expected_days(self._tenant, each.name, self._now), (None,))[0]
            for each in (self._said.components if self._said else ())
        ]
        listed = [kept.archive.day for kept in self._manifest.archives() if kept.disposal is None]
        known = [day for day in (*begins, *listed, *(day for _, day in self._current)) if day]
        return self._question.first or min(known, default=last), last

    def _days(self, first: date, last: date) -> Iterator[DayProof]:
        manifest = self._manifest
        components = {each.name for each in (self._said.components if self._said else ())}
        for component, _ in (*manifest.kept, *manifest.gaps, *self._current):
            components.add(component)
        for component in sorted(components):
            day = first
            while day <= last:
                found = self._day(component, day)
                if found is not None:
                    yield found
                day = self._keeping.calendar.plus(day, _DAY)

    def _day(self, component: str, day: date) -> DayProof | None:
        """How one day is accounted for; None when nothing is to be said of it."""
        key = (component, day)
        parts = self._manifest.kept.get(key, [])
        reason = self._manifest.gaps.get(key)
        if parts:
            coverage = self._of_archives(parts)
        elif key in self._current:
            coverage = Coverage.CURRENT
        elif reason is not None:
            coverage = Coverage.GAP
        else:
            nothing = self._of_nothing(component, day)
            if nothing is None:
                return None
            coverage = nothing
        late = key in self._current and self._is_late(
            self._keeping.closes_at(day, self._keeping.policy_of_new(self._tenant, component))
        )
        if late:
            self._find(Trouble.NOT_ARCHIVED, "it should be archived by now", component, day)
        expired = [kept for kept in parts if self._is_overdue(kept)]
        return DayProof(
            component=component,
            day=day,
            coverage=coverage,
            lines=sum(kept.archived.lines for kept in parts),
            reason=reason if coverage is Coverage.GAP else None,
            held=self._is_held(component, day),
            overdue=late or bool(expired),
        )

    def _of_archives(self, parts: Sequence[Kept]) -> Coverage:
        good = [self._is_as_written(kept) for kept in parts if kept.disposal is not Event.DELETED]
        if not all(good):
            return Coverage.MISSING
        disposals = {kept.disposal for kept in parts}
        if None in disposals:
            return Coverage.ARCHIVED
        return Coverage.ANONYMISED if Event.ANONYMISED in disposals else Coverage.DELETED

    def _is_as_written(self, kept: Kept) -> bool:
        path = self._layout.archive(self._tenant, kept.archive)
        expected = (kept.archived.sha256, kept.archived.content_sha256)
        try:
            if self._thorough:
                found = compression.digests_of(path)
            else:
                found = (compression.digest_of(path), expected[1])
        except FileNotFoundError:
            self._find(Trouble.ARCHIVE_MISSING, "it is not there", *_of(kept))
            return False
        except (OSError, AlteredError) as error:
            message = f"it cannot be read: {getattr(error, 'strerror', None) or error}"
            self._find(Trouble.ARCHIVE_ALTERED, message, *_of(kept))
            return False
        self._read += 1
        if found != expected:
            self._find(Trouble.ARCHIVE_ALTERED, "its digest is another one", *_of(kept))
        return found == expected

    def _of_nothing(self, component: str, day: date) -> Coverage | None:
        known = self._said.component(component) if self._said else None
        if known is None or not known.expected_on(day):
            return None
        policy = self._keeping.policy_of_new(self._tenant, component)
        if self._keeping.expires_at(day, policy) <= self._now:
            return None
        if not self._is_late(self._keeping.closes_at(day, policy)):
            return Coverage.CURRENT
        return Coverage.UNACCOUNTED

    def _overdue(self, due: Sequence[Kept]) -> int:
        """How many archives and logs should have gone, or been archived, by now."""
        expired = [kept for kept in due if self._is_overdue(kept)]
        for kept in expired:
            self._find(Trouble.NOT_EXPIRED, "its time is up", *_of(kept))
        for kept in self._manifest.archives():
            gone = kept.replaced or (kept.archive if kept.disposal is Event.DELETED else None)
            if (
                gone is not None
                and not self._is_held(gone.component, gone.day)
                and self._layout.archive(self._tenant, gone).exists()
            ):
                message = "it is listed as gone and is still there"
                self._find(Trouble.NOT_EXPIRED, message, *_of(kept))
        late = sum(finding.trouble is Trouble.NOT_ARCHIVED for finding in self._findings)
        return len(expired) + late

    def _is_overdue(self, kept: Kept) -> bool:
        return (
            kept.disposal is None
            and self._is_late(self._expired(kept))
            and not self._is_held(*_of(kept))
        )

    def _expired(self, kept: Kept) -> datetime:
        policy = self._keeping.policy_of_kept(self._tenant, kept)
        return self._keeping.expires_at(kept.archive.day, policy)

    def _is_held(self, component: str, day: date) -> bool:
        return self._held.covers(component, day)

    def _is_late(self, due: datetime) -> bool:
        return self._keeping.calendar.due(due, _GRACE, extend=False).at <= self._now


def _of(kept: Kept) -> tuple[str, date]:
    return kept.archive.component, kept.archive.day
