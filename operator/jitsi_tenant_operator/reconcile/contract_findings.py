"""From the course of a contract to the conditions that tell of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from jitsi_tenant_operator.api.contract import RecordingSuspensionReason
from jitsi_tenant_operator.api.record import MAX_ENTRIES
from jitsi_tenant_operator.contract import words
from jitsi_tenant_operator.contract.decision import ContractState, Service, ServiceState
from jitsi_tenant_operator.contract.terms import TermSource
from jitsi_tenant_operator.reconcile.conditions import (
    ConditionType,
    Finding,
    Reason,
    found,
    lacking,
)
from jitsi_tenant_operator.reconcile.contract_objects import KnownNotice
from jitsi_tenant_operator.reconcile.course import Course
from jitsi_tenant_operator.reconcile.service import maintained_until

_SHOWN = 5


def of_contract(course: Course, notices: Sequence[KnownNotice]) -> list[Finding]:
    """Whether the contract is in force and consistent, notices leave, and the ledger is intact."""
    return [_in_force(course), _consistent(course), _sent(notices), _intact(course)]


def overlaid(parts: Iterable[Finding], course: Course) -> list[Finding]:
    """The findings of pods, but with the contract's word where it is why there are none."""
    instead = {
        finding.type: finding
        for finding in (of_closed_service(course), of_suspended_recording(course))
        if finding is not None
    }
    closed = ConditionType.AVAILABLE in instead
    kept = [
        part
        for part in parts
        if part.type not in instead
        and not (closed and part.type is ConditionType.RECORDING_AVAILABLE)
    ]
    return [*kept, *instead.values()]


def of_closed_service(course: Course) -> Finding | None:
    """That nobody can meet because of the contract; None where people may."""
    service = course.decision.service
    if service.state is ServiceState.SERVING:
        until = maintained_until(course)
        if until is None:
            return None
        text = f"maintenance until {words.instant(until, course.calendar)}"
        return lacking(ConditionType.AVAILABLE, Reason.SUSPENDED, text)
    if course.decision.contract is ContractState.DRAFT:
        return lacking(ConditionType.AVAILABLE, Reason.NOT_IN_FORCE, "the contract has not begun")
    if course.decision.contract is ContractState.ENDED:
        return lacking(ConditionType.AVAILABLE, Reason.CONTRACT_ENDED, "the contract has ended")
    return lacking(ConditionType.AVAILABLE, Reason.SUSPENDED, _suspension(course, service))


def of_suspended_recording(course: Course) -> Finding | None:
    """That nobody can record because recording alone is suspended; None where it is not."""
    recording = course.decision.recording
    if recording.state is not ServiceState.SUSPENDED or not recording.reasons:
        return None
    until = (
        f" until {words.instant(recording.until, course.calendar)}"
        if recording.until is not None
        else ""
    )
    text = f"recording is suspended: {', '.join(recording.reasons)}{until}"
    text += _source(recording.source)
    if RecordingSuspensionReason.STORAGE_SATURATED in recording.reasons:
        text += ": let the client delete recordings, or enlarge spec.recording.storage"
    return lacking(ConditionType.RECORDING_AVAILABLE, Reason.SUSPENDED, text)


def _suspension(course: Course, service: Service) -> str:
    until = (
        f" until {words.instant(service.until, course.calendar)}"
        if service.until is not None
        else ""
    )
    return f"{', '.join(service.reasons)}{until}{_source(service.source)}"


def _source(source: TermSource | None) -> str:
    if source is None:
        return ""
    clause = f"clause {source.clause} of " if source.clause is not None else ""
    return f" ({clause}{source.document})"


def _in_force(course: Course) -> Finding:
    decision = course.decision
    if decision.contract is ContractState.DRAFT:
        return lacking(
            ConditionType.CONTRACT_IN_FORCE,
            Reason.NOT_IN_FORCE,
            "set spec.contract.signedOn once it is signed; it begins on that day",
        )
    if decision.contract is ContractState.ENDED:
        rule = f": {decision.end.rule}" if decision.end is not None else ""
        return lacking(ConditionType.CONTRACT_IN_FORCE, Reason.CONTRACT_ENDED, f"it ended{rule}")
    under = decision.contract is ContractState.UNDER_NOTICE
    return found(ConditionType.CONTRACT_IN_FORCE, "a formal notice runs" if under else "")


def _consistent(course: Course) -> Finding:
    problems = [str(each) for each in course.decision.contradictions]
    problems += [f"{each.ref}: {each.problem}" for each in course.unreadable]
    if problems:
        return lacking(
            ConditionType.CONTRACT_CONSISTENT, Reason.CONTRADICTORY_FACTS, _enumerate(problems)
        )
    return found(ConditionType.CONTRACT_CONSISTENT)


def _sent(notices: Iterable[KnownNotice]) -> Finding:
    failing = [f"{each.ref.name}: {each.failing}" for each in notices if each.failing]
    if failing:
        return lacking(ConditionType.NOTICES_SENT, Reason.NOTICE_NOT_SENT, _enumerate(failing))
    return found(ConditionType.NOTICES_SENT)


def _intact(course: Course) -> Finding:
    record = course.record
    problem = course.ledger_problem
    if problem is not None:
        return lacking(ConditionType.LEDGER_INTACT, problem.reason, problem.message)
    if record is not None and course.ledger_full:
        return lacking(
            ConditionType.LEDGER_INTACT,
            Reason.LEDGER_FULL,
            f"{record.ref} holds {record.entries} entries of at most {MAX_ENTRIES}, and has no room"
            f" for {len(course.missing)} more: nothing is recorded any more and no notice is made",
        )
    return found(ConditionType.LEDGER_INTACT)


def _enumerate(texts: Sequence[str]) -> str:
    more = f"; and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return "; ".join(texts[:_SHOWN]) + more
