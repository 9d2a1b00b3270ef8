"""How a notice stands, as conditions tell it. Pure."""

from __future__ import annotations

from jitsi_tenant_operator.api.conditions import ConditionStatus
from jitsi_tenant_operator.api.notice import Channel, JitsiNotice, JitsiNoticeStatus
from jitsi_tenant_operator.contract.facts import Notice
from jitsi_tenant_operator.reconcile.conditions import (
    ConditionType,
    Finding,
    Reason,
    found,
    lacking,
    unknown,
)
from jitsi_tenant_operator.reconcile.contract_objects import is_sent_by_operator

NO_MAIL_SERVER = lacking(
    ConditionType.SENT,
    Reason.NO_MAIL_SERVER,
    "set spec.notifications of the JitsiPlatform, or tell the client by other means and enter in"
    " spec.acknowledgedAt when it was received",
)
TENANT_NOT_RESOLVED = lacking(
    ConditionType.SENT,
    Reason.TENANT_NOT_RESOLVED,
    "mend the JitsiTenant of this namespace first: its contract cannot be told",
)
NO_WEBHOOK = Finding(
    ConditionType.SENT,
    ConditionStatus.UNKNOWN,
    Reason.BY_OTHER_MEANS,
    "the JitsiPlatform names no webhook any more: the other system is to be told by other means",
)
ON_ITS_WAY = unknown(ConditionType.SENT, "it is being sent")


def withdrawn(why: str) -> Finding:
    """That a notice is not sent any more."""
    return lacking(ConditionType.SENT, Reason.WITHDRAWN, f"{why}, so that it is not sent any more")


def not_sent_by_operator(notice: JitsiNotice) -> Finding:
    """How a notice stands that the operator has not, or no more, to send."""
    letter, status = notice.spec.registered_letter, notice.status
    sent = status is not None and status.sent_at is not None
    if sent or letter is not None or is_sent_by_operator(notice):
        return found(ConditionType.SENT)
    text = "the client sends it: enter in spec.acknowledgedAt when it was received"
    if notice.spec.channel is Channel.REGISTERED_LETTER:
        text = "enter in spec.registeredLetter when it was sent and delivered"
    return Finding(ConditionType.SENT, ConditionStatus.UNKNOWN, Reason.BY_OTHER_MEANS, text)


def received(notice: JitsiNotice, status: JitsiNoticeStatus) -> Finding:
    """Whether the receipt of a notice is known."""
    letter = notice.spec.registered_letter
    receipts = (
        notice.spec.acknowledged_at,
        status.acknowledged_at,
        letter.delivered_at if letter is not None else None,
    )
    if any(at is not None for at in receipts):
        return found(ConditionType.RECEIVED)
    text = "no receipt is known; one known by other means is entered in spec.acknowledgedAt"
    return Finding(ConditionType.RECEIVED, ConditionStatus.UNKNOWN, Reason.AWAITED, text)


def expected(fact: Notice) -> tuple[tuple[str, str], ...]:
    """The conditions that a notice should have that is not to be sent any more."""
    return (
        (ConditionType.RECEIVED, "Unknown" if fact.received is None else "True"),
        (ConditionType.SENT, "Unknown" if fact.sent is None else "True"),
    )
