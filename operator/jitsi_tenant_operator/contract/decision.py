"""The words in which a decision is given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from jitsi_tenant_operator.api.contract import RecordingSuspensionReason, SuspensionReason
from jitsi_tenant_operator.api.notice import NoticeKind
from jitsi_tenant_operator.contract.terms import TermSource


class Phase(StrEnum):
    """All axes in one word, for people."""

    DRAFT = "Draft"
    IN_FORCE = "InForce"
    UNDER_NOTICE = "UnderNotice"
    SUSPENDED = "Suspended"
    ENDED = "Ended"
    RESTITUTED = "Restituted"
    ERASING = "Erasing"
    ERASED = "Erased"
    BACKUPS_EXPIRED = "BackupsExpired"
    CLOSED = "Closed"


class ContractState(StrEnum):
    """Whether the contract is in force. UnderNotice: a formal notice runs."""

    DRAFT = "Draft"
    IN_FORCE = "InForce"
    UNDER_NOTICE = "UnderNotice"
    ENDED = "Ended"


class ServiceState(StrEnum):
    """Whether people can meet; of recording, whether they can record."""

    SERVING = "Serving"
    SUSPENDED = "Suspended"
    DISABLED = "Disabled"


class DataState(StrEnum):
    """What becomes of the client's data. Erased speaks of production, backups come after it."""

    LIVE = "Live"
    RETAINED = "Retained"
    RESTITUTED = "Restituted"
    ERASING = "Erasing"
    ERASED = "Erased"
    BACKUPS_EXPIRED = "BackupsExpired"
    CLOSED = "Closed"


class EndCause(StrEnum):
    """Why a contract ends."""

    TERM_OVER = "TermOver"
    NON_RENEWAL = "NonRenewal"
    AGREEMENT = "Agreement"
    FORMAL_NOTICE = "FormalNotice"
    ERASED_ALREADY = "ErasedAlready"


class Wait(StrEnum):
    """What the next step of the data still waits for."""

    RESTITUTION = "Restitution"
    CONFIRMATION = "Confirmation"
    HOLD = "Hold"
    RETENTION = "Retention"


class WindowState(StrEnum):
    """How a maintenance window, or an incident, stands towards this tenant."""

    PENDING = "Pending"
    PLANNED = "Planned"
    RUNNING = "Running"
    REFUSED = "Refused"
    OVER = "Over"


class ActionKind(StrEnum):
    """What is to be done."""

    RECORD = "Record"
    NOTIFY = "Notify"
    EXPORT = "Export"
    ERASE = "Erase"
    EXPIRE_BACKUPS = "ExpireBackups"
    CERTIFY = "Certify"
    CLOSE = "Close"


@dataclass(frozen=True, slots=True)
class End:
    """An end of the contract: its last day, the instant, why, and by which rule."""

    day: date
    at: datetime
    cause: EndCause
    rule: str
    source: TermSource

    whole_day: bool = True
    """Whether it comes with the end of a day rather than at a time of day."""

    @property
    def event(self) -> date:
        """From what the times after the end run: the day as a whole, or the instant."""
        return self.day if self.whole_day else self.at


@dataclass(frozen=True, slots=True)
class Deadline:
    """The first instant at which a time is over, or at which something begins.

    `plain` is the same without the move to a working day, `subject` what it concerns where there
    may be several of a name.
    """

    name: str
    at: datetime
    plain: datetime
    rule: str
    source: TermSource
    passed: bool
    subject: str = ""
    begins: bool = False

    @property
    def extended(self) -> bool:
        """Whether it was moved to a working day."""
        return self.at != self.plain


@dataclass(frozen=True, slots=True)
class Action:
    """Something that is due and not done yet; `key` stays the same until it is done.

    `due` is since when, None for what is due because of a fact that bears no instant.
    """

    kind: ActionKind
    key: str
    due: datetime | None
    why: str
    source: TermSource
    notice: NoticeKind | None = None
    subject: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Contradiction:
    """Facts that do not go together and therefore have no effect: where, why, what to change."""

    field: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.field}: {self.problem}: {self.remedy}"


@dataclass(frozen=True, slots=True)
class Service:
    """The service axis. `until` is known when every reason ends by itself."""

    state: ServiceState
    reasons: tuple[SuspensionReason, ...] = ()
    until: datetime | None = None
    source: TermSource | None = None


@dataclass(frozen=True, slots=True)
class Recording:
    """Recording, which stops with the service and can stop alone, then with reasons of its own."""

    state: ServiceState
    reasons: tuple[RecordingSuspensionReason, ...] = ()
    until: datetime | None = None
    source: TermSource | None = None


@dataclass(frozen=True, slots=True)
class Data:
    """The data axis: what the next step waits for, and the names of the holds that block it."""

    state: DataState
    waits: tuple[Wait, ...] = ()
    held_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Window:
    """A maintenance window: how it stands, and the latest instant for its notice.

    `notified` is when its notice was sent, if it was.
    """

    name: str
    state: WindowState
    latest_notice: datetime
    why: str
    notified: datetime | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows of the facts, until `next`: the next instant at which anything changes.

    `called_for` holds the keys of all notices that the client is to be given as things stand,
    whether they were made already or not.
    """

    phase: Phase
    contract: ContractState
    service: Service
    recording: Recording
    data: Data
    end: End | None
    windows: tuple[Window, ...]
    deadlines: tuple[Deadline, ...]
    actions: tuple[Action, ...]
    contradictions: tuple[Contradiction, ...]
    called_for: frozenset[str] = frozenset()
    next: datetime | None = None
