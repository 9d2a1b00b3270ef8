"""What a notice is about: every value that its letter can speak of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType

from jitsi_tenant_operator.api.contract import RecordingSuspensionReason, SuspensionReason
from jitsi_tenant_operator.api.notice import Breach, NoticeKind
from jitsi_tenant_operator.contract.calendar import Calendar
from jitsi_tenant_operator.contract.decision import EndCause


@dataclass(frozen=True, slots=True)
class Support:
    """Whom the client can ask (clause 8.2), as the terms have it; what is not set is not told."""

    email: str | None = None
    phone: str | None = None
    hours: str | None = None
    response_time: str | None = None
    """Within how long a request is answered, as an ISO 8601 duration."""


@dataclass(frozen=True, slots=True)
class Window:
    """When the service is worked on (clause 8.1)."""

    start: datetime
    end: datetime
    emergency: bool = False
    suspends_recording: bool = False


class ErasedData(StrEnum):
    """What was erased, in the words of the decision's actions."""

    PRODUCTION = "Production"
    BACKUPS = "Backups"


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """The values of one letter. Instants are aware; durations are ISO 8601, as the API has them.

    An instant by which something must be done is the first at which it is too late, as deadlines
    of the decision have it. A value that is None is left out of the letter. `REQUIRED` has those
    that a kind cannot do without.
    """

    provider: str
    """The name of the host, who signs."""
    client: str
    """The client's legal name."""
    reference: str
    """The reference of the commercial document."""
    host: str
    """The DNS name of the client's service."""
    created: datetime
    """The date of the letter."""
    calendar: Calendar
    """In whose zone days and times are told."""
    support: Support = Support()
    """Whom the client can ask."""
    clause: str | None = None
    """The clause that the notice rests on."""
    document: str | None = None
    """The title of the document with that clause."""
    note: str | None = None
    """What a person has to say of it; may have several lines."""
    breach: Breach | None = None
    """FormalNotice: what is to be remedied."""
    remedy: str | None = None
    """FormalNotice: the duration to remedy it, from receipt."""
    overdue_since: date | None = None
    """LatePayment, FormalNotice, Suspension: the due date of the oldest unpaid invoice."""
    suspension_after: str | None = None
    """LatePayment: the duration after which the service is suspended."""
    reasons: tuple[SuspensionReason | RecordingSuspensionReason, ...] = ()
    """Suspension, RecordingSuspended: why."""
    since: datetime | None = None
    """From when: a suspension, a return, an incident, an end at a time of day."""
    until: datetime | None = None
    """Until when, where it is known: a suspension, an incident (as expected, or as it was)."""
    window: Window | None = None
    """Maintenance: when."""
    force_majeure: bool = False
    """Incident, IncidentOver: whether it is one of force majeure (clause 15.1)."""
    last_day: date | None = None
    """RenewalAhead: the last day of the running term. EndAhead, Ended: that of the contract."""
    renewed_until: date | None = None
    """RenewalAhead: the last day of the term to come."""
    decline_by: datetime | None = None
    """RenewalAhead: by when a non-renewal must be received."""
    cause: EndCause | None = None
    """EndAhead, Ended: why the contract ends."""
    retrieve_until: datetime | None = None
    """EndAhead, Ended: by when the client can retrieve its data."""
    retrieve_url: str | None = None
    """EndAhead, Ended: where the client can retrieve its data."""
    erase_by: datetime | None = None
    """EndAhead, Ended: by when production data is erased."""
    erased: ErasedData | None = None
    """ErasureDone: what was erased."""
    erased_at: datetime | None = None
    """ErasureDone: when."""
    backups_until: datetime | None = None
    """ErasureDone of production: by when the last backup has expired."""
    certificate: str | None = None
    """ErasureDone: the identity of the certificate."""


REQUIRED: Mapping[NoticeKind, tuple[str, ...]] = MappingProxyType(
    {
        NoticeKind.FORMAL_NOTICE: ("breach", "remedy"),
        NoticeKind.LATE_PAYMENT: ("overdue_since",),
        NoticeKind.RENEWAL_AHEAD: ("last_day",),
        NoticeKind.END_AHEAD: ("last_day",),
        NoticeKind.ENDED: ("last_day",),
        NoticeKind.MAINTENANCE: ("window",),
        NoticeKind.ERASURE_DONE: ("erased",),
    }
)
"""The values without which a letter of a kind would say nothing."""


class IncompleteError(ValueError):
    """A matter lacks values that the kind of notice cannot do without; the message names them."""


def require(kind: NoticeKind, matter: Matter) -> None:
    """IncompleteError when `matter` lacks what a letter of `kind` must say."""
    missing = [name for name in REQUIRED.get(kind, ()) if getattr(matter, name) is None]
    if missing:
        raise IncompleteError(f"a notice {kind} needs {', '.join(missing)}")
