"""Whether a notice that has not left would still say what is so. Pure.

A letter is written when it is sent. One that is sent late would tell of a suspension that is over,
or of a payment that has come, in words of the present; so it is withdrawn instead.
"""

from __future__ import annotations

from jitsi_tenant_operator.api.notice import Breach, JitsiNotice
from jitsi_tenant_operator.reconcile.course import Course
from jitsi_tenant_operator.reconcile.notice_keys import is_called_for_by, key_of


def why_withdrawn(notice: JitsiNotice, course: Course) -> str | None:
    """Why a notice is not to be sent any more; None when it is.

    One that a person made is withdrawn only where that person has said why.
    """
    key = key_of(notice)
    if is_called_for_by(key):
        return None if key in course.decision.called_for else "what it would have told is not so"
    if notice.spec.remedied_at is not None:
        return "the breach was remedied before it was sent"
    paid = course.facts.contract.payment.overdue_since is None
    if notice.spec.breach is Breach.LATE_PAYMENT and paid:
        return "no payment is overdue any more"
    return None
