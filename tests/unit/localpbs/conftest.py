"""A server that others' clients talk to, and an administrator's token."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from proxmoxer import ProxmoxAPI  # type: ignore[import-untyped]

from localpbs.datastore import Datastore
from localpbs.server import Certificate, Server, serve
from localpbs.world import World

NOW = datetime(2027, 3, 1, 0, 15, tzinfo=UTC)
STORE = "store1"
ADMIN = "admin@pbs!root"


@dataclass
class Turned:
    """The clock of the server."""

    at: datetime = field(default=NOW)

    def now(self) -> datetime:
        return self.at

    def turn(self, by: timedelta) -> None:
        self.at += by


@pytest.fixture
def clock() -> Turned:
    return Turned()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate.make(tmp_path_factory.mktemp("certificate"))


@dataclass
class Clients:
    """proxmoxer, as its documentation has it for Proxmox Backup Server."""

    server: Server
    authority: Path
    opened: list[Any] = field(default_factory=list)

    async def token(self, auth_id: str, secret: str | None = None) -> Any:
        user, _, name = auth_id.partition("!")
        value = secret or self.server.world.access.account(auth_id).secret
        return await self._open(user=user, token_name=name, token_value=value)

    async def user(self, user: str, password: str) -> Any:
        return await self._open(user=user, password=password)

    async def _open(self, **login: str) -> Any:
        # It blocks, and the server runs in this very loop.
        client = await asyncio.to_thread(
            ProxmoxAPI,
            self.server.host,
            port=self.server.port,
            service="pbs",
            verify_ssl=str(self.authority),
            timeout=90,
            **login,
        )
        self.opened.append(client)
        return client


@pytest.fixture
async def server(certificate: Certificate, clock: Turned) -> AsyncIterator[Server]:
    world = World(clock.now)
    world.datastores[STORE] = Datastore()
    world.access.add_user("admin@pbs", "of the administrator")
    world.access.add_token(ADMIN)
    for auth_id in ("admin@pbs", ADMIN):
        world.access.grant("/", auth_id, "Admin")
    async with serve(world, certificate) as server:
        yield server


@pytest.fixture
async def clients(server: Server, certificate: Certificate) -> AsyncIterator[Clients]:
    clients = Clients(server, certificate.authority)
    yield clients
    for client in clients.opened:
        client._store["session"].close()


@pytest.fixture
async def admin(clients: Clients) -> Any:
    return await clients.token(ADMIN)
