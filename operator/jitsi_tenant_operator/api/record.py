"""JitsiTenantRecord: the ledger of one contract, which outlives the tenant and its namespace.

The operator alone writes it. Each entry holds the digest of the one before, so that an entry that
was changed, taken out or put in by hand is noticed.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from jitsi_tenant_operator.api.constraints import AtomicList, SetList
from jitsi_tenant_operator.api.contract import Party
from jitsi_tenant_operator.api.model import (
    CustomResource,
    Definition,
    Model,
    PrinterColumn,
    Rule,
)
from jitsi_tenant_operator.api.notice import Breach, Channel, NoticeKind
from jitsi_tenant_operator.api.scalars import (
    DnsLabel,
    Host,
    Instant,
    ObjectName,
    Sha256,
    ShortText,
)

MAX_ENTRIES = 2000
"""How many entries a record holds: decades of an eventful contract, and less than a megabyte."""


class RecordEvent(StrEnum):
    """What an entry tells."""

    DECISION = "Decision"
    NOTICE = "Notice"
    RECEIPT = "Receipt"
    REMEDY = "Remedy"
    HOLD = "Hold"
    RELEASE = "Release"
    OVERRIDE = "Override"
    LOGS = "Logs"


class RecordedNotice(Model):
    """What a notice was, so that its facts outlive it."""

    about: NoticeKind
    """What it was about."""
    by: Party
    """Who gave it."""
    channel: Channel
    """How it travelled."""
    breach: Breach
    """For a FormalNotice: what was to be remedied."""


class RecordEntry(Model):
    """One thing that happened, chained to the one before."""

    number: Annotated[int, Field(ge=1, le=MAX_ENTRIES)]
    """Its place, from 1."""
    at: Instant
    """When it was recorded."""
    happened_at: Instant | None = None
    """Of a notice: when it was made, sent, received or answered by a remedy."""
    event: RecordEvent
    """What kind of thing it is."""
    subject: Annotated[str, StringConstraints(max_length=253)]
    """What it concerns: an axis of the contract, a notice, a hold."""
    value: Annotated[str, StringConstraints(max_length=64)]
    """What became of it."""
    reasons: Annotated[
        tuple[Annotated[str, StringConstraints(max_length=64)], ...],
        Field(max_length=8),
        AtomicList(),
    ] = ()
    """The reasons of a suspension."""
    key: Annotated[str, StringConstraints(max_length=512)]
    """What is done once and not again; no two entries have the same."""
    by: ShortText
    """Who or what did it."""
    why: Annotated[str, StringConstraints(max_length=1024)]
    """Why, in words."""
    notice: RecordedNotice | None = None
    """Of a notice that was made: what it was."""
    clause: Annotated[str, StringConstraints(max_length=16)] | None = None
    """The clause that it rests on."""
    document: Annotated[str, StringConstraints(max_length=253)] | None = None
    """The document that has this clause."""
    previous: Sha256
    """The digest of the entry before; zeros for the first."""
    digest: Sha256
    """The SHA-256 of this entry without this field, as canonical JSON."""


class RecordedTenant(Model):
    """The tenant that a record is about."""

    namespace: DnsLabel
    """Its namespace."""
    name: DnsLabel
    """Its name."""


class JitsiTenantRecordSpec(Model):
    """Whose ledger it is, and the ledger."""

    rules: ClassVar = (
        Rule(
            "self.tenant == oldSelf.tenant && self.contract == oldSelf.contract",
            "a record is about one contract for ever",
        ),
        Rule(
            "self.entries.size() >= oldSelf.entries.size()",
            "entries are never taken out of a record",
        ),
    )

    tenant: RecordedTenant
    """The tenant."""
    contract: ShortText
    """The reference of the commercial document."""
    host: Host | None = None
    """The host name of the service."""
    documents: Annotated[tuple[ObjectName, ...], Field(max_length=8), SetList()] = ()
    """The JitsiTerms that were in force when the contract began, where it names none itself."""
    entries: Annotated[tuple[RecordEntry, ...], Field(max_length=MAX_ENTRIES), AtomicList()] = ()
    """What happened, in order."""


class JitsiTenantRecord(CustomResource):
    """The ledger of one contract; written by the operator, kept after the tenant is gone."""

    definition: ClassVar = Definition(
        kind="JitsiTenantRecord",
        plural="jitsitenantrecords",
        short_names=("jrecord",),
        namespaced=False,
        columns=(
            PrinterColumn("Contract", ".spec.contract"),
            PrinterColumn("Namespace", ".spec.tenant.namespace"),
            PrinterColumn("Tenant", ".spec.tenant.name"),
            PrinterColumn("Host", ".spec.host", wide=True),
        ),
    )

    spec: JitsiTenantRecordSpec
    """The ledger."""
