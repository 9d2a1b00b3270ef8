"""A clock turned by hand, small good objects of our kinds, and an API server in memory."""

from __future__ import annotations

import asyncio
import base64
import copy
import heapq
import itertools
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from tests.unit.reconcile.desk import Desk

from jitsi_tenant_operator.api.kinds import BY_NAME
from jitsi_tenant_operator.api.objects import API_VERSION, GROUP, VERSION, JsonObject, ObjectRef
from jitsi_tenant_operator.api.plan import Feature
from jitsi_tenant_operator.contract.terms import effective_terms
from jitsi_tenant_operator.kube.client import Page, Selection
from jitsi_tenant_operator.kube.errors import AlreadyExists, Conflict, Invalid, KubeError, NotFound
from jitsi_tenant_operator.kube.metrics import KubeMetrics
from jitsi_tenant_operator.kube.resources import Resource, ResourceRegistry
from jitsi_tenant_operator.reconcile.resolve import Resolved, tenant_context
from jitsi_tenant_operator.render.context import TenantContext

START = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)


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


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(scope="session")
def new_clock() -> Callable[[], HandClock]:
    """Makes clocks, for tests with many examples."""
    return HandClock


CGU_CLAUSES: list[JsonObject] = [
    {
        "clause": "6.3",
        "terms": {
            "backup": {"daily": "P10D", "weekly": "P2M", "offsite": True},
            "logs": {"retention": "P6M", "compressAfter": "P1D", "disposal": "Delete"},
            "maintenance": {"notice": "PT48H"},
            "formalNotice": {"remedy": "P30D", "prohibitedUse": "PT48H"},
            "endOfContract": {"erasure": "P30D"},
        },
    },
    {"clause": "11.2", "terms": {"location": {"countries": ["FR"]}}},
]

BODIES: dict[str, JsonObject] = {
    "JitsiTenant": {
        "metadata": {
            "name": "acme",
            "namespace": "tenant-acme",
            "uid": "uid-acme",
            "generation": 3,
            "resourceVersion": "7",
        },
        "spec": {
            "contract": {
                "reference": "DC-2026-0142",
                "client": {"legalName": "ACME SAS", "email": "dsi@acme.example"},
                "term": "P12M",
                "documents": ["cgu"],
            },
            "plan": "business",
        },
    },
    "JitsiPlatform": {
        "metadata": {"name": "default", "uid": "uid-platform"},
        "spec": {
            "domain": "meet.example.net",
            "entry": {
                "type": "Ingress",
                "ingress": {"className": "nginx"},
                "tls": {"issuer": {"name": "letsencrypt"}},
            },
            "location": {"country": "FR", "site": "Lyon", "allNodes": True},
        },
    },
    "JitsiPlan": {
        "metadata": {"name": "business"},
        "spec": {
            "capacity": {"participants": 75, "bridges": {"minimum": 1, "maximum": 2}},
            "features": ["Recording", "Livestreaming"],
        },
    },
    "JitsiTerms": {
        "metadata": {"name": "cgu"},
        "spec": {
            "type": "TermsOfService",
            "title": "Terms of service",
            "effectiveFrom": "2026-05-19",
            "address": "https://hosting.example/terms",
            "sha256": "0" * 64,
            "clauses": CGU_CLAUSES,
        },
    },
}


def _laid_over(below: Any, above: Any) -> Any:
    if not isinstance(below, dict) or not isinstance(above, dict):
        return copy.deepcopy(above)
    merged = {key: copy.deepcopy(value) for key, value in below.items() if key not in above}
    return merged | {key: _laid_over(below.get(key), value) for key, value in above.items()}


def _without_null(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: _without_null(each) for key, each in value.items() if each is not None}


@pytest.fixture(scope="session")
def body_of() -> Callable[..., JsonObject]:
    """Makes a good object of a kind; `spec` and `metadata` are laid over those of a small one."""

    def make(kind: str, **parts: Any) -> JsonObject:
        body: JsonObject = _laid_over(BODIES[kind], parts)
        return {"apiVersion": API_VERSION, "kind": kind, **body}

    return make


@pytest.fixture(scope="session")
def make(body_of: Callable[..., JsonObject]) -> Callable[..., Any]:
    """As `body_of`, parsed as strictly as a file."""
    return lambda kind, **parts: BY_NAME[kind].parse(body_of(kind, **parts), strict=True)


