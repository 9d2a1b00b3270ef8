"""Whatever a Jicofo answers, it is told how many people meet, or that it cannot be told."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from jitsi_tenant_operator.media.jicofo import MAX_BYTES, JicofoStatistics
from jitsi_tenant_operator.media.meetings import Meetings, Unknown

HERE = "127.0.0.1"
STATISTICS = {
    "conferences": 2,
    "participants": 7,
    "largest_conference": 5,
    "bridge_selector": {"bridge_count": 1},
    "jibri_detector": {"count": 0},
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def jicofo(handler: Handler, host: str = HERE) -> AsyncIterator[int]:
    """A server on HTTP whose answers `handler` gives; its port."""
    app = web.Application()
    app.router.add_get("/{path:.*}", handler)
    async with TestServer(app, host=host) as server:
        assert server.port is not None
        yield server.port


async def asked(handler: Handler) -> Meetings | Unknown:
    async with jicofo(handler) as port:
        return await JicofoStatistics(port, seconds=5).meetings(HERE)


def answering(body: object, **more: object) -> Handler:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()

    async def handler(request: web.Request) -> web.StreamResponse:
        assert request.path == "/stats"
        return web.Response(body=text, **more)  # type: ignore[arg-type]

    return handler


async def test_tells_conferences_and_people() -> None:
    found = await asked(answering(STATISTICS))
    assert found == Meetings(2, 7)


@pytest.mark.parametrize(
    ("conferences", "participants", "idle"),
    [(0, 0, True), (1, 0, False), (0, 1, False), (1, 2, False)],
)
def test_nobody_meets_where_there_is_neither_a_conference_nor_a_person(
    conferences: int, participants: int, idle: bool
) -> None:
    assert Meetings(conferences, participants).idle is idle


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"<html>",
        b"[]",
        b"0",
        {},
        {"conferences": 0},
        {"participants": 0},
        {"conferences": "0", "participants": 0},
        {"conferences": 0.0, "participants": 0},
        {"conferences": None, "participants": 0},
        {"conferences": False, "participants": False},
        {"conferences": -1, "participants": 0},
        {"conferences": 10**12, "participants": 0},
        b'{"conferences": 0, "participants": ' + b"1" * 400 + b"}",
        b'{"conferences": NaN, "participants": 0}',
    ],
)
async def test_what_is_no_statistics_tells_nothing(body: object) -> None:
    assert isinstance(await asked(answering(body)), Unknown)


@pytest.mark.parametrize("status", [201, 204, 302, 404, 500, 503])
async def test_another_status_tells_nothing(status: int) -> None:
    idle = {"conferences": 0, "participants": 0}
    headers = {"Location": "/elsewhere"} if status == 302 else {}
    found = await asked(answering(b"" if status == 204 else idle, status=status, headers=headers))
    assert found == Unknown(f"Jicofo answered with status {status}")


async def test_a_redirection_is_not_followed() -> None:
    paths = []

    async def handler(request: web.Request) -> web.StreamResponse:
        paths.append(request.path)
        raise web.HTTPFound("/idle")

    assert isinstance(await asked(handler), Unknown)
    assert paths == ["/stats"]


async def test_a_huge_answer_is_not_read_to_its_end() -> None:
    sent = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        answer = web.StreamResponse()
        await answer.prepare(request)
        while True:
            await answer.write(b" " * 65536)
            sent += 65536

    assert await asked(handler) == Unknown(f"Jicofo answered with more than {MAX_BYTES} bytes")
    assert sent < 64 * MAX_BYTES, "what is not read piles up in buffers of the system at most"


@pytest.mark.parametrize("content", [b" " * 100_000_000, json.dumps(STATISTICS).encode()])
async def test_a_compressed_answer_does_not_grow_here(content: bytes) -> None:
    """Nobody asked for one, so that it is not even unpacked."""
    packed = gzip.compress(content)
    assert len(packed) < MAX_BYTES
    found = await asked(answering(packed, headers={"Content-Encoding": "gzip"}))
    assert found == Unknown("Jicofo answered with something else than statistics")


@pytest.mark.parametrize("begins", [False, True], ids=["silent", "trickling"])
async def test_a_slow_answer_is_not_waited_for(begins: bool) -> None:
    never = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        if begins:
            await answer.prepare(request)
            await answer.write(b'{"conferences"')
        await never.wait()
        return answer

    async with jicofo(handler) as port:
        found = await JicofoStatistics(port, seconds=0.05).meetings(HERE)
        never.set()
    assert found == Unknown("Jicofo did not answer within 0.05 seconds")


async def test_a_port_that_nobody_listens_at_tells_nothing() -> None:
    with socket.socket() as probe:
        probe.bind((HERE, 0))
        found = await JicofoStatistics(probe.getsockname()[1]).meetings(HERE)
    assert found == Unknown("Jicofo could not be reached")


async def test_a_connection_that_is_cut_tells_nothing() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    assert isinstance(await asked(handler), Unknown)


async def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert await asked(answering(STATISTICS)) == Meetings(2, 7)


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
async def test_an_address_of_ipv6_is_asked_too() -> None:
    try:
        async with jicofo(answering(STATISTICS), host="::1") as port:
            assert await JicofoStatistics(port).meetings("::1") == Meetings(2, 7)
    except OSError:
        pytest.skip("no IPv6 here")


async def test_only_so_many_are_asked_at_once() -> None:
    held = asyncio.Semaphore(0)
    arrived: asyncio.Queue[None] = asyncio.Queue()

    async def handler(request: web.Request) -> web.StreamResponse:
        if request.path == "/stats":
            arrived.put_nowait(None)
            await held.acquire()
        return web.json_response(STATISTICS)

    async with jicofo(handler) as port, aiohttp.ClientSession() as session:
        media = JicofoStatistics(port, seconds=30, at_once=2)
        asking = asyncio.gather(*(media.meetings(HERE) for _ in range(6)))
        for _ in range(6):
            await arrived.get()
            # Whoever else was asked at the same time would have been by the end of these.
            for _ in range(10):
                await session.get(f"http://{HERE}:{port}/other")
            assert arrived.qsize() <= 1
            held.release()
        assert await asking == [Meetings(2, 7)] * 6


async def test_nothing_of_an_answer_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "room-of-the-board"
    for body in ({"conferences": secret, "participants": 0}, secret.encode()):
        found = await asked(answering(body))
        assert isinstance(found, Unknown)
        assert secret not in found.why
    assert secret not in caplog.text
