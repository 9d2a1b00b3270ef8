"""Whatever the report of a volume says, it is told how full it is, or that it cannot be told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from jitsi_tenant_operator.media.meetings import Unknown
from jitsi_tenant_operator.media.storage import (
    MAX_AGE_SECONDS,
    MAX_BYTES,
    StorageReports,
)
from jitsi_tenant_operator.media.volume import Usage

HERE = "127.0.0.1"
GOOD = b'{"capacity": 1000, "available": 250}\n'
NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)


async def told(body: bytes, *, status: int = 200, age: float | None = 30) -> Usage | Unknown:
    """What is made of a report of this age."""

    async def handler(_: web.Request) -> web.Response:
        headers = {"Date": format_datetime(NOW, usegmt=True)}
        if age is not None:
            written = NOW - timedelta(seconds=age)
            headers["Last-Modified"] = format_datetime(written, usegmt=True)
        return web.Response(body=body, status=status, headers=headers)

    app = web.Application()
    app.router.add_get("/storage", handler)
    async with TestServer(app, host=HERE) as server:
        assert server.port is not None
        return await StorageReports(server.port, seconds=5).usage(HERE)


async def test_tells_how_much_of_the_volume_is_in_use() -> None:
    found = await told(GOOD)
    assert found == Usage(1000, 250)
    assert isinstance(found, Usage)
    assert found.percent == 75


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"90",
        b"{}",
        b'{"capacity": 1000}',
        b'{"capacity": "1000", "available": 250}',
        b'{"capacity": 1000, "available": 250.5}',
        b'{"capacity": true, "available": false}',
        b'{"capacity": 0, "available": 0}',
        b'{"capacity": 1000, "available": 1001}',
        b'{"capacity": 1000, "available": -1}',
        GOOD + b" " * MAX_BYTES,
    ],
)
async def test_nothing_is_believed_that_cannot_be(body: bytes) -> None:
    assert isinstance(await told(body), Unknown)


@pytest.mark.parametrize("age", [None, MAX_AGE_SECONDS + 1, -1])
async def test_a_measurement_of_long_ago_tells_nothing(age: float | None) -> None:
    """A file server that hangs leaves the last report as it is."""
    assert isinstance(await told(GOOD, age=age), Unknown)


async def test_an_error_and_silence_tell_nothing() -> None:
    assert isinstance(await told(GOOD, status=404), Unknown)
    assert isinstance(await StorageReports(9, seconds=5).usage(HERE), Unknown)
