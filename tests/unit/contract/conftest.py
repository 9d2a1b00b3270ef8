"""A contract in few words, and the decision on it at a time on the clocks of Paris."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from jitsi_tenant_operator.api.contract import Contract, Suspension, Termination
from jitsi_tenant_operator.api.notice import NoticeKind
from jitsi_tenant_operator.api.terms import OperationalTerms, Subject
from jitsi_tenant_operator.contract.calendar import Calendar
from jitsi_tenant_operator.contract.decide import decide
from jitsi_tenant_operator.contract.decision import Action, Deadline, Decision
from jitsi_tenant_operator.contract.facts import Facts, Notice
from jitsi_tenant_operator.contract.terms import EffectiveTerms, TermSource

At = Callable[[str], datetime]

PARIS = Calendar(ZoneInfo("Europe/Paris"))
CGU = "cgu"

TERMS: dict[str, Any] = {
    "backup": {"daily": "P10D", "weekly": "P2M", "offsite": True},
    "logs": {"retention": "P6M", "compressAfter": "P1D", "disposal": "Delete"},
    "maintenance": {"notice": "PT48H"},
    "formalNotice": {"remedy": "P30D", "prohibitedUse": "PT48H"},
    "endOfContract": {"erasure": "P30D"},
    "confidentiality": {"afterEnd": "P5Y"},
    "location": {"countries": ["FR"]},
}
CLAUSES = {
    "backup.daily": "6.3",
    "backup.weekly": "6.3",
    "logs.retention": "11.3",
    "maintenance.notice": "8.1",
    "formalNotice.remedy": "13.2",
    "formalNotice.prohibitedUse": "13.2",
    "endOfContract.erasure": "13.3",
    "confidentiality.afterEnd": "12",
}
GOVERNING = {
    Subject.DURATION: "13.1",
    Subject.RENEWAL: "13.1",
    Subject.PAYMENT: "9",
    Subject.PROHIBITED_USE: "5",
    Subject.TERMINATION: "13.2",
    Subject.END_OF_CONTRACT: "13.3",
    Subject.RECORDING_SUSPENSION: "6.4",
    Subject.NOTICES: "15.4",
}


def local(text: str) -> datetime:
    """An instant by the clocks of Paris, as "2027-05-31 18:00"; 24:00 is the end of a day."""
    day, _, clock = text.partition(" ")
    if clock == "24:00":
        at = datetime.combine(date.fromisoformat(day) + timedelta(days=1), time())
    else:
        at = datetime.fromisoformat(f"{day}T{clock or '00:00'}")
    return at.replace(tzinfo=PARIS.zone).astimezone(UTC)


@dataclass(frozen=True)
class Story:
    """What is known of a contract; each word adds to it."""

    contract: dict[str, Any] = field(
        default_factory=lambda: {
            "reference": "DC-1",
            "client": {"legalName": "ACME SAS", "email": "dsi@acme.example"},
            "signedOn": "2026-06-01",
            "term": "P12M",
            "options": ["Recording"],
        }
    )
    suspension: dict[str, Any] = field(default_factory=dict)
    termination: dict[str, Any] = field(default_factory=dict)
    terms: dict[str, Any] = field(default_factory=lambda: TERMS)
    more: dict[str, Any] = field(default_factory=dict)

    def signed(self, day: str | None, term: str = "P12M") -> Story:
        """Signed on a day, for a term."""
        return replace(self, contract=self.contract | {"signedOn": day, "term": term})

    def tacit(self, period: str, notice: str) -> Story:
        """Renewed tacitly."""
        renewal = {"mode": "Tacit", "period": period, "noticePeriod": notice}
        return replace(self, contract=self.contract | {"renewal": renewal})

    def manual(self, until: str | None = None) -> Story:
        """Renewed by agreement."""
        renewal = {"mode": "Manual"} | ({} if until is None else {"renewedUntil": until})
        return replace(self, contract=self.contract | {"renewal": renewal})

    def overdue(self, since: str) -> Story:
        """With an invoice that is not paid."""
        return replace(self, contract=self.contract | {"payment": {"overdueSince": since}})

    def suspended(self, reason: str, until: str | None = None) -> Story:
        """Suspended by a person."""
        return replace(self, suspension=self.suspension | {"service": _order(reason, until)})

    def recording_suspended(self, reason: str, until: str | None = None) -> Story:
        """With recording suspended by a person."""
        return replace(self, suspension=self.suspension | {"recording": _order(reason, until)})

    def declined(self, received: str, by: str = "Client") -> Story:
        """Not renewed."""
        declared = {"nonRenewal": {"by": by, "receivedOn": received}}
        return replace(self, termination=self.termination | declared)

    def ends_early(self, on: str, agreed: str) -> Story:
        """Ended by agreement."""
        early = {"earlyEnd": {"endsOn": on, "agreedOn": agreed}}
        return replace(self, termination=self.termination | early)

    def returned(self, on: str) -> Story:
        """With the client's word that it has its data."""
        return replace(self, termination=self.termination | {"restitutionAcknowledgedOn": on})

    def confirmed(self, reference: str = "DC-1") -> Story:
        """With the erasure confirmed."""
        erasure = {"contractReference": reference, "confirmedBy": "dpo"}
        return replace(self, termination=self.termination | {"erasure": erasure})

    def promised(self, **terms: Any) -> Story:
        """With other terms; None takes a section away."""
        merged = {**self.terms, **terms}
        return replace(
            self, terms={name: value for name, value in merged.items() if value is not None}
        )

    def known(self, **facts: Any) -> Story:
        """With other facts."""
        return replace(self, more=self.more | facts)

    def notice(self, kind: NoticeKind, created: str, **instants: Any) -> Story:
        """With a notice; instants are by the clocks of Paris."""
        read: dict[str, Any] = {
            name: local(value) if name in _INSTANTS else value for name, value in instants.items()
        }
        key = read.pop("key", f"notice-{len(self.more.get('notices', ()))}")
        found = Notice(key=key, kind=kind, created=local(created), **read)
        return self.known(notices=(*self.more.get("notices", ()), found))

    def facts(self) -> Facts:
        """All of it as facts."""
        return Facts(
            contract=Contract.model_validate(self.contract),
            suspension=Suspension.model_validate(self.suspension),
            termination=Termination.model_validate(self.termination),
            **self.more,
        )

    def effective(self) -> EffectiveTerms:
        """The terms in force."""
        return EffectiveTerms(
            OperationalTerms.model_validate(self.terms),
            {name: TermSource(CGU, clause) for name, clause in CLAUSES.items()},
            {subject: TermSource(CGU, clause) for subject, clause in GOVERNING.items()},
        )

    def at(self, text: str) -> Decided:
        """The decision at a time by the clocks of Paris."""
        return Decided(decide(self.facts(), self.effective(), local(text), PARIS))


