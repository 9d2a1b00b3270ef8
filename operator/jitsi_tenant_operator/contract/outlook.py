"""What lies ahead of a contract, step by step, if nothing is recorded but what the operator does.

Each action is taken to be carried out the moment it falls due: notices are sent and not received,
data is erased once that is allowed. So the outlook ends where a person must act.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from jitsi_tenant_operator.contract.calendar import Calendar
from jitsi_tenant_operator.contract.decide import decide
from jitsi_tenant_operator.contract.decision import Action, ActionKind, Deadline, Decision
from jitsi_tenant_operator.contract.facts import Axis, Entry, Export, Facts, Ledger, Notice
from jitsi_tenant_operator.contract.terms import EffectiveTerms


@dataclass(frozen=True, slots=True)
class Step:
    """What changes at an instant: the decision before it and after, and what was done at it."""

    at: datetime
    before: Decision
    after: Decision
    done: tuple[Action, ...]

    @property
    def reached(self) -> tuple[Deadline, ...]:
        """The deadlines that are reached at this instant."""
        return tuple(
            deadline
            for deadline in self.before.deadlines
            if not deadline.passed and deadline.at <= self.at
        )


def outlook(
    facts: Facts, terms: EffectiveTerms, now: datetime, until: datetime, calendar: Calendar
) -> Iterator[Step]:
    """The steps from `now`, which comes first, until before `until`; all instants are aware."""
    start = decide(facts, terms, now, calendar)
    if facts.ledger is None:
        facts = replace(facts, ledger=_begun(start, now))
    before, at = start, now
    while True:
        decision, done = decide(facts, terms, at, calendar), []
        while decision.actions:
            for action in decision.actions:
                facts = _carried_out(facts, action, decision, at)
                done.append(action)
            decision = decide(facts, terms, at, calendar)
        yield Step(at, before, decision, tuple(done))
        if decision.next is None or decision.next >= until:
            return
        before, at = decision, decision.next


def _begun(decision: Decision, now: datetime) -> Ledger:
    """A ledger in which everything is as it is, as if the client knew."""
    return Ledger(
        latest=now,
        contract=Entry(decision.contract, now),
        service=Entry(decision.service.state, now, decision.service.reasons),
        recording=Entry(decision.recording.state, now, decision.recording.reasons),
        data=Entry(decision.data.state, now),
        done=frozenset(
            f"Notice/{kind}/{now.isoformat()}" for kind in ("Suspension", "RecordingSuspended")
        ),
    )


def _carried_out(facts: Facts, action: Action, decision: Decision, at: datetime) -> Facts:
    """The facts once `action` is done at `at`."""
    ledger = facts.ledger
    assert ledger is not None
    facts = replace(
        facts,
        ledger=replace(ledger, latest=max(ledger.latest, at), done=ledger.done | {action.key}),
    )
    evidence = facts.evidence
    match action.kind:
        case ActionKind.RECORD:
            return _recorded(facts, Axis(action.subject), decision, at)
        case ActionKind.NOTIFY:
            assert action.notice is not None
            notice = Notice(action.key, action.notice, at, sent=at)
            return replace(facts, notices=(*facts.notices, notice))
        case ActionKind.EXPORT:
            export = Export(action.key, final=True, offered=at)
            return replace(facts, exports=(*facts.exports, export))
        case ActionKind.ERASE:
            evidence = replace(
                evidence, erasure_started=evidence.erasure_started or at, production_erased=at
            )
        case ActionKind.EXPIRE_BACKUPS:
            evidence = replace(evidence, backups_expired=at)
        case ActionKind.CLOSE:
            evidence = replace(evidence, closed=at)
        case ActionKind.CERTIFY:
            pass
    return replace(facts, evidence=evidence)


def _recorded(facts: Facts, axis: Axis, decision: Decision, at: datetime) -> Facts:
    ledger = facts.ledger
    assert ledger is not None
    last = ledger.entry(axis)
    before = last.value if last is not None else None
    match axis:
        case Axis.CONTRACT:
            ledger = replace(ledger, contract=Entry(decision.contract, at, (), before))
        case Axis.SERVICE:
            service = decision.service
            ledger = replace(ledger, service=Entry(service.state, at, service.reasons, before))
        case Axis.RECORDING:
            recording = decision.recording
            ledger = replace(
                ledger, recording=Entry(recording.state, at, recording.reasons, before)
            )
        case Axis.DATA:
            ledger = replace(ledger, data=Entry(decision.data.state, at, (), before))
    return replace(facts, ledger=ledger)
