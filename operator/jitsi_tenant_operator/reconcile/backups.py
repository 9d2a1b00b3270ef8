"""Follows the backups of a tenant: records what ran, starts what is asked for, says how they stand.

The repositories are the truth, and the reports of the programs say what is in them. Whatever was
written is compared with what should be, so that a run repeated changes nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field, replace

from jitsi_tenant_operator.api.backup import (
    BackupExpiry,
    BackupGroup,
    JitsiBackup,
    JitsiBackupStatus,
)
from jitsi_tenant_operator.api.hold import HoldScope
from jitsi_tenant_operator.api.objects import API_VERSION, JsonObject, ObjectRef, TenantKey
from jitsi_tenant_operator.api.tenant import BackupSummary
from jitsi_tenant_operator.backup.report import Report as RunReport
from jitsi_tenant_operator.kube.children import ChildCache
from jitsi_tenant_operator.kube.client import KubeClient
from jitsi_tenant_operator.kube.errors import AlreadyExists, Conflict, KubeError, NotFound
from jitsi_tenant_operator.reconcile import backup_findings, backup_news
from jitsi_tenant_operator.reconcile.backup_findings import Situation
from jitsi_tenant_operator.reconcile.backup_news import News
from jitsi_tenant_operator.reconcile.backup_objects import BackupObjects, KnownBackup
from jitsi_tenant_operator.reconcile.backup_runs import Kept, Run, failure, kept, runs, since
from jitsi_tenant_operator.reconcile.conditions import ConditionType, Finding, with_findings
from jitsi_tenant_operator.reconcile.course import Course
from jitsi_tenant_operator.reconcile.resolve import Bound
from jitsi_tenant_operator.reconcile.restores import RestoreFollower
from jitsi_tenant_operator.reconcile.status import Report
from jitsi_tenant_operator.render import backup as rendered
from jitsi_tenant_operator.render import names
from jitsi_tenant_operator.render.backup_configuration import promise
from jitsi_tenant_operator.render.context import TenantContext
from jitsi_tenant_operator.render.labels import labels

_STEPS = 3
"""More than a backup ever needs: its evidence, and what follows from it."""


@dataclass(frozen=True, slots=True)
class BackupState:
    """How the backups of a tenant stand, when to look again, and what could not be written."""

    finding: Finding
    summary: BackupSummary | None
    again: float
    failed: list[KubeError] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """All that is known around the backups of one tenant.

    `own` and `keeping` are the Jobs in its namespace and in the operator's, `kept` is what the
    repositories hold, `failure` why the newest run of a schedule failed, `ends` until when each
    complete backup is kept. Without a `context` the tenant cannot be carried out now, and nothing
    is started.
    """

    key: TenantKey
    bound: Bound
    course: Course
    context: TenantContext | None
    own: list[Run]
    keeping: list[Run]
    kept: Kept | None
    failure: str
    ends: Mapping[str, BackupExpiry] = field(default_factory=dict)


class BackupFollower:
    """Follows the backups of all tenants. `namespace` and `image` are the operator's own."""

    def __init__(
        self,
        objects: BackupObjects,
        client: KubeClient,
        cache: ChildCache[TenantKey],
        *,
        namespace: str,
        image: str,
    ) -> None:
        self.image = image
        self._objects = objects
        self._client = client
        self._cache = cache
        self._namespace = namespace
        self._restores = RestoreFollower(objects, client)

    async def follow(
        self, bound: Bound, course: Course, context: TenantContext | None
    ) -> BackupState:
        """Record what ran, and start what is asked for; how the backups then stand."""
        around = self._around(bound, course, context)
        failed: list[KubeError] = []
        await _attempt(failed, self._record_nights(around))
        for backup in self._objects.backups.within(around.key.namespace):
            await _attempt(failed, self._follow_one(backup.ref, around))
        if context is not None:
            for restore in self._objects.restores.within(around.key.namespace):
                run = next((each for each in around.own if each.owner_uid == restore.uid), None)
                await _attempt(
                    failed, self._restores.follow(restore, run, context, course.calendar)
                )
        return self._state(around, failed)

    def _around(self, bound: Bound, course: Course, context: TenantContext | None) -> Surroundings:
        key = TenantKey(bound.tenant.metadata.namespace, bound.tenant.metadata.name)
        records = self._cache.children(key)
        own, keeping = runs(records, key.namespace), runs(records, self._namespace)
        schedules = {each.uid for each in records if each.ref.kind == "CronJob"}
        # Before there is a backup, there is nothing to keep.
        done = [each.completed for each in self._complete(key) if each.completed is not None]
        worth = since(keeping, min(done, default=None))
        why = failure([*own, *worth], schedules)
        around = Surroundings(key, bound, course, context, own, keeping, kept(keeping), why)
        return replace(around, ends=self._ends(around))

    async def _record_nights(self, around: Surroundings) -> None:
        """See that there is a JitsiBackup for each night that a report tells of."""
        for name, report in backup_news.nights(around.own).items():
            ref = ObjectRef(API_VERSION, JitsiBackup.definition.kind, around.key.namespace, name)
            if self._objects.backups.get(ref) is None and not backup_news.is_swept(
                report, around.kept
            ):
                await self._create(around.key, ref, report)

    async def _create(self, key: TenantKey, ref: ObjectRef, report: RunReport) -> None:
        body: JsonObject = {
            "apiVersion": API_VERSION,
            "kind": ref.kind,
            # No owner: evidence outlives the tenant, as the backup itself does.
            "metadata": {"name": ref.name, "namespace": ref.namespace, "labels": labels(key.name)},
            "spec": {"tenant": key.name, "group": BackupGroup.SCHEDULED.value, "day": report.day},
        }
        try:
            answer = await self._client.create(body)
        except AlreadyExists:
            answer = await self._client.get(ref)
        self._objects.backups.observe(None, answer)

    async def _follow_one(self, ref: ObjectRef, around: Surroundings) -> None:
        """Bring one backup up to date: what was just written may be what the next step needs."""
        for _ in range(_STEPS):
            backup = self._objects.backups.get(ref)
            if backup is None or not await self._step(backup, around):
                return

    async def _step(self, backup: KnownBackup, around: Surroundings) -> bool:
        """Add to one backup what is known of it by now; delete the record of one that is gone.

        Whether anything was added.
        """
        why = backup_news.why_ignored(backup, around.key.name)
        if why:
            news = backup_news.of_mistake(backup, why)
        elif backup_news.is_gone(backup, around.kept) and backup_news.is_over(
            backup, around.course
        ):
            await self._drop(backup)
            return False
        elif self._is_to_start(backup, around):
            await self._start(backup, around)
            return False
        else:
            news = self._news(backup, around)
        if news:
            await self._publish(backup, news)
        return bool(news)

    def _news(self, backup: KnownBackup, around: Surroundings) -> News:
        if backup.group is BackupGroup.SCHEDULED:
            reported = backup_news.nights(around.own).get(backup.ref.name)
            first = backup_news.of_report(backup, reported)
        else:
            first = backup_news.of_job(backup, _job(backup, around))
        ends = around.ends
        if first.evidence is not None:
            begun, snapshot = first.evidence.started_at, first.evidence.snapshot
            ends = self._ends(around, replace(backup, snapshot=snapshot, started=begun))
        ahead = backup_news.of_expiry(backup, ends.get(backup.ref.name))
        return backup_news.merged(first, backup_news.of_keeping(backup, around.kept), ahead)

    def _ends(self, around: Surroundings, *more: KnownBackup) -> dict[str, BackupExpiry]:
        """Until when each complete backup is kept, and those `more`."""
        complete = [*self._complete(around.key), *more]
        course = around.course
        return backup_news.expiries(complete, around.bound.terms, course.now, course.calendar)

    def _complete(self, key: TenantKey) -> list[KnownBackup]:
        return [
            each
            for each in self._objects.backups.within(key.namespace)
            if each.snapshot is not None and not backup_news.why_ignored(each, key.name)
        ]

    @staticmethod
    def _is_to_start(backup: KnownBackup, around: Surroundings) -> bool:
        """Whether a backup on demand has no Job yet, and can have one."""
        return (
            backup.group is not BackupGroup.SCHEDULED
            and backup.snapshot is None
            and not backup.is_told(ConditionType.COMPLETE, "False")
            and _job(backup, around) is None
            and around.context is not None
            and promise(around.context) is not None
        )

    async def _start(self, backup: KnownBackup, around: Surroundings) -> None:
        assert around.context is not None
        owner = {
            "apiVersion": backup.ref.api_version,
            "kind": backup.ref.kind,
            "name": backup.ref.name,
            "uid": backup.uid,
            "controller": True,
        }
        name = names.run(around.key.name, "backup", backup.uid)
        group = backup_news.GROUPS[backup.group].value
        try:
            await self._client.create(rendered.job(around.context, name, group, owner))
        except AlreadyExists:
            return  # the watch lags behind a write of ours

    async def _drop(self, backup: KnownBackup) -> None:
        try:
            await self._client.delete(backup.ref, uid=backup.uid)
        except (NotFound, Conflict):
            return

    async def _publish(self, backup: KnownBackup, news: News) -> None:
        """Write what is new; where others wrote meanwhile it is tried again."""
        try:
            body = await self._client.get(backup.ref)
        except NotFound:
            return
        read = JitsiBackup.parse(body)
        if read.metadata.uid != backup.uid:
            return
        before = read.status or JitsiBackupStatus()
        after = news.added_to(before)
        told, generation = backup_news.told(after, news), read.metadata.generation
        merged = with_findings(
            told, before.conditions or (), generation=generation, now=self._client.clock.now()
        )
        after = after.model_copy(update={"observed_generation": generation, "conditions": merged})
        if after != read.status:
            version = body["metadata"]["resourceVersion"]
            patch = {"metadata": {"resourceVersion": version}, "status": after.to_json()}
            body = await self._client.merge_patch(backup.ref, patch, subresource="status")
        self._objects.backups.observe(None, body)

    def _state(self, around: Surroundings, failed: list[KubeError]) -> BackupState:
        course, platform = around.course, around.bound.platform.spec
        complete = self._complete(around.key)
        terms = around.bound.terms.terms.backup
        created = around.bound.tenant.metadata.creation_timestamp
        situation = Situation(
            backups=complete,
            offsite=bool(terms is not None and terms.offsite),
            held=is_held(course),
            since=backup_findings.due_since(created, course.now, course.calendar),
            failure=around.failure,
            lost=[
                each.ref.name
                for each in complete
                if backup_news.is_gone(each, around.kept) and not backup_news.is_over(each, course)
            ],
        )
        nothing = backup_findings.impossible(platform, self.image)
        return BackupState(
            nothing or backup_findings.of_backups(situation, course.now, course.calendar),
            backup_findings.summary(situation),
            backup_findings.seconds_to_next(course.now, course.calendar),
            failed,
        )


def with_backups(report: Report, state: BackupState | None) -> Report:
    """A report that also says how the backups stand; as it is where nobody looked."""
    if state is None:
        return report
    running = replace(report.running, backup=state.summary)
    return replace(report.with_findings(state.finding), running=running)


def is_held(course: Course) -> bool:
    """Whether a legal hold keeps backups from being deleted; holds that cannot be read do."""
    holds = course.facts.holds
    if holds is None:
        return True
    return any(
        (hold.released is None or hold.released > course.now)
        and (not hold.scope or HoldScope.BACKUPS in hold.scope)
        for hold in holds
    )


def _job(backup: KnownBackup, around: Surroundings) -> Run | None:
    return next((each for each in around.own if each.owner_uid == backup.uid), None)


async def _attempt(failed: list[KubeError], work: Awaitable[None]) -> None:
    """What fails for one backup must not hold up the others."""
    try:
        await work
    except KubeError as error:
        failed.append(error)
