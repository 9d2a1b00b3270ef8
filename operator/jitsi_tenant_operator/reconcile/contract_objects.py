"""What is known of the objects around a contract: notices, holds, maintenance windows, records.

Of each only what decisions need is kept: the letters of a thousand tenants, and the ledgers of
decades, would weigh more than everything else.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from jitsi_tenant_operator.api.contract import Party
from jitsi_tenant_operator.api.hold import JitsiLegalHold, JitsiLegalHoldSpec
from jitsi_tenant_operator.api.maintenance import JitsiMaintenance, JitsiMaintenanceSpec
from jitsi_tenant_operator.api.model import CustomResource, ObjectMeta
from jitsi_tenant_operator.api.notice import Channel, JitsiNotice
from jitsi_tenant_operator.api.objects import API_VERSION, JsonObject, ObjectRef, TenantKey
from jitsi_tenant_operator.api.record import JitsiTenantRecord
from jitsi_tenant_operator.contract import ledger
from jitsi_tenant_operator.contract.facts import Ledger, Notice
from jitsi_tenant_operator.reconcile.conditions import Reason
from jitsi_tenant_operator.reconcile.notice_keys import key_of
from jitsi_tenant_operator.reconcile.shelf import Shelf

_DIGEST_BYTES = 32
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
"""When an object counts as made that does not say so itself."""


@dataclass(frozen=True, slots=True)
class KnownNotice:
    """A notice, and whether the operator still has something to do with it."""

    ref: ObjectRef
    resource_version: int
    uid: str
    generation: int
    fact: Notice
    pending: bool
    """Whether the operator still has to send it."""
    failing: str
    """Why it could not be sent so far; empty when it was, or is not to be."""
    settled: bool
    """Whether it is not to be sent as things stand: withdrawn, or told by other means."""
    told: tuple[tuple[str, str], ...]
    """Its conditions: type and status."""


@dataclass(frozen=True, slots=True)
class KnownHold:
    """A legal hold, and when it was placed."""

    ref: ObjectRef
    resource_version: int
    spec: JitsiLegalHoldSpec
    placed: datetime


@dataclass(frozen=True, slots=True)
class KnownMaintenance:
    """A maintenance window, and when it was declared."""

    ref: ObjectRef
    resource_version: int
    uid: str
    generation: int
    window: JitsiMaintenance = field(compare=False)
    """All of it; that its status was written is no news."""
    spec: JitsiMaintenanceSpec
    declared: datetime


@dataclass(frozen=True, slots=True)
class KnownRecord:
    """The ledger of a contract. `broken_at` is the first entry that somebody has changed."""

    ref: ObjectRef
    resource_version: int
    tenant: TenantKey
    contract: str
    host: str | None
    documents: tuple[str, ...]
    entries: int
    head: str
    ledger: Ledger | None
    broken_at: int | None
    digests: bytes = b""
    """The digests of all entries, one after the other."""

    def digest_of(self, number: int) -> str:
        """The digest of one of its entries, which count from 1."""
        end = number * _DIGEST_BYTES
        return self.digests[end - _DIGEST_BYTES : end].hex()


class ContractObjects:
    """All notices, holds, maintenance windows and records of the cluster, or of files."""

    def __init__(self, unknown: datetime = LONG_AGO) -> None:
        self.notices = Shelf(JitsiNotice, _notice, unknown)
        self.holds = Shelf(JitsiLegalHold, _hold, unknown)
        self.maintenances = Shelf(JitsiMaintenance, _maintenance, unknown)
        self.records = Shelf(JitsiTenantRecord, _record, unknown)
        self._shelves: dict[str, Shelf[Any, Any]] = {
            JitsiNotice.definition.kind: self.notices,
            JitsiLegalHold.definition.kind: self.holds,
            JitsiMaintenance.definition.kind: self.maintenances,
            JitsiTenantRecord.definition.kind: self.records,
        }

    def observe(self, kind: str, event: str | None, body: JsonObject) -> bool:
        """Take in one event; whether anything is known now that was not before."""
        return self._shelves[kind].observe(event, body)

    def take(self, found: CustomResource) -> bool:
        """Take in an object that was read already; whether it is of a kind that is kept here."""
        shelf = self._shelves.get(found.definition.kind)
        if shelf is not None:
            shelf.take(found)
        return shelf is not None

    def bodies(self, kind: str) -> list[JsonObject]:
        """The names and versions of all objects of a kind, as objects."""
        return self._shelves[kind].bodies(kind)

    def pending_notices(self, namespace: str | None = None) -> list[ObjectRef]:
        """The notices that are still to be sent, of one namespace or of all."""
        namespaces = [namespace] if namespace is not None else self.notices.namespaces()
        return [
            each.ref for name in namespaces for each in self.notices.within(name) if each.pending
        ]

    def notice_states(self) -> dict[str, int]:
        """How many notices wait to be sent, failed so far, were sent, and were received."""
        known = [each for name in self.notices.namespaces() for each in self.notices.within(name)]
        return Counter(_notice_state(each) for each in known)

    def record(self, key: TenantKey) -> KnownRecord | None:
        """The record of a tenant's contract."""
        return self.records.get(record_ref(key))

    def unreadable_record(self, key: TenantKey) -> str | None:
        """What is wrong with the record of a tenant, where it cannot be read."""
        ref = record_ref(key)
        return next((each.problem for each in self.records.unreadable("") if each.ref == ref), None)


