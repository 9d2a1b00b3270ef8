"""Everything that the decision may know: what is written down, never what happened just now.

Facts have no order. What is not known is absent; what cannot be read is said to be unreadable.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum

from jitsi_tenant_operator.api.contract import Contract, Party, Suspension, Termination
from jitsi_tenant_operator.api.hold import HoldScope
from jitsi_tenant_operator.api.notice import Breach, Channel, NoticeKind
from jitsi_tenant_operator.contract.decision import ContractState


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice from a party to the other, with what is recorded of its way.

    `key` is the key of the action that called for it, or a name of its own. `remedied` belongs to
    a formal notice: when the breach was remedied. `withdrawn` is since when it is not to be sent
    any more, as what it would have told is not so.
    """

    key: str
    kind: NoticeKind
    created: datetime
    by: Party = Party.HOST
    breach: Breach = Breach.OTHER
    channel: Channel = Channel.EMAIL
    sent: datetime | None = None
    delivered: datetime | None = None
    acknowledged: datetime | None = None
    remedied: datetime | None = None
    withdrawn: datetime | None = None

    @property
    def received(self) -> datetime | None:
        """When it was received in the sense of clause 15.4; None while that is not recorded.

        A registered letter is received when it is delivered. A server that takes an e-mail is not
        the addressee, so an e-mail is received when it is acknowledged.
        """
        delivered = self.delivered if self.channel is Channel.REGISTERED_LETTER else None
        return min(
            (at for at in (delivered, self.acknowledged) if at is not None),
            default=None,
        )

    def completed(self, recorded: Notice) -> Notice:
        """The same with what the ledger has of it, where it does not say so itself any more."""
        return replace(
            self,
            created=min(self.created, recorded.created),
            sent=self.sent or recorded.sent,
            delivered=self.delivered or recorded.delivered,
            acknowledged=self.acknowledged or recorded.acknowledged,
            remedied=self.remedied or recorded.remedied,
        )


@dataclass(frozen=True, slots=True)
class Hold:
    """An order that nothing in its scope be deleted, until it is released."""

    name: str
    scope: frozenset[HoldScope]
    basis: str
    placed: datetime
    review_on: date | None = None
    released: datetime | None = None


@dataclass(frozen=True, slots=True)
class Maintenance:
    """A window in which the service is worked on: planned, or an emergency with its reason.

    `interrupts_meetings`: what ends meetings may be done in it. `description` is what the client is
    told of it.
    """

    name: str
    declared: datetime
    start: datetime
    end: datetime
    emergency: bool = False
    reason: str = ""
    suspends_recording: bool = False
    closes_service: bool = False
    interrupts_meetings: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that affects the service against the host's will. `ended`: when it was over."""

    name: str
    start: datetime
    ended: datetime | None = None
    expected_end: datetime | None = None
    force_majeure: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True)
class Export:
    """A bundle of the client's data for its return. `final` when it holds all that there was."""

    name: str
    final: bool
    offered: datetime
    acknowledged: datetime | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was done at the end, as certificates and the ledger have it."""

    erasure_started: datetime | None = None
    last_backup: datetime | None = None
    production_erased: datetime | None = None
    backups_expired: datetime | None = None
    closed: datetime | None = None


class Axis(StrEnum):
    """What the ledger follows."""

    CONTRACT = "Contract"
    SERVICE = "Service"
    RECORDING = "Recording"
    DATA = "Data"


@dataclass(frozen=True, slots=True)
class Entry:
    """The ledger's last entry for an axis: its value and reasons, since when, and the value before.

    `since` tells one suspension from the next, so that each is told to the client once.
    """

    value: str
    since: datetime
    reasons: tuple[str, ...] = ()
    before: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """The ledger's last word on an order of a person: what it concerns, what became of it, why."""

    subject: str
    value: str
    why: str
    number: int


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the ledger says so far.

    `latest` is the instant of its last entry, of whatever kind, `done` holds the keys of actions
    that were carried out, `notices` all notices of which it tells, whatever became of them since,
    `orders` what people ordered.
    """

    latest: datetime
    contract: Entry | None = None
    service: Entry | None = None
    recording: Entry | None = None
    data: Entry | None = None
    done: frozenset[str] = frozenset()
    notices: tuple[Notice, ...] = ()
    orders: tuple[Order, ...] = ()

    def entry(self, axis: Axis) -> Entry | None:
        """The last entry for an axis."""
        entries = {
            Axis.CONTRACT: self.contract,
            Axis.SERVICE: self.service,
            Axis.RECORDING: self.recording,
            Axis.DATA: self.data,
        }
        return entries[axis]


@dataclass(frozen=True, slots=True)
class Standing:
    """How a contract stood when its ledger was last seen as a whole.

    `contract` is the value of that axis, `late_payment` whether the service was suspended for it.
    """

    contract: ContractState
    late_payment: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """All facts of one tenant; instants are aware.

    `holds` is None when the holds cannot be read, which keeps everything. `recordings_saturated`
    is since when the volume of recordings counts as full. Without a `ledger` no suspension has an
    identity yet, so none is told to the client. `standing` is there when the ledger cannot be
    relied on: then what rests on recorded facts stays as it stood, and nothing ends or resumes.
    """

    contract: Contract
    suspension: Suspension = field(default_factory=Suspension)
    termination: Termination = field(default_factory=Termination)
    notices: tuple[Notice, ...] = ()
    holds: tuple[Hold, ...] | None = ()
    maintenances: tuple[Maintenance, ...] = ()
    incidents: tuple[Incident, ...] = ()
    exports: tuple[Export, ...] = ()
    evidence: Evidence = Evidence()
    recordings_saturated: datetime | None = None
    ledger: Ledger | None = None
    standing: Standing | None = None
