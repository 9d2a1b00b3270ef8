"""The ledger beside the decision: what it does not say yet, and what the client must be told of it.

A suspension is told by its entry in the ledger, whose instant tells it from the one before. So the
ledger comes first, and whatever crashes in between, each suspension and each return is told once.
"""

from __future__ import annotations

from collections.abc import Iterator

from jitsi_tenant_operator.api.notice import NoticeKind
from jitsi_tenant_operator.api.terms import Subject
from jitsi_tenant_operator.contract.case import Case
from jitsi_tenant_operator.contract.decision import (
    Action,
    ActionKind,
    ContractState,
    Data,
    End,
    Recording,
    Service,
    ServiceState,
)
from jitsi_tenant_operator.contract.facts import Axis, Entry, Ledger


def actions(
    case: Case, contract: ContractState, service: Service, recording: Recording, data: Data
) -> Iterator[Action]:
    """Entries that the ledger lacks, and notices about those that it has."""
    ledger = case.facts.ledger
    if ledger is None:
        return
    decided: dict[Axis, tuple[str, tuple[str, ...]]] = {
        Axis.CONTRACT: (contract, ()),
        Axis.SERVICE: (service.state, service.reasons),
        Axis.RECORDING: (recording.state, recording.reasons),
        Axis.DATA: (data.state, ()),
    }
    for axis, (value, reasons) in decided.items():
        entry = ledger.entry(axis)
        if entry is None or (entry.value, entry.reasons) != (value, reasons):
            yield _record(case, axis, value, reasons, entry)
        elif (kind := _notice(axis, entry, ledger)) is not None:
            yield _tell(case, axis, kind, entry)


def _record(
    case: Case, axis: Axis, value: str, reasons: tuple[str, ...], last: Entry | None
) -> Action:
    since = last.since.isoformat() if last is not None else "first"
    what = "+".join((value, *reasons))
    return Action(
        ActionKind.RECORD,
        f"Record/{axis}/{since}/{what}",
        None,
        f"{axis}: {last.value if last is not None else 'nothing'} becomes {what}",
        case.ruled_by(Subject.NOTICES),
        subject=axis,
    )


def _notice(axis: Axis, entry: Entry, ledger: Ledger) -> NoticeKind | None:
    """What the client is told of an entry; nothing of recording that goes with the service."""
    suspended = entry.value == ServiceState.SUSPENDED
    resumed = entry.value == ServiceState.SERVING and entry.before == ServiceState.SUSPENDED
    if axis is Axis.SERVICE:
        return NoticeKind.SUSPENSION if suspended else NoticeKind.RESUMPTION if resumed else None
    serving = ledger.service is not None and ledger.service.value == ServiceState.SERVING
    if axis is Axis.RECORDING and serving:
        if suspended and entry.reasons:
            return NoticeKind.RECORDING_SUSPENDED
        alone = ledger.service is not None and ledger.service.since < entry.since
        return NoticeKind.RECORDING_RESUMED if resumed and alone else None
    return None


def _tell(case: Case, axis: Axis, kind: NoticeKind, entry: Entry) -> Action:
    subject = Subject.RECORDING_SUSPENSION if axis is Axis.RECORDING else Subject.NOTICES
    return Action(
        ActionKind.NOTIFY,
        f"Notice/{kind}/{entry.since.isoformat()}",
        entry.since,
        " ".join((f"{axis} is {entry.value}", *entry.reasons)),
        case.ruled_by(subject),
        notice=kind,
    )


def ended(end: End) -> Action:
    """That the contract has ended, and what becomes of the data."""
    return Action(
        ActionKind.NOTIFY,
        f"Notice/{NoticeKind.ENDED}/{end.day}",
        end.at,
        end.rule,
        end.source,
        notice=NoticeKind.ENDED,
    )
