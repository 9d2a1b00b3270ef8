"""Overdue payment (clauses 3.1 and 9): notice, then suspension, where the terms set both times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from jitsi_tenant_operator.api.contract import Party, SuspensionReason
from jitsi_tenant_operator.api.notice import Breach, NoticeKind
from jitsi_tenant_operator.contract import words
from jitsi_tenant_operator.contract.calendar import Due
from jitsi_tenant_operator.contract.case import Case, Figure
from jitsi_tenant_operator.contract.decision import Action, ActionKind, Deadline
from jitsi_tenant_operator.contract.facts import Notice
from jitsi_tenant_operator.contract.terms import TermSource


@dataclass(frozen=True, slots=True)
class Arrears:
    """A payment that is overdue, and what the terms make of it."""

    overdue_since: date
    notice: Due
    notice_figure: Figure
    suspension: Due | None
    suspension_figure: Figure
    served: datetime | None
    """From when the time to the suspension runs: receipt, or sending while that is not recorded."""

    @property
    def key(self) -> str:
        """The key of the notice about this payment."""
        return _key(self.overdue_since)

    @property
    def source(self) -> TermSource:
        """Where the time to the suspension stands."""
        return self.suspension_figure.source


def arrears(case: Case) -> Arrears | None:
    """What is overdue; None when nothing is, or when the terms leave the consequence to people."""
    overdue = case.facts.contract.payment.overdue_since
    notice_figure = case.figure("payment.noticeAfter")
    suspension_figure = case.figure("payment.suspensionAfter")
    if overdue is None or notice_figure is None or suspension_figure is None:
        return None
    notice = case.due(overdue, notice_figure)
    served = min(
        (
            found.received or found.sent
            for found in case.facts.notices
            if found.sent is not None and _concerns(found, overdue, notice.at)
        ),
        default=None,
    )
    suspension = None if served is None else case.due(served, suspension_figure)
    return Arrears(overdue, notice, notice_figure, suspension, suspension_figure, served)


def _key(overdue: date) -> str:
    return f"Notice/{NoticeKind.LATE_PAYMENT}/{overdue}"


def _concerns(notice: Notice, overdue: date, due: datetime) -> bool:
    """Whether a notice puts the client on notice of this payment, and not before its time."""
    about = notice.kind is NoticeKind.LATE_PAYMENT or (
        notice.kind is NoticeKind.FORMAL_NOTICE
        and notice.breach is Breach.LATE_PAYMENT
        and notice.remedied is None
    )
    if not about or notice.by is not Party.HOST or notice.sent is None:
        return False
    return notice.key == _key(overdue) or notice.sent >= due


def deadlines(case: Case, found: Arrears) -> Iterator[Deadline]:
    """When the client is put on notice, and when the service is suspended."""
    yield case.deadline(
        "LatePaymentNotice",
        found.notice,
        f"{words.duration(found.notice_figure.value)} after the due date,"
        f" {words.day(found.overdue_since)}",
        found.notice_figure.source,
    )
    if found.suspension is not None and found.served is not None:
        yield case.deadline(
            "LatePaymentSuspension",
            found.suspension,
            f"{words.duration(found.suspension_figure.value)} after the notice, received or sent on"
            f" {words.instant(found.served, case.calendar)}",
            found.source,
        )


def suspended(case: Case, found: Arrears) -> bool:
    """Whether the time after the notice is over.

    Without the ledger it stays as it stood, and notices that contradict each other lift nothing.
    """
    if case.facts.standing is not None:
        return case.facts.standing.late_payment
    over = found.suspension is not None and case.moment.reached(found.suspension.at)
    return over or (case.unclear and _is_recorded(case))


def _is_recorded(case: Case) -> bool:
    """Whether the service was suspended for a late payment, as the ledger has it."""
    ledger = case.facts.ledger
    entry = ledger.service if ledger is not None else None
    return entry is not None and SuspensionReason.LATE_PAYMENT in entry.reasons


def notify(case: Case, found: Arrears) -> Iterator[Action]:
    """The notice, once it is due; none where another has put the client on notice."""
    own = any(each.key == found.key and each.sent is not None for each in case.facts.notices)
    if (found.served is None or own) and case.moment.reached(found.notice.at):
        yield Action(
            ActionKind.NOTIFY,
            found.key,
            found.notice.at,
            f"a payment is overdue since {words.day(found.overdue_since)}",
            found.notice_figure.source,
            notice=NoticeKind.LATE_PAYMENT,
        )
