"""Which notices can be relied on: those that a term or a suspension could run from."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

from jitsi_tenant_operator.api.contract import Party
from jitsi_tenant_operator.api.notice import Breach, NoticeKind
from jitsi_tenant_operator.contract.case import Case
from jitsi_tenant_operator.contract.facts import Notice
from jitsi_tenant_operator.contract.moment import SKEW

_EFFECTIVE = (
    NoticeKind.FORMAL_NOTICE,
    NoticeKind.LATE_PAYMENT,
    NoticeKind.MAINTENANCE,
    NoticeKind.INCIDENT,
    NoticeKind.INCIDENT_OVER,
)
"""The kinds from which anything follows; the others only tell the client something."""
_ENDING = (NoticeKind.FORMAL_NOTICE, NoticeKind.LATE_PAYMENT)
"""Those of them from which the end of the contract or a suspension follows."""


def notices(case: Case, *, paid: bool) -> tuple[Notice, ...]:
    """The notices from which something follows and that do not contradict themselves."""
    by_key: dict[str, set[Notice]] = defaultdict(set)
    for notice in case.facts.notices:
        if notice.kind in _EFFECTIVE:
            by_key[notice.key].add(notice)
    kept = []
    for key in sorted(by_key):
        same = by_key[key]
        if len(same) > 1:
            case.doubt(
                f"notice {key}", f"it is recorded in {len(same)} versions", "keep the true one"
            )
            continue
        (notice,) = same
        problem = next(_problems(case, notice, paid=paid), None)
        if problem is None:
            kept.append(notice)
        else:
            where, what, remedy = problem
            case.doubt(f"notice {key}{where}", what, remedy)
    return tuple(kept)


def is_unclear(case: Case) -> bool:
    """Whether a notice that can have ended or suspended contradicts itself or another by now.

    It can if it is in order as one of its versions, or the ledger, has it: one that never was in
    order never had an effect. What is only yet to come is no contradiction: time would take back
    what was held because of it.
    """
    given, ledger = case.facts.notices, case.facts.ledger
    ending = {notice for notice in given if notice.kind in _ENDING}
    doubtful = {
        key for key, number in Counter(notice.key for notice in ending).items() if number > 1
    } | {notice.key for notice in ending if any(True for _ in _contradictions(case, notice))}
    versions = (*ending, *(ledger.notices if ledger is not None else ()))
    return any(
        notice.key in doubtful and next(_problems(case, notice, paid=False), None) is None
        for notice in versions
    )


def _contradictions(case: Case, notice: Notice) -> Iterator[tuple[str, str, str]]:
    """What is wrong with a notice whatever the time."""
    yield from _order(notice)
    if notice.kind is not NoticeKind.FORMAL_NOTICE:
        return
    yield from _unsigned(case, notice)
    if notice.breach is Breach.PROHIBITED_USE and notice.by is Party.CLIENT:
        yield (
            ", breach",
            "ProhibitedUse is a breach of the client's, but the client gave the notice",
            "correct who gave it, or what it is about",
        )


def _problems(case: Case, notice: Notice, *, paid: bool) -> Iterator[tuple[str, str, str]]:
    yield from _contradictions(case, notice)
    for name, at in _instants(notice):
        # When it was made is told by the API server's clock, which may be a little ahead.
        if not case.moment.reached(at - SKEW if name == "created" else at):
            yield (
                f", {name}",
                f"{at.isoformat()} is yet to come",
                "correct the instant, or the clock",
            )
    formal = notice.kind is NoticeKind.FORMAL_NOTICE
    if formal and notice.breach is Breach.LATE_PAYMENT and paid and notice.remedied is None:
        yield (
            ", breach",
            "it is about a late payment, but no payment is overdue",
            "record when it was remedied, or set spec.contract.payment.overdueSince",
        )


def _unsigned(case: Case, notice: Notice) -> Iterator[tuple[str, str, str]]:
    signed = case.facts.contract.signed_on
    if signed is None:
        yield (
            "",
            "the contract is not signed",
            "set spec.contract.signedOn, or remove the notice",
        )
    elif case.calendar.day_of(notice.created) < signed:
        yield (
            ", created",
            f"it lies before the signature on {signed}",
            "correct the one or the other date",
        )


def _instants(notice: Notice) -> list[tuple[str, datetime]]:
    instants = {
        "created": notice.created,
        "sent": notice.sent,
        "delivered": notice.delivered,
        "acknowledged": notice.acknowledged,
        "remedied": notice.remedied,
    }
    return [(name, at) for name, at in instants.items() if at is not None]


def _order(notice: Notice) -> Iterator[tuple[str, str, str]]:
    way = [(name, at) for name, at in _instants(notice) if name != "remedied"]
    for (earlier, before), (later, after) in pairwise(way):
        if after < before:
            yield (
                f", {later}",
                f"it was {later} before it was {earlier}",
                "correct the one or the other instant",
            )
    if notice.remedied is not None and notice.remedied < notice.created:
        yield (
            ", remedied",
            "the breach was remedied before the notice was created",
            "correct the instant, or withdraw the notice",
        )
