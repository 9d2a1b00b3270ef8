"""Where the cases run: on the stand-in, and on a real server where the environment names one.

PBS_URL is https://HOST:PORT/DATASTORE or https://HOST:PORT/DATASTORE/NAMESPACE (default: tenants),
PBS_TOKEN is USER@REALM!NAME:SECRET, PBS_FINGERPRINT the SHA-256 of the server's certificate.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from yarl import URL

from jitsi_tenant_operator.backup.pbs.access import ensure_namespace, remove_namespace
from jitsi_tenant_operator.backup.pbs.address import DEFAULT_PORT, Address
from jitsi_tenant_operator.backup.pbs.client import PbsClient
from jitsi_tenant_operator.backup.pbs.keys import new_key
from jitsi_tenant_operator.backup.pbs.namespace import Namespace
from jitsi_tenant_operator.backup.pbs.program import PROGRAM
from jitsi_tenant_operator.backup.pbs.store import ProxmoxStore
from jitsi_tenant_operator.backup.store import BackupRequest, Copy, Group, Snapshot
from jitsi_tenant_operator.clock import Clock, SystemClock
from localpbs import client as stand_in
from localpbs.server import Certificate, serve
from localpbs.sites import PARENT, prepare
from localpbs.world import World

VARIABLES = ("PBS_URL", "PBS_TOKEN", "PBS_FINGERPRINT")


@dataclass
class Wall:
    """The clock of the stand-in, which nobody turns but who waits."""

    at: datetime = field(default=datetime(2027, 3, 1, 0, 31, tzinfo=UTC))

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass(frozen=True)
class Server:
    """A server, the operator's token on it, and the client program that belongs to it."""

    address: Address
    secret: str
    fingerprint: str
    parent: str
    program: str
    clock: Clock


@dataclass(frozen=True)
class Case:
    """A namespace of a case's own, which is removed afterwards with all that is in it."""

    server: Server
    namespace: Namespace
    store: ProxmoxStore
    data: Path

    def client(self) -> AbstractAsyncContextManager[PbsClient]:
        return self.namespace.client(self.server.clock)

    async def back_up(self, at: datetime, group: Group = Group.SCHEDULED) -> Snapshot:
        request = BackupRequest(group, at.date(), at, [self.data], [], "a" * 64)
        return (await self.store.back_up(request)).snapshot


def real_server() -> Server:
    """The server of the environment; the test is skipped where there is none."""
    missing = [name for name in VARIABLES if name not in os.environ]
    if missing:
        pytest.skip(f"no real Proxmox Backup Server: set {', '.join(missing)}")
    program = shutil.which(PROGRAM)
    if program is None:
        pytest.fail(f"{PROGRAM} is not on the PATH")
    url = URL(os.environ["PBS_URL"])
    datastore, _, parent = url.path.strip("/").partition("/")
    auth_id, _, secret = os.environ["PBS_TOKEN"].partition(":")
    port = url.explicit_port or DEFAULT_PORT
    return Server(
        Address.parse(f"{auth_id}@{url.host}:{port}:{datastore}"),
        secret,
        os.environ["PBS_FINGERPRINT"].lower(),
        parent or PARENT,
        program,
        SystemClock(),
    )


@pytest.fixture(params=["stand-in", "real"])
async def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Server]:
    if request.param == "real":
        yield real_server()
        return
    clock = Wall()
    world = World(clock.now)
    secret = prepare(world)
    certificate = Certificate.make(tmp_path_factory.mktemp("certificate"))
    program = stand_in.install(tmp_path_factory.mktemp("program"))
    async with serve(world, certificate) as running:
        text = f"jitsi@pbs!operator@{running.host}:{running.port}:store1"
        address = Address.parse(text)
        yield Server(address, secret, running.fingerprint, PARENT, str(program), clock)


@pytest.fixture
async def case(server: Server, tmp_path: Path) -> AsyncIterator[Case]:
    (tmp_path / "secret").write_text(f"{server.secret}\n")
    (tmp_path / "key.json").write_bytes(new_key(server.clock.now()))
    data = tmp_path / "data"
    data.mkdir()
    namespace = Namespace(
        server.address,
        f"{server.parent}/conformance-{secrets.token_hex(6)}",
        server.fingerprint,
        tmp_path / "secret",
        tmp_path / "key.json",
    )
    store = ProxmoxStore(
        {Copy.PRIMARY: namespace}, server.clock, tmp_path / "scratch", program=server.program
    )
    async with namespace.client(server.clock) as client:
        await ensure_namespace(client, namespace.name)
    yield Case(server, namespace, store, data)
    left = await store.snapshots(Copy.PRIMARY)
    for each in left:
        if each.protected:
            await store.protect(Copy.PRIMARY, each.id, protected=False)
    await store.forget(Copy.PRIMARY, [each.id for each in left])
    async with namespace.client(server.clock) as client:
        await remove_namespace(client, namespace.name)
