"""The operator as the simulation has it: it decides, acts, crashes, and keeps what is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from jitsi_tenant_operator.api.contract import Party
from jitsi_tenant_operator.api.hold import HoldScope
from jitsi_tenant_operator.api.notice import Breach, Channel, NoticeKind
from jitsi_tenant_operator.contract.calendar import Calendar
from jitsi_tenant_operator.contract.decide import decide
from jitsi_tenant_operator.contract.decision import Action, ActionKind, Decision
from jitsi_tenant_operator.contract.facts import (
    Axis,
    Entry,
    Evidence,
    Export,
    Facts,
    Hold,
    Ledger,
    Maintenance,
    Notice,
)
from jitsi_tenant_operator.contract.terms import EffectiveTerms

from .file import Bundle, File, Letter

PARIS = Calendar(ZoneInfo("Europe/Paris"))
OWN = frozenset(("Suspension", "Resumption", "RecordingSuspended", "RecordingResumed"))
"""Notices that follow the ledger rather than a date."""


class Crashed(Exception):  # noqa: N818 - nothing is wrong, it is part of the play
    """The operator ends between two steps."""


class Operator:
    """What lives through a crash is what is written down: the file, the ledger, its entries."""

    def __init__(self, file: File, now: datetime) -> None:
        self.file = file
        self.terms = EffectiveTerms(file.terms, {})
        self.ledger = Ledger(latest=now)
        self.entries: list[tuple[Axis, str, tuple[str, ...]]] = []
        self.carried_out: Counter[str] = Counter()
        self.decision: Decision | None = None

    def wake(
        self, now: datetime, crash: Callable[[], bool], send: Callable[[Letter], None]
    ) -> None:
        """Decide and act until nothing is due; raises Crashed where `crash` says so."""
        while True:
            self.decision = decide(self.facts(), self.terms, now, PARIS)
            actions = [action for action in self.decision.actions if not self._under_way(action)]
            if not actions:
                return
            for action in actions:
                if crash():
                    raise Crashed
                # A clock that is behind writes nothing that lies before what is written.
                self._do(action, self.decision, max(now, self.ledger.latest), send)
                if crash():
                    raise Crashed

    def _under_way(self, action: Action) -> bool:
        """Erasure takes time; its end is evidence that comes from elsewhere."""
        return action.kind is ActionKind.ERASE and self.file.erasure_started is not None

    def _do(
        self, action: Action, decision: Decision, at: datetime, send: Callable[[Letter], None]
    ) -> None:
        self.carried_out[action.key] += 1
        self.ledger = replace(self.ledger, latest=at)
        match action.kind:
            case ActionKind.RECORD:
                self._record(Axis(action.subject), decision, at)
            case ActionKind.NOTIFY:
                about = tuple(action.key.removeprefix("Notice/").split("/"))
                letter = Letter(about, str(action.notice), at)
                self.file.letters.append(letter)
                send(letter)
            case ActionKind.EXPORT:
                self.file.bundles.append(Bundle(at))
            case ActionKind.ERASE:
                self.file.erasure_started = at
            case ActionKind.EXPIRE_BACKUPS:
                self.file.backups_gone = at
            case ActionKind.CLOSE:
                self.file.closed = at
            case ActionKind.CERTIFY:
                self.ledger = replace(self.ledger, done=self.ledger.done | {action.key})

    def _record(self, axis: Axis, decision: Decision, at: datetime) -> None:
        last = self.ledger.entry(axis)
        before = last.value if last is not None else None
        value, reasons = {
            Axis.CONTRACT: (str(decision.contract), ()),
            Axis.SERVICE: (str(decision.service.state), decision.service.reasons),
            Axis.RECORDING: (str(decision.recording.state), decision.recording.reasons),
            Axis.DATA: (str(decision.data.state), ()),
        }[axis]
        words = tuple(str(reason) for reason in reasons)
        self.entries.append((axis, value, words))
        entry: dict[str, Any] = {axis.lower(): Entry(value, at, words, before)}
        self.ledger = replace(self.ledger, **entry)

    def facts(self) -> Facts:
        """The file and the ledger as facts."""
        file = self.file
        return Facts(
            contract=file.contract,
            suspension=file.suspension,
            termination=file.termination,
            notices=tuple(_notice(letter) for letter in file.letters),
            holds=_holds(file),
            maintenances=tuple(
                Maintenance(
                    name=work.name,
                    declared=work.declared,
                    start=work.start,
                    end=work.end,
                    emergency=work.emergency,
                    reason=work.reason,
                    suspends_recording=work.records_not,
                )
                for work in file.works
            ),
            exports=tuple(
                Export(f"bundle-{index}", True, bundle.offered, bundle.acknowledged)
                for index, bundle in enumerate(file.bundles)
            ),
            evidence=Evidence(
                erasure_started=file.erasure_started,
                production_erased=file.erased,
                backups_expired=file.backups_gone,
                closed=file.closed,
            ),
            recordings_saturated=file.full_since,
            ledger=self.ledger,
        )


def _notice(letter: Letter) -> Notice:
    name = "/".join(letter.about)
    by_hand = letter.about[0] == "ByHand"
    return Notice(
        key=name if by_hand else f"Notice/{name}",
        kind=NoticeKind(letter.kind),
        created=letter.created,
        by=Party(letter.by),
        breach=Breach(letter.breach),
        channel=Channel.REGISTERED_LETTER if letter.registered else Channel.EMAIL,
        sent=letter.sent,
        delivered=letter.delivered,
        acknowledged=letter.acknowledged,
        remedied=letter.remedied,
    )


def _holds(file: File) -> tuple[Hold, ...] | None:
    if not file.orders_readable:
        return None
    return tuple(
        Hold(
            name=order.name,
            scope=frozenset(HoldScope(scope) for scope in order.scope),
            basis=order.basis,
            placed=order.placed,
            released=order.released,
        )
        for order in file.orders
    )
