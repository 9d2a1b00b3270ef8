"""One run of the archiver: for each tenant, close days, tell gaps, expire what is due.

A tenant whose volume or manifest fails is reported and keeps no other tenant waiting.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from jitsi_tenant_operator import __version__
from jitsi_tenant_operator.clock import Clock
from jitsi_tenant_operator.logs import holding
from jitsi_tenant_operator.logs.anonymised import NotAnonymousError
from jitsi_tenant_operator.logs.archiving import Archiver
from jitsi_tenant_operator.logs.chain import BrokenChainError
from jitsi_tenant_operator.logs.compression import AlteredError
from jitsi_tenant_operator.logs.configuration import Configuration, Holds
from jitsi_tenant_operator.logs.expiry import Expiry
from jitsi_tenant_operator.logs.holding import Held
from jitsi_tenant_operator.logs.keeping import Keeping
from jitsi_tenant_operator.logs.layout import UNFINISHED, Archive, CurrentLog, Layout, is_label
from jitsi_tenant_operator.logs.manifest import Event, GapReason, Kept, Manifest
from jitsi_tenant_operator.logs.report import Finding, RunReport, TenantReport, Trouble
from jitsi_tenant_operator.logs.storage import (
    BusyError,
    Storage,
    files_below,
    is_folder,
    locked,
    names_in,
)
from jitsi_tenant_operator.logs.strangers import current_logs, strangers

MOST_FINDINGS = 16
"""How many findings are reported of one tenant."""
_COUNTED = {Event.DELETED: "deleted", Event.ANONYMISED: "anonymised"}


@dataclass(frozen=True, slots=True)
class Run:
    """What one run is given."""

    layout: Layout
    storage: Storage
    configuration: Configuration
    holds: Holds | None
    """None when they cannot be read: then nothing is expired."""
    clock: Clock
    dry_run: bool = False

    def all(self, only: Collection[str] = ()) -> RunReport:
        """See to every tenant that the configuration or a volume knows, or to those in `only`."""
        began = self.clock.now().astimezone(UTC)
        findings: list[Finding] = []
        if self.holds is None:
            message = "it is not certain what is held, so nothing is expired"
            findings.append(Finding(trouble=Trouble.HOLDS_UNREADABLE, message=message))
        try:
            names = self._tenants(findings)
        except OSError as error:
            findings.append(Finding(trouble=Trouble.STORAGE, message=_words(error)))
            names = sorted(tenant.name for tenant in self.configuration.tenants)
        chosen = [name for name in names if not only or name in only]
        return RunReport(
            at=began,
            version=__version__,
            dry_run=self.dry_run,
            findings=tuple(findings[:MOST_FINDINGS]),
            tenants=tuple(self.one(name) for name in chosen),
        )

    def _tenants(self, findings: list[Finding]) -> list[str]:
        names = {tenant.name for tenant in self.configuration.tenants}
        for root in (self.layout.current, self.layout.archives):
            if not is_folder(root):
                raise FileNotFoundError(f"the volume {root} is not there")
            files, folders = names_in(root)
            names |= {name for name in folders if is_label(name)}
            odd = files + [name for name in folders if not is_label(name) and name != "lost+found"]
            findings += (
                Finding(trouble=Trouble.UNKNOWN_FILE, message=f"{root.name}/{ascii(name)[:80]}")
                for name in odd
            )
        return sorted(names)

    def one(self, tenant: str) -> TenantReport:
        """See to one tenant."""
        work = _Work(self, tenant, self.clock.now().astimezone(UTC))
        try:
            with ExitStack() as stack:
                if not self.dry_run:
                    self.storage.make_folders(self.layout.archives / tenant, self.layout.archives)
                    stack.enter_context(locked(self.layout.lock(tenant)))
                work.do()
        except BusyError:
            work.find(Trouble.BUSY, "another run is at work")
        except BrokenChainError as error:
            work.find(Trouble.MANIFEST_BROKEN, str(error))
        except OSError as error:
            work.find(Trouble.STORAGE, _words(error))
        return work.report()


@dataclass
class _Work:
    """The work on one tenant in one run, and what is to be reported of it."""

    run: Run
    tenant: str
    now: datetime
    manifest: Manifest | None = None
    counts: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    would: list[str] = field(default_factory=list)

    def find(
        self, trouble: Trouble, message: str, component: str | None = None, day: date | None = None
    ) -> None:
        """Report something that is wrong."""
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(
                Finding(trouble=trouble, component=component, day=day, message=message[:256])
            )

    def count(self, what: str) -> None:
        """Count one more of what the report counts."""
        self.counts[what] = self.counts.get(what, 0) + 1

    def do(self) -> None:
        """All of the work, in order. Raises BrokenChainError and OSError."""
        layout = self.run.layout
        self.manifest = manifest = Manifest.read(self.tenant, layout.manifest(self.tenant))
        if manifest.latest is not None and self.now < manifest.latest:
            self.find(Trouble.CLOCK_BEHIND, f"the manifest was written to at {manifest.latest}")
            return
        keeping = Keeping.of(self.run.configuration)
        held = self._holds(manifest)
        if not self.run.dry_run:
            self._clear_unfinished()
            self._archive(manifest, keeping)
            self._tell_gaps(manifest, keeping)
        self._expire(manifest, keeping, held)
        for message in strangers(layout, manifest):
            self.find(Trouble.UNKNOWN_FILE, message)

    def _holds(self, manifest: Manifest) -> Held | None:
        """What is held for this run; None when it is not certain."""
        if self.run.holds is None:
            return None
        holds = self.run.holds.of(self.tenant)
        found = holding.change(manifest, holds)
        held = Held(holds + found.released)
        if not self.run.dry_run:
            holding.enter(manifest, found, self.now, self.run.storage)
        return held

    def _clear_unfinished(self) -> None:
        """Remove what a crash left half-written: it would never expire."""
        folder = self.run.layout.archives / self.tenant
        for path in files_below(folder):
            if path.endswith(UNFINISHED):
                self.run.storage.remove(folder / path)

    def _archive(self, manifest: Manifest, keeping: Keeping) -> None:
        run = self.run
        archiver = Archiver(
            run.layout, run.storage, manifest, run.configuration.line_format, self.now
        )
        # Those that a run had taken already come first: they are in the way of the others.
        for log in sorted(
            current_logs(run.layout, self.tenant), key=lambda log: (not log.closing, log)
        ):
            policy = keeping.policy_of_new(self.tenant, log.component)
            if self.now < keeping.closes_at(log.day, policy):
                continue
            try:
                if not self._is_quiet(log, keeping):
                    self.count("waiting")
                    continue
                for _ in range(archiver.archive(log, policy)):
                    self.count("archived")
            except (OSError, AlteredError) as error:
                self.find(Trouble.NOT_ARCHIVED, _words(error), log.component, log.day)

    def _is_quiet(self, log: CurrentLog, keeping: Keeping) -> bool:
        """Whether nobody writes to a log any more."""
        file = self.run.layout.raw(self.tenant, log)
        changed = datetime.fromtimestamp(file.lstat().st_mtime, UTC)
        sibling = CurrentLog(log.component, log.day, closing=True)
        taken = self.run.layout.raw(self.tenant, sibling)
        return keeping.is_quiet(changed, self.now) and (log.closing or not os.path.lexists(taken))

    def _tell_gaps(self, manifest: Manifest, keeping: Keeping) -> None:
        said = keeping.tenants.get(self.tenant)
        here = {(log.component, log.day) for log in current_logs(self.run.layout, self.tenant)}
        for component in said.components if said else ():
            for day, _ in keeping.expected_days(self.tenant, component.name, self.now):
                key = (component.name, day)
                if key in here or key in manifest.kept or key in manifest.gaps:
                    continue
                manifest.add(
                    self.now,
                    Event.GAP,
                    self.run.storage,
                    component=component.name,
                    day=day,
                    reason=GapReason.NO_FILE,
                )
                self.count("gaps")

    def _expire(self, manifest: Manifest, keeping: Keeping, held: Held | None) -> None:
        run = self.run
        expiry = Expiry(run.layout, run.storage, manifest, keeping, held or Held(()), self.now)
        if held is None:
            for _ in expiry.due():
                self.count("overdue")
            return
        for archive in () if run.dry_run else expiry.left():
            with self._expiring(archive):
                expiry.remove(archive)
        for kept in list(expiry.due()):
            if expiry.is_held(kept):
                self.count("held")
            else:
                self._expire_one(expiry, kept)

    def _expire_one(self, expiry: Expiry, kept: Kept) -> None:
        archive, event = kept.archive, expiry.event(kept)
        if self.run.dry_run:
            self.would.append(str(archive.path))
            self.count(_COUNTED[event])
            return
        with self._expiring(archive):
            disposed = expiry.expire(kept)
            self.count(_COUNTED[event])
            if disposed.sha256 is None:
                message = "it was not there when its time was up"
                self.find(Trouble.ARCHIVE_MISSING, message, archive.component, archive.day)
            elif not disposed.as_archived:
                message = "it was not as it had been archived when its time was up"
                self.find(Trouble.ARCHIVE_ALTERED, message, archive.component, archive.day)

    @contextmanager
    def _expiring(self, archive: Archive) -> Iterator[None]:
        """Report what keeps an archive from being expired."""
        try:
            yield
        except (OSError, AlteredError, NotAnonymousError) as error:
            self.count("overdue")
            self.find(Trouble.NOT_EXPIRED, _words(error), archive.component, archive.day)

    def report(self) -> TenantReport:
        """What to tell of it."""
        manifest = self.manifest
        days = [
            kept.archive.day
            for kept in (manifest.archives() if manifest else ())
            if kept.disposal is None
        ]
        return TenantReport(
            tenant=self.tenant,
            head=manifest.head if manifest else None,
            oldest=min(days, default=None),
            findings=tuple(self.findings),
            would=tuple(self.would),
            **self.counts,
        )


def _words(error: Exception) -> str:
    """An error in words, without the path that it may name: a file name can say anything."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error)
