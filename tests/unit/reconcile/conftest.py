"""A clock turned by hand, and small good objects of our kinds to lay changes over."""

from __future__ import annotations

import asyncio
import copy
import heapq
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jitsi_tenant_operator.api.kinds import BY_NAME
from jitsi_tenant_operator.api.objects import API_VERSION, JsonObject

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
            "location": {"country": "FR", "site": "Lyon"},
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
