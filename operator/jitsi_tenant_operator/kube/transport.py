"""Sends requests to the API server: how many at once, how often, and with which credentials."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import nullcontext
from dataclasses import dataclass
from http import HTTPStatus

import aiohttp
from yarl import URL

from jitsi_tenant_operator.clock import Clock
from jitsi_tenant_operator.kube.connection import Connection, timeouts
from jitsi_tenant_operator.kube.errors import (
    KubeError,
    SilentStream,
    Unauthorized,
    Unavailable,
    error_of_response,
)
from jitsi_tenant_operator.kube.metrics import KubeMetrics

JSON = "application/json"

_TRIES = 3
_REQUEST_SECONDS = 30.0
_LONGEST_WAIT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `verb` and `resource` are for the metrics, `path` is encoded, with its query.

    `repeatable`: sending it twice does the same as sending it once. `sensitive`: errors must not
    quote the object. `queued`: it takes one of the slots that requests share.
    """

    verb: str
    resource: str
    method: str
    path: str
    body: bytes | None = None
    content_type: str = JSON
    accept: str = JSON
    repeatable: bool = True
    sensitive: bool = False
    queued: bool = True


class Transport:
    """All requests but streams share `max_in_flight`; the credentials are renewed on a 401."""

    def __init__(
        self,
        connection: Connection,
        *,
        metrics: KubeMetrics,
        clock: Clock,
        user_agent: str,
        max_in_flight: int,
    ) -> None:
        self.connection = connection
        self._metrics = metrics
        self._clock = clock
        self._user_agent = user_agent
        self._slots = asyncio.Semaphore(max_in_flight)

    async def send(self, request: Request) -> bytes:
        """The body of the answer. What is worth repeating is repeated, up to three tries.

        The slot is free while waiting, so that one bad path holds up nobody else.
        """
        renewed = False
        tries = 0
        while True:
            tries += 1
            authorization = await self.connection.authorization()
            try:
                async with self._slots if request.queued else nullcontext():
                    return await self._exchange(request, authorization)
            except Unauthorized:
                if renewed or not await self.connection.renew(authorization):
                    raise
                renewed = True
            except Unavailable as error:
                delay = _delay_before_next(tries, error, request)
                if delay is None:
                    raise
                await self._clock.sleep(delay)

    async def _exchange(self, request: Request, authorization: str | None) -> bytes:
        try:
            async with self.connection.session().request(
                request.method,
                self._url(request),
                data=request.body,
                headers=self._headers(request, authorization),
                timeout=timeouts(total=_REQUEST_SECONDS),
                **self.connection.options,
            ) as response:
                body = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._broken(request, error) from error
        self._count(request, str(response.status))
        if response.status >= HTTPStatus.MULTIPLE_CHOICES:
            raise error_of_response(
                response.status, response.headers, body, sensitive=request.sensitive
            )
        return body

    async def lines(self, request: Request, inactivity: float) -> AsyncGenerator[bytes]:
        """The lines of an answer without end; the connection is closed with the generator.

        SilentStream when nothing arrives for `inactivity` seconds.
        """
        authorization = await self.connection.authorization()
        try:
            async with self.connection.session().get(
                self._url(request),
                headers=self._headers(request, authorization),
                timeout=timeouts(silence=inactivity),
                **self.connection.options,
            ) as response:
                self._count(request, str(response.status))
                if response.status != HTTPStatus.OK:
                    body = await response.read()
                    error = error_of_response(
                        response.status, response.headers, body, sensitive=request.sensitive
                    )
                    if isinstance(error, Unauthorized):
                        await self.connection.renew(authorization)
                    raise error
                rest = b""
                async for chunk in response.content.iter_any():
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in lines:
                        yield line
        except aiohttp.SocketTimeoutError as error:
            raise SilentStream(f"{request.path}: nothing heard for {inactivity:g} s") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._broken(request, error) from error

    def _url(self, request: Request) -> URL:
        return URL(self.connection.base_url + request.path, encoded=True)

    def _headers(self, request: Request, authorization: str | None) -> dict[str, str]:
        headers = {
            "Accept": request.accept,
            # The API server would compress large answers: dear for both, useless in a cluster.
            "Accept-Encoding": "identity",
            "User-Agent": self._user_agent,
        }
        if request.body is not None:
            headers["Content-Type"] = request.content_type
        if authorization:
            headers["Authorization"] = authorization
        return headers

    def _broken(self, request: Request, error: Exception) -> Unavailable:
        code = "timeout" if isinstance(error, TimeoutError) else "connection"
        self._count(request, code)
        text = str(error) or type(error).__name__
        return Unavailable(f"{request.verb} {request.path}: {text}", reason=code.capitalize())

    def _count(self, request: Request, code: str) -> None:
        self._metrics.requests.labels(request.verb, request.resource, code).inc()


def _delay_before_next(tries: int, error: KubeError, request: Request) -> float | None:
    """Seconds to wait before the next try, None when there shall be none.

    A request that is not repeatable may still follow a 429: the server has not looked at it. A
    longer Retry-After is left to the caller. Those who were told the same do not all come back at
    the same moment, and none earlier.
    """
    refused_unseen = error.status == HTTPStatus.TOO_MANY_REQUESTS
    if tries >= _TRIES or not (request.repeatable or refused_unseen):
        return None
    asked = error.retry_after or 0.0
    if asked > _LONGEST_WAIT_SECONDS:
        return None
    usual: float = 0.2 * 4 ** (tries - 1)
    spread = random.random()  # noqa: S311
    return max(asked * (1.0 + spread / 4), usual * (0.5 + spread / 2))