class MemoryKube:
    """An API server in memory: what a KubeClient sees, and the calls that it made.

    An apply lays the intent over what is there and takes nothing away; that is the API server's
    business, and is proved against a real one. `faults` are raised by the next calls, in turn.
    """

    def __init__(self, clock: HandClock) -> None:
        self.clock = clock
        self.metrics = KubeMetrics(CollectorRegistry(), "test")
        self.resources = ResourceRegistry(
            Resource(GROUP, VERSION, kind.definition.plural, name, kind.definition.namespaced)
            for name, kind in BY_NAME.items()
        )
        self.objects: dict[ObjectRef, JsonObject] = {}
        self.calls: list[tuple[str, ObjectRef]] = []
        self.faults: list[KubeError | None] = []
        self._version = itertools.count(100)

    def put(self, body: JsonObject) -> JsonObject:
        """Store an object as someone else would."""
        stored = copy.deepcopy(body)
        strings = stored.pop("stringData", {})
        if strings:
            encoded = {k: base64.b64encode(v.encode()).decode() for k, v in strings.items()}
            stored["data"] = stored.get("data", {}) | encoded
        version = next(self._version)
        stored["metadata"].setdefault("uid", f"uid-{version}")
        stored["metadata"].setdefault("creationTimestamp", f"{self.clock.now():%Y-%m-%dT%H:%M:%SZ}")
        stored["metadata"].setdefault("generation", 1)
        stored["metadata"]["resourceVersion"] = str(version)
        self.objects[ObjectRef.of(stored)] = stored
        return copy.deepcopy(stored)

    def called(self, *verbs: str) -> list[tuple[str, ObjectRef]]:
        """The calls with these verbs, all by default."""
        return [call for call in self.calls if not verbs or call[0] in verbs]

    def _call(self, verb: str, ref: ObjectRef) -> JsonObject | None:
        self.calls.append((verb, ref))
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            raise fault
        return self.objects.get(ref)

    async def get(self, ref: ObjectRef, *, metadata_only: bool = False) -> JsonObject:
        found = self._call("get", ref)
        if found is None:
            raise NotFound(f"{ref} not found", status=404)
        if metadata_only:
            found = {name: part for name, part in found.items() if name not in ("data", "spec")}
        return copy.deepcopy(found)

    async def create(self, obj: JsonObject) -> JsonObject:
        if self._call("create", ObjectRef.of(obj)) is not None:
            raise AlreadyExists(f"{ObjectRef.of(obj)} already exists", status=409)
        return self.put(obj)

    async def merge_patch(
        self, ref: ObjectRef, patch: JsonObject, *, subresource: str = ""
    ) -> JsonObject:
        found = self._call(f"patch {subresource}".strip(), ref)
        if found is None:
            raise NotFound(f"{ref} not found", status=404)
        for field in ("uid", "resourceVersion"):
            if patch["metadata"].get(field, found["metadata"][field]) != found["metadata"][field]:
                raise Conflict(f"{ref}: {field} does not match", status=409)
        return self.put(_without_null(_laid_over(found, patch)))

    async def json_patch(self, ref: ObjectRef, operations: list[JsonObject]) -> JsonObject:
        found = self._call("json patch", ref)
        if found is None:
            raise NotFound(f"{ref} not found", status=404)
        after = copy.deepcopy(found)
        for operation in operations:
            *way, last = operation["path"].removeprefix("/").split("/")
            place: Any = after
            for step in way:
                place = place[step]
            if operation["op"] == "test":
                if place[last] != operation["value"]:
                    raise Invalid(f"{ref}: the test failed", status=422)
            elif last == "-":
                place.append(operation["value"])
            else:
                place[last] = operation["value"]
        return self.put(after)

    async def apply(self, obj: JsonObject, *, subresource: str = "") -> JsonObject:
        ref = ObjectRef.of(obj)
        found = self._call(f"apply {subresource}".strip(), ref)
        if found is None or found["metadata"]["uid"] != obj["metadata"].get("uid"):
            raise Conflict(f"{ref}: uid mismatch", status=409)
        return self.put(_laid_over(found, obj))

    async def list_pages(
        self, resource: Resource, selection: Selection
    ) -> AsyncGenerator[Page, None]:
        name = selection.field_selector.removeprefix("metadata.name=")
        ref = ObjectRef(resource.api_version, resource.kind, selection.namespace, name)
        found = self._call("list", ref)
        yield Page([copy.deepcopy(found)] if found is not None else [], "1")


@pytest.fixture
def kube(clock: HandClock) -> MemoryKube:
    return MemoryKube(clock)


@pytest.fixture
def desk(kube: MemoryKube, make: Callable[..., Any]) -> Desk:
    """A follower of a contract."""
    return Desk(kube, make)


@pytest.fixture
def context(make: Callable[..., Any]) -> Callable[..., TenantContext]:
    """What is rendered of a small tenant with so many bridges, exposed in this way."""

    def build(bridges: int = 1, **exposure: Any) -> TenantContext:
        tenant = make("JitsiTenant", spec={"media": {"bridges": bridges}})
        resolved = Resolved(
            tenant=tenant,
            plan=make("JitsiPlan", spec={"capacity": {"bridges": {"maximum": 20}}}),
            platform=make("JitsiPlatform", spec={"media": exposure}),
            documents=("cgu",),
            terms=effective_terms(tenant.spec.contract, [make("JitsiTerms")]),
            features=frozenset[Feature](),
            host="meet.acme.example",
            release="stable-11146-2",
        )
        return tenant_context(resolved, "operator")

    return build
