"""JitsiNotice: one notice from a party to the other, what became of it, and the proof (15.4)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from jitsi_tenant_operator.api.conditions import Conditions, Generation
from jitsi_tenant_operator.api.constraints import Expected
from jitsi_tenant_operator.api.contract import ClientLanguage, Party
from jitsi_tenant_operator.api.model import (
    CustomResource,
    Definition,
    Model,
    PrinterColumn,
    Rule,
)
from jitsi_tenant_operator.api.scalars import Email, Instant, LongText, ShortText

NoticeKey = Annotated[
    str,
    StringConstraints(pattern=r"^[^\p{Cc}\p{Zl}\p{Zp}]+$", min_length=1, max_length=253),
    Expected("one line of text, 1 to 253 characters"),
]

_Body = Annotated[str, StringConstraints(max_length=32_768)]


class NoticeKind(StrEnum):
    """What a notice is about."""

    FORMAL_NOTICE = "FormalNotice"
    LATE_PAYMENT = "LatePayment"
    SUSPENSION = "Suspension"
    RESUMPTION = "Resumption"
    RECORDING_SUSPENDED = "RecordingSuspended"
    RECORDING_RESUMED = "RecordingResumed"
    RENEWAL_AHEAD = "RenewalAhead"
    END_AHEAD = "EndAhead"
    ENDED = "Ended"
    MAINTENANCE = "Maintenance"
    INCIDENT = "Incident"
    INCIDENT_OVER = "IncidentOver"
    ERASURE_DONE = "ErasureDone"


class Breach(StrEnum):
    """What a formal notice asks to remedy."""

    PROHIBITED_USE = "ProhibitedUse"
    LATE_PAYMENT = "LatePayment"
    OTHER = "Other"


class Channel(StrEnum):
    """How a notice travels."""

    EMAIL = "Email"
    REGISTERED_LETTER = "RegisteredLetter"
    WEBHOOK = "Webhook"


class RegisteredLetter(Model):
    """What a person enters of a letter that the post carries."""

    rules: ClassVar = (
        Rule(
            "!has(self.deliveredAt) || timestamp(self.deliveredAt) >= timestamp(self.sentAt)",
            "deliveredAt lies before sentAt",
            lambda self: self.delivered_at is None or self.delivered_at >= self.sent_at,
        ),
    )

    tracking_number: ShortText
    """The number that the post gave it."""
    sent_at: Instant
    """When it was handed in."""
    delivered_at: Instant | None = None
    """When it was delivered, as the post says: the receipt in the sense of clause 15.4."""


class JitsiNoticeSpec(Model):
    """What is told to whom, and what people know of its way."""

    rules: ClassVar = (
        Rule(
            "(self.about == 'FormalNotice') == has(self.breach)",
            "breach is set for a FormalNotice, and for nothing else",
            lambda self: (self.about is NoticeKind.FORMAL_NOTICE) == (self.breach is not None),
        ),
        Rule(
            "self.by != 'Client' || self.about == 'FormalNotice'",
            "the client gives formal notices only; set by: Host",
            lambda self: self.by is not Party.CLIENT or self.about is NoticeKind.FORMAL_NOTICE,
        ),
        Rule(
            "!has(self.registeredLetter) || self.channel == 'RegisteredLetter'",
            "registeredLetter is set with channel RegisteredLetter only",
            lambda self: (
                self.registered_letter is None or self.channel is Channel.REGISTERED_LETTER
            ),
        ),
        Rule(
            "!has(self.remediedAt) || self.about == 'FormalNotice'",
            "remediedAt is set for a FormalNotice only",
            lambda self: self.remedied_at is None or self.about is NoticeKind.FORMAL_NOTICE,
        ),
        Rule(
            "self.about == oldSelf.about && self.by == oldSelf.by"
            " && self.channel == oldSelf.channel"
            " && has(self.key) == has(oldSelf.key) && (!has(self.key) || self.key == oldSelf.key)"
            " && has(self.breach) == has(oldSelf.breach)"
            " && (!has(self.breach) || self.breach == oldSelf.breach)",
            "what a notice is about, by whom and how it goes is immutable: make another notice",
        ),
    )

    about: NoticeKind
    """What it is about."""
    by: Party = Party.HOST
    """Who gives it."""
    key: NoticeKey | None = None
    """What it answers to in the ledger; the operator's own notices have one. In a notice that
    bears another name than the operator gives, it counts for nothing."""
    breach: Breach | None = None
    """For a FormalNotice: what is to be remedied."""
    channel: Channel = Channel.EMAIL
    """How it travels. The operator sends e-mails; the post carries letters."""
    recipient: Email | None = None
    """Where an e-mail goes; the client's address when not set."""
    regarding: ShortText | None = None
    """The maintenance, invoice or incident that it is about."""
    reason: ShortText | None = None
    """Why it is given, in one line of the operator's."""
    clause: Annotated[str, StringConstraints(max_length=16)] | None = None
    """The clause that it rests on."""
    document: Annotated[str, StringConstraints(max_length=253)] | None = None
    """The document that has this clause."""
    note: LongText | None = None
    """What a person adds to the text, in the client's language."""
    registered_letter: RegisteredLetter | None = None
    """What the post says of a registered letter."""
    acknowledged_at: Instant | None = None
    """When its receipt was acknowledged by other means than the link in the e-mail."""
    remedied_at: Instant | None = None
    """For a FormalNotice: when the breach was remedied."""


