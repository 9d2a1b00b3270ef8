"""Which of the facts can be relied on.

Facts that contradict each other, themselves or the calendar have no effect: they are taken out and
reported with what to change. What would delete data or end a contract is taken out, what keeps
data stays: an unclear hold is a hold.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

from jitsi_tenant_operator.api.contract import (
    Contract,
    Payment,
    Suspension,
    SuspensionReason,
    Termination,
)
from jitsi_tenant_operator.contract import incidents
from jitsi_tenant_operator.contract.case import Case
from jitsi_tenant_operator.contract.facts import Evidence, Export, Facts, Hold
from jitsi_tenant_operator.contract.screening_notices import notices
from jitsi_tenant_operator.contract.screening_windows import windows


def screened(case: Case) -> Facts:
    """The facts of `case` without those that are reported to its `doubts`."""
    facts = case.facts
    contract = _contract(case)
    paid = contract.payment.overdue_since is None
    return replace(
        facts,
        contract=contract,
        suspension=_suspension(case, paid=paid),
        termination=_termination(case),
        notices=notices(case, paid=paid),
        holds=None if facts.holds is None else tuple(_hold(case, hold) for hold in facts.holds),
        maintenances=windows(case),
        incidents=tuple(incidents.screened(case)),
        exports=tuple(_export(case, export) for export in facts.exports),
        evidence=_evidence(case),
        recordings_saturated=_past(case, "recordings saturated", facts.recordings_saturated),
    )


def _day_counts(case: Case, where: str, day: date) -> bool:
    """Whether a day that something was done can be true: signed by then, and not ahead."""
    signed = case.facts.contract.signed_on
    if signed is None:
        case.doubt(
            where, "the contract is not signed", "set spec.contract.signedOn, or remove this"
        )
    elif day < signed:
        case.doubt(
            where,
            f"{day} lies before the signature on {signed}",
            "correct the one or the other date",
        )
    elif not case.moment.begun(day):
        case.doubt(where, f"{day} is yet to come", "correct the date, or wait: it counts from then")
    else:
        return True
    return False


def _past(case: Case, where: str, at: datetime | None) -> datetime | None:
    """`at`, unless it is yet to come."""
    if at is None or case.moment.reached(at):
        return at
    case.doubt(where, f"{at.isoformat()} is yet to come", "correct the instant, or the clock")
    return None


def _contract(case: Case) -> Contract:
    contract = case.facts.contract
    overdue = contract.payment.overdue_since
    if overdue is None or _day_counts(case, "spec.contract.payment.overdueSince", overdue):
        return contract
    return contract.model_copy(update={"payment": Payment()})


def _suspension(case: Case, *, paid: bool) -> Suspension:
    suspension = case.facts.suspension
    order = suspension.service
    if order is None or order.reason is not SuspensionReason.LATE_PAYMENT or not paid:
        return suspension
    if order.until is None or not case.moment.reached(order.until):
        case.doubt(
            "spec.suspension.service",
            "the reason is LatePayment, but no payment is overdue",
            "remove it, or set spec.contract.payment.overdueSince",
        )
    return suspension.model_copy(update={"service": None})


def _termination(case: Case) -> Termination:
    termination = case.facts.termination
    gone: dict[str, Any] = {}
    declared = termination.non_renewal
    if declared is not None:
        where = "spec.termination.nonRenewal.receivedOn"
        if not _day_counts(case, where, declared.received_on):
            gone["non_renewal"] = None
    if not _agreed(case, termination):
        gone["early_end"] = None
    returned = termination.restitution_acknowledged_on
    where = "spec.termination.restitutionAcknowledgedOn"
    if returned is not None and not _day_counts(case, where, returned):
        gone["restitution_acknowledged_on"] = None
    if not _confirmed(case, termination):
        gone["erasure"] = None
    return termination.model_copy(update=gone) if gone else termination


def _agreed(case: Case, termination: Termination) -> bool:
    early = termination.early_end
    if early is None:
        return True
    if early.ends_on < early.agreed_on:
        case.doubt(
            "spec.termination.earlyEnd.endsOn",
            f"{early.ends_on} lies before the agreement on {early.agreed_on}",
            "correct the one or the other date",
        )
        return False
    return _day_counts(case, "spec.termination.earlyEnd.agreedOn", early.agreed_on)


def _confirmed(case: Case, termination: Termination) -> bool:
    confirmation, contract = termination.erasure, case.facts.contract
    if confirmation is None:
        return True
    if contract.signed_on is None:
        case.doubt(
            "spec.termination.erasure",
            "the contract is not signed",
            "set spec.contract.signedOn, or remove this",
        )
    elif confirmation.contract_reference != contract.reference:
        case.doubt(
            "spec.termination.erasure.contractReference",
            f"it is not that of the contract, {contract.reference}",
            "repeat spec.contract.reference, if it is this contract's data that is to be erased",
        )
    else:
        return True
    return False


def _hold(case: Case, hold: Hold) -> Hold:
    where = f"hold {hold.name}"
    if not hold.basis.strip():
        case.doubt(where, "it names no basis", "say on what basis; until then it holds")
    if not hold.scope:
        case.doubt(where, "it names no scope", "say what it holds; until then it holds everything")
    if not case.moment.reached(hold.placed):
        case.doubt(where, "it was placed in the future", "correct the instant; it holds already")
    released = hold.released
    if released is not None and released < hold.placed:
        case.doubt(where, "it was released before it was placed", "correct the one or the other")
        released = None
    released = _past(case, f"{where}, released", released)
    return hold if released is hold.released else replace(hold, released=released)


def _export(case: Case, export: Export) -> Export:
    where = f"export {export.name}, acknowledged"
    acknowledged = export.acknowledged
    if acknowledged is not None and acknowledged < export.offered:
        case.doubt(where, "it lies before the offer", "correct the one or the other instant")
        acknowledged = None
    acknowledged = _past(case, where, acknowledged)
    return (
        export
        if acknowledged is export.acknowledged
        else replace(export, acknowledged=acknowledged)
    )


def _evidence(case: Case) -> Evidence:
    """Evidence, each step only after the one that it rests on."""
    found = case.facts.evidence
    started = _past(case, "evidence, erasure started", found.erasure_started)
    erased = _past(case, "evidence, production erased", found.production_erased)
    expired = _past(case, "evidence, backups expired", found.backups_expired)
    closed = _past(case, "evidence, closed", found.closed)
    if expired is not None and not _follows(case, "backups expired", expired, erased):
        expired = None
    if closed is not None and not _follows(case, "closed", closed, expired):
        closed = None
    return Evidence(
        erasure_started=started,
        last_backup=_past(case, "evidence, last backup", found.last_backup),
        production_erased=erased,
        backups_expired=expired,
        closed=closed,
    )


def _follows(case: Case, what: str, at: datetime, before: datetime | None) -> bool:
    if before is not None and before <= at:
        return True
    step = "production erased" if what == "backups expired" else "backups expired"
    case.doubt(
        f"evidence, {what}",
        f"{step} is not recorded at an earlier instant",
        f"record the evidence for {step} first",
    )
    return False
