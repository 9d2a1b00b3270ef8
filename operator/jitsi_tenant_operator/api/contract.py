"""The sections of a JitsiTenant that concern its contract."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from jitsi_tenant_operator.api.constraints import SetList
from jitsi_tenant_operator.api.model import Model, Rule
from jitsi_tenant_operator.api.plan import Feature
from jitsi_tenant_operator.api.scalars import (
    CalendarDate,
    Duration,
    Email,
    Instant,
    LongText,
    ObjectName,
    ShortText,
)
from jitsi_tenant_operator.api.terms import OperationalTerms


class ClientLanguage(StrEnum):
    """The languages that notices and pages are written in."""

    FRENCH = "fr"
    ENGLISH = "en"


class Client(Model):
    """The company that the service is hosted for."""

    legal_name: ShortText
    """Its legal name."""
    email: Email
    """Where notices are sent."""
    language: ClientLanguage = ClientLanguage.FRENCH
    """The language of notices."""
    postal_address: LongText | None = None
    """Where registered letters are sent."""


class RenewalMode(StrEnum):
    """What happens at the end of a term."""

    TACIT = "Tacit"
    MANUAL = "Manual"
    NONE = "None"


class Renewal(Model):
    """How the contract goes on after its initial term."""

    rules: ClassVar = (
        Rule(
            "self.mode != 'Tacit' || (has(self.period) && has(self.noticePeriod))",
            "a tacit renewal needs period and noticePeriod",
            lambda self: (
                self.mode is not RenewalMode.TACIT
                or (self.period is not None and self.notice_period is not None)
            ),
        ),
        Rule(
            "!has(self.renewedUntil) || self.mode == 'Manual'",
            "renewedUntil is set with mode Manual only",
            lambda self: self.renewed_until is None or self.mode is RenewalMode.MANUAL,
        ),
    )

    mode: RenewalMode = RenewalMode.NONE
    """Tacit, Manual or None."""
    period: Duration | None = None
    """How long each renewal lasts."""
    notice_period: Duration | None = None
    """How long before the end of a term a party must say that it does not renew."""
    renewed_until: CalendarDate | None = None
    """With Manual: the last day of the renewal that was agreed."""


class Payment(Model):
    """What is known of the client's payments."""

    overdue_since: CalendarDate | None = None
    """The due date of the oldest unpaid invoice; not set when nothing is overdue."""


class Contract(Model):
    """The commercial document behind this tenant."""

    rules: ClassVar = (
        Rule(
            "!has(oldSelf.signedOn) || (has(self.signedOn) && self.signedOn == oldSelf.signedOn"
            " && self.reference == oldSelf.reference)",
            "reference and signedOn are immutable once the contract is signed",
        ),
    )

    reference: ShortText
    """The reference of the commercial document."""
    client: Client
    """The client."""
    signed_on: CalendarDate | None = None
    """The day of signature; a draft has none."""
    term: Duration
    """The initial duration, from the day of signature."""
    renewal: Renewal = Renewal()
    """How it goes on after that."""
    options: Annotated[tuple[Feature, ...], Field(max_length=8), SetList()] = ()
    """The options subscribed to; the plan must offer them."""
    documents: Annotated[
        tuple[ObjectName, ...],
        Field(max_length=8),
        SetList(),
    ] = ()
    """The JitsiTerms that this contract is bound to; the platform's own when empty."""
    terms: OperationalTerms | None = None
    """What this commercial document sets differently."""
    payment: Payment = Payment()
    """What is known of payments."""


class SuspensionReason(StrEnum):
    """Why the whole service is suspended."""

    LATE_PAYMENT = "LatePayment"
    PROHIBITED_USE = "ProhibitedUse"
    SECURITY = "Security"
    CLIENT_REQUEST = "ClientRequest"


class RecordingSuspensionReason(StrEnum):
    """Why recording alone is suspended."""

    INCIDENT = "Incident"
    STORAGE_SATURATED = "StorageSaturated"
    SECURITY = "Security"
    MAINTENANCE = "Maintenance"


class ServiceSuspension(Model):
    """A suspension of the whole service, ordered by a person."""

    reason: SuspensionReason
    """Why."""
    note: LongText | None = None
    """What led to it, for the ledger."""
    until: Instant | None = None
    """When it ends by itself; until it is removed when not set."""


class RecordingSuspension(Model):
    """A suspension of recording alone, ordered by a person."""

    reason: RecordingSuspensionReason
    """Why."""
    note: LongText | None = None
    """What led to it, for the ledger."""
    until: Instant | None = None
    """When it ends by itself; until it is removed when not set."""


class Suspension(Model):
    """What is suspended by order of a person."""

    service: ServiceSuspension | None = None
    """The whole service."""
    recording: RecordingSuspension | None = None
    """Recording alone."""


class Party(StrEnum):
    """A party to the contract."""

    CLIENT = "Client"
    HOST = "Host"


class NonRenewal(Model):
    """The declaration of a party that it does not renew."""

    by: Party
    """Who declared it."""
    received_on: CalendarDate
    """The day the other party received it."""


class EarlyEnd(Model):
    """An end before the end of the term, by agreement."""

    ends_on: CalendarDate
    """The last day of the contract."""
    agreed_on: CalendarDate
    """The day of the agreement."""


class ErasureConfirmation(Model):
    """The word of a person that the data may be erased."""

    contract_reference: ShortText
    """The contract's reference, written again."""
    confirmed_by: ShortText
    """Who confirms."""


class Termination(Model):
    """What is known of the end of the contract."""

    non_renewal: NonRenewal | None = None
    """That it is not renewed."""
    early_end: EarlyEnd | None = None
    """That it ends before its term, by agreement."""
    restitution_acknowledged_on: CalendarDate | None = None
    """The day the client acknowledged that it has its data."""
    erasure: ErasureConfirmation | None = None
    """That the data may be erased."""