def record_ref(key: TenantKey) -> ObjectRef:
    """The record of a tenant: no other tenant can have its name, not even after it is gone."""
    name = f"{key.name}.{key.namespace}"
    return ObjectRef(API_VERSION, JitsiTenantRecord.definition.kind, "", name)


def tenant_of_record(ref: ObjectRef) -> TenantKey:
    """The tenant whose record bears this name: neither of its two parts can hold a dot."""
    name, _, namespace = ref.name.partition(".")
    return TenantKey(namespace, name)


def _notice(notice: JitsiNotice, unknown: datetime) -> KnownNotice:
    spec, status, metadata = notice.spec, notice.status, notice.metadata
    letter = spec.registered_letter
    acknowledged = _acknowledged(notice)
    sent = _sent(notice, acknowledged)
    created = _created(metadata, sent or unknown)
    fact = Notice(
        key=key_of(notice),
        kind=spec.about,
        # What the post carries is entered after it was sent; and an e-mail can have left before it
        # was made, where the clock of the API server is ahead of the operator's.
        created=created if sent is None else min(created, sent),
        by=spec.by,
        channel=spec.channel,
        sent=sent,
        delivered=letter.delivered_at if letter is not None else None,
        acknowledged=acknowledged,
        remedied=spec.remedied_at,
        withdrawn=status.withdrawn_at if status is not None else None,
        **({"breach": spec.breach} if spec.breach is not None else {}),
    )
    pending, settled = is_pending(notice), _is_settled(notice)
    conditions = (status.conditions if status is not None else None) or ()
    return KnownNotice(
        ref=notice.ref,
        resource_version=_version(metadata),
        uid=metadata.uid,
        generation=metadata.generation,
        fact=fact,
        pending=pending,
        failing=_failing(notice) if pending and not settled else "",
        settled=settled,
        told=tuple((each.type, each.status.value) for each in conditions),
    )


def is_sent_by_operator(notice: JitsiNotice) -> bool:
    """Whether the operator sends it, rather than the post or the client."""
    return notice.spec.by is Party.HOST and notice.spec.channel is not Channel.REGISTERED_LETTER


def is_pending(notice: JitsiNotice) -> bool:
    """Whether the operator still has to send it."""
    return is_sent_by_operator(notice) and _sent(notice, _acknowledged(notice)) is None


def _acknowledged(notice: JitsiNotice) -> datetime | None:
    by_link = notice.status.acknowledged_at if notice.status is not None else None
    receipts = (notice.spec.acknowledged_at, by_link)
    return min((at for at in receipts if at is not None), default=None)


def _sent(notice: JitsiNotice, acknowledged: datetime | None) -> datetime | None:
    """When it was sent. What is acknowledged had left, though the mail server's answer was lost."""
    letter, status = notice.spec.registered_letter, notice.status
    if letter is not None:
        return letter.sent_at
    sent = status.sent_at if status is not None else None
    if acknowledged is None or not is_sent_by_operator(notice):
        return sent
    return acknowledged if sent is None else min(sent, acknowledged)


def _notice_state(known: KnownNotice) -> str:
    if known.fact.received is not None:
        return "received"
    if known.pending and not known.settled:
        return "failing" if known.failing else "waiting"
    return "sent" if known.fact.sent is not None else "elsewhere"


def _failing(notice: JitsiNotice) -> str:
    conditions = (notice.status.conditions if notice.status is not None else None) or ()
    return next(
        (each.message for each in conditions if each.type == "Sent" and each.status == "False"), ""
    )


def _is_settled(notice: JitsiNotice) -> bool:
    conditions = (notice.status.conditions if notice.status is not None else None) or ()
    return any(
        each.type == "Sent" and each.reason in (Reason.BY_OTHER_MEANS, Reason.WITHDRAWN)
        for each in conditions
    )


def _hold(hold: JitsiLegalHold, unknown: datetime) -> KnownHold:
    placed = _created(hold.metadata, unknown)
    return KnownHold(hold.ref, _version(hold.metadata), hold.spec, placed)


def _maintenance(window: JitsiMaintenance, unknown: datetime) -> KnownMaintenance:
    return KnownMaintenance(
        ref=window.ref,
        resource_version=_version(window.metadata),
        uid=window.metadata.uid,
        generation=window.metadata.generation,
        window=window,
        spec=window.spec,
        declared=_created(window.metadata, unknown),
    )


def _record(record: JitsiTenantRecord, _unknown: datetime) -> KnownRecord:
    spec = record.spec
    entries = spec.entries
    broken = ledger.first_broken(entries)
    return KnownRecord(
        ref=record.ref,
        resource_version=_version(record.metadata),
        tenant=TenantKey(spec.tenant.namespace, spec.tenant.name),
        contract=spec.contract,
        host=spec.host,
        documents=spec.documents,
        entries=len(entries),
        head=entries[-1].digest if entries else ledger.BEFORE_THE_FIRST,
        ledger=ledger.ledger_of(entries) if broken is None else None,
        broken_at=broken,
        digests=b"".join(bytes.fromhex(entry.digest) for entry in entries),
    )


def _created(metadata: ObjectMeta, unknown: datetime) -> datetime:
    text = metadata.creation_timestamp
    return datetime.fromisoformat(text) if text else unknown


def _version(metadata: ObjectMeta) -> int:
    return int(metadata.resource_version or 0)
