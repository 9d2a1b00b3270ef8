"""What is known of the children of all owners: one small record each, in one informer a kind."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import orjson
import zstandard

from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef
from jitsi_tenant_operator.kube.client import KubeClient, Selection
from jitsi_tenant_operator.kube.comparison import content, covers
from jitsi_tenant_operator.kube.facts import Facts, facts_of
from jitsi_tenant_operator.kube.informer import Change, ChangeType, Informer
from jitsi_tenant_operator.kube.resources import Resource

K = TypeVar("K", bound=Hashable)
F = TypeVar("F", bound=Facts)

_COMPRESSOR = zstandard.ZstdCompressor(level=1)
_DECOMPRESSOR = zstandard.ZstdDecompressor()
_DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class Marks(Generic[K]):
    """How children are recognised.

    `label_selector` selects them on the server; `owner_key` gives the owner for a namespace and
    labels, None for objects that have none; `hash_annotation` is the annotation that keeps the
    hash of what was applied.
    """

    label_selector: str
    owner_key: Callable[[str, Mapping[str, str]], K | None]
    hash_annotation: str


@dataclass(slots=True, eq=False)
class ChildRecord(Generic[K]):
    """One child. About a kilobyte; the object itself is not kept.

    `owner_uid` is that of the controller owner reference. `verified` says that the content of
    the live object was found to be what `applied_hash` stands for; until then `snapshot` holds
    it, compressed, for the comparison. `foreseen` says of an intent, by its hash, whether it would
    change the part of this content that was asked for.
    """

    ref: ObjectRef
    uid: str
    resource_version: int
    owner: K | None
    owner_uid: str | None
    applied_hash: bytes | None
    deleting: bool
    facts: Facts | None
    content: bytes
    """Digest of the content, so that a change of the status alone leaves the child verified."""
    verified: bool
    snapshot: bytes | None
    foreseen: tuple[bytes, bool] | None = None

    def verify(self, desired: JsonObject) -> bool:
        """Whether the live object has everything of `desired`; remembered if so."""
        if not self.verified and self.snapshot is not None:
            live = orjson.loads(_DECOMPRESSOR.decompress(self.snapshot))
            wanted = {k: v for k, v in desired.items() if k not in ("apiVersion", "kind")}
            if covers(live, wanted):
                self.accept()
        return self.verified

    def accept(self) -> None:
        """The live object is what was applied last."""
        self.verified = True
        self.snapshot = None


class ChildCache(Generic[K]):
    """The children of all owners, kept up to date by one informer for each of `resources`.

    `on_change(owner, ref, type)` is called when a child was made, changed or deleted by someone
    else, or when its facts changed: not before everything is synced, not for the answer and the
    echo of our own writes, not when only bookkeeping changed.
    """

    def __init__(
        self,
        client: KubeClient,
        resources: Iterable[Resource],
        *,
        marks: Marks[K],
        on_change: Callable[[K, ObjectRef, ChangeType], None],
    ) -> None:
        self.marks = marks
        self._on_change = on_change
        self._owners: dict[K, K] = {}
        self._writing: dict[ObjectRef, Change[ChildRecord[K]] | None] = {}
        self._informers: dict[tuple[str, str], Informer[ChildRecord[K]]] = {
            (resource.api_version, resource.kind): Informer(
                client,
                resource,
                transform=self._record,
                selection=Selection(label_selector=marks.label_selector),
                key=_owner,
                on_change=self._changed,
            )
            for resource in resources
        }

    async def run(self) -> None:
        """Keep all kinds up to date, for ever, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for informer in self._informers.values():
                group.create_task(informer.run())

    @property
    def synced(self) -> bool:
        """Whether every kind was read completely."""
        return all(i.synced.is_set() for i in self._informers.values())

    async def wait_synced(self) -> None:
        """Return once every kind was read completely."""
        for informer in self._informers.values():
            await informer.synced.wait()

    def healthy(self, now: float) -> bool:
        """Whether all kinds were heard of lately (`now`: Clock.monotonic)."""
        return all(i.healthy(now) for i in self._informers.values())

    def last_errors(self) -> dict[str, str]:
        """For each kind that cannot be read at the moment, why."""
        return {
            i.resource.kind: i.last_error
            for i in self._informers.values()
            if i.last_error is not None
        }

    def get(self, ref: ObjectRef) -> ChildRecord[K] | None:
        """The record of one child. KeyError for a kind that is not cached."""
        return self._informer(ref).get(ref.namespace, ref.name)

    def children(self, owner: K) -> list[ChildRecord[K]]:
        """All objects that bear the owner's labels, its children and others."""
        return [r for i in self._informers.values() for r in i.indexed(owner)]

    def facts(self, ref: ObjectRef, kind: type[F]) -> F | None:
        """The facts of a child, None when there is no such child."""
        record = self.get(ref)
        return record.facts if record is not None and isinstance(record.facts, kind) else None

    def begin_write(self, ref: ObjectRef) -> None:
        """A write of ours is under way: what the watch says of `ref` waits for its answer."""
        self._writing[ref] = None

    def end_write(self, ref: ObjectRef, answer: JsonObject | None) -> ChildRecord[K] | None:
        """Take the answer, None if the write failed, and report what others did meanwhile.

        The record now held; it is verified if the live object is the one in the answer.
        """
        seen = self._writing.pop(ref, None)
        version, written, held = 0, None, None
        if answer is not None:
            written = self._record(answer, self.get(ref), verified=True)
            version = written.resource_version
            held = self._informer(ref).observe(ref.namespace, ref.name, written)
            if held is not None and held.content == written.content:
                held.accept()
        if seen is not None and (seen.new is None or seen.new.resource_version > version):
            since = Change(seen.type, written or seen.old, seen.new)
            if _matters(since):
                self._report(since)
        return held

    def _informer(self, ref: ObjectRef) -> Informer[ChildRecord[K]]:
        return self._informers[ref.api_version, ref.kind]

    def _record(
        self, obj: JsonObject, old: ChildRecord[K] | None, *, verified: bool = False
    ) -> ChildRecord[K]:
        metadata = obj["metadata"]
        namespace = sys.intern(metadata.get("namespace", ""))
        owner = self.marks.owner_key(namespace, metadata.get("labels") or {})
        applied = _applied_hash(metadata, self.marks.hash_annotation)
        text = content(obj)
        digest = _digest(text)
        snapshot, foreseen = None, None
        if old and old.uid == metadata["uid"] and old.content == digest:
            verified, snapshot = verified or old.verified, old.snapshot
            foreseen = old.foreseen
        elif not verified and applied is not None:
            snapshot = _COMPRESSOR.compress(text)
        facts = facts_of(obj)
        return ChildRecord(
            ref=old.ref if old else _ref(obj, namespace),
            uid=metadata["uid"],
            resource_version=int(metadata["resourceVersion"]),
            owner=None if owner is None else self._owners.setdefault(owner, owner),
            owner_uid=controller_uid(metadata),
            applied_hash=applied,
            deleting="deletionTimestamp" in metadata,
            facts=old.facts if old and old.facts == facts else facts,
            content=digest,
            verified=verified,
            snapshot=None if verified else snapshot,
            foreseen=foreseen,
        )

    def _changed(self, change: Change[ChildRecord[K]]) -> None:
        record = change.new or change.old
        if record is not None and record.ref in self._writing:
            first = self._writing[record.ref] or change
            self._writing[record.ref] = Change(change.type, first.old, change.new)
        elif self.synced and _matters(change):
            self._report(change)

    def _report(self, change: Change[ChildRecord[K]]) -> None:
        for owner in {r.owner for r in (change.old, change.new) if r is not None}:
            record = change.new or change.old
            if owner is not None and record is not None:
                self._on_change(owner, record.ref, change.type)


def controller_uid(metadata: JsonObject) -> str | None:
    """The uid of the owner reference that is the controller."""
    for reference in metadata.get("ownerReferences") or ():
        if reference.get("controller"):
            return sys.intern(reference["uid"])
    return None


def _owner(record: ChildRecord[K]) -> K | None:
    return record.owner


def _ref(obj: JsonObject, namespace: str) -> ObjectRef:
    return ObjectRef(
        sys.intern(obj["apiVersion"]), sys.intern(obj["kind"]), namespace, obj["metadata"]["name"]
    )


def _applied_hash(metadata: JsonObject, annotation: str) -> bytes | None:
    value = (metadata.get("annotations") or {}).get(annotation)
    try:
        return bytes.fromhex(value) if value else None
    except ValueError:
        return b""


def _digest(text: bytes) -> bytes:
    return hashlib.blake2b(text, digest_size=_DIGEST_BYTES).digest()


def _matters(change: Change[ChildRecord[K]]) -> bool:
    old, new = change.old, change.new
    if old is None or new is None or old.uid != new.uid:
        return True
    return old.content != new.content or old.facts != new.facts
