"""Service and recording: who may meet and record, and since when not.

Access is granted for the duration of the contract (clause 3.1) and disabled at its end (13.3).
Suspension keeps everything and takes effect at once: for a prohibited use (clause 5), for security,
at the client's request, for a late payment (clause 9). Recording alone can be suspended too (6.4).
"""

from __future__ import annotations

from datetime import datetime

from jitsi_tenant_operator.api.contract import RecordingSuspensionReason, SuspensionReason
from jitsi_tenant_operator.api.plan import Feature
from jitsi_tenant_operator.api.terms import Subject
from jitsi_tenant_operator.contract import payment
from jitsi_tenant_operator.contract.case import Case
from jitsi_tenant_operator.contract.decision import (
    ContractState,
    Deadline,
    Recording,
    Service,
    ServiceState,
    Window,
    WindowState,
)
from jitsi_tenant_operator.contract.payment import Arrears
from jitsi_tenant_operator.contract.terms import TermSource

_WEIGHT = tuple(SuspensionReason(name) for name in ("ProhibitedUse", "Security", "LatePayment"))
"""The reasons that are named first where there are several."""

_SUBJECTS = {
    SuspensionReason.PROHIBITED_USE: Subject.PROHIBITED_USE,
    SuspensionReason.LATE_PAYMENT: Subject.PAYMENT,
}


def service(case: Case, contract: ContractState, arrears: Arrears | None) -> Service:
    """The service axis."""
    if contract is ContractState.DRAFT:
        return Service(ServiceState.DISABLED, source=case.ruled_by(Subject.DURATION))
    if contract is ContractState.ENDED:
        return Service(ServiceState.DISABLED, source=case.ruled_by(Subject.END_OF_CONTRACT))
    order = case.facts.suspension.service
    reasons: dict[SuspensionReason, datetime | None] = {}
    if order is not None and not _over(case, order.until):
        reasons[order.reason] = order.until
    if arrears is not None and payment.suspended(case, arrears):
        reasons[SuspensionReason.LATE_PAYMENT] = None
    if not reasons:
        return Service(ServiceState.SERVING)
    named = tuple(sorted(reasons, key=_weight))
    automatic = arrears if named[0] is SuspensionReason.LATE_PAYMENT else None
    return Service(
        ServiceState.SUSPENDED,
        named,
        _latest(list(reasons.values())),
        _service_source(case, named[0], automatic),
    )


def _weight(reason: SuspensionReason) -> int:
    return _WEIGHT.index(reason) if reason in _WEIGHT else len(_WEIGHT)


def _service_source(
    case: Case, reason: SuspensionReason, arrears: Arrears | None
) -> TermSource | None:
    if arrears is not None:
        return arrears.source
    subject = _SUBJECTS.get(reason)
    return None if subject is None else case.ruled_by(subject)


def recording(case: Case, whole: Service, windows: tuple[Window, ...]) -> Recording:
    """Recording, which needs the option in the commercial document (clauses 1, 2.1 and 6.1)."""
    if Feature.RECORDING not in case.facts.contract.options:
        return Recording(ServiceState.DISABLED, source=case.commercial)
    if whole.state is ServiceState.DISABLED:
        return Recording(ServiceState.DISABLED, source=whole.source)
    reasons = _recording_reasons(case, windows)
    if reasons:
        named = tuple(sorted(reasons, key=list(RecordingSuspensionReason).index))
        source = case.ruled_by(Subject.RECORDING_SUSPENSION)
        return Recording(ServiceState.SUSPENDED, named, _latest(list(reasons.values())), source)
    return Recording(whole.state, until=whole.until, source=whole.source)


def _recording_reasons(
    case: Case, windows: tuple[Window, ...]
) -> dict[RecordingSuspensionReason, datetime | None]:
    reasons: dict[RecordingSuspensionReason, datetime | None] = {}
    order = case.facts.suspension.recording
    if order is not None and not _over(case, order.until):
        reasons[order.reason] = order.until
    if case.facts.recordings_saturated is not None:
        reasons[RecordingSuspensionReason.STORAGE_SATURATED] = None
    running = {window.name for window in windows if window.state is WindowState.RUNNING}
    ends = [
        window.end
        for window in case.facts.maintenances
        if window.name in running and window.suspends_recording
    ]
    if ends:
        ordered = reasons.get(RecordingSuspensionReason.MAINTENANCE, max(ends))
        reasons[RecordingSuspensionReason.MAINTENANCE] = _latest([ordered, *ends])
    return reasons


def deadlines(case: Case) -> list[Deadline]:
    """When suspensions by order of a person end by themselves."""
    found = []
    service_order, recording_order = case.facts.suspension.service, case.facts.suspension.recording
    if service_order is not None and service_order.until is not None:
        subject = _SUBJECTS.get(service_order.reason)
        source = case.commercial if subject is None else case.ruled_by(subject)
        rule = f"the suspension for {service_order.reason} was ordered until then"
        found.append(case.deadline("SuspensionEnd", service_order.until, rule, source))
    if recording_order is not None and recording_order.until is not None:
        source = case.ruled_by(Subject.RECORDING_SUSPENSION)
        rule = f"the suspension of recording for {recording_order.reason} was ordered until then"
        found.append(case.deadline("RecordingSuspensionEnd", recording_order.until, rule, source))
    return found


def _over(case: Case, until: datetime | None) -> bool:
    return until is not None and case.moment.reached(until)


def _latest(ends: list[datetime | None]) -> datetime | None:
    """The last of the ends; None when one of them is not known."""
    known = [end for end in ends if end is not None]
    return max(known) if len(known) == len(ends) else None
