"""A local picture of one kind: read once in pages, then kept up to date by a watch.

Every complete read is compared with the picture before it, so that deletions which happened
while nobody was watching are noticed and reported like any other.

Versions are compared as integers. The API promises that since Kubernetes 1.35 (KEP-5504,
"Comparable Resource Version"); servers before it do it too, as they hand out etcd's revisions.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Hashable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from enum import Enum
from typing import Generic, Protocol, TypeVar

from jitsi_tenant_operator.api.objects import JsonObject
from jitsi_tenant_operator.kube.client import KubeClient, Selection, WatchEvent
from jitsi_tenant_operator.kube.errors import Gone, KubeError, NotFound, SilentStream
from jitsi_tenant_operator.kube.resources import Resource

_log = logging.getLogger(__name__)

PAGE_SIZE = 100
"""Objects per request of a list."""

_FIRST_BACKOFF_SECONDS = 0.5
_LONGEST_BACKOFF_SECONDS = 60.0
_NOT_SERVED_SECONDS = (10.0, 600.0)
_FAILURES_BEFORE_READING_ANEW = 5
_SILENCE_SECONDS = 300.0
_UNHEARD_SECONDS = 10.0
_INITIAL_EVENTS_END = "k8s.io/initial-events-end"


class Record(Protocol):
    """What the informer must be able to read from the records that it keeps."""

    @property
    def uid(self) -> str:
        """metadata.uid."""

    @property
    def resource_version(self) -> int:
        """metadata.resourceVersion, as a number."""


R = TypeVar("R", bound=Record)
Name = tuple[str, str]


class ChangeType(Enum):
    """What became of an object, with the words of the watch."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"


@dataclass(frozen=True, slots=True)
class Change(Generic[R]):
    """One difference between two pictures; `old` is None when added, `new` when deleted."""

    type: ChangeType
    old: R | None
    new: R | None


