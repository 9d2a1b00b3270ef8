"""The page on which a client acknowledges receipt of a notice (clause 15.4).

Its address holds a token that only the recipient of the notice knows. Opening the page changes
nothing, since programs that look for malicious links open it too; only its button acknowledges.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from jitsi_tenant_operator.api.contract import ClientLanguage
from jitsi_tenant_operator.clock import Clock
from jitsi_tenant_operator.contract.calendar import Calendar
from jitsi_tenant_operator.notify import page
from jitsi_tenant_operator.notify.bucket import TokenBucket

MIN_KEY = 32
"""How many bytes a key has at least."""
STORE_SECONDS = 10.0
"""How long the store is waited for."""

_PURPOSE = b"jitsi-tenant-operator/acknowledge-notice\0"
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_RATE, _BURST = 10.0, 50
_RETRY_SECONDS = 30
_LOGGER = logging.getLogger(__name__)
# aiohttp tells the address of whoever sends a broken request, and the request.
_SILENT = logging.getLogger(f"{__name__}.server")


@dataclass(frozen=True, slots=True)
class Pending:
    """A notice as the page shows it; `acknowledged` is None until it is."""

    uid: str
    subject: str
    reference: str
    language: ClientLanguage
    acknowledged: datetime | None = None


class StoreUnavailableError(Exception):
    """The store does not answer; the page asks to try again."""


class Receipts(Protocol):
    """Where notices are found and their receipts recorded."""

    async def find(self, namespace: str, name: str) -> Pending | None:
        """The notice as it is now: what `acknowledge` has recorded is seen at once.

        Raises StoreUnavailableError.
        """

    async def acknowledge(self, namespace: str, name: str, uid: str, at: datetime) -> None:
        """Record that the notice `uid` was received at `at`; the first instant recorded stays.

        Raises StoreUnavailableError, also when the notice of that name has another uid by now.
        """


def token(key: bytes, uid: str) -> str:
    """The token of the notice `uid`. Raises ValueError for a key below `MIN_KEY` bytes."""
    if len(key) < MIN_KEY:
        raise ValueError(f"the key for acknowledgements has at least {MIN_KEY} bytes")
    digest = hmac.digest(key, _PURPOSE + uid.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def is_valid(key: bytes, uid: str, token: str) -> bool:
    """Whether `token` is that of the notice `uid`; takes the same time for any that is not."""
    return hmac.compare_digest(_token(key, uid).encode(), token.encode(errors="replace"))


_token = token


def application(
    store: Receipts,
    *,
    key: bytes,
    clock: Clock,
    calendar: Calendar,
    language: ClientLanguage = ClientLanguage.FRENCH,
    store_seconds: float = STORE_SECONDS,
) -> web.Application:
    """The page as an application of its own, at /acknowledge/{namespace}/{name}/{token}.

    `calendar` has the zone of the instants that are shown, `language` is for whoever asks for
    neither of ours where no notice is found. Raises ValueError for a short key.
    """
    token(key, "")
    pages = _Pages(store, key, clock, calendar, store_seconds)
    bucket = TokenBucket(clock, rate=_RATE, burst=_BURST)
    found = web.Application(middlewares=[_guard(bucket, language)])
    path = "/acknowledge/{namespace}/{name}/{token}"
    found.router.add_get(path, pages.show)
    found.router.add_post(path, pages.acknowledge)
    return found


@asynccontextmanager
async def serve(
    address: tuple[str, int], application: web.Application
) -> AsyncIterator[tuple[str, int]]:
    """Serve `application` at host and port while the block runs, and log nothing of any request.

    Yields the address in use, which differs when port 0 was asked for. Raises OSError when the
    address cannot be had.
    """
    _SILENT.disabled = True
    runner = web.AppRunner(application, access_log=None, logger=_SILENT)
    await runner.setup()
    try:
        site = web.TCPSite(runner, *address)
        await site.start()
        host, port = runner.addresses[0][:2]
        yield host, port
    finally:
        await runner.cleanup()


class _Pages:
    def __init__(
        self,
        store: Receipts,
        key: bytes,
        clock: Clock,
        calendar: Calendar,
        store_seconds: float,
    ) -> None:
        self._store, self._key, self._clock = store, key, clock
        self._calendar, self._store_seconds = calendar, store_seconds
        # Two buttons pressed at once record one receipt, and both pages tell the same instant.
        self._recording = asyncio.Lock()

    async def show(self, request: web.Request) -> web.Response:
        async with asyncio.timeout(self._store_seconds):
            found = await self._find(request)
        return self._page(request, found)

    async def acknowledge(self, request: web.Request) -> web.Response:
        async with asyncio.timeout(self._store_seconds), self._recording:
            found = await self._find(request)
            if found.acknowledged is None:
                at = self._clock.now()
                namespace, name = request.match_info["namespace"], request.match_info["name"]
                await self._store.acknowledge(namespace, name, found.uid, at)
                found = Pending(found.uid, found.subject, found.reference, found.language, at)
        return self._page(request, found)

    async def _find(self, request: web.Request) -> Pending:
        """The notice that the address is of. Raises HTTPNotFound, alike for whatever is wrong."""
        place = request.match_info
        named = _LABEL.fullmatch(place["namespace"]) and _LABEL.fullmatch(place["name"])
        if not named or _TOKEN.fullmatch(place["token"]) is None:
            raise web.HTTPNotFound
        found = await self._store.find(place["namespace"], place["name"])
        uid = "" if found is None else found.uid
        if not is_valid(self._key, uid, place["token"]) or found is None:
            raise web.HTTPNotFound
        return found

    def _page(self, request: web.Request, found: Pending) -> web.Response:
        language = page.preferred(request.headers.get("Accept-Language", ""), found.language)
        return page.notice(
            language,
            subject=found.subject,
            reference=found.reference,
            acknowledged=found.acknowledged,
            calendar=self._calendar,
        )


def _guard(bucket: TokenBucket, fallback: ClientLanguage) -> Middleware:
    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        language = page.preferred(request.headers.get("Accept-Language", ""), fallback)
        if not bucket.take():
            return page.problem(language, 429, retry_after=_RETRY_SECONDS)
        try:
            return await handler(request)
        except web.HTTPException as answer:
            return page.problem(language, answer.status, allow=answer.headers.get("Allow"))
        except (TimeoutError, StoreUnavailableError):
            _LOGGER.warning("a notice could not be shown: the store does not answer")
        except Exception as error:  # noqa: BLE001 - aiohttp would log where it came from
            _LOGGER.error("a notice could not be shown: %s", type(error).__name__)  # noqa: TRY400
        return page.problem(language, 503, retry_after=_RETRY_SECONDS)

    return guard
