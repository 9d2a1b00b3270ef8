"""Facts and terms in any combination, likely and unlikely, clear and contradictory."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from jitsi_tenant_operator.api.contract import (
    Contract,
    Party,
    RecordingSuspensionReason,
    Suspension,
    SuspensionReason,
    Termination,
)
from jitsi_tenant_operator.api.hold import HoldScope
from jitsi_tenant_operator.api.notice import Breach, Channel, NoticeKind
from jitsi_tenant_operator.api.terms import OperationalTerms, Subject
from jitsi_tenant_operator.contract.decision import ContractState, DataState, ServiceState
from jitsi_tenant_operator.contract.facts import (
    Entry,
    Evidence,
    Export,
    Facts,
    Hold,
    Incident,
    Ledger,
    Maintenance,
    Notice,
    Standing,
)
from jitsi_tenant_operator.contract.terms import EffectiveTerms, TermSource

FIRST, LAST = date(2026, 1, 1), date(2029, 12, 31)

days = st.dates(FIRST, LAST)
instants = st.builds(
    lambda day, minutes: (
        datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=minutes)
    ),
    days,
    st.sampled_from([0, 30, 600, 1320, 1380, 1439]),
)
durations = st.sampled_from(
    ["P1D", "P10D", "P30D", "P1W", "P1M", "P2M", "P6M", "P12M", "P1Y", "P1M15D", "PT1H", "PT48H"]
)
any_durations = durations | st.sampled_from(["P99Y999M999W9999D", "PT9999S", "P1DT5H", "P5Y"])


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """That, or nothing."""
    return st.none() | strategy


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A dict in which each field may be missing."""
    return st.fixed_dictionaries({}, optional=fields)


def _tacit(lengths: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"mode": st.just("Tacit"), "period": lengths, "noticePeriod": lengths}
    )


def contracts(lengths: st.SearchStrategy[str] = durations) -> st.SearchStrategy[Contract]:
    """Contracts, signed or not, renewed in every way."""
    renewal = (
        st.just({"mode": "None"})
        | _tacit(lengths)
        | some(mode=st.just("Manual"), renewedUntil=days).map(
            lambda part: part | {"mode": "Manual"}
        )
    )
    return st.builds(
        lambda signed, term, renewal, overdue, options: Contract.model_validate(
            {
                "reference": "DC-1",
                "client": {"legalName": "ACME SAS", "email": "dsi@acme.example"},
                "signedOn": signed,
                "term": term,
                "renewal": renewal,
                "options": options,
                "payment": {"overdueSince": overdue},
            }
        ),
        signed=maybe(st.dates(FIRST, date(2027, 12, 31))),
        term=lengths,
        renewal=renewal,
        overdue=maybe(days),
        options=st.sampled_from([[], ["Recording"]]),
    )


def _order(reasons: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"reason": st.sampled_from(list(reasons))}, optional={"until": instants}
    )


suspensions = some(
    service=_order(SuspensionReason), recording=_order(RecordingSuspensionReason)
).map(Suspension.model_validate)
terminations = some(
    nonRenewal=st.fixed_dictionaries({"by": st.sampled_from(list(Party)), "receivedOn": days}),
    earlyEnd=st.fixed_dictionaries({"endsOn": days, "agreedOn": days}),
    restitutionAcknowledgedOn=days,
    erasure=st.fixed_dictionaries(
        {
            "contractReference": st.sampled_from(["DC-1", "DC-1", "DC-2"]),
            "confirmedBy": st.just("x"),
        }
    ),
).map(Termination.model_validate)


@st.composite
def notices(draw: st.DrawFn) -> Notice:
    """Notices, most of which went their way in order."""
    at = draw(instants)
    steps: dict[str, datetime | None] = {}
    for step in ("sent", "delivered", "acknowledged", "remedied"):
        at += timedelta(hours=draw(st.sampled_from([0, 1, 30, 400, -20])))
        steps[step] = at if draw(st.booleans()) else None
    return Notice(
        key=draw(st.sampled_from(["a", "b", "Notice/LatePayment/2027-01-01"])),
        kind=draw(st.sampled_from([NoticeKind.FORMAL_NOTICE] * 3 + list(NoticeKind))),
        created=draw(instants) if steps["sent"] is None else steps["sent"] - timedelta(hours=1),
        by=draw(st.sampled_from(list(Party))),
        breach=draw(st.sampled_from(list(Breach))),
        channel=draw(st.sampled_from(list(Channel))),
        **steps,
    )


