"""What the archiver's pods said when they ended, and how the logs of each tenant stand by that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
from pydantic import ValidationError

from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef
from jitsi_tenant_operator.api.tenant import LogStatus
from jitsi_tenant_operator.logs.report import RunReport, TenantReport, Trouble
from jitsi_tenant_operator.reconcile.conditions import (
    ConditionType,
    Finding,
    Reason,
    found,
    lacking,
    unknown,
)

ARCHIVER = "jitsi-logs-archiver"
"""The name label of the archiver's pods, and of their one container."""
MISSED = timedelta(hours=50)
"""After this long without a report, two runs were missed: it runs once a day."""
_REASONS = {
    Trouble.HOLDS_UNREADABLE: Reason.HOLDS_UNREADABLE,
    Trouble.MANIFEST_BROKEN: Reason.ARCHIVES_ALTERED,
    Trouble.ARCHIVE_MISSING: Reason.ARCHIVES_ALTERED,
    Trouble.ARCHIVE_ALTERED: Reason.ARCHIVES_ALTERED,
    Trouble.NOT_EXPIRED: Reason.LOGS_OVERDUE,
}
"""The reason for each trouble; for all others logs could not be archived."""
_BESIDE = frozenset({Trouble.UNKNOWN_FILE, Trouble.BUSY})
"""What a person may look at, and takes nothing from what was promised."""


@dataclass(frozen=True, slots=True)
class EndedRun:
    """A pod of the archiver; `message` is what it said when it ended, None while it runs."""

    ref: ObjectRef
    uid: str
    resource_version: int
    message: str | None


def ended_run(pod: JsonObject, _old: EndedRun | None = None) -> EndedRun:
    """The `transform` of an informer of the archiver's pods."""
    metadata = pod["metadata"]
    message = None
    for status in (pod.get("status") or {}).get("containerStatuses") or ():
        terminated = (status.get("state") or {}).get("terminated")
        if status.get("name") == ARCHIVER and terminated is not None:
            message = terminated.get("message") or ""
    version = int(metadata["resourceVersion"])
    return EndedRun(ObjectRef.of(pod), metadata["uid"], version, message)


def read(text: str | bytes) -> tuple[RunReport | None, bool]:
    """The report in a message or log, if it is one; and whether it names every tenant."""
    try:
        content = orjson.loads(text)
        left = content.pop("left", 0) if isinstance(content, dict) else 0
        return RunReport.model_validate_json(orjson.dumps(content), strict=True), not left
    except (orjson.JSONDecodeError, ValidationError):
        return None, False


@dataclass(frozen=True, slots=True)
class TenantLogReport:
    """What the last run said of one tenant, and of the run as a whole."""

    at: datetime
    tenant: TenantReport
    troubles: tuple[Trouble, ...] = ()

    @property
    def status(self) -> LogStatus:
        """The same for the status of the tenant."""
        head = self.tenant.head
        return LogStatus(
            checked_at=self.at,
            entries=head.number if head is not None else 0,
            head=head.digest if head is not None else None,
            oldest=self.tenant.oldest,
            held=self.tenant.held,
            overdue=self.tenant.overdue,
        )


class LogReports:
    """The last report of each tenant, by the name of its folders."""

    def __init__(self, changed: Callable[[str], None]) -> None:
        """`changed` is called with the name of each tenant of which something new was said."""
        self._changed = changed
        self._latest: dict[str, TenantLogReport] = {}

    def take(self, report: RunReport) -> None:
        """Take in what one run said; a dry run says nothing of how things are."""
        if report.dry_run:
            return
        troubles = tuple(each.trouble for each in report.findings)
        for tenant in report.tenants:
            known = self._latest.get(tenant.tenant)
            if known is None or known.at < report.at:
                self._latest[tenant.tenant] = TenantLogReport(report.at, tenant, troubles)
                self._changed(tenant.tenant)

    def of(self, tenant: str) -> TenantLogReport | None:
        """What was said of a tenant last; None when nothing was."""
        return self._latest.get(tenant)


def findings(
    report: TenantLogReport | None, earlier: datetime | None, now: datetime
) -> list[Finding]:
    """Whether the logs of a tenant are kept as promised; nothing where no archiver ever ran.

    `earlier` is when it ran by what the status says, where this process has heard nothing yet.
    """
    checked = report.at if report is not None else earlier
    if checked is None:
        return []
    if now - checked > MISSED:
        text = f"the archiver said nothing since {checked.isoformat()}: look at its Jobs"
        return [lacking(ConditionType.LOGS_RETAINED, Reason.LOGS_NOT_ARCHIVED, text)]
    if report is None:
        return [unknown(ConditionType.LOGS_RETAINED, "the last report of the archiver is gone")]
    troubles = {each.trouble for each in report.tenant.findings} | set(report.troubles)
    wrong = sorted(troubles - _BESIDE, key=list(Trouble).index)
    if wrong:
        reason = _REASONS.get(wrong[0], Reason.LOGS_NOT_ARCHIVED)
        text = f"{', '.join(wrong)}: see the report of the archiver"
        return [lacking(ConditionType.LOGS_RETAINED, reason, text)]
    if report.tenant.overdue:
        text = f"{report.tenant.overdue} archives are kept beyond their time"
        return [lacking(ConditionType.LOGS_RETAINED, Reason.LOGS_OVERDUE, text)]
    held = f"{report.tenant.held} archives are held" if report.tenant.held else ""
    return [found(ConditionType.LOGS_RETAINED, held)]
