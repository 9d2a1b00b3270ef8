"""The status of a tenant: composed from what was found, compared with what is there. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from jitsi_tenant_operator.api.objects import API_VERSION, JsonObject
from jitsi_tenant_operator.api.tenant import (
    BackupSummary,
    BridgeStatus,
    ContractStatus,
    DeadlineStatus,
    EffectiveTerm,
    JitsiTenant,
    JitsiTenantStatus,
    LogStatus,
)
from jitsi_tenant_operator.contract.decision import Deadline
from jitsi_tenant_operator.contract.terms import EffectiveTerms
from jitsi_tenant_operator.reconcile.conditions import Finding, conditions
from jitsi_tenant_operator.reconcile.course import Course


@dataclass(frozen=True, slots=True)
class Running:
    """What is known to run, for people; `None` fields are as they were before."""

    url: str | None = None
    release: str | None = None
    bridges: tuple[BridgeStatus, ...] | None = None
    bridge_replicas: int | None = None
    bridge_selector: str | None = None
    terms: EffectiveTerms | None = None
    course: Course | None = None
    backup: BackupSummary | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What one reconcile came to.

    `applied` says that the spec as it stands is in the cluster, `waiting` names the change that is
    not made yet, since it would cut meetings.
    """

    findings: Sequence[Finding]
    applied: bool = False
    waiting: str | None = None
    running: Running = field(default_factory=Running)

    def with_findings(self, *more: Finding) -> Report:
        """The same with more findings."""
        return replace(self, findings=[*self.findings, *more])


def next_status(
    before: JitsiTenantStatus | None, report: Report, *, generation: int, now: datetime
) -> JitsiTenantStatus:
    """The status after `report`; equal to `before` when there is nothing new to say."""
    before = before or JitsiTenantStatus()
    running = report.running
    bridges = running.bridges if running.bridges is not None else before.bridges
    course = running.course
    replicas = running.bridge_replicas
    return JitsiTenantStatus(
        observed_generation=generation if report.applied else before.observed_generation,
        conditions=conditions(
            report.findings, before.conditions or (), generation=generation, now=now
        ),
        url=running.url or before.url,
        release=running.release or before.release,
        bridges=bridges,
        bridge_replicas=replicas if replicas is not None else before.bridge_replicas,
        bridge_selector=running.bridge_selector or before.bridge_selector,
        waiting_change=report.waiting,
        terms=_terms(running.terms) if running.terms is not None else before.terms,
        phase=course.decision.phase if course is not None else before.phase,
        contract=_contract(course, before.contract) if course is not None else before.contract,
        logs=_logs(course) or before.logs,
        backup=running.backup if running.backup is not None else before.backup,
    )


def _logs(course: Course | None) -> LogStatus | None:
    return course.logs.status if course is not None and course.logs is not None else None


def with_finding(
    before: JitsiTenantStatus | None, *, finding: Finding, generation: int, now: datetime
) -> JitsiTenantStatus:
    """The same status but for one condition."""
    before = before or JitsiTenantStatus()
    known = before.conditions or ()
    found = conditions([finding], known, generation=generation, now=now)
    others = [condition for condition in known if condition.type != finding.type]
    merged = tuple(sorted([*others, *found], key=lambda condition: condition.type))
    return before.model_copy(update={"conditions": merged})


def status_patch(body: JsonObject, status: JitsiTenantStatus) -> JsonObject:
    """The server-side apply that writes `status`, to this very object and no later namesake."""
    return {
        "apiVersion": API_VERSION,
        "kind": JitsiTenant.definition.kind,
        "metadata": {name: body["metadata"][name] for name in ("name", "namespace", "uid")},
        "status": status.to_json(),
    }


_DEADLINES = 64


def _contract(course: Course, before: ContractStatus | None) -> ContractStatus:
    decision = course.decision
    custody = _custody(course, before)
    return ContractStatus(
        state=decision.contract,
        service=decision.service.state,
        service_reasons=decision.service.reasons,
        service_until=decision.service.until,
        recording=decision.recording.state,
        recording_reasons=decision.recording.reasons,
        data=decision.data.state,
        waits=decision.data.waits,
        ends_on=decision.end.day if decision.end is not None else None,
        end_cause=decision.end.cause if decision.end is not None else None,
        next=decision.next,
        deadlines=tuple(map(_deadline, decision.deadlines[:_DEADLINES])),
        **custody,
    )


def _custody(course: Course, before: ContractStatus | None) -> dict[str, Any]:
    """What is said of the ledger: what it is now, or what it was when it was last relied on."""
    record = course.record
    if course.ledger_problem is not None and before is not None and before.record is not None:
        return before.model_dump(include={"record", "record_entries", "record_digest"})
    if record is None or course.ledger_problem is not None:
        return {"record": record.ref.name if record is not None else None}
    return {
        "record": record.ref.name,
        "record_entries": record.entries,
        "record_digest": record.head,
    }


def _deadline(deadline: Deadline) -> DeadlineStatus:
    return DeadlineStatus(
        name=deadline.name[:64],
        subject=deadline.subject[:253] or None,
        at=deadline.at.astimezone(UTC),
        rule=deadline.rule[:512],
        document=deadline.source.document[:253],
        clause=deadline.source.clause,
        passed=deadline.passed,
    )


def _terms(terms: EffectiveTerms) -> tuple[EffectiveTerm, ...]:
    return tuple(
        EffectiveTerm(name=name, value=value, document=source.document, clause=source.clause)
        for name, value, source in terms.rows()
    )
