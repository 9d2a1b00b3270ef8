"""/livez, /readyz and /metrics: what a kubelet and Prometheus read."""

from __future__ import annotations

import socket

import aiohttp
import pytest
from prometheus_client import CollectorRegistry, Gauge

from jitsi_tenant_operator.endpoints import serve

HERE = ("127.0.0.1", 0)


async def get(address: tuple[str, int], path: str) -> tuple[int, str]:
    url = f"http://{address[0]}:{address[1]}{path}"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.text()


async def test_says_why_something_is_not_so() -> None:
    verdicts: dict[str, str | None] = {"alive": None, "ready": "the caches are not complete"}
    async with serve(
        HERE,
        registry=CollectorRegistry(),
        alive=lambda: verdicts["alive"],
        ready=lambda: verdicts["ready"],
        before_scrape=lambda: None,
    ) as address:
        assert await get(address, "/livez") == (200, "ok\n")
        assert await get(address, "/readyz") == (503, "the caches are not complete\n")
        verdicts.update(alive="a reconcile has been going on for 901 seconds", ready=None)
        assert (await get(address, "/livez"))[0] == 503
        assert await get(address, "/readyz") == (200, "ok\n")
        assert (await get(address, "/"))[0] == 404


async def test_metrics_are_of_the_moment_they_are_asked_for() -> None:
    registry = CollectorRegistry()
    gauge = Gauge("answer", "Times asked.", registry=registry)
    async with serve(
        HERE,
        registry=registry,
        alive=lambda: None,
        ready=lambda: None,
        before_scrape=gauge.inc,
    ) as address:
        assert "answer 1.0" in (await get(address, "/metrics"))[1]
        assert "answer 2.0" in (await get(address, "/metrics"))[1]


async def test_a_question_that_cannot_be_answered_counts_as_no() -> None:
    def broken() -> str | None:
        raise RuntimeError("a defect")

    async with serve(
        HERE,
        registry=CollectorRegistry(),
        alive=broken,
        ready=lambda: None,
        before_scrape=lambda: None,
    ) as address:
        assert (await get(address, "/livez"))[0] == 500
        assert (await get(address, "/readyz"))[0] == 200


async def test_an_address_that_is_taken_is_an_error_and_the_port_is_free_afterwards() -> None:
    def nothing() -> None:
        return None

    async def once(address: tuple[str, int]) -> tuple[str, int]:
        async with serve(
            address,
            registry=CollectorRegistry(),
            alive=nothing,
            ready=nothing,
            before_scrape=nothing,
        ) as used:
            return used

    with socket.socket() as taken:
        taken.bind(HERE)
        taken.listen()
        address = taken.getsockname()
        with pytest.raises(OSError, match="address already in use"):
            await once(address)
    assert await once(address) == address
