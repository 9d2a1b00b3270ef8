"""Follows a contract: decides from what is recorded, writes the ledger, and makes notices.

The ledger comes first, and everything else follows from it: each step looks again at what is
there, so that after a crash the next run goes on where it was, and nothing is done twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from jitsi_tenant_operator.api.notice import Channel, JitsiNotice
from jitsi_tenant_operator.api.objects import API_VERSION, JsonObject, ObjectRef, TenantKey
from jitsi_tenant_operator.api.platform import JitsiPlatformSpec
from jitsi_tenant_operator.api.record import (
    MAX_ENTRIES,
    JitsiTenantRecord,
    RecordEntry,
    RecordEvent,
)
from jitsi_tenant_operator.contract import ledger
from jitsi_tenant_operator.contract.calendar import Calendar
from jitsi_tenant_operator.contract.decide import decide
from jitsi_tenant_operator.contract.decision import Action, ActionKind, ContractState, Decision
from jitsi_tenant_operator.contract.facts import Axis, Facts, Ledger
from jitsi_tenant_operator.contract.ledger import Happening
from jitsi_tenant_operator.contract.moment import is_far_ahead, reckoned
from jitsi_tenant_operator.kube.client import KubeClient, Selection
from jitsi_tenant_operator.kube.errors import AlreadyExists, Conflict, Invalid, KubeError, NameTaken
from jitsi_tenant_operator.reconcile import custody, orders
from jitsi_tenant_operator.reconcile.contract_objects import (
    ContractObjects,
    KnownRecord,
    record_ref,
)
from jitsi_tenant_operator.reconcile.facts import facts_of
from jitsi_tenant_operator.reconcile.log_reports import TenantLogReport
from jitsi_tenant_operator.reconcile.notice_keys import is_called_for_by, notice_name
from jitsi_tenant_operator.reconcile.resolve import Bound, Problem
from jitsi_tenant_operator.reconcile.shelf import Unreadable
from jitsi_tenant_operator.render.labels import labels

_STEPS = 8
"""More than a decision ever needs until it calls for nothing: entries, notices, their entries."""


@dataclass(frozen=True, slots=True)
class Course:
    """How a contract stands, and what is wrong with what is recorded of it."""

    decision: Decision
    facts: Facts
    calendar: Calendar
    now: datetime
    record: KnownRecord | None
    unreadable: tuple[Unreadable, ...] = ()
    ledger_problem: Problem | None = None
    """Why the ledger cannot be relied on: it was changed, or is gone wholly or in part."""
    orders: tuple[Happening, ...] = ()
    """What people ordered."""
    failed: KubeError | None = None
    """Why what is due could not all be done; the service follows the decision all the same."""
    logs: TenantLogReport | None = None
    """What the archiver of technical logs has reported last."""

    @property
    def missing(self) -> list[Happening]:
        """What the ledger should have by now, and has not."""
        known = self.record.ledger if self.record is not None else None
        done = known.done if known is not None else frozenset()
        return [each for each in _happenings(self) if each.key not in done]

    @property
    def ledger_full(self) -> bool:
        """Whether the ledger has no room for what it should have by now."""
        record = self.record
        return record is not None and record.entries + len(self.missing) > MAX_ENTRIES

    @property
    def seconds_to_next(self) -> float | None:
        """Seconds until anything changes by itself; None when nothing does."""
        following = self.decision.next
        return None if following is None else (following - self.now).total_seconds()


class ContractFollower:
    """Follows the contracts of all tenants."""

    def __init__(
        self,
        objects: ContractObjects,
        client: KubeClient,
        look_at: Callable[[ObjectRef], None],
        full_since: Callable[[TenantKey, Ledger | None], datetime | None] | None = None,
        logs: Callable[[str], TenantLogReport | None] = lambda _: None,
    ) -> None:
        """`look_at` is told of each notice that is to be sent, or not any more.

        `full_since` says since when a tenant's volume of recordings counts as full, if it does;
        None where nobody measures. `logs` says of a namespace what the archiver of logs has
        reported of its tenant.
        """
        self._objects = objects
        self._client = client
        self._look_at = look_at
        self._full_since = full_since
        self._logs = logs

    async def follow(self, bound: Bound, owner: JsonObject) -> Course:
        """Decide, and carry out what is due; `owner` is the reference that notices get.

        When a write fails, the course says so, and the next run goes on from there.
        """
        tenant = bound.tenant
        key = TenantKey(tenant.metadata.namespace, tenant.metadata.name)
        course = self.decided(bound)
        try:
            for _ in range(_STEPS):
                if not await self._step(key, course, bound, owner):
                    break
                course = self.decided(bound)
        except KubeError as error:
            return replace(course, failed=error)
        self._reconsider(key, course)
        return course

    def _reconsider(self, key: TenantKey, course: Course) -> None:
        """Have those notices looked at that have not left and are called for no more, or again."""
        if course.ledger_problem is not None:
            return
        for known in self._objects.notices.within(key.namespace):
            called_for = known.fact.key in course.decision.called_for
            withdrawn = known.fact.withdrawn is not None
            if known.pending and is_called_for_by(known.fact.key) and called_for == withdrawn:
                self._look_at(known.ref)

    def decided(self, bound: Bound) -> Course:
        """How the contract of a tenant stands now; nothing is carried out."""
        metadata = bound.tenant.metadata
        key = TenantKey(metadata.namespace, metadata.name)
        calendar = _calendar(bound.platform.spec.time_zone)
        now = self._client.clock.now()
        record = self._objects.record(key)
        told = bound.tenant.status.contract if bound.tenant.status is not None else None
        unread = self._objects.unreadable_record(key)
        problem = custody.problem(record_ref(key), record, unread, told)
        standing = custody.standing(told) if problem is not None else None
        full = None
        if self._full_since is not None:
            full = self._full_since(key, record.ledger if record is not None else None)
        facts = facts_of(
            bound.tenant, self._objects, record, calendar, saturated=full, standing=standing
        )
        unreadable = (
            *self._objects.notices.unreadable(key.namespace),
            *self._objects.holds.unreadable(key.namespace),
            *self._objects.maintenances.unreadable(""),
        )
        decision = decide(facts, bound.terms, now, calendar)
        return Course(
            decision,
            facts,
            calendar,
            now,
            record,
            unreadable,
            problem,
            orders=tuple(orders.happenings(bound.tenant, facts, decision, bound.terms)),
            logs=self._logs(key.namespace),
        )

    async def _step(self, key: TenantKey, course: Course, bound: Bound, owner: JsonObject) -> bool:
        """Do the next thing that is due; whether there was one."""
        record = course.record
        if course.decision.contract is ContractState.DRAFT and record is None:
            return False
        if course.ledger_problem is not None:
            return False
        if record is None:
            await self._begin(key, course, bound)
            return True
        if course.ledger_full:
            return False
        missing = course.missing
        if missing or record.host != bound.host:
            at = reckoned(course.now, record.ledger)
            await self._append(record, missing, at, bound.host)
            return True
        due = [each for each in course.decision.actions if each.kind is ActionKind.NOTIFY]
        taken = None
        for action in due:
            try:
                for notice in _notices(key, action, owner, bound.platform.spec):
                    await self._make(notice)
            except NameTaken as error:
                # Whoever takes the name of one notice must not hold up the others.
                taken = taken or error
        if taken is not None:
            raise taken
        return bool(due)

    async def _begin(self, key: TenantKey, course: Course, bound: Bound) -> None:
        decision = course.decision
        states = _states(decision)
        first = [
            Happening(
                event=RecordEvent.DECISION,
                subject=axis,
                value=value,
                key=f"Record/{axis}/first/{'+'.join((value, *reasons))}",
                why=f"{axis} is {value} as the ledger begins",
                reasons=reasons,
            )
            for axis, (value, reasons) in states.items()
        ]
        spec = {
            "tenant": {"namespace": key.namespace, "name": key.name},
            "contract": bound.tenant.spec.contract.reference,
            "host": bound.host,
            "documents": list(bound.documents),
            "entries": _as_json(ledger.appended((), first, course.now)),
        }
        ref = record_ref(key)
        body = {
            "apiVersion": API_VERSION,
            "kind": JitsiTenantRecord.definition.kind,
            "metadata": {"name": ref.name, "labels": labels(key.name)},
            "spec": spec,
        }
        try:
            answer = await self._client.create(body)
        except AlreadyExists:
            # The watch lags behind a write of ours, or of the operator before this one.
            answer = await self._stored(ref)
        self._objects.records.observe(None, answer)

    async def _stored(self, ref: ObjectRef) -> JsonObject:
        """A record as it is stored now; raises Conflict when it is gone, and other KubeErrors."""
        selection = Selection(field_selector=f"metadata.name={ref.name}")
        pages = self._client.list_pages(self._client.resources.of_ref(ref), selection)
        async with aclosing(pages):
            async for page in pages:
                for body in page.items:
                    return body
        raise Conflict(f"{ref} is gone", status=409)

    async def _append(
        self, record: KnownRecord, happenings: Sequence[Happening], at: datetime, host: str
    ) -> None:
        added = ledger.chained(record.entries, record.head, happenings, at)
        operations: list[JsonObject] = [
            {
                "op": "test",
                "path": "/metadata/resourceVersion",
                "value": str(record.resource_version),
            },
            *({"op": "add", "path": "/spec/entries/-", "value": each} for each in _as_json(added)),
        ]
        if record.host != host:
            operations.append({"op": "add", "path": "/spec/host", "value": host})
        try:
            answer = await self._client.json_patch(record.ref, operations)
        except Invalid as error:
            # Somebody wrote it meanwhile: read it again, and see what is still missing.
            current = await self._stored(record.ref)
            if int(current["metadata"]["resourceVersion"]) == record.resource_version:
                raise
            self._objects.records.observe(None, current)
            raise Conflict(f"{record.ref} has changed", status=409) from error
        self._objects.records.observe(None, answer)

    async def _make(self, body: JsonObject) -> None:
        try:
            answer = await self._client.create(body)
        except AlreadyExists:
            answer = await self._client.get(ObjectRef.of(body))
            if answer.get("spec", {}).get("key") != body["spec"]["key"]:
                raise NameTaken(
                    ObjectRef.of(body),
                    "it is not the operator's notice: delete it, so that the client can be told",
                ) from None
        self._objects.notices.observe(None, answer)
        # The echo of a write of our own is no news.
        self._look_at(ObjectRef.of(answer))


@lru_cache(maxsize=16)
def _calendar(zone: str) -> Calendar:
    return Calendar.of(zone)


def _states(decision: Decision) -> dict[Axis, tuple[str, tuple[str, ...]]]:
    return {
        Axis.CONTRACT: (decision.contract, ()),
        Axis.SERVICE: (decision.service.state, decision.service.reasons),
        Axis.RECORDING: (decision.recording.state, decision.recording.reasons),
        Axis.DATA: (decision.data.state, ()),
    }


def _happenings(course: Course) -> Iterator[Happening]:
    """All that the ledger should have by now."""
    states = _states(course.decision)
    known = course.facts.ledger
    if known is not None and is_far_ahead(course.now, known):
        yield ledger.of_clock(known.latest)
    for action in course.decision.actions:
        if action.kind is ActionKind.RECORD:
            yield ledger.of_action(action, *states[Axis(action.subject)])
    yield from ledger.of_notices(course.facts.notices)
    yield from ledger.of_holds(course.facts.holds or ())
    yield from course.orders
    head = course.logs.tenant.head if course.logs is not None else None
    if course.logs is not None and head is not None:
        month = course.calendar.day_of(course.logs.at).strftime("%Y-%m")
        yield ledger.of_logs(head.number, head.digest, month)


def _as_json(entries: Iterable[RecordEntry]) -> list[JsonObject]:
    return [entry.to_json() for entry in entries]


def _notices(
    key: TenantKey, action: Action, owner: JsonObject, platform: JitsiPlatformSpec
) -> Iterator[JsonObject]:
    """The notice that an action calls for, by each channel of the platform.

    That to the client comes last: once it is there, the action is not due any more.
    """
    if platform.notifications is not None and platform.notifications.webhook is not None:
        yield _notice(key, action, owner, Channel.WEBHOOK)
    yield _notice(key, action, owner, Channel.EMAIL)


def _notice(key: TenantKey, action: Action, owner: JsonObject, channel: Channel) -> JsonObject:
    assert action.notice is not None
    spec = {
        "about": action.notice.value,
        "key": action.key,
        "channel": channel.value,
        "regarding": action.subject[:128],
        "reason": action.why[:128],
        "clause": action.source.clause,
        "document": action.source.document,
    }
    return {
        "apiVersion": API_VERSION,
        "kind": JitsiNotice.definition.kind,
        "metadata": {
            "name": notice_name(action.notice, action.key, channel),
            "namespace": key.namespace,
            "labels": labels(key.name),
            "ownerReferences": [owner],
        },
        "spec": {name: value for name, value in spec.items() if value},
    }
