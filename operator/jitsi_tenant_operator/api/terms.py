"""Operational terms, and JitsiTerms: one published contractual document that sets some of them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from jitsi_tenant_operator.api.conditions import Conditions, Generation
from jitsi_tenant_operator.api.constraints import Expected, MapList, SetList
from jitsi_tenant_operator.api.model import (
    CustomResource,
    Definition,
    Model,
    PrinterColumn,
    Rule,
)
from jitsi_tenant_operator.api.scalars import (
    CalendarDate,
    CountryCode,
    Duration,
    Email,
    HttpsUrl,
    Sha256,
    ShortText,
)

Telephone = Annotated[
    str,
    StringConstraints(pattern=r"^[+0-9][0-9 .()-]{2,31}$", max_length=32),
    Expected("a telephone number in quotes, such as '+33 1 23 45 67 89'"),
]
ClauseNumber = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z.-]{0,15}$", max_length=16),
    Expected("the number of a clause in quotes, such as '6.3'"),
]


class BackupTerms(Model):
    """What is promised of backups."""

    daily: Duration | None = None
    """How long each daily backup is kept."""
    weekly: Duration | None = None
    """How much longer one backup a week is kept, after the time of the dailies."""
    offsite: bool | None = None
    """Whether each backup is copied to another site."""


class LogDisposal(StrEnum):
    """What becomes of an archived log at the end of its time."""

    DELETE = "Delete"
    ANONYMISE = "Anonymise"


class LogTerms(Model):
    """What is promised of technical logs."""

    retention: Duration | None = None
    """How long after its day a log is kept."""
    compress_after: Duration | None = None
    """How long after its day a log is compressed into the archives."""
    disposal: LogDisposal | None = None
    """Whether an expired log is deleted or anonymised."""


class MaintenanceTerms(Model):
    """What is promised of planned maintenance."""

    notice: Duration | None = None
    """How long ahead the client is told, except in an emergency."""


class FormalNoticeTerms(Model):
    """How long a party has to remedy a breach after a formal notice."""

    remedy: Duration | None = None
    """For any breach."""
    prohibited_use: Duration | None = None
    """For a prohibited use of the service."""


class PaymentTerms(Model):
    """What follows a payment that is overdue."""

    notice_after: Duration | None = None
    """How long after the due date the client is put on notice."""
    suspension_after: Duration | None = None
    """How long after that notice the service is suspended."""


class EndOfContractTerms(Model):
    """What happens to the client's data at the end."""

    retrieval: Duration | None = None
    """How long after the end the client can still retrieve its data."""
    erasure: Duration | None = None
    """How long after the end the production data is erased at the latest."""
    reminders: Annotated[tuple[Duration, ...], Field(max_length=8)] | None = None
    """How long before the end, or before a renewal, the client is reminded."""


class LocationTerms(Model):
    """Where data may be hosted and processed."""

    countries: Annotated[tuple[CountryCode, ...], Field(min_length=1, max_length=32)] | None = None
    """The countries."""


class SupportTerms(Model):
    """How the client reaches support."""

    email: Email | None = None
    """The address of support."""
    phone: Telephone | None = None
    """The telephone number of support."""
    hours: ShortText | None = None
    """When support answers, as shown to people."""
    response_time: Duration | None = None
    """Within how long a request is answered."""


class DeadlineTerms(Model):
    """How deadlines in days are counted."""

    extend_to_working_day: bool | None = None
    """Whether a deadline that ends on a day that is not worked moves to the next working day."""


class ConfidentialityTerms(Model):
    """How long confidentiality lasts."""

    after_end: Duration | None = None
    """How long beyond the end of the contract."""


class OperationalTerms(Model):
    """The terms that operation follows; a document sets some of them and leaves the others open."""

    backup: BackupTerms | None = None
    """Backups."""
    logs: LogTerms | None = None
    """Technical logs."""
    maintenance: MaintenanceTerms | None = None
    """Planned maintenance."""
    formal_notice: FormalNoticeTerms | None = None
    """Formal notices."""
    payment: PaymentTerms | None = None
    """Overdue payments."""
    end_of_contract: EndOfContractTerms | None = None
    """The end of the contract."""
    location: LocationTerms | None = None
    """Location of data."""
    support: SupportTerms | None = None
    """Support."""
    deadlines: DeadlineTerms | None = None
    """Counting of deadlines."""
    confidentiality: ConfidentialityTerms | None = None
    """Confidentiality."""


class DocumentType(StrEnum):
    """What a document is; among the documents of a contract this decides which one prevails."""

    DATA_PROCESSING_AGREEMENT = "DataProcessingAgreement"
    TERMS_OF_SERVICE = "TermsOfService"
    PRIVACY_POLICY = "PrivacyPolicy"


class Subject(StrEnum):
    """What of a contract's life a clause rules by its words alone."""

    DURATION = "Duration"
    RENEWAL = "Renewal"
    PAYMENT = "Payment"
    PROHIBITED_USE = "ProhibitedUse"
    TERMINATION = "Termination"
    END_OF_CONTRACT = "EndOfContract"
    RECORDING_SUSPENSION = "RecordingSuspension"
    NOTICES = "Notices"
    FORCE_MAJEURE = "ForceMajeure"


class Clause(Model):
    """The operational terms that one clause sets, and what it rules besides."""

    clause: ClauseNumber
    """The clause, as it is numbered in the document."""
    summary: Annotated[str, StringConstraints(max_length=512)] = ""
    """What the clause says, for a person."""
    governs: Annotated[tuple[Subject, ...], Field(max_length=8), SetList()] = ()
    """What it rules without setting a term: dates and decisions name it as their clause."""
    terms: OperationalTerms
    """The terms that it sets."""


class JitsiTermsSpec(Model):
    """One published version of a contractual document."""

    rules: ClassVar = (
        Rule("self == oldSelf", "terms are immutable: publish a new JitsiTerms instead"),
    )

    type: DocumentType
    """What document it is: agreement prevails over terms of service, these over privacy policy."""
    title: ShortText
    """The title of the document."""
    effective_from: CalendarDate
    """The day from which it can be agreed on."""
    address: HttpsUrl
    """Where its text is published."""
    sha256: Sha256
    """The SHA-256 of the published text."""
    clauses: Annotated[
        tuple[Clause, ...],
        Field(min_length=1, max_length=64),
        MapList("clause"),
    ]
    """The clauses that operation follows."""


class JitsiTermsStatus(Model):
    """What the operator found of a document."""

    observed_generation: Generation | None = None
    """The generation that was read."""
    conditions: Conditions | None = None
    """SpecValid says whether each term is set by one clause only."""


class JitsiTerms(CustomResource):
    """One published contractual document with the operational terms that it sets."""

    definition: ClassVar = Definition(
        kind="JitsiTerms",
        plural="jitsiterms",
        short_names=("jterms",),
        namespaced=False,
        columns=(
            PrinterColumn("Type", ".spec.type"),
            PrinterColumn("Effective", ".spec.effectiveFrom"),
            PrinterColumn("Valid", '.status.conditions[?(@.type=="SpecValid")].status', wide=True),
            PrinterColumn("Address", ".spec.address", wide=True),
        ),
    )

    spec: JitsiTermsSpec
    """The document."""
    status: JitsiTermsStatus | None = None
    """What was found of it."""
