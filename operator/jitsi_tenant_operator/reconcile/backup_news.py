"""What a run adds to the evidence of backups. Pure.

Evidence is written once. What is found out later is added: the copy off-site, that a repository
was verified, and until when a backup is kept, which changes as others follow it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from jitsi_tenant_operator.api.backup import (
    BackupCopy,
    BackupEvidence,
    BackupExpiry,
    BackupGroup,
    BackupVerification,
    JitsiBackupStatus,
    VerificationDepth,
)
from jitsi_tenant_operator.api.conditions import ConditionStatus
from jitsi_tenant_operator.backup.report import Listed, Program, Report
from jitsi_tenant_operator.backup.retention import RetentionRule, Terms, plan
from jitsi_tenant_operator.backup.store import Group, Snapshot
from jitsi_tenant_operator.contract.calendar import Calendar
from jitsi_tenant_operator.contract.terms import EffectiveTerms
from jitsi_tenant_operator.reconcile.backup_objects import KnownBackup
from jitsi_tenant_operator.reconcile.backup_runs import Kept, Run, ended
from jitsi_tenant_operator.reconcile.conditions import (
    ConditionType,
    Finding,
    Reason,
    found,
    lacking,
    unknown,
)
from jitsi_tenant_operator.reconcile.course import Course

VERIFIED_ANEW = timedelta(days=6)
"""How old the word of a verification is before it is renewed, so that each night writes little."""
_NEAR = timedelta(minutes=10)
_ID = 12
"""How many characters of an id the lists of a report have."""
GROUPS = {
    BackupGroup.SCHEDULED: Group.SCHEDULED,
    BackupGroup.ON_DEMAND: Group.ON_DEMAND,
    BackupGroup.FINAL: Group.FINAL,
}


@dataclass(frozen=True, slots=True)
class News:
    """What is to be added to the status of a backup; None fields say nothing new."""

    complete: Finding | None = None
    evidence: BackupEvidence | None = None
    offsite: BackupCopy | None = None
    verified: BackupVerification | None = None
    expiry: BackupExpiry | None = None

    def __bool__(self) -> bool:
        return any((self.complete, self.evidence, self.offsite, self.verified, self.expiry))

    def added_to(self, status: JitsiBackupStatus) -> JitsiBackupStatus:
        """The status with it; evidence that is there stays as it is."""
        return status.model_copy(
            update={
                "evidence": status.evidence or self.evidence,
                "offsite": status.offsite or self.offsite,
                "verified": self.verified or status.verified,
                "expiry": self.expiry or status.expiry,
            }
        )


def scheduled_name(day: str) -> str:
    """The name of the JitsiBackup of a night."""
    return f"scheduled-{day}"


def why_ignored(backup: KnownBackup, tenant: str) -> str:
    """Why an object is no backup of the tenant of its namespace; empty if it is one.

    One of the nights is the operator's own record, which it alone makes.
    """
    if backup.tenant != tenant:
        return f"spec.tenant: the tenant of this namespace is {tenant}"
    if backup.group is BackupGroup.SCHEDULED and (
        backup.day is None or backup.ref.name != scheduled_name(backup.day.isoformat())
    ):
        return "spec.group: the operator alone records backups of the group Scheduled"
    return ""


def of_mistake(backup: KnownBackup, why: str) -> News:
    """That an object is ignored."""
    if backup.is_told(ConditionType.COMPLETE, "False"):
        return News()
    return News(complete=lacking(ConditionType.COMPLETE, Reason.INVALID_SPEC, why))


def nights(runs: Iterable[Run]) -> dict[str, Report]:
    """The report of each night's backup, by the name of its JitsiBackup."""
    done: dict[str, Report] = {}
    for run in runs:
        for report in run.reports:
            if report.group is Group.SCHEDULED and _is_day(report.day) and evidence(report):
                done.setdefault(scheduled_name(report.day or ""), report)
    return done


def evidence(report: Report) -> BackupEvidence | None:
    """The evidence that a report of a backup gives; None where it does not say enough."""
    if report.program is not Program.BACKUP or not report.files:
        return None
    if report.primary is None or report.bytes is None or report.manifest is None:
        return None
    return BackupEvidence(
        snapshot=report.primary,
        started_at=report.started,
        completed_at=ended(report),
        files=report.files,
        size=report.bytes,
        added=report.added_bytes or 0,
        manifest_digest=report.manifest,
    )


def of_report(backup: KnownBackup, report: Report | None) -> News:
    """What the report of its own run says of a backup that has no evidence yet."""
    if backup.snapshot is not None or report is None:
        return News()
    return News(complete=found(ConditionType.COMPLETE), evidence=evidence(report))


def of_job(backup: KnownBackup, run: Run | None) -> News:
    """How a backup on demand stands that has no evidence yet."""
    if run is None or backup.snapshot is not None:
        return News()
    report = run.done(Program.BACKUP)
    if report is not None and evidence(report) is not None:
        return of_report(backup, report)
    if run.failed and not backup.is_told(ConditionType.COMPLETE, "False"):
        why = lacking(ConditionType.COMPLETE, Reason.BACKUP_FAILED, run.problem)
        return News(complete=why)
    if not run.failed and not backup.is_told(ConditionType.COMPLETE, "Unknown"):
        return News(complete=unknown(ConditionType.COMPLETE, "its Job runs"))
    return News()


