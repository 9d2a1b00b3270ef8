"""Two servers as docs/pbs.md has them set up: one near, and one far, which fetches from it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from localpbs.datastore import Datastore
from localpbs.server import Certificate, Server, serve
from localpbs.world import World

DATASTORE = "store1"
PARENT = "tenants"
USER = "jitsi@pbs"
PASSWORD = "correct horse battery staple"  # noqa: S105 - of a server that lives for one test
OPERATOR = f"{USER}!operator"
READER = "sync@pbs!offsite"
REMOTE = "near"


@dataclass(frozen=True, slots=True)
class Site:
    """A server that runs, and the secret of the operator's token on it."""

    server: Server
    secret: str

    @property
    def world(self) -> World:
        """What the server is made of."""
        return self.server.world

    @property
    def address(self) -> str:
        """The datastore and the operator's token, as a repository's address."""
        return self.address_of(OPERATOR)

    def address_of(self, auth_id: str) -> str:
        """The same datastore for another token."""
        return f"{auth_id}@{self.server.host}:{self.server.port}:{DATASTORE}"

    @property
    def datastore(self) -> Datastore:
        """What is stored there."""
        return self.world.datastores[DATASTORE]


def prepare(world: World) -> str:
    """Set up datastore, user, token and rights; the secret of the operator's token."""
    world.datastores[DATASTORE] = Datastore()
    world.datastores[DATASTORE].create_namespace("", PARENT)
    world.access.add_user(USER, PASSWORD)
    secret = world.access.add_token(OPERATOR)
    for auth_id in (USER, OPERATOR):
        world.access.grant(f"/datastore/{DATASTORE}", auth_id, "DatastoreAudit", propagate=False)
        world.access.grant(f"/datastore/{DATASTORE}/{PARENT}", auth_id, "DatastoreAdmin")
    return secret


@asynccontextmanager
async def two_sites(
    certificates: tuple[Certificate, Certificate], clock: Callable[[], datetime]
) -> AsyncIterator[tuple[Site, Site]]:
    """Run both while the block runs: the primary, and the one off-site."""
    async with AsyncExitStack() as stack:
        worlds = World(clock), World(clock)
        secrets = [prepare(world) for world in worlds]
        near, far = [
            await stack.enter_async_context(serve(world, certificate))
            for world, certificate in zip(worlds, certificates, strict=True)
        ]
        _let_read(near.world)
        _make_known(far.world, near)
        yield Site(near, secrets[0]), Site(far, secrets[1])


def _let_read(near: World) -> None:
    near.access.add_user("sync@pbs", "unused")
    near.access.add_token(READER)
    for auth_id in ("sync@pbs", READER):
        near.access.grant(f"/datastore/{DATASTORE}/{PARENT}", auth_id, "DatastoreReader")


def _make_known(far: World, near: Server) -> None:
    far.remotes[REMOTE] = {
        "name": REMOTE,
        "host": near.host,
        "port": near.port,
        "auth-id": READER,
        "password": near.world.access.account(READER).secret,
        "fingerprint": near.fingerprint,
    }
    for auth_id in (USER, OPERATOR):
        far.access.grant(f"/remote/{REMOTE}", auth_id, "RemoteSyncOperator")
