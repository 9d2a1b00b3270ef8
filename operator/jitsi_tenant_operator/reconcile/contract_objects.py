"""What is known of the objects around a contract: notices, holds, maintenance windows, records.

Of each only what decisions need is kept: the letters of a thousand tenants, and the ledgers of
decades, would weigh more than everything else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar, cast

from jitsi_tenant_operator.api.contract import Party
from jitsi_tenant_operator.api.hold import JitsiLegalHold
from jitsi_tenant_operator.api.maintenance import JitsiMaintenance
from jitsi_tenant_operator.api.model import InvalidObjectError
from jitsi_tenant_operator.api.notice import Channel, JitsiNotice
from jitsi_tenant_operator.api.objects import API_VERSION, JsonObject, ObjectRef, TenantKey
from jitsi_tenant_operator.api.record import JitsiTenantRecord
from jitsi_tenant_operator.contract import ledger
from jitsi_tenant_operator.contract.facts import Ledger, Notice

DELETED = "DELETED"


class Known(Protocol):
    """An object as far as it is kept."""

    @property
    def ref(self) -> ObjectRef:
        """Its name."""

    @property
    def resource_version(self) -> int:
        """Its version."""


K = TypeVar("K", bound=Known)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An object that cannot be read, which the schema keeps from happening; what is wrong."""

    ref: ObjectRef
    resource_version: int
    problem: str


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
    told: tuple[tuple[str, str], ...]
    """Its conditions: type and status."""


@dataclass(frozen=True, slots=True)
class KnownHold:
    """A legal hold, and when it was placed."""

    ref: ObjectRef
    resource_version: int
    hold: JitsiLegalHold
    placed: datetime


@dataclass(frozen=True, slots=True)
class KnownMaintenance:
    """A maintenance window, and when it was declared."""

    ref: ObjectRef
    resource_version: int
    uid: str
    generation: int
    window: JitsiMaintenance
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


class Shelf(Generic[K]):
    """The objects of one kind by name, grouped by namespace."""

    def __init__(self, read: Callable[[JsonObject], K]) -> None:
        self._read = read
        self._objects: dict[tuple[str, str], K | Unreadable] = {}
        self._by_namespace: dict[str, set[str]] = {}

    def observe(self, event: str | None, body: JsonObject) -> bool:
        """Take in one event; whether anything is known now that was not before."""
        ref = ObjectRef.of(body)
        name = (ref.namespace, ref.name)
        version = int(body["metadata"]["resourceVersion"])
        before = self._objects.get(name)
        if before is not None and version < before.resource_version:
            return False
        if event == DELETED:
            self._drop(ref)
            return before is not None
        after: K | Unreadable
        try:
            after = self._read(body)
        except InvalidObjectError as error:
            text = "; ".join(str(problem) for problem in error.problems)
            after = Unreadable(ref, version, text)
        self._objects[name] = after
        self._by_namespace.setdefault(ref.namespace, set()).add(ref.name)
        return before is None or _content(before) != _content(after)

    def _drop(self, ref: ObjectRef) -> None:
        self._objects.pop((ref.namespace, ref.name), None)
        names = self._by_namespace.get(ref.namespace, set())
        names.discard(ref.name)
        if not names:
            self._by_namespace.pop(ref.namespace, None)

    def get(self, ref: ObjectRef) -> K | None:
        """One object, None where there is none that can be read."""
        found = self._objects.get((ref.namespace, ref.name))
        return None if isinstance(found, Unreadable) else found

    def namespaces(self) -> list[str]:
        """The namespaces in which there are any."""
        return list(self._by_namespace)

    def within(self, namespace: str) -> list[K]:
        """The objects of a namespace that can be read, by name."""
        return [each for each in self._all(namespace) if not isinstance(each, Unreadable)]

    def unreadable(self, namespace: str) -> list[Unreadable]:
        """The objects of a namespace that cannot be read."""
        return [each for each in self._all(namespace) if isinstance(each, Unreadable)]

    def bodies(self, kind: str) -> list[JsonObject]:
        """The names and versions of all objects, as objects."""
        return [
            {
                "apiVersion": API_VERSION,
                "kind": kind,
                "metadata": {
                    "name": name,
                    "resourceVersion": str(each.resource_version),
                    **({"namespace": namespace} if namespace else {}),
                },
            }
            for (namespace, name), each in self._objects.items()
        ]

    def _all(self, namespace: str) -> Iterable[K | Unreadable]:
        for name in sorted(self._by_namespace.get(namespace, ())):
            yield self._objects[namespace, name]