def of_keeping(backup: KnownBackup, kept: Kept | None) -> News:
    """What the repositories say of a backup that is complete."""
    if kept is None or backup.snapshot is None or backup.completed is None:
        return News()
    offsite, verified = None, None
    if backup.copied is None and (copy := _copy(backup, kept)) is not None:
        offsite = BackupCopy(snapshot=copy, copied_at=kept.at)
    newest = kept.verified
    if newest is not None and newest.at > backup.completed:
        stale = backup.verified is None or newest.at - backup.verified > VERIFIED_ANEW
        if stale:
            depth = VerificationDepth(newest.depth.value)
            verified = BackupVerification(at=newest.at, depth=depth)
    return News(offsite=offsite, verified=verified)


def expiries(
    backups: Iterable[KnownBackup], terms: EffectiveTerms, now: datetime, calendar: Calendar
) -> dict[str, BackupExpiry]:
    """Until when each complete backup is kept, by its name, as its terms say at `now`."""
    promised = terms.terms.backup
    if promised is None or promised.daily is None or promised.weekly is None:
        return {}
    snapshots = [
        Snapshot(each.ref.name, each.started, GROUPS[each.group])
        for each in backups
        if each.started is not None
    ]
    found = {}
    for verdict in plan(snapshots, Terms(promised.daily, promised.weekly), now, calendar):
        if verdict.until is None:
            continue
        weekly = verdict.rule in (RetentionRule.WEEKLY, RetentionRule.EXPIRED)
        source = terms.sources.get("backup.weekly" if weekly else "backup.daily")
        found[verdict.snapshot.id] = BackupExpiry(
            at=verdict.until.astimezone(UTC),
            rule="weekly" if weekly else "daily",
            document=source.document if source is not None else None,
            clause=source.clause if source is not None else None,
        )
    return found


def is_gone(backup: KnownBackup, kept: Kept | None) -> bool:
    """Whether both repositories are known not to hold a backup any more."""
    if kept is None or backup.completed is None or backup.completed >= kept.at:
        return False
    listings = [each for each in (kept.primary, kept.offsite) if each is not None]
    complete = all(each.count == len(each.snapshots) for each in listings)
    return complete and not any(_holds(each, backup) for each in listings)


def is_over(backup: KnownBackup, course: Course) -> bool:
    """Whether the time of a backup is over."""
    return backup.expires is not None and backup.expires <= course.now


def is_deleted(backup: KnownBackup, kept: Kept | None, course: Course) -> bool:
    """Whether a backup is gone from the repositories, as it should be."""
    return is_over(backup, course) and is_gone(backup, kept)


def is_swept(report: Report, kept: Kept | None) -> bool:
    """Whether the backup that an old report tells of is gone from the primary repository since."""
    if kept is None or kept.primary is None or report.started >= kept.at:
        return False
    if kept.primary.count != len(kept.primary.snapshots):
        return False
    return (report.primary or "")[:_ID] not in {each[0] for each in kept.primary.snapshots}


def of_expiry(backup: KnownBackup, expiry: BackupExpiry | None) -> News:
    """Until when a backup is kept, where that is new."""
    if expiry is None or expiry.at == backup.expires:
        return News()
    return News(expiry=expiry)


def told(status: JitsiBackupStatus, news: News) -> list[Finding]:
    """The conditions that the news change, with what the status then says."""
    findings = [news.complete] if news.complete is not None else []
    if status.verified is not None:
        findings.append(found(ConditionType.VERIFIED))
    else:
        text = "no repository was verified since it was made"
        findings.append(
            Finding(ConditionType.VERIFIED, ConditionStatus.UNKNOWN, Reason.AWAITED, text)
        )
    return findings


def merged(*news: News) -> News:
    """All of it as one; what comes first wins."""

    def first(name: str) -> object:
        return next((value for each in news if (value := getattr(each, name)) is not None), None)

    return News(**{name: first(name) for name in News.__dataclass_fields__})  # type: ignore[arg-type]


def _copy(backup: KnownBackup, kept: Kept) -> str | None:
    """The id of the off-site copy: the snapshot of the same instant and group."""
    instants = {each[1] for each in _listed(kept.primary) if _is_snapshot(each, backup)}
    for each in _listed(kept.offsite):
        same = each[1] in instants and each[2] is GROUPS[backup.group]
        if same or (not instants and _is_near(each, backup)):
            return each[0]
    return None


def _holds(listing: Listed, backup: KnownBackup) -> bool:
    """Whether a listing has a backup; in doubt it has."""
    return any(_is_snapshot(each, backup) or _is_near(each, backup) for each in _listed(listing))


def _listed(listing: Listed | None) -> Sequence[tuple[str, int, Group]]:
    return listing.snapshots if listing is not None else ()


def _is_snapshot(listed: tuple[str, int, Group], backup: KnownBackup) -> bool:
    ids = (backup.snapshot, backup.copy)
    return any(each is not None and each[:_ID] == listed[0] for each in ids)


def _is_near(listed: tuple[str, int, Group], backup: KnownBackup) -> bool:
    """Whether a snapshot may be a backup's by its time: that of the snapshot is a little later."""
    if backup.started is None or listed[2] is not GROUPS[backup.group]:
        return False
    return abs(listed[1] - backup.started.timestamp()) <= _NEAR.total_seconds()


def _is_day(text: str | None) -> bool:
    try:
        date.fromisoformat(text or "")
    except ValueError:
        return False
    return True