class Informer(Generic[R]):
    """Keeps a small record of each selected object of a kind, made by `transform(obj, old)`.

    `transform` owns the dict it is given and gets the record that it replaces, if the object
    was known. `key` makes a secondary index. `on_change` is called in the event loop, must not
    raise, and sees every change in the order of the API server.

    `never_list` reads the initial state from the watch itself, so that the right to `watch` is
    enough; with a field selector metadata.name=x RBAC can grant even that by resourceNames.

    Errors never end `run`: it tries again for ever with growing, jittered pauses, also after
    401 and 403, and says so in `last_error`, in the metrics and in `healthy`. A kind that the
    server does not serve counts as synced and empty, and is looked for every ten minutes.
    Closed streams are the normal case: the next one goes on where the last one ended.
    """

    def __init__(
        self,
        client: KubeClient,
        resource: Resource,
        *,
        transform: Callable[[JsonObject, R | None], R],
        selection: Selection | None = None,
        key: Callable[[R], Hashable | None] | None = None,
        on_change: Callable[[Change[R]], None] | None = None,
        never_list: bool = False,
    ) -> None:
        self.resource = resource
        self.synced = asyncio.Event()
        self.last_error: str | None = None
        self._client = client
        self._transform = transform
        self._clock = client.clock
        self._metrics = client.metrics
        self._selection = selection or Selection()
        self._key = key
        self._on_change = on_change
        self._never_list = never_list
        self._store: dict[Name, R] = {}
        self._index: dict[Hashable, dict[Name, None]] = {}
        self._progress = 0  # everything up to this version is in the store
        self._newest = 0  # also counts answers to our own writes
        self._unheard: dict[Name, _OwnWrite] = {}
        self._must_read = True
        self._in_doubt = False  # whether the server may count from an older version than ours
        self._served = True
        self._heard = 0  # events and bookmarks
        self._last_sign = self._clock.monotonic()
        self._metrics.informer_synced.labels(resource.kind).set(0)
        self._metrics.informer_objects.labels(resource.kind).set_function(lambda: len(self._store))

    def get(self, namespace: str, name: str) -> R | None:
        """The record of one object; `namespace` is empty for cluster-scoped kinds."""
        return self._store.get((namespace, name))

    def indexed(self, key: Hashable) -> list[R]:
        """The records for which the key function gave `key`."""
        return [self._store[name] for name in self._index.get(key, ())]

    def records(self) -> Iterable[R]:
        """All records."""
        return self._store.values()

    def __len__(self) -> int:
        return len(self._store)

    def healthy(self, now: float) -> bool:
        """Whether the server was heard of in the last five minutes (`now`: Clock.monotonic).

        Any answer of a list, any event and any bookmark is a sign of life.
        """
        return not self._served or now - self._last_sign <= _SILENCE_SECONDS

    async def run(self) -> None:
        """Read and watch, for ever, until cancelled."""
        self._last_sign = self._clock.monotonic()
        failures = 0
        while True:
            heard = self._heard
            not_served = False
            try:
                await self._read_and_follow()
            except KubeError as error:
                self._note(error)
                not_served = isinstance(error, NotFound) and not self._store
            if not_served:
                await self._clock.sleep(self._empty_because_not_served())
            elif self._heard == heard:
                await self._clock.sleep(_backoff(failures))
                failures += 1
                # An error that stays may come from the version that is asked for.
                self._must_read |= failures >= _FAILURES_BEFORE_READING_ANEW
            else:
                await self._clock.sleep(_backoff(0) if self.last_error else 0.0)
                failures = 0

    async def _read_and_follow(self) -> None:
        if self._in_doubt:
            self._must_read |= self._never_list or await self._version() < self._progress
            self._in_doubt = False
        if self._must_read and not self._never_list:
            await self._list()
        await self._follow()

    async def _version(self) -> int:
        """The version that the server is at, by the shortest of lists."""
        pages = self._client.list_pages(self.resource, self._selection, page_size=1)
        async with aclosing(pages):
            async for page in pages:
                self._sign_of_life()
                return int(page.resource_version)
        return 0

    def _note(self, error: KubeError) -> None:
        self.last_error = f"{error.reason}: {error.message}"
        self._metrics.informer_errors.labels(self.resource.kind, error.reason).inc()
        if isinstance(error, Gone):
            self._must_read = True
        elif isinstance(error, SilentStream):
            # A server restored from a backup counts from an older version, and says nothing to who
            # waits for a newer one. One that is busy is not to be asked for everything on top.
            self._in_doubt = True
        say = logging.INFO if isinstance(error, Gone | SilentStream) else logging.WARNING
        _log.log(say, "%s: cannot list or watch: %s", self.resource.plural, error)

    def _empty_because_not_served(self) -> float:
        """Seconds until the kind is looked for again: soon once, as the server may be starting."""
        first, later = _NOT_SERVED_SECONDS
        delay = first if self._served else later
        self._served = False
        self._synced()
        return delay

    async def _list(self) -> None:
        reading = self._begin_reading()
        pages = self._client.list_pages(self.resource, self._selection, page_size=PAGE_SIZE)
        async with aclosing(pages):
            async for page in pages:
                self._sign_of_life()
                reading.version = int(page.resource_version)
                for obj in page.items:
                    self._read(obj, reading)
                page.items.clear()  # a parsed page is large, and the next one is awaited now
        self._end_reading(reading)

    async def _follow(self) -> None:
        reading = self._begin_reading() if self._must_read else None
        version = "" if reading else str(self._progress)
        events = self._client.watch(self.resource, self._selection, resource_version=version)
        async with aclosing(events):
            async for event in events:
                self._sign_of_life()
                self._heard += 1
                if reading is None:
                    self._take(event)
                elif event.type != "BOOKMARK":
                    self._read(event.object, reading)
                elif _INITIAL_EVENTS_END in event.object["metadata"].get("annotations", {}):
                    reading.version = _version(event.object)
                    self._end_reading(reading)
                    reading = None

    def _sign_of_life(self) -> None:
        self._last_sign = self._clock.monotonic()
        self._served = True
        self.last_error = None

    def _begin_reading(self) -> _Reading:
        if self.synced.is_set():
            self._metrics.informer_relists.labels(self.resource.kind).inc()
        return _Reading(known=self._newest)

    def _read(self, obj: JsonObject, reading: _Reading) -> None:
        """Take one object of a complete read.

        The record before it is newer only if it came from a write of ours since the reading
        began. (Otherwise the server was restored from a backup, and is right all the same.)
        """
        name, version = _name(obj), _version(obj)
        reading.seen.add(name)
        old = self._store.get(name)
        if old is not None:
            unchanged = old.resource_version == version
            written_since = old.resource_version > max(version, reading.known)
            if unchanged or written_since:
                return
        self._put(name, self._transform(obj, old), old)

    def _end_reading(self, reading: _Reading) -> None:
        """Remove what is no longer there, except what we wrote after the list was made."""
        settled = max(reading.version, reading.known)
        for name in self._store.keys() - reading.seen:
            record = self._store[name]
            if record.resource_version <= settled:
                self._remove(name, record)
        self._unheard = {n: own for n, own in self._unheard.items() if own.version > settled}
        self._progress = self._newest = reading.version
        self._must_read = False
        self._synced()

    def _synced(self) -> None:
        self.synced.set()
        self._metrics.informer_synced.labels(self.resource.kind).set(1)

    def _take(self, event: WatchEvent) -> None:
        version = _version(event.object)
        self._progress = max(version, self._progress)
        if event.type == "BOOKMARK":
            self._doubt_what_was_not_heard_of()
            return
        name = _name(event.object)
        own = self._unheard.get(name)
        if own is not None and own.version <= version:
            del self._unheard[name]
        old = self._store.get(name)
        if old is not None and old.resource_version >= version:
            return
        if event.type == ChangeType.DELETED.value:
            if old is not None:
                self._remove(name, old)
        else:
            self._put(name, self._transform(event.object, old), old)

    def _doubt_what_was_not_heard_of(self) -> None:
        """Raise Gone if a bookmark comes, but not the event of a write of ours from long before.

        A server that was restored from a backup has forgotten the write. If it was restored to
        just the version up to which this picture had come, the watch goes on as if nothing was.
        """
        before = self._clock.monotonic() - _UNHEARD_SECONDS
        if any(own.at < before for own in self._unheard.values()):
            raise Gone("the server does not tell of a write of ours")

    def observe(self, namespace: str, name: str, record: R) -> R | None:
        """Take the answer to a write of our own, before the watch tells of it; not reported.

        The record now held: another one when the watch was faster, None when the object is
        known to be deleted since.
        """
        old = self._store.get((namespace, name))
        if old is None and record.resource_version <= self._progress:
            return None
        if old is not None and old.resource_version >= record.resource_version:
            return old
        own = _OwnWrite(record.resource_version, self._clock.monotonic())
        self._unheard[namespace, name] = own
        return self._put((namespace, name), record, old, report=False)

    def _put(self, name: Name, new: R, old: R | None, *, report: bool = True) -> R:
        if old is not None and old.uid != new.uid:
            self._remove(name, old, report=report)
            old = None
        self._store[name] = new
        self._newest = max(self._newest, new.resource_version)
        if self._key is not None:
            key = self._key(new)
            if old is not None and self._key(old) != key:
                self._unindex(name, self._key(old))
            if key is not None:
                self._index.setdefault(key, {})[name] = None
        if report and self._on_change is not None:
            kind = ChangeType.ADDED if old is None else ChangeType.MODIFIED
            self._on_change(Change(kind, old, new))
        return new

    def _remove(self, name: Name, record: R, *, report: bool = True) -> None:
        del self._store[name]
        if self._key is not None:
            self._unindex(name, self._key(record))
        if report and self._on_change is not None:
            self._on_change(Change(ChangeType.DELETED, record, None))

    def _unindex(self, name: Name, key: Hashable | None) -> None:
        names = self._index.get(key)
        if names is not None:
            names.pop(name, None)
            if not names:
                del self._index[key]


@dataclass(slots=True)
class _Reading:
    """A complete read under way."""

    known: int
    """The newest version that was known when it began."""
    version: int = 0
    seen: set[Name] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _OwnWrite:
    """A write of ours of which the watch has not told yet."""

    version: int
    at: float
    """When its answer was observed; Clock.monotonic."""


def _name(obj: JsonObject) -> Name:
    metadata = obj["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def _version(obj: JsonObject) -> int:
    return int(obj["metadata"]["resourceVersion"])


def _backoff(failures: int) -> float:
    longest = min(_LONGEST_BACKOFF_SECONDS, _FIRST_BACKOFF_SECONDS * 2.0 ** min(failures, 10))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311
