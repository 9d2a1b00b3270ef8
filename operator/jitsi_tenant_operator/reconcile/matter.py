"""From a notice and the course of its contract to what its letter says. Pure."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from jitsi_tenant_operator.api.contract import RecordingSuspensionReason, SuspensionReason
from jitsi_tenant_operator.api.notice import Breach, JitsiNotice, NoticeKind
from jitsi_tenant_operator.contract.decision import Deadline
from jitsi_tenant_operator.contract.facts import Incident, Maintenance
from jitsi_tenant_operator.notify.matter import ErasedData, Matter, Support, Window
from jitsi_tenant_operator.reconcile.course import Course
from jitsi_tenant_operator.reconcile.notice_keys import key_of
from jitsi_tenant_operator.reconcile.resolve import Resolved


def matter_of(notice: JitsiNotice, resolved: Resolved, course: Course, provider: str) -> Matter:
    """What the letter of a notice says, as things stand when it is written."""
    spec, contract = notice.spec, resolved.tenant.spec.contract
    support = resolved.terms.terms.support
    return Matter(
        provider=provider,
        client=contract.client.legal_name,
        reference=contract.reference,
        host=resolved.host,
        created=course.now,
        calendar=course.calendar,
        support=Support(
            email=support.email,
            phone=support.phone,
            hours=support.hours,
            response_time=support.response_time,
        )
        if support is not None
        else Support(),
        clause=spec.clause,
        document=spec.document,
        note=spec.note or _described(notice, course),
        **_particulars(notice, resolved, course),
    )


def _particulars(notice: JitsiNotice, resolved: Resolved, course: Course) -> dict[str, Any]:
    """What only a notice of this kind speaks of."""
    found: dict[str, Any]
    match notice.spec.about:
        case NoticeKind.FORMAL_NOTICE:
            found = _formal_notice(notice, resolved)
        case NoticeKind.LATE_PAYMENT:
            found = _late_payment(resolved)
        case NoticeKind.SUSPENSION | NoticeKind.RESUMPTION:
            found = _service(resolved, course)
        case NoticeKind.RECORDING_SUSPENDED | NoticeKind.RECORDING_RESUMED:
            found = _recording(course)
        case NoticeKind.RENEWAL_AHEAD:
            found = _renewal(course)
        case NoticeKind.END_AHEAD | NoticeKind.ENDED:
            found = _end(course)
        case NoticeKind.MAINTENANCE:
            found = _maintenance(notice, course)
        case NoticeKind.INCIDENT | NoticeKind.INCIDENT_OVER:
            found = _incident(notice, course)
        case NoticeKind.ERASURE_DONE:
            found = _erasure(notice, course)
    return found


def _described(notice: JitsiNotice, course: Course) -> str | None:
    """What the window or the incident says of itself that a notice is about."""
    named: tuple[Maintenance | Incident, ...] = ()
    if notice.spec.about is NoticeKind.MAINTENANCE:
        named = course.facts.maintenances
    elif notice.spec.about in (NoticeKind.INCIDENT, NoticeKind.INCIDENT_OVER):
        named = course.facts.incidents
    return next((each.description for each in named if each.name == notice.spec.regarding), None)


def _late_payment(resolved: Resolved) -> dict[str, Any]:
    payment = resolved.terms.terms.payment
    return {
        "overdue_since": resolved.tenant.spec.contract.payment.overdue_since,
        "suspension_after": payment.suspension_after if payment is not None else None,
    }


def _formal_notice(notice: JitsiNotice, resolved: Resolved) -> dict[str, Any]:
    terms = resolved.terms.terms.formal_notice
    prohibited = notice.spec.breach is Breach.PROHIBITED_USE
    remedy = None
    if terms is not None:
        remedy = terms.prohibited_use if prohibited else terms.remedy
    late = notice.spec.breach is Breach.LATE_PAYMENT
    overdue = resolved.tenant.spec.contract.payment.overdue_since if late else None
    return {"breach": notice.spec.breach, "remedy": remedy, "overdue_since": overdue}


def _service(resolved: Resolved, course: Course) -> dict[str, Any]:
    service, entry = course.decision.service, _entry(course, "service")
    late = SuspensionReason.LATE_PAYMENT in service.reasons
    return {
        "reasons": service.reasons,
        "since": entry,
        "until": service.until,
        "overdue_since": resolved.tenant.spec.contract.payment.overdue_since if late else None,
    }


def _recording(course: Course) -> dict[str, Any]:
    recording = course.decision.recording
    reasons: tuple[RecordingSuspensionReason, ...] = recording.reasons
    return {"reasons": reasons, "since": _entry(course, "recording"), "until": recording.until}


def _entry(course: Course, axis: str) -> datetime:
    """Since when an axis is as it is, as the ledger has it."""
    ledger = course.facts.ledger
    entry = getattr(ledger, axis) if ledger is not None else None
    return entry.since if entry is not None else course.now


def _renewal(course: Course) -> dict[str, Any]:
    renewal, decline = _deadline(course, "Renewal"), _deadline(course, "NonRenewal")
    if renewal is None:
        return {}
    last_day = course.calendar.day_before(renewal.at)
    return {
        "last_day": last_day,
        "renewed_until": _next_last_day(course, last_day),
        "decline_by": decline.at if decline is not None and not decline.passed else None,
    }


def _next_last_day(course: Course, last_day: date) -> date | None:
    """The last day of the term after the one that ends with `last_day`."""
    contract = course.facts.contract
    if contract.signed_on is None:
        return None
    terms = (contract.signed_on, contract.term, contract.renewal.period or contract.term)
    number = 0
    while course.calendar.last_day(*terms, number) < last_day:
        number += 1
    return course.calendar.last_day(*terms, number + 1)


def _end(course: Course) -> dict[str, Any]:
    end = course.decision.end
    if end is None:
        return {}
    retrieval, erasure = _deadline(course, "DataRetrieval"), _deadline(course, "ErasureDue")
    return {
        "last_day": end.day,
        "cause": end.cause,
        "since": None if end.whole_day else end.at,
        "retrieve_until": retrieval.at if retrieval is not None else end.at,
        "erase_by": erasure.at if erasure is not None else None,
    }


def _maintenance(notice: JitsiNotice, course: Course) -> dict[str, Any]:
    for each in course.facts.maintenances:
        if each.name == notice.spec.regarding:
            return {
                "window": Window(
                    start=each.start,
                    end=each.end,
                    emergency=each.emergency,
                    suspends_recording=each.suspends_recording,
                )
            }
    return {}


def _incident(notice: JitsiNotice, course: Course) -> dict[str, Any]:
    for each in course.facts.incidents:
        if each.name == notice.spec.regarding:
            over = notice.spec.about is NoticeKind.INCIDENT_OVER
            return {
                "since": each.start,
                "until": each.ended if over else each.expected_end,
                "force_majeure": each.force_majeure,
            }
    return {"since": _created(notice, course)}


def _erasure(notice: JitsiNotice, course: Course) -> dict[str, Any]:
    evidence = course.facts.evidence
    production = notice.spec.regarding != ErasedData.BACKUPS
    expiry = _deadline(course, "BackupsExpiry")
    return {
        "erased": ErasedData.PRODUCTION if production else ErasedData.BACKUPS,
        "erased_at": evidence.production_erased if production else evidence.backups_expired,
        "backups_until": expiry.at if production and expiry is not None else None,
    }


def _created(notice: JitsiNotice, course: Course) -> datetime:
    known = {each.key: each.created for each in course.facts.notices}
    return known.get(key_of(notice), course.now)


def _deadline(course: Course, name: str) -> Deadline | None:
    return next((each for each in course.decision.deadlines if each.name == name), None)
