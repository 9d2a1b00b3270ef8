"""Makes the children of an owner be what is desired, with as few requests as can be.

A child that is not known is created, never adopted, by one request: a server-side apply whose
body says `metadata.resourceVersion: "1"`. The API server ignores it when it creates the object.
When an object of that name exists it is a precondition that cannot hold, because revision 1 is
that of the empty store: the answer is 409 and nothing is changed. (A POST would be as safe, but
would leave an `Update` entry of ours in managedFields, whose fields an apply never removes.)

A known child is applied with `metadata.uid`: if it was deleted meanwhile the server answers 409,
if someone made another object of that name 422; neither is touched.

A workload that the API server refuses to change, because fields of it are immutable, is deleted to
be made anew (see `replacement`); no other child ever is.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic

from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef
from jitsi_tenant_operator.kube.children import ChildCache, ChildRecord, K, controller_uid
from jitsi_tenant_operator.kube.client import KubeClient
from jitsi_tenant_operator.kube.comparison import desired_hash
from jitsi_tenant_operator.kube.errors import (
    CacheNotSynced,
    Conflict,
    Immutable,
    Invalid,
    KubeError,
    NameTaken,
    NotFound,
)
from jitsi_tenant_operator.kube.replacement import REPLACEABLE, foresee, make_way

_NO_OBJECT_HAS_THIS_VERSION = "1"
_ROUNDS = 3
_AT_ONCE = 8
"""How many requests of one call are under way at once: an owner whose requests hang, because of a
webhook that does not answer, must not hold all that the owners share."""


@dataclass(frozen=True, slots=True)
class Owner(Generic[K]):
    """Whose children: `key` is what `Marks.owner_key` gives for them."""

    ref: ObjectRef
    uid: str
    key: K

    def reference(self) -> JsonObject:
        """The owner reference that makes garbage collection delete a child with its owner."""
        return {
            "apiVersion": self.ref.api_version,
            "kind": self.ref.kind,
            "name": self.ref.name,
            "uid": self.uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }


@dataclass(frozen=True, slots=True)
class Child:
    """A desired object. A `retained` one gets no owner reference and is never pruned."""

    body: JsonObject
    retained: bool = False


@dataclass(slots=True)
class ApplyOutcome:
    """What became of the desired children. `waiting` are being deleted: they are made again
    once they are gone, of which the cache tells.
    """

    created: list[ObjectRef] = field(default_factory=list)
    updated: list[ObjectRef] = field(default_factory=list)
    waiting: list[ObjectRef] = field(default_factory=list)
    unchanged: int = 0
    failed: dict[ObjectRef, KubeError] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every child is now as desired."""
        return not self.failed and not self.waiting

    def add(self, other: ApplyOutcome) -> None:
        """Take in what became of further children."""
        self.created += other.created
        self.updated += other.updated
        self.waiting += other.waiting
        self.unchanged += other.unchanged
        self.failed.update(other.failed)


@dataclass(slots=True)
class PruneOutcome:
    """What was deleted, and what could not be."""

    deleted: list[ObjectRef] = field(default_factory=list)
    failed: dict[ObjectRef, KubeError] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Desired:
    ref: ObjectRef
    body: JsonObject
    hash: bytes


