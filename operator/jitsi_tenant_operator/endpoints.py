"""The operator's own HTTP surface: liveness, readiness and metrics.

It holds nothing of a tenant but counts, and answers without a word to the API server.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

Verdict = Callable[[], str | None]
"""Why something is not so, or None when it is."""


@asynccontextmanager
async def serve(
    address: tuple[str, int],
    *,
    registry: CollectorRegistry,
    alive: Verdict,
    ready: Verdict,
    before_scrape: Callable[[], None],
) -> AsyncIterator[tuple[str, int]]:
    """Serve /livez, /readyz and /metrics at host and port while the block runs.

    Yields the address in use, which differs when port 0 was asked for. Raises OSError when the
    address cannot be had.
    """

    async def metrics(_: web.Request) -> web.Response:
        before_scrape()
        return web.Response(
            body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )

    application = web.Application()
    application.router.add_get("/livez", _answer(alive))
    application.router.add_get("/readyz", _answer(ready))
    application.router.add_get("/metrics", metrics)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, *address)
        await site.start()
        host, port = runner.addresses[0][:2]
        yield host, port
    finally:
        await runner.cleanup()


def _answer(verdict: Verdict) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_: web.Request) -> web.Response:
        problem = verdict()
        return web.Response(text=f"{problem or 'ok'}\n", status=503 if problem else 200)

    return answer
