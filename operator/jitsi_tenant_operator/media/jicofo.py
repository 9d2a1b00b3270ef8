"""Asks a Jicofo for its statistics: `GET /stats` of its REST interface, which has no credentials.

The answer comes from a tenant's own pod, so it is not trusted: time, size and number of requests
are bounded, nothing is followed, and of the answer two numbers are read.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus

import aiohttp
import orjson

from jitsi_tenant_operator.media.meetings import Meetings, Unknown

MAX_BYTES = 256 * 1024
"""Many times what the statistics of a Jicofo with hundreds of conferences take."""
_MAX_COUNT = 10**9


class JicofoStatistics:
    """Tells meetings by the statistics of Jicofo. For one event loop.

    `port` is where Jicofo listens, `seconds` what an answer may take in all, `at_once` how many
    are asked at the same time; others wait for their turn.
    """

    def __init__(self, port: int, *, seconds: float = 3.0, at_once: int = 16) -> None:
        self._port = port
        self._seconds = seconds
        self._turn = asyncio.Semaphore(at_once)

    async def meetings(self, address: str) -> Meetings | Unknown:
        """The meetings that the Jicofo at `address`, an IP, conducts right now; never raises."""
        async with self._turn:
            try:
                return _read(await self._ask(address))
            except TimeoutError:
                return Unknown(f"Jicofo did not answer within {self._seconds:g} seconds")
            except _UnusableError as error:
                return Unknown(str(error))
            except (aiohttp.ClientError, OSError, ValueError):
                return Unknown("Jicofo could not be reached")

    async def _ask(self, address: str) -> bytes:
        host = f"[{address}]" if ":" in address else address
        url = f"http://{host}:{self._port}/stats"
        # Of its own for each request: answers of one tenant leave no trace in that of another.
        async with (
            aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=self._seconds),
                cookie_jar=aiohttp.DummyCookieJar(),
                # What is small on the wire must not become large here.
                auto_decompress=False,
                trust_env=False,
            ) as session,
            session.get(
                url, allow_redirects=False, headers={"Accept-Encoding": "identity"}
            ) as answer,
        ):
            if answer.status != HTTPStatus.OK:
                raise _UnusableError(f"Jicofo answered with status {answer.status}")
            return await _bounded(answer.content)


async def _bounded(content: aiohttp.StreamReader) -> bytes:
    body = bytearray()
    async for part in content.iter_any():
        body += part
        if len(body) > MAX_BYTES:
            raise _UnusableError(f"Jicofo answered with more than {MAX_BYTES} bytes")
    return bytes(body)


def _read(body: bytes) -> Meetings:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise _UnusableError("Jicofo answered with something else than statistics")
    return Meetings(_count(found, "conferences"), _count(found, "participants"))


def _count(found: dict[str, object], name: str) -> int:
    value = found.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MAX_COUNT:
        raise _UnusableError(f"the statistics of Jicofo lack the number of {name}")
    return value


class _UnusableError(Exception):
    """An answer that tells nothing; the message holds nothing of it."""
