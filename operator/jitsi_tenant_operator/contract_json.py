"""A decision, and a step of the outlook, as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from jitsi_tenant_operator.api.objects import JsonObject, TenantKey
from jitsi_tenant_operator.contract.decision import Action, ActionKind, Deadline, Decision, End
from jitsi_tenant_operator.contract.outlook import Step
from jitsi_tenant_operator.contract.terms import TermSource
from jitsi_tenant_operator.offline import Agreement


def decision(agreement: Agreement, at: datetime, found: Decision) -> JsonObject:
    """A decision; instants are RFC 3339 in UTC, days YYYY-MM-DD in the platform's zone."""
    return {
        "tenant": _tenant(agreement),
        "at": _instant(at),
        **_axes(found),
        "end": _end(found.end),
        "deadlines": [_deadline(deadline) for deadline in found.deadlines],
        "actions": [_action(action) for action in found.actions],
        "contradictions": [
            {"field": each.field, "problem": each.problem, "remedy": each.remedy}
            for each in found.contradictions
        ],
        "next": _instant(found.next),
    }


def step(agreement: Agreement, found: Step) -> JsonObject:
    """A step: how things stand after it, the deadlines reached and the actions carried out.

    Empty when nothing changes at it, as may be of the first.
    """
    before, after = _axes(found.before), _axes(found.after)
    changes = {name: value for name, value in after.items() if before[name] != value}
    if found.before.end != found.after.end:
        changes["end"] = _end(found.after.end)
    reached = [_deadline(deadline) for deadline in found.reached]
    actions = [_action(action) for action in _shown(found.done)]
    if not (changes or reached or actions):
        return {}
    return {
        "tenant": _tenant(agreement),
        "at": _instant(found.at),
        **after,
        "changes": changes,
        "deadlines": reached,
        "actions": actions,
    }


def _shown(done: Iterable[Action]) -> list[Action]:
    """Without entries of the ledger, which the changes tell."""
    return [action for action in done if action.kind is not ActionKind.RECORD]


def _tenant(agreement: Agreement) -> str:
    metadata = agreement.tenant.metadata
    return str(TenantKey(metadata.namespace, metadata.name))


def _axes(found: Decision) -> JsonObject:
    return {
        "phase": found.phase,
        "contract": found.contract,
        "service": found.service.state,
        "serviceReasons": list(found.service.reasons),
        "serviceUntil": _instant(found.service.until),
        "recording": found.recording.state,
        "recordingReasons": list(found.recording.reasons),
        "recordingUntil": _instant(found.recording.until),
        "data": found.data.state,
        "dataWaits": list(found.data.waits),
        "heldBy": list(found.data.held_by),
    }


def _end(end: End | None) -> JsonObject | None:
    if end is None:
        return None
    return {
        "lastDay": end.day.isoformat(),
        "at": _instant(end.at),
        "cause": end.cause,
        "rule": end.rule,
        **_source(end.source),
    }


def _deadline(deadline: Deadline) -> JsonObject:
    return {
        "name": deadline.name,
        "subject": deadline.subject,
        "at": _instant(deadline.at),
        "withoutExtension": _instant(deadline.plain),
        "passed": deadline.passed,
        "rule": deadline.rule,
        **_source(deadline.source),
    }


def _action(action: Action) -> JsonObject:
    return {
        "kind": action.kind,
        "key": action.key,
        "notice": action.notice,
        "subject": action.subject,
        "due": _instant(action.due),
        "why": action.why,
        **_source(action.source),
    }


def _source(source: TermSource) -> dict[str, Any]:
    return {"clause": source.clause, "document": source.document}


def _instant(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