class Applier(Generic[K]):
    """Applies and prunes children. Safe to use for several owners at once."""

    def __init__(self, client: KubeClient, cache: ChildCache[K]) -> None:
        self._client = client
        self._cache = cache
        self._marks = cache.marks
        self._metrics = client.metrics

    async def apply(self, owner: Owner[K], children: Iterable[Child]) -> ApplyOutcome:
        """Create what is missing, change what differs, leave the rest alone, all at once.

        Nothing is sent for a child that has the hash of the desired body and is known to be
        as it was applied. One that fails stops no other; see `ApplyOutcome.failed`: NameTaken,
        Invalid, Forbidden, NotFound (namespace or kind) and the transient ones. When it
        returns, the cache has the answers (node ports).

        ValueError for a body that the cache could not find again (labels), or that lives in
        another namespace than the owner without being retained.
        """
        outcome = ApplyOutcome()
        desired = [self._complete(owner, child) for child in children]
        if len({child.ref for child in desired}) < len(desired):
            raise ValueError(f"two children of {owner.ref} have the same name")
        slots = asyncio.Semaphore(_AT_ONCE)

        async def apply_one(child: _Desired, record: ChildRecord[K] | None) -> None:
            async with slots:
                await self._apply_one(owner, child, record, outcome)

        async with asyncio.TaskGroup() as group:
            for child in desired:
                record = self._cache.get(child.ref)
                if record is not None and self._is_settled(owner, child, record, outcome):
                    continue
                group.create_task(apply_one(child, record))
        return outcome

    async def prune(self, owner: Owner[K], desired: Collection[ObjectRef]) -> PruneOutcome:
        """Delete the owner's children that are not desired: those with its uid in their
        controller reference, nothing else. CacheNotSynced before all kinds were read.
        """
        if not self._cache.synced:
            raise CacheNotSynced("the caches are not complete yet, nothing is pruned")
        wanted = frozenset(desired)
        outcome = PruneOutcome()
        async with asyncio.TaskGroup() as group:
            for record in self._cache.children(owner.key):
                if (
                    record.owner_uid == owner.uid
                    and record.ref not in wanted
                    and not record.deleting
                ):
                    group.create_task(self._delete_one(record, outcome))
        return outcome

    async def would_change(self, owner: Owner[K], child: Child, part: Sequence[str]) -> bool:
        """Whether applying a child would change the `part` of it, such as ("spec", "template").

        False for one that is not there, or is not the owner's. Whoever is asked is the API server,
        by a dry run, and once only for each intent and each content of the live object. A workload
        that would be made anew changes as a whole if its pods cannot go on. Raises KubeError; of an
        intent that cannot be applied, what `apply` would say.
        """
        desired = self._complete(owner, child)
        record = self._cache.get(desired.ref)
        if (
            record is None
            or not _is_ours(owner, record.owner, record.owner_uid, record.applied_hash is not None)
            or self._is_settled(owner, desired, record, ApplyOutcome())
        ):
            return False
        question = hashlib.sha256(desired.hash + "/".join(part).encode()).digest()
        if record.foreseen is None or record.foreseen[0] != question:
            record.foreseen = question, await self._foresee(desired, record.uid, part)
        return record.foreseen[1]

    async def _foresee(self, desired: _Desired, uid: str, part: Sequence[str]) -> bool:
        metadata = {**desired.body["metadata"], "uid": uid}
        body = {**desired.body, "metadata": metadata}
        try:
            before = await self._client.get(desired.ref)
            try:
                after = await self._client.apply(body, dry_run=True)
            except Immutable as error:
                if desired.ref.kind not in REPLACEABLE:
                    raise
                propagation, after = await foresee(self._client, before, desired.body, error)
                if propagation != "Orphan":
                    return True
        except NotFound:
            return False
        return bool(_part(before, part) != _part(after, part))

    def _complete(self, owner: Owner[K], child: Child) -> _Desired:
        """The body as it is sent: with owner reference and hash."""
        ref = ObjectRef.of(child.body)
        metadata = dict(child.body["metadata"])
        if self._marks.owner_key(ref.namespace, metadata.get("labels") or {}) != owner.key:
            raise ValueError(f"{ref} lacks the labels of {owner.ref}")
        if not child.retained:
            if owner.ref.namespace and ref.namespace != owner.ref.namespace:
                raise ValueError(f"{ref} cannot be owned by {owner.ref} of another namespace")
            metadata["ownerReferences"] = [owner.reference()]
        body = {**child.body, "metadata": metadata}
        digest = desired_hash(body)
        metadata["annotations"] = {
            **(metadata.get("annotations") or {}),
            self._marks.hash_annotation: digest.hex(),
        }
        return _Desired(ref, body, digest)

    def _is_settled(
        self, owner: Owner[K], child: _Desired, record: ChildRecord[K], outcome: ApplyOutcome
    ) -> bool:
        """Whether there is nothing to send for a child that is in the cache."""
        if not _is_ours(owner, record.owner, record.owner_uid, record.applied_hash is not None):
            return False
        if record.deleting:
            outcome.waiting.append(child.ref)
        elif record.applied_hash == child.hash and record.verify(child.body):
            outcome.unchanged += 1
        else:
            return False
        return True

    async def _apply_one(
        self,
        owner: Owner[K],
        child: _Desired,
        record: ChildRecord[K] | None,
        outcome: ApplyOutcome,
    ) -> None:
        answer = None
        self._cache.begin_write(child.ref)
        try:
            answer, created = await self._write(owner, child, record)
            (outcome.created if created else outcome.updated).append(child.ref)
            op = "create" if created else "update"
            self._metrics.children_applied.labels(child.ref.kind, op).inc()
        except _Leaving:
            outcome.waiting.append(child.ref)
        except KubeError as error:
            outcome.failed[child.ref] = error
        finally:
            now = self._cache.end_write(child.ref, answer)
        drifted = record is not None and record.applied_hash == child.hash
        if drifted and record and now and record.content != now.content:
            self._metrics.drift_corrections.labels(child.ref.kind).inc()

    async def _write(
        self, owner: Owner[K], child: _Desired, record: ChildRecord[K] | None
    ) -> tuple[JsonObject, bool]:
        """The object as it is stored, and whether it was created.

        Whenever a precondition fails, who has the name now decides how to go on: a cache that
        lags costs requests, never correctness.
        """
        uid: str | None = None
        if record is not None:
            ours = _is_ours(owner, record.owner, record.owner_uid, record.applied_hash is not None)
            uid = record.uid if ours else await self._uid_of_ours(owner, child.ref)
        rounds = _ROUNDS
        while True:
            condition = {"uid": uid} if uid else {"resourceVersion": _NO_OBJECT_HAS_THIS_VERSION}
            metadata = {**child.body["metadata"], **condition}
            try:
                answer = await self._client.apply({**child.body, "metadata": metadata})
            except Immutable as error:
                if uid is None or child.ref.kind not in REPLACEABLE:
                    raise
                if await make_way(self._client, child.body, uid, error):
                    self._metrics.children_applied.labels(child.ref.kind, "replace").inc()
                # While the old one is still there the next apply says so, and changes nothing.
                uid = None
            except (Conflict, Invalid) as error:
                rounds -= 1
                if rounds == 0 or not _precondition_failed(error):
                    raise
                uid = await self._uid_of_ours(owner, child.ref)
            else:
                return answer, uid is None

    async def _uid_of_ours(self, owner: Owner[K], ref: ObjectRef) -> str | None:
        """The uid of the owner's child of that name, None when nothing has the name.

        NameTaken when it is someone else's.
        """
        try:
            found = await self._client.get(ref, metadata_only=True)
        except NotFound:
            return None
        metadata: JsonObject = found["metadata"]
        deleting = "deletionTimestamp" in metadata
        key = self._marks.owner_key(ref.namespace, metadata.get("labels") or {})
        marked = self._marks.hash_annotation in (metadata.get("annotations") or {})
        uid: str = metadata["uid"]
        if _is_ours(owner, key, controller_uid(metadata), marked):
            if deleting:
                raise _Leaving(ref, "our own, being deleted", leaving=True)
            return uid
        if _is_of_predecessor(owner, metadata):
            raise _Leaving(ref, f"{owner.ref} of before, being collected", leaving=True)
        raise NameTaken(ref, _holder(metadata), leaving=deleting)

    async def _delete_one(self, record: ChildRecord[K], outcome: PruneOutcome) -> None:
        try:
            await self._client.delete(record.ref, uid=record.uid)
        except (NotFound, Conflict):
            return  # gone already; what has the name now is not ours
        except KubeError as error:
            outcome.failed[record.ref] = error
            return
        current = self._cache.get(record.ref)
        if current is not None and current.uid == record.uid:
            current.deleting = True
        outcome.deleted.append(record.ref)
        self._metrics.children_applied.labels(record.ref.kind, "delete").inc()


