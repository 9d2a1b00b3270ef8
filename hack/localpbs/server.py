"""Runs a server on a free port of this machine, over TLS, with a certificate of its own making."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from localpbs import (
    routes_access,
    routes_datastore,
    routes_node,
    routes_sync,
    routes_upload,
    routes_work,
)
from localpbs.web import WORLD
from localpbs.world import World
from localplane.credentials import write_serving_certificate

_MOST_BYTES = 2**30


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a server shows: the context to serve with, and the fingerprint to be pinned."""

    context: ssl.SSLContext
    fingerprint: str
    authority: Path
    """The certificate of who signed it, for clients that pin nothing."""

    @classmethod
    def make(cls, folder: Path) -> Certificate:
        """Write a new certificate and its key into a folder."""
        authority, certificate = folder / "authority.pem", folder / "proxy.pem"
        key = folder / "proxy.key"
        write_serving_certificate(authority, certificate, key)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)
        digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.read_text())).hexdigest()
        fingerprint = ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))
        return cls(context, fingerprint, authority)


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs."""

    world: World
    port: int
    fingerprint: str
    host: str = "127.0.0.1"

    @property
    def url(self) -> str:
        """Where it is reached."""
        return f"https://{self.host}:{self.port}"


@asynccontextmanager
async def serve(world: World, certificate: Certificate) -> AsyncIterator[Server]:
    """Serve `world` while the block runs."""
    application = web.Application(client_max_size=_MOST_BYTES)
    application[WORLD] = world
    routes_access.add_ticket_route(application)
    for module in (
        routes_access,
        routes_datastore,
        routes_node,
        routes_sync,
        routes_upload,
        routes_work,
    ):
        module.ROUTES.add_to(application)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=certificate.context)
    await site.start()
    try:
        yield Server(world, runner.addresses[0][1], certificate.fingerprint)
    finally:
        await world.tasks.stop()
        await _abort_connections(runner)
        await runner.cleanup()


async def _abort_connections(runner: web.AppRunner) -> None:
    """End what clients keep open: to part in good order takes TLS more time than a test has."""
    assert runner.server is not None
    for connection in list(runner.server.connections):
        if connection.transport is not None:
            connection.transport.abort()
    # Each layer of a transport takes its turn of the loop to let go.
    for _ in range(4):
        await asyncio.sleep(0)
