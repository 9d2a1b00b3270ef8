"""From what happened and what is running to the conditions of a tenant. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from jitsi_tenant_operator.api.conditions import ConditionStatus
from jitsi_tenant_operator.api.objects import ObjectRef
from jitsi_tenant_operator.kube.errors import Immutable, Invalid, KubeError, NameTaken
from jitsi_tenant_operator.reconcile.conditions import (
    ConditionType,
    Finding,
    Reason,
    found,
    lacking,
    unknown,
)
from jitsi_tenant_operator.reconcile.observe import Workload
from jitsi_tenant_operator.reconcile.resolve import Problem, Unresolved
from jitsi_tenant_operator.render.labels import Component

_BESIDE = frozenset(
    {
        ConditionType.NOTICES_SENT,
        ConditionType.LEDGER_INTACT,
        ConditionType.UP_TO_DATE,
        ConditionType.LOGS_RETAINED,
        ConditionType.BACKUPS_CURRENT,
    }
)
"""What a person may have to look at, but keeps nobody from meeting."""
_LINE_END = "\n"
_SHOWN = 5
"""How many things a message names before it only counts them."""


def of_spec(problems: Sequence[Problem]) -> Finding:
    """Whether the spec can be carried out."""
    if not problems:
        return found(ConditionType.SPEC_VALID)
    return lacking(
        ConditionType.SPEC_VALID,
        problems[0].reason,
        "; ".join(problem.message for problem in problems),
    )


def of_unresolved(unresolved: Unresolved) -> list[Finding]:
    """What keeps a tenant from being carried out."""
    if unresolved.terms is not None:
        terms = lacking(
            ConditionType.TERMS_RESOLVED, unresolved.terms.reason, unresolved.terms.message
        )
    elif unresolved.effective is None:
        terms = unknown(ConditionType.TERMS_RESOLVED, "the documents were not read")
    else:
        terms = found(ConditionType.TERMS_RESOLVED)
    return [
        of_spec(unresolved.spec),
        terms,
        untouched(ConditionType.RESOURCES_APPLIED),
        untouched(ConditionType.MEDIA_REACHABLE),
        untouched(ConditionType.UP_TO_DATE),
    ]


def untouched(type_: ConditionType) -> Finding:
    """That nothing was done about an aspect, since something stands in the way."""
    return unknown(type_, "what is running was left as it is")


def of_resources(failed: Mapping[ObjectRef, KubeError], waiting: Sequence[ObjectRef]) -> Finding:
    """Whether everything that the spec asks for is in the cluster."""
    if failed:
        taken = {ref: error for ref, error in failed.items() if isinstance(error, NameTaken)}
        chosen = taken or failed
        reason, remedy = Reason.APPLY_FAILED, ""
        if taken:
            reason = Reason.NAME_CONFLICT
            remedy = ": rename or delete it, the operator adopts nothing"
        elif all(isinstance(error, Immutable) for error in failed.values()):
            reason = Reason.IMMUTABLE_FIELD
            remedy = ": save what is in it and delete it, the operator then makes it anew"
        return lacking(
            ConditionType.RESOURCES_APPLIED,
            reason,
            _enumerate(f"{ref}: {_explain(error)}" for ref, error in sorted(chosen.items()))
            + remedy,
        )
    if waiting:
        return lacking(
            ConditionType.RESOURCES_APPLIED,
            Reason.PROGRESSING,
            f"waiting until these are gone to make them again: {_enumerate(map(str, waiting))}",
        )
    return found(ConditionType.RESOURCES_APPLIED)


def of_media(pending: Sequence[str], obstacle: Problem | None) -> Finding:
    """Whether each bridge has an address and a port; `pending` are those that do not."""
    if obstacle is not None:
        return lacking(ConditionType.MEDIA_REACHABLE, obstacle.reason, obstacle.message)
    if pending:
        return lacking(
            ConditionType.MEDIA_REACHABLE,
            Reason.MEDIA_ADDRESS_PENDING,
            f"waiting for the external address or port of {_enumerate(pending)}",
        )
    return found(ConditionType.MEDIA_REACHABLE)


def of_workloads(
    workloads: Iterable[Workload], *, recording: bool, obstacle: Problem | None = None
) -> list[Finding]:
    """Whether people can get in and the pods that meetings need run, and the recorders likewise.

    `obstacle` is what keeps people from getting in even when all pods run.
    """
    recorders: list[Workload] = []
    others: list[Workload] = []
    for workload in workloads:
        is_recorder = workload.name.startswith(f"{Component.JIBRI}-")
        (recorders if is_recorder else others).append(workload)
    available = _of_pods(ConditionType.AVAILABLE, others)
    # What passes by itself is told once nothing else is waited for.
    if obstacle is not None and (available.good or obstacle.reason is not Reason.PROGRESSING):
        available = lacking(ConditionType.AVAILABLE, obstacle.reason, obstacle.message)
    findings = [available]
    if recording or recorders:
        findings.append(_of_pods(ConditionType.RECORDING_AVAILABLE, recorders))
    return findings


def summary(findings: Iterable[Finding]) -> Finding:
    """Ready: true when all parts are, else as the first part that is not."""
    order = list(ConditionType)
    bad = sorted(
        (finding for finding in findings if not finding.good and finding.type not in _BESIDE),
        # What is wrong explains what is unknown because of it.
        key=lambda f: (f.status is ConditionStatus.UNKNOWN, order.index(f.type)),
    )
    if not bad:
        return found(ConditionType.READY, "people can meet")
    return Finding(ConditionType.READY, ConditionStatus.FALSE, bad[0].reason, bad[0].message)


def _of_pods(type_: ConditionType, workloads: Sequence[Workload]) -> Finding:
    if not workloads:
        return unknown(type_, "there are no pods yet")
    incomplete = [workload for workload in workloads if not workload.facts.complete]
    if not incomplete:
        return found(type_)
    return lacking(
        type_,
        Reason.PROGRESSING,
        f"waiting for {_enumerate(_progress(workload) for workload in incomplete)}",
    )


def _progress(workload: Workload) -> str:
    return (
        f"{workload.name} ({workload.facts.why_not})" if workload.facts.why_not else workload.name
    )


def _explain(error: KubeError) -> str:
    if isinstance(error, NameTaken):
        return error.holder
    if isinstance(error, Invalid) and error.causes:
        # After the first line the server shows what differs, over many more.
        return _enumerate(f"{c.field}: {c.message.partition(_LINE_END)[0]}" for c in error.causes)
    return error.message


def _enumerate(things: Iterable[str]) -> str:
    named = list(things)
    more = f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
    return ", ".join(named[:_SHOWN]) + more
