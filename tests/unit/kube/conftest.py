"""A clock turned by hand, an API server in memory, and one on HTTP that follows a script."""

from __future__ import annotations

import asyncio
import copy
import heapq
import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio.client.configuration import Configuration
from prometheus_client import CollectorRegistry

from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef
from jitsi_tenant_operator.kube.client import KubeClient, Page, Selection, WatchEvent
from jitsi_tenant_operator.kube.connection import Connection
from jitsi_tenant_operator.kube.errors import (
    AlreadyExists,
    Conflict,
    Gone,
    KubeError,
    NotFound,
    SilentStream,
)
from jitsi_tenant_operator.kube.metrics import KubeMetrics
from jitsi_tenant_operator.kube.resources import Resource, ResourceRegistry

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


class HandClock:
    """Time passes only in `advance`, which wakes sleepers in order and lets them work."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds - 1000.0)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.seconds + seconds, next(self._order), future))
        await future

    async def settle(self) -> None:
        for _ in range(30):
            await asyncio.sleep(0)

    async def advance(self, seconds: float) -> None:
        end = self.seconds + seconds
        await self.settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            self.seconds, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                future.set_result(None)
            await self.settle()
        self.seconds = end


@dataclass
class MemoryApi:
    """One kind on an API server, with its history: what a KubeClient would see of it.

    `compact` forgets the history, `restore` goes back to an earlier state and version, as a
    restored etcd does, `cut` breaks all open watches.
    """

    clock: HandClock
    metrics: KubeMetrics
    resources: ResourceRegistry = field(default_factory=ResourceRegistry)
    objects: dict[tuple[str, str], JsonObject] = field(default_factory=dict)
    history: list[tuple[int, WatchEvent]] = field(default_factory=list)
    version: int = 10
    oldest: int = 0
    page_size: int = 2
    faults: list[KubeError] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    lag: bool = False
    _serial: Any = field(default_factory=lambda: itertools.count(1))
    _epoch: int = 0
    _bookmarks: int = 0
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    # What happens on the server.

    def put(self, namespace: str, name: str, **parts: Any) -> JsonObject:
        known = self.objects.get((namespace, name))
        uid = known["metadata"]["uid"] if known else f"uid-{next(self._serial)}"
        self.version += 1
        metadata = {
            **parts.pop("metadata", {}),
            "namespace": namespace,
            "name": name,
            "uid": uid,
            "resourceVersion": str(self.version),
        }
        obj = {"apiVersion": "v1", "kind": "ConfigMap", **parts, "metadata": metadata}
        self.objects[namespace, name] = obj
        self._tell("MODIFIED" if known else "ADDED", obj)
        return copy.deepcopy(obj)

    def remove(self, namespace: str, name: str) -> None:
        gone = self.objects.pop((namespace, name), None)
        if gone is not None:
            self.version += 1
            metadata = {**gone["metadata"], "resourceVersion": str(self.version)}
            self._tell("DELETED", {**gone, "metadata": metadata})

    def compact(self) -> None:
        self.oldest = self.version

    def cut(self) -> None:
        self._epoch += 1
        self._wake()

    def bookmark(self) -> None:
        self._bookmarks += 1
        self._wake()

    def backup(self) -> tuple[int, dict[tuple[str, str], JsonObject]]:
        return self.version, dict(self.objects)

    def restore(self, backup: tuple[int, dict[tuple[str, str], JsonObject]]) -> None:
        self.version, objects = backup
        self.objects = dict(objects)
        self.history.clear()
        self.oldest = self.version
        self.cut()

    def _tell(self, kind: str, obj: JsonObject) -> None:
        self.history.append((self.version, WatchEvent(kind, copy.deepcopy(obj))))
        self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    # What a client sees.

    async def list_pages(
        self, resource: Resource, selection: Selection | None = None, *, page_size: int = 500
    ) -> AsyncGenerator[Page]:
        self.calls.append("list")
        self._fail()
        version = self.version
        items = [copy.deepcopy(o) for _, o in sorted(self.objects.items())]
        for start in range(0, max(1, len(items)), self.page_size):
            if start and version < self.oldest:
                raise Gone("the continue token is too old", status=410)
            yield Page(items[start : start + self.page_size], str(version))
            await asyncio.sleep(0)

    async def watch(
        self, resource: Resource, selection: Selection | None = None, *, resource_version: str = ""
    ) -> AsyncGenerator[WatchEvent]:
        self.calls.append(f"watch {resource_version}".strip())
        self._fail()
        epoch, bookmarks = self._epoch, self._bookmarks
        seen = int(resource_version or 0)
        if not resource_version:
            seen = self.version
            for _, obj in sorted(self.objects.items()):
                yield WatchEvent("ADDED", copy.deepcopy(obj))
                await asyncio.sleep(0)
            yield self._bookmark(seen, {"k8s.io/initial-events-end": "true"})
        if seen < self.oldest:
            raise Gone("too old resource version", status=410)
        if seen > self.version:  # a version of the future: nothing is said until it comes
            await self.clock.sleep(90)
            raise SilentStream("nothing heard for 90 s")
        while self._epoch == epoch:
            news = self._news
            if not self.lag:
                for version, event in list(self.history):
                    if version > seen:
                        seen = version
                        yield WatchEvent(event.type, copy.deepcopy(event.object))
            if bookmarks < self._bookmarks and seen <= self.version:
                bookmarks = self._bookmarks
                yield self._bookmark(self.version)
            await news.wait()

    def _bookmark(self, version: int, annotations: dict[str, str] | None = None) -> WatchEvent:
        metadata = {"resourceVersion": str(version), "annotations": annotations or {}}
        return WatchEvent("BOOKMARK", {"metadata": metadata})

    def _fail(self) -> None:
        if self.faults:
            raise self.faults.pop(0)

    async def get(self, ref: ObjectRef, **_: Any) -> JsonObject:
        self.calls.append("get")
        self._fail()
        try:
            return copy.deepcopy(self.objects[ref.namespace, ref.name])
        except KeyError:
            raise NotFound("not found", status=404) from None

    async def create(self, obj: JsonObject) -> JsonObject:
        self.calls.append("create")
        self._fail()
        name = obj["metadata"]["namespace"], obj["metadata"]["name"]
        if name in self.objects:
            raise AlreadyExists("exists", status=409)
        return self.put(*name, **{k: v for k, v in obj.items() if k != "metadata"})

    async def merge_patch(self, ref: ObjectRef, patch: JsonObject) -> JsonObject:
        self.calls.append("patch")
        self._fail()
        obj = await self.get(ref)
        if obj["metadata"]["resourceVersion"] != patch["metadata"]["resourceVersion"]:
            raise Conflict("modified", status=409)
        return self.put(ref.namespace, ref.name, spec={**obj["spec"], **patch["spec"]})


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def metrics() -> KubeMetrics:
    return KubeMetrics(CollectorRegistry(), "test")


@pytest.fixture(scope="session")
def new_api() -> Callable[[], MemoryApi]:
    """Makes fresh servers in memory, each with its own clock (for tests with many examples)."""
    return lambda: MemoryApi(HandClock(), KubeMetrics(CollectorRegistry(), "test"))


@pytest.fixture
def api(clock: HandClock, metrics: KubeMetrics) -> MemoryApi:
    return MemoryApi(clock, metrics)


Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Script:
    """The answers of an HTTP server, one a request; the last one is repeated."""

    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    requests: list[web.Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    _arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def received(self, number: int) -> None:
        """Return once that many requests have arrived."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: len(self.requests) >= number)

    def add(
        self, body: Any = None, *, status: int = 200, headers: dict[str, str] | None = None
    ) -> Script:
        async def answer(_: web.Request) -> web.StreamResponse:
            if isinstance(body, bytes):
                return web.Response(body=body, status=status, headers=headers)
            return web.json_response(body, status=status, headers=headers)

        self.answers.append(answer)
        return self

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.bodies.append(await request.read())
        async with self._arrived:
            self.requests.append(request)
            self._arrived.notify_all()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await answer(request)


@pytest.fixture
async def script() -> AsyncIterator[Script]:
    script = Script()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", script.handle)
    async with TestServer(application) as server:
        script.url = str(server.make_url(""))
        yield script


@pytest.fixture
async def client(
    script: Script, clock: HandClock, metrics: KubeMetrics
) -> AsyncIterator[KubeClient]:
    configuration = Configuration(host=script.url, api_key={"BearerToken": "Bearer first"})
    async with KubeClient(
        Connection(configuration, source=("/nowhere", None)),
        resources=ResourceRegistry(),
        metrics=metrics,
        clock=clock,
        user_agent="test/1",
        field_manager="test",
        max_in_flight=3,
    ) as client:
        yield client