_INSTANTS = ("sent", "delivered", "acknowledged", "remedied")


def _order(reason: str, until: str | None) -> dict[str, str]:
    order = {"reason": reason}
    return order if until is None else order | {"until": local(until).isoformat()}


@dataclass(frozen=True)
class Decided:
    """A decision, and short questions to it."""

    decision: Decision

    def __getattr__(self, name: str) -> Any:
        return getattr(self.decision, name)

    @property
    def axes(self) -> tuple[str, str, str]:
        """Contract, service and data in words."""
        found = self.decision
        return str(found.contract), str(found.service.state), str(found.data.state)

    def deadline(self, name: str, subject: str = "") -> Deadline:
        """The one deadline of that name."""
        (found,) = [
            each for each in self.decision.deadlines if (each.name, each.subject) == (name, subject)
        ]
        return found

    def names(self) -> list[str]:
        """The names of the deadlines by time."""
        return [deadline.name for deadline in self.decision.deadlines]

    def due(self) -> set[str]:
        """The keys of the actions."""
        return {action.key for action in self.decision.actions}

    def notices(self) -> list[Action]:
        """The notices that are due."""
        return [action for action in self.decision.actions if action.notice is not None]

    def doubts(self) -> list[str]:
        """The fields of the contradictions."""
        return [each.field for each in self.decision.contradictions]


@pytest.fixture(scope="session")
def story() -> Story:
    """Signed on 1 June 2026 for a year, with recording, under the terms of service alone."""
    return Story()


@pytest.fixture(scope="session")
def at() -> At:
    """An instant by the clocks of Paris."""
    return local


@pytest.fixture(scope="session")
def paris() -> Calendar:
    """The calendar of Paris."""
    return PARIS
