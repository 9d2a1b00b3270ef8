"""What reports add to the evidence of backups, and whose word counts for what."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from jitsi_tenant_operator.api.backup import BackupGroup, JitsiBackup, JitsiBackupStatus
from jitsi_tenant_operator.api.objects import API_VERSION, JsonObject, ObjectRef, TenantKey
from jitsi_tenant_operator.api.terms import OperationalTerms
from jitsi_tenant_operator.backup.report import (
    Listed,
    Outcome,
    Program,
    Report,
    Verification,
    encode,
    problem,
)
from jitsi_tenant_operator.backup.report import ProblemReason as Why
from jitsi_tenant_operator.backup.store import Copy, Depth, Group
from jitsi_tenant_operator.contract.calendar import Calendar
from jitsi_tenant_operator.contract.terms import EffectiveTerms, TermSource
from jitsi_tenant_operator.kube.children import ChildRecord
from jitsi_tenant_operator.kube.facts import facts_of
from jitsi_tenant_operator.reconcile import backup_news
from jitsi_tenant_operator.reconcile.backup_objects import BackupObjects, KnownBackup
from jitsi_tenant_operator.reconcile.backup_runs import Kept, Run, failure, kept, runs, since

PARIS = Calendar.of("Europe/Paris")
BEGUN = datetime(2026, 6, 20, 23, 15, tzinfo=UTC)
SNAPSHOT = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
TENANT, OPERATOR = "tenant-acme", "jitsi-operator"
CRON, OTHER_CRON = "cron", "other-cron"


def record(kind: str, name: str, owner: str, status: JsonObject, namespace: str) -> Any:
    api_version = "v1" if kind == "Pod" else "batch/v1"
    body = {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"containers": [{}]},
        "status": status,
    }
    return ChildRecord(
        ref=ObjectRef(api_version, kind, namespace, name),
        uid=name,
        resource_version=1,
        owner=TenantKey(TENANT, "acme"),
        owner_uid=owner,
        applied_hash=None,
        deleting=False,
        facts=facts_of(body),
        content=b"",
        verified=True,
        snapshot=None,
    )


def job(
    *reports: Report | str,
    name: str = "job",
    owner: str = CRON,
    ended: str = "Complete",
    hour: int = 1,
    namespace: str = TENANT,
) -> list[Any]:
    """A Job that has ended, and its pod with what its programs said."""
    texts = [each if isinstance(each, str) else encode(each) for each in reports]
    statuses = [{"state": {"terminated": {"exitCode": 0, "message": text}}} for text in texts]
    pod = {
        "phase": "Succeeded" if ended == "Complete" else "Failed",
        "initContainerStatuses": statuses[:-1],
        "containerStatuses": statuses[-1:],
    }
    condition = {"type": ended, "status": "True", "reason": "BackoffLimitExceeded", "message": "m"}
    status = {
        "startTime": f"2026-06-20T{hour:02}:00:00Z",
        "conditions": [condition] if ended else [],
    }
    return [
        record("Job", name, owner, status, namespace),
        record("Pod", f"{name}-pod", name, pod, namespace),
    ]


def report(**more: Any) -> Report:
    given: dict[str, Any] = {
        "program": Program.BACKUP,
        "outcome": Outcome.SUCCEEDED,
        "started": BEGUN,
        "seconds": 12.7,
        "group": Group.SCHEDULED,
        "day": "2026-06-21",
        "primary": SNAPSHOT,
        "files": 3,
        "bytes": 100,
        "manifest": "ab" * 32,
        **more,
    }
    return Report(**given)


def listed(copy: Copy, *ids: str, at: datetime = BEGUN, count: int | None = None) -> Listed:
    snapshots = tuple((id_, int(at.timestamp()), Group.SCHEDULED) for id_ in ids)
    return Listed(copy_=copy, count=len(ids) if count is None else count, snapshots=snapshots)


def keeping(*copies: Listed, verified: tuple[Verification, ...] = (), hours: float = 5) -> Kept:
    sweep = Report(
        program=Program.SWEEP,
        outcome=Outcome.SUCCEEDED,
        started=BEGUN + timedelta(hours=hours),
        seconds=1,
        copies=copies,
        verified=verified,
    )
    found = kept(runs(job(sweep, namespace=OPERATOR), OPERATOR))
    assert found is not None
    return found


def known(**more: Any) -> KnownBackup:
    """A complete backup."""
    objects = BackupObjects()
    status = JitsiBackupStatus(evidence=backup_news.evidence(report()))
    body = {
        "apiVersion": API_VERSION,
        "kind": JitsiBackup.definition.kind,
        "metadata": {
            "name": "scheduled-2026-06-21",
            "namespace": TENANT,
            "uid": "1",
            "resourceVersion": "1",
        },
        "spec": {"tenant": "acme", "group": "Scheduled", "day": "2026-06-21"},
        "status": status.to_json(),
    }
    objects.observe("JitsiBackup", None, body)
    (found,) = objects.backups.within(TENANT)
    return replace(found, **more)


def test_a_report_becomes_the_evidence_of_its_day() -> None:
    found = backup_news.nights(runs(job(report()), TENANT))
    assert list(found) == ["scheduled-2026-06-21"]
    evidence = backup_news.evidence(found["scheduled-2026-06-21"])
    assert evidence is not None
    assert (evidence.snapshot, evidence.files, evidence.size) == (SNAPSHOT, 3, 100)
    assert evidence.completed_at == BEGUN + timedelta(seconds=12)


@pytest.mark.parametrize(
    "more",
    [
        {"files": 0},
        {"files": None},
        {"primary": None},
        {"manifest": None},
        {"bytes": None},
        {"day": None},
        {"day": "yesterday"},
        {"group": Group.ON_DEMAND},
        {"program": Program.RESTORE},
    ],
)
def test_a_report_that_lacks_evidence_is_none(more: dict[str, Any]) -> None:
    assert not backup_news.nights(runs(job(report(**more)), TENANT))


def test_the_first_of_two_runs_of_a_day_is_its_backup() -> None:
    again = report(outcome=Outcome.UNCHANGED, started=BEGUN + timedelta(hours=1), primary="another")
    records = [*job(report()), *job(again, name="again", hour=2)]
    (found,) = backup_news.nights(runs(records, TENANT)).values()
    assert found.primary == SNAPSHOT


@pytest.mark.parametrize("words", ["", "no JSON", "{}", '{"program": "backup"}', "x" * 4096])
def test_what_is_no_report_says_nothing(words: str) -> None:
    (found,) = runs(job(words), TENANT)
    assert found.reports == ()


def test_a_report_counts_from_its_own_namespace_only() -> None:
    forged = job(report(), namespace="elsewhere")
    assert not runs(forged, TENANT)
    sweep = Report(
        program=Program.SWEEP,
        outcome=Outcome.SUCCEEDED,
        started=BEGUN,
        seconds=1,
        copies=(listed(Copy.PRIMARY),),
    )
    assert kept(runs(job(sweep, namespace=TENANT), OPERATOR)) is None


def test_a_backup_is_copied_once_the_other_site_lists_its_instant() -> None:
    primary = listed(Copy.PRIMARY, SNAPSHOT[:12])
    there = keeping(primary, listed(Copy.OFFSITE, "aabbccddeeff"))
    news = backup_news.of_keeping(known(), there)
    assert news.offsite is not None
    assert (news.offsite.snapshot, news.offsite.copied_at) == ("aabbccddeeff", there.at)
    assert backup_news.of_keeping(known(copied=there.at), there).offsite is None
    other = listed(Copy.OFFSITE, "aabbccddeeff", at=BEGUN + timedelta(days=1))
    assert backup_news.of_keeping(known(), keeping(primary, other)).offsite is None


def test_a_verification_counts_for_what_was_there_and_is_renewed_in_a_week() -> None:
    def verified(hours: float) -> Kept:
        at = BEGUN + timedelta(hours=hours)
        word = Verification(at=at, depth=Depth.EVERYTHING, copy_=Copy.PRIMARY)
        return keeping(listed(Copy.PRIMARY, SNAPSHOT[:12]), verified=(word,))

    assert backup_news.of_keeping(known(), verified(-1)).verified is None
    first = backup_news.of_keeping(known(), verified(5)).verified
    assert first is not None
    assert first.depth == "Everything"
    before = known(verified=first.at)
    assert backup_news.of_keeping(before, verified(5 + 24)).verified is None
    assert backup_news.of_keeping(before, verified(5 + 24 * 7)).verified is not None


def test_a_verification_that_found_damage_is_none() -> None:
    word = Verification(at=BEGUN + timedelta(hours=5), depth=Depth.SAMPLE, copy_=Copy.PRIMARY)
    broken = Report(
        program=Program.VERIFY,
        outcome=Outcome.FAILED,
        started=BEGUN,
        seconds=1,
        verified=(word,),
        copies=(listed(Copy.PRIMARY, SNAPSHOT[:12]),),
    )
    found = kept(runs(job(broken, namespace=OPERATOR, ended="Failed"), OPERATOR))
    assert found is not None
    assert found.verified is None


@pytest.mark.parametrize(
    ("copies", "gone"),
    [
        ((listed(Copy.PRIMARY), listed(Copy.OFFSITE)), True),
        ((listed(Copy.PRIMARY),), True),
        ((listed(Copy.PRIMARY, SNAPSHOT[:12]), listed(Copy.OFFSITE)), False),
        ((listed(Copy.PRIMARY), listed(Copy.OFFSITE, "aabbccddeeff")), False),
        ((listed(Copy.PRIMARY, count=70), listed(Copy.OFFSITE)), False),
    ],
)
def test_a_backup_is_gone_when_complete_lists_of_both_sites_lack_it(
    copies: tuple[Listed, ...], gone: bool
) -> None:
    assert backup_news.is_gone(known(), keeping(*copies)) == gone
    assert not backup_news.is_gone(known(), keeping(*copies, hours=-1)), "made since"
    assert not backup_news.is_gone(known(), None)


def test_the_newest_run_of_each_schedule_says_whether_it_failed() -> None:
    broken = report(outcome=Outcome.FAILED, problems=(problem(Why.DISK_FULL, "no space is left"),))
    failed = job(broken, name="failed", ended="Failed", hour=1)
    later = job(report(), name="later", hour=2)
    running = job(name="running", ended="", hour=3)
    other = job(name="other", owner=OTHER_CRON, ended="Failed", hour=1)

    def said(*records: list[Any]) -> str:
        found: list[Run] = runs([each for part in records for each in part], TENANT)
        return failure(found, {CRON, OTHER_CRON})

    assert said(failed) == "failed: DiskFull: no space is left"
    assert said(failed, running) == "failed: DiskFull: no space is left"
    assert said(failed, later) == ""
    assert said(failed, later, other) == "other: BackoffLimitExceeded: m"
    assert failure(runs(failed, TENANT), {"no cron job"}) == ""


def test_what_failed_to_keep_repositories_before_there_was_a_backup_is_no_failure() -> None:
    found = runs(job(ended="Failed", hour=5, namespace=OPERATOR), OPERATOR)
    at = datetime(2026, 6, 20, 5, tzinfo=UTC)
    assert since(found, None) == []
    assert since(found, at) == []
    assert since(found, at - timedelta(seconds=1)) == found


def test_evidence_that_is_there_stays() -> None:
    status = JitsiBackupStatus(evidence=backup_news.evidence(report()))
    other = backup_news.News(evidence=backup_news.evidence(report(primary="another")))
    assert other.added_to(status).evidence == status.evidence


def test_a_weekly_is_kept_longer_than_a_daily_that_another_follows() -> None:
    source = TermSource("cgu-2026-05-19", "6.3")
    terms = EffectiveTerms(
        OperationalTerms.model_validate({"backup": {"daily": "P10D", "weekly": "P2M"}}),
        {"backup.daily": source, "backup.weekly": source},
    )
    sunday, saturday = known(), known()
    earlier = saturday.started - timedelta(days=1) if saturday.started else None
    saturday = replace(
        saturday,
        ref=replace(saturday.ref, name="scheduled-2026-06-20"),
        day=date(2026, 6, 20),
        started=earlier,
    )
    at = BEGUN + timedelta(days=15)
    found = backup_news.expiries([sunday, saturday], terms, at, PARIS)
    assert found["scheduled-2026-06-21"].rule == "weekly"
    assert found["scheduled-2026-06-20"].rule == "daily"
    assert found["scheduled-2026-06-20"].at < at < found["scheduled-2026-06-21"].at
    assert found["scheduled-2026-06-21"].clause == "6.3"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, ""),
        ({"tenant": "globex"}, "the tenant of this namespace is acme"),
        ({"day": date(2026, 6, 20)}, "the operator alone"),
        ({"group": BackupGroup.ON_DEMAND, "day": None}, ""),
    ],
)
def test_what_is_no_backup_of_the_tenant_is_told_apart(more: dict[str, Any], words: str) -> None:
    why = backup_news.why_ignored(known(**more), "acme")
    assert (words in why) if words else why == ""
