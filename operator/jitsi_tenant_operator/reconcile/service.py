"""From a decision to how the service runs now, and to what visitors are shown. Pure."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from jitsi_tenant_operator.api.contract import SuspensionReason
from jitsi_tenant_operator.contract.decision import ContractState, ServiceState, WindowState
from jitsi_tenant_operator.reconcile.course import Course
from jitsi_tenant_operator.reconcile.resolve import Resolved
from jitsi_tenant_operator.render.closed import Closed, ClosedReason
from jitsi_tenant_operator.render.context import Operation

_AT_ONCE = frozenset({SuspensionReason.PROHIBITED_USE, SuspensionReason.SECURITY})
"""The suspensions that do not wait for meetings to end (clause 5)."""


def operation(course: Course, *, meeting: bool) -> Operation:
    """How the service runs. `meeting`: pods that carry meetings or recordings are still there.

    Meetings that go on may end when a suspension is no emergency; at the end of the contract access
    is disabled at once (clause 13.3).
    """
    service = course.decision.service
    if service.state is ServiceState.SERVING and maintained_until(course) is None:
        return Operation.SERVING
    if ends_at_once(course):
        return Operation.CLOSED
    return Operation.CLOSING if meeting else Operation.CLOSED


def ends_at_once(course: Course) -> bool:
    """Whether meetings that go on are cut."""
    service = course.decision.service
    return service.state is ServiceState.DISABLED or bool(_AT_ONCE.intersection(service.reasons))


def maintained_until(course: Course) -> datetime | None:
    """The end of the maintenance in which nobody can meet; None when there is none now."""
    running = {
        window.name for window in course.decision.windows if window.state is WindowState.RUNNING
    }
    return max(
        (
            each.end
            for each in course.facts.maintenances
            if each.name in running and each.closes_service
        ),
        default=None,
    )


def closed(course: Course, resolved: Resolved) -> Closed | None:
    """What visitors are told while the service is not open; None while it is."""
    decision = course.decision
    reason, until = ClosedReason.SUSPENDED, decision.service.until
    if decision.service.state is ServiceState.SERVING:
        until = maintained_until(course)
        if until is None:
            return None
        reason = ClosedReason.MAINTENANCE
    elif decision.contract is ContractState.DRAFT:
        signed = resolved.tenant.spec.contract.signed_on
        reason = ClosedReason.NOT_YET
        until = None if signed is None else course.calendar.start_of(signed)
    elif decision.contract is ContractState.ENDED:
        reason, until = ClosedReason.ENDED, None
    return Closed.of(
        resolved.tenant.spec,
        resolved.terms.terms.support,
        resolved.platform.spec.time_zone,
        reason,
        until=until,
        retrieval_until=_retrieval(course) if reason is ClosedReason.ENDED else None,
    )


def _retrieval(course: Course) -> date | None:
    """The last day on which the client can retrieve its data; None once it is over."""
    for deadline in course.decision.deadlines:
        if deadline.name == "DataRetrieval" and not deadline.passed:
            return course.calendar.day_of(deadline.at - timedelta(microseconds=1))
    return None