holds = st.builds(
    Hold,
    name=st.sampled_from(["x", "y"]),
    scope=st.frozensets(st.sampled_from(list(HoldScope))),
    basis=st.sampled_from(["order", ""]),
    placed=instants,
    review_on=maybe(days),
    released=maybe(instants),
)
maintenances = st.builds(
    lambda declared, ahead, hours, **more: Maintenance(
        declared=declared,
        start=declared + timedelta(hours=ahead),
        end=declared + timedelta(hours=ahead + hours),
        **more,
    ),
    declared=instants,
    ahead=st.sampled_from([0, 47, 72, 400]),
    hours=st.sampled_from([0, 2, 30]),
    name=st.sampled_from(["m", "n"]),
    emergency=st.booleans(),
    reason=st.sampled_from(["", "disk"]),
    suspends_recording=st.booleans(),
)
incidents = st.builds(
    Incident,
    name=st.sampled_from(["i", "j"]),
    start=instants,
    ended=maybe(instants),
    force_majeure=st.booleans(),
)
exports = st.builds(
    Export,
    name=st.just("e"),
    final=st.booleans(),
    offered=instants,
    acknowledged=maybe(instants),
)
evidences = st.builds(
    Evidence,
    erasure_started=maybe(instants),
    last_backup=maybe(instants),
    production_erased=maybe(instants),
    backups_expired=maybe(instants),
    closed=maybe(instants),
)


def _entry(values: Any) -> st.SearchStrategy[Entry | None]:
    return maybe(
        st.builds(
            Entry,
            value=st.sampled_from([str(value) for value in values]),
            since=instants,
            reasons=st.just(()),
            before=maybe(st.sampled_from([str(value) for value in values])),
        )
    )


ledgers = st.builds(
    Ledger,
    latest=instants,
    contract=_entry(ContractState),
    service=_entry(ServiceState),
    recording=_entry(ServiceState),
    data=_entry(DataState),
    done=st.frozensets(st.sampled_from(["Erase/DC-1", "Close/DC-1", "Certify/DC-1/Production"])),
)


standings = st.builds(Standing, st.sampled_from(ContractState), st.booleans())


def facts(
    lengths: st.SearchStrategy[str] = durations, *, with_ledger: bool = True
) -> st.SearchStrategy[Facts]:
    """All of them together."""
    return st.builds(
        Facts,
        contract=contracts(lengths),
        suspension=suspensions,
        termination=terminations,
        notices=st.lists(notices(), max_size=3).map(tuple),
        holds=maybe(st.lists(holds, max_size=2).map(tuple)),
        maintenances=st.lists(maintenances, max_size=2).map(tuple),
        incidents=st.lists(incidents, max_size=2).map(tuple),
        exports=st.lists(exports, max_size=1).map(tuple),
        evidence=st.just(Evidence()) | evidences,
        recordings_saturated=maybe(instants),
        ledger=maybe(ledgers) if with_ledger else st.none(),
        standing=maybe(standings) if with_ledger else st.none(),
    )


def terms(lengths: st.SearchStrategy[str] = durations) -> st.SearchStrategy[EffectiveTerms]:
    """Terms of which any may be missing."""
    return st.builds(
        lambda parts, extend: EffectiveTerms(
            OperationalTerms.model_validate(parts | {"deadlines": {"extendToWorkingDay": extend}}),
            {"formalNotice.remedy": TermSource("cgu", "13.2")},
            {Subject.DURATION: TermSource("cgu", "13.1")},
        ),
        some(
            backup=some(daily=lengths, weekly=lengths),
            logs=some(retention=lengths),
            maintenance=some(notice=lengths),
            formalNotice=some(remedy=lengths, prohibitedUse=lengths),
            payment=some(noticeAfter=lengths, suspensionAfter=lengths),
            endOfContract=some(
                retrieval=lengths, erasure=lengths, reminders=st.lists(lengths, max_size=3)
            ),
            confidentiality=some(afterEnd=lengths),
        ),
        st.booleans(),
    )
