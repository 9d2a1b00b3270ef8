"""Asks a tenant's own pod over HTTP, without credentials.

The answer is not trusted: time, size and number of requests are bounded, nothing is followed, and
of an answer that cannot be used nothing is told.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

import aiohttp

if TYPE_CHECKING:
    from multidict import CIMultiDictProxy


class UnusableError(Exception):
    """Nobody answered, or an answer tells nothing; the message holds nothing of it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered, and how old it was by the answering side's own clock, if it said so."""

    body: bytes
    age: float | None


class Asker:
    """Asks for one `path` at one `port` of pods. For one event loop.

    `who` is asked, in words; an answer may take `seconds` and `max_bytes` in all; `at_once` are
    asked at the same time, others wait for their turn.
    """

    def __init__(
        self, who: str, port: int, path: str, *, max_bytes: int, seconds: float, at_once: int
    ) -> None:
        self._who = who
        self._port = port
        self._path = path
        self._max_bytes = max_bytes
        self._seconds = seconds
        self._turn = asyncio.Semaphore(at_once)

    async def ask(self, address: str) -> Answer:
        """What the pod at `address`, an IP, answers; raises UnusableError and nothing else."""
        async with self._turn:
            try:
                return await self._ask(address)
            except TimeoutError:
                text = f"{self._who} did not answer within {self._seconds:g} seconds"
                raise UnusableError(text) from None
            except (aiohttp.ClientError, OSError, ValueError):
                raise UnusableError(f"{self._who} could not be reached") from None

    async def _ask(self, address: str) -> Answer:
        host = f"[{address}]" if ":" in address else address
        url = f"http://{host}:{self._port}{self._path}"
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
                raise UnusableError(f"{self._who} answered with status {answer.status}")
            return Answer(await self._bounded(answer.content), _age(answer.headers))

    async def _bounded(self, content: aiohttp.StreamReader) -> bytes:
        body = bytearray()
        async for part in content.iter_any():
            body += part
            if len(body) > self._max_bytes:
                raise UnusableError(f"{self._who} answered with more than {self._max_bytes} bytes")
        return bytes(body)


def _age(headers: CIMultiDictProxy[str]) -> float | None:
    date, modified = _instant(headers.get("Date")), _instant(headers.get("Last-Modified"))
    if date is None or modified is None:
        return None
    return (date - modified).total_seconds()


def _instant(text: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(text) if text is not None else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None