def _content(known: Known | Unreadable) -> object:
    """All that is kept but the version."""
    return replace(cast("Any", known), resource_version=0)


class ContractObjects:
    """All notices, holds, maintenance windows and records of the cluster."""

    def __init__(self) -> None:
        self.notices: Shelf[KnownNotice] = Shelf(_notice)
        self.holds: Shelf[KnownHold] = Shelf(_hold)
        self.maintenances: Shelf[KnownMaintenance] = Shelf(_maintenance)
        self.records: Shelf[KnownRecord] = Shelf(_record)
        self._shelves: dict[str, Shelf[Any]] = {
            JitsiNotice.definition.kind: self.notices,
            JitsiLegalHold.definition.kind: self.holds,
            JitsiMaintenance.definition.kind: self.maintenances,
            JitsiTenantRecord.definition.kind: self.records,
        }

    def observe(self, kind: str, event: str | None, body: JsonObject) -> bool:
        """Take in one event; whether anything is known now that was not before."""
        return self._shelves[kind].observe(event, body)

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


def _notice(body: JsonObject) -> KnownNotice:
    notice = JitsiNotice.parse(body)
    metadata = body["metadata"]
    created = _instant(metadata["creationTimestamp"])
    spec, status = notice.spec, notice.status
    letter = spec.registered_letter
    sent = letter.sent_at if letter is not None else status.sent_at if status is not None else None
    receipts = [
        at
        for at in (spec.acknowledged_at, status.acknowledged_at if status is not None else None)
        if at is not None
    ]
    fact = Notice(
        key=spec.key or f"{notice.metadata.name}/{metadata['creationTimestamp']}",
        kind=spec.about,
        # What the post carries is entered after it was sent.
        created=min(created, letter.sent_at) if letter is not None else created,
        by=spec.by,
        channel=spec.channel,
        sent=sent,
        delivered=letter.delivered_at if letter is not None else None,
        acknowledged=min(receipts, default=None),
        remedied=spec.remedied_at,
        **({"breach": spec.breach} if spec.breach is not None else {}),
    )
    pending = sent is None and is_sent_by_operator(notice)
    conditions = (status.conditions if status is not None else None) or ()
    return KnownNotice(
        ref=notice.ref,
        resource_version=int(metadata["resourceVersion"]),
        uid=metadata["uid"],
        generation=metadata.get("generation", 0),
        fact=fact,
        pending=pending,
        failing=_failing(notice) if pending else "",
        told=tuple((each.type, each.status.value) for each in conditions),
    )


def is_sent_by_operator(notice: JitsiNotice) -> bool:
    """Whether the operator sends it, rather than the post or the client."""
    return notice.spec.by is Party.HOST and notice.spec.channel is not Channel.REGISTERED_LETTER


def _notice_state(known: KnownNotice) -> str:
    if known.fact.received is not None:
        return "received"
    if known.pending:
        return "failing" if known.failing else "waiting"
    return "sent" if known.fact.sent is not None else "elsewhere"


def _failing(notice: JitsiNotice) -> str:
    conditions = (notice.status.conditions if notice.status is not None else None) or ()
    return next(
        (each.message for each in conditions if each.type == "Sent" and each.status == "False"), ""
    )


def _hold(body: JsonObject) -> KnownHold:
    hold = JitsiLegalHold.parse(body)
    metadata = body["metadata"]
    placed = _instant(metadata["creationTimestamp"])
    return KnownHold(hold.ref, int(metadata["resourceVersion"]), hold, placed)


def _maintenance(body: JsonObject) -> KnownMaintenance:
    window = JitsiMaintenance.parse(body)
    metadata = body["metadata"]
    return KnownMaintenance(
        ref=window.ref,
        resource_version=int(metadata["resourceVersion"]),
        uid=metadata["uid"],
        generation=metadata.get("generation", 0),
        window=window,
        declared=_instant(metadata["creationTimestamp"]),
    )


def _record(body: JsonObject) -> KnownRecord:
    record = JitsiTenantRecord.parse(body)
    spec = record.spec
    entries = spec.entries
    broken = ledger.first_broken(entries)
    return KnownRecord(
        ref=record.ref,
        resource_version=int(body["metadata"]["resourceVersion"]),
        tenant=TenantKey(spec.tenant.namespace, spec.tenant.name),
        contract=spec.contract,
        host=spec.host,
        documents=spec.documents,
        entries=len(entries),
        head=entries[-1].digest if entries else ledger.BEFORE_THE_FIRST,
        ledger=ledger.ledger_of(entries) if broken is None else None,
        broken_at=broken,
    )


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