def _part(obj: Any, path: Sequence[str]) -> Any:
    for name in path:
        obj = (obj or {}).get(name)
    return obj


class _Leaving(NameTaken):
    """The name is free as soon as garbage collection or a finalizer is done."""


def _is_ours(owner: Owner[K], key: K | None, controller: str | None, marked: bool) -> bool:  # noqa: FBT001
    """A child is ours by its controller reference, a retained one by its labels and hash."""
    if controller is not None:
        return controller == owner.uid
    return marked and key == owner.key


def _is_of_predecessor(owner: Owner[K], metadata: JsonObject) -> bool:
    """Whether it belongs to an owner of the same name with another uid, which is gone."""
    reference = owner.reference()
    return any(
        theirs.get("controller")
        and theirs["uid"] != owner.uid
        and all(theirs[field] == reference[field] for field in ("apiVersion", "kind", "name"))
        for theirs in metadata.get("ownerReferences") or ()
    )


def _precondition_failed(error: Conflict | Invalid) -> bool:
    if isinstance(error, Invalid):
        return any(cause.field == "metadata.uid" for cause in error.causes)
    return True


def _holder(metadata: JsonObject) -> str:
    """Whose an object is, as far as it says so."""
    for theirs in metadata.get("ownerReferences") or ():
        if theirs.get("controller"):
            return f"it belongs to {theirs['kind']} {theirs['name']}"
    managers = sorted({m.get("manager", "") for m in metadata.get("managedFields") or ()} - {""})
    if managers:
        return f"it was made by {', '.join(managers[:3])}"
    return "it was made by someone else"