class Letter(Model):
    """The text as it was sent, kept as proof whatever becomes of the templates."""

    recipient: Annotated[str, StringConstraints(max_length=1024)]
    """The address that it was written for."""
    contract: ShortText
    """The reference of the contract that it is about."""
    language: ClientLanguage
    """The language of the text."""
    written_at: Instant
    """When it was written: its Date."""
    message_id: Annotated[str, StringConstraints(max_length=998)]
    """The Message-ID of the e-mail, the same at each attempt."""
    subject: Annotated[str, StringConstraints(max_length=998)]
    """Its subject."""
    text: _Body
    """Its text."""
    html: _Body
    """The same as HTML."""


class JitsiNoticeStatus(Model):
    """What became of a notice."""

    observed_generation: Generation | None = None
    """The generation that was acted upon."""
    conditions: Conditions | None = None
    """Sent says whether it has left, Received whether its receipt is known."""
    letter: Letter | None = None
    """What was written."""
    attempts: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """How often it was handed to the mail server without success."""
    sent_at: Instant | None = None
    """When the mail server, or the post, took it."""
    acknowledged_at: Instant | None = None
    """When the client acknowledged it by the link in the e-mail."""
    withdrawn_at: Instant | None = None
    """Since when it is not to be sent, as what it would have told is not so any more."""
    reply: Annotated[str, StringConstraints(max_length=512)] | None = None
    """What the mail server answered when it took it."""


_SENT = '.status.conditions[?(@.type=="Sent")]'
_RECEIVED = '.status.conditions[?(@.type=="Received")]'


class JitsiNotice(CustomResource):
    """One notice to the client of a tenant, or from it; in the tenant's namespace."""

    definition: ClassVar = Definition(
        kind="JitsiNotice",
        plural="jitsinotices",
        short_names=("jnotice",),
        namespaced=True,
        columns=(
            PrinterColumn("About", ".spec.about"),
            PrinterColumn("Channel", ".spec.channel"),
            PrinterColumn("Sent", f"{_SENT}.status"),
            PrinterColumn("Received", f"{_RECEIVED}.status"),
            PrinterColumn("Reason", f"{_SENT}.reason"),
            PrinterColumn("Clause", ".spec.clause", wide=True),
            PrinterColumn("Regarding", ".spec.regarding", wide=True),
            PrinterColumn("Message", f"{_SENT}.message", wide=True),
        ),
    )

    spec: JitsiNoticeSpec
    """What is told."""
    status: JitsiNoticeStatus | None = None
    """What became of it."""
