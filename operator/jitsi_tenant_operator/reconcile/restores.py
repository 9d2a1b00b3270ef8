"""Follows the restores of a tenant: starts each one once, and says what became of it."""

from __future__ import annotations

from datetime import UTC, timedelta

from jitsi_tenant_operator.api.backup import JitsiBackup
from jitsi_tenant_operator.api.conditions import ConditionStatus
from jitsi_tenant_operator.api.objects import API_VERSION, ObjectRef
from jitsi_tenant_operator.api.restore import (
    JitsiRestore,
    JitsiRestoreStatus,
    RestoredPart,
    RestoreOutcome,
)
from jitsi_tenant_operator.backup.configuration import Part
from jitsi_tenant_operator.backup.report import Program, Report
from jitsi_tenant_operator.contract.calendar import Calendar
from jitsi_tenant_operator.kube.client import KubeClient
from jitsi_tenant_operator.kube.errors import AlreadyExists, NotFound
from jitsi_tenant_operator.reconcile.backup_objects import BackupObjects, KnownRestore
from jitsi_tenant_operator.reconcile.backup_runs import Run, ended
from jitsi_tenant_operator.reconcile.conditions import (
    ConditionType,
    Finding,
    Reason,
    found,
    lacking,
    unknown,
    with_findings,
)
from jitsi_tenant_operator.render import backup as rendered
from jitsi_tenant_operator.render import names
from jitsi_tenant_operator.render.backup import Restoring
from jitsi_tenant_operator.render.backup_configuration import promise
from jitsi_tenant_operator.render.context import TenantContext


class RestoreFollower:
    """Follows the restores of all tenants."""

    def __init__(self, objects: BackupObjects, client: KubeClient) -> None:
        self._objects = objects
        self._client = client

    async def follow(
        self, restore: KnownRestore, run: Run | None, context: TenantContext, calendar: Calendar
    ) -> None:
        """Start a restore that has no Job yet, or say what its Job came to; raises KubeError."""
        if restore.ended:
            return
        if run is not None:
            finding, outcome = _of_run(run)
            await self._publish(restore, finding, outcome)
            return
        asked = self._asked(restore, context, calendar)
        if isinstance(asked, Finding):
            await self._publish(restore, asked, None)
        elif promise(context) is not None:
            await self._start(restore, asked, context)

    def _asked(
        self, restore: KnownRestore, context: TenantContext, calendar: Calendar
    ) -> Restoring | Finding:
        """What its program is told, or why it cannot be started."""
        spec = restore.spec
        if spec.tenant != context.name:
            return _mistake(f"spec.tenant: the tenant of this namespace is {context.name}")
        arguments: list[str] = []
        if spec.backup is not None:
            ref = ObjectRef(
                API_VERSION, JitsiBackup.definition.kind, restore.ref.namespace, spec.backup
            )
            backup = self._objects.backups.get(ref)
            if backup is None or backup.snapshot is None or backup.tenant != context.name:
                text = f"spec.backup: there is no complete JitsiBackup {spec.backup}"
                return lacking(ConditionType.COMPLETE, Reason.BACKUP_NOT_FOUND, text)
            arguments += ["--snapshot", backup.snapshot]
        elif spec.date is not None:
            last = calendar.end_of(spec.date) - timedelta(seconds=1)
            arguments += ["--at", f"{last.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"]
        chosen = _chosen(restore, context)
        if isinstance(chosen, Finding):
            return chosen
        if spec.drill:
            return Restoring((), drill=True)
        replacing = ["--replace"] if spec.overwrite else []
        return Restoring((*arguments, *chosen, *replacing), spec.claim)

    async def _start(self, restore: KnownRestore, asked: Restoring, context: TenantContext) -> None:
        owner = {
            "apiVersion": restore.ref.api_version,
            "kind": restore.ref.kind,
            "name": restore.ref.name,
            "uid": restore.uid,
            "controller": True,
        }
        name = names.run(context.name, "restore", restore.uid)
        try:
            await self._client.create(rendered.restore_job(context, name, asked, owner))
        except AlreadyExists:
            return  # the watch lags behind a write of ours

    async def _publish(
        self, restore: KnownRestore, finding: Finding, outcome: RestoreOutcome | None
    ) -> None:
        told = {each.type: (each.status, each.reason) for each in restore.told}
        if told.get(finding.type) == (finding.status.value, finding.reason.value):
            return
        try:
            body = await self._client.get(restore.ref)
        except NotFound:
            return
        read = JitsiRestore.parse(body)
        if read.metadata.uid != restore.uid:
            return
        before = read.status or JitsiRestoreStatus()
        generation = read.metadata.generation
        merged = with_findings(
            [finding],
            before.conditions or (),
            generation=generation,
            now=self._client.clock.now(),
        )
        after = JitsiRestoreStatus(
            observed_generation=generation,
            conditions=merged,
            outcome=before.outcome or outcome,
        )
        version = body["metadata"]["resourceVersion"]
        patch = {"metadata": {"resourceVersion": version}, "status": after.to_json()}
        answer = await self._client.merge_patch(restore.ref, patch, subresource="status")
        self._objects.restores.observe(None, answer)


def _chosen(restore: KnownRestore, context: TenantContext) -> list[str] | Finding:
    """The arguments that say which parts, or which file."""
    spec = restore.spec
    if spec.what is RestoredPart.FILE and spec.path is not None:
        part, _, path = spec.path.partition("/")
        if part not in {each.value for each in Part} or not path:
            return _mistake(
                "spec.path: begin with the part that the file is of, as in recordings/a.mp4;"
                f" the parts are {', '.join(each.value for each in Part)}"
            )
        # In one word: a name may begin with a hyphen.
        wanted, rest = [part], [f"--path={path}"]
    elif spec.what is RestoredPart.ALL:
        everything = [each.value for each in Part]
        wanted = everything if spec.claim is not None else list(rendered.parts(context))
        rest = []
    else:
        wanted, rest = [spec.what.value.lower()], []
    in_place = spec.claim is None and not spec.drill
    missing = [each for each in wanted if in_place and each not in rendered.parts(context)]
    if missing or not wanted:
        return _mistake(
            f"there is no volume of the tenant's own for {', '.join(missing) or 'anything'}: name"
            " in spec.claim the PersistentVolumeClaim to restore to"
        )
    return [argument for each in wanted for argument in ("--part", each)] + rest


def _of_run(run: Run) -> tuple[Finding, RestoreOutcome | None]:
    report = run.done(Program.RESTORE, Program.DRILL)
    outcome = _outcome(report) if report is not None else None
    if outcome is not None:
        return found(ConditionType.COMPLETE), outcome
    if run.failed or run.succeeded:
        why = run.problem or "its program left no report"
        return lacking(ConditionType.COMPLETE, Reason.RESTORE_FAILED, why), None
    return unknown(ConditionType.COMPLETE, "its Job runs"), None


def _outcome(report: Report) -> RestoreOutcome | None:
    snapshot = report.primary or report.offsite
    if snapshot is None or report.files is None or report.bytes is None:
        return None
    return RestoreOutcome(
        snapshot=snapshot,
        started_at=report.started,
        completed_at=ended(report),
        files=report.files,
        size=report.bytes,
        identical=True,
    )


def _mistake(text: str) -> Finding:
    return Finding(ConditionType.COMPLETE, ConditionStatus.FALSE, Reason.INVALID_SPEC, text)
