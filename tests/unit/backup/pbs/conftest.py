"""Two servers on this machine, a clock turned by hand, and one tenant with a token and a key."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jitsi_tenant_operator.backup.configuration import ProxmoxRepository
from jitsi_tenant_operator.backup.pbs.configured import proxmox_store
from jitsi_tenant_operator.backup.pbs.keys import new_key
from jitsi_tenant_operator.backup.pbs.names import tenant_namespace
from jitsi_tenant_operator.backup.pbs.store import ProxmoxStore
from jitsi_tenant_operator.backup.store import BackupRequest, Group, Written
from localpbs import client
from localpbs.server import Certificate
from localpbs.sites import DATASTORE, PARENT, USER, Site, two_sites

NOW = datetime(2026, 9, 1, 23, 30, tzinfo=UTC)


class HandClock:
    """A clock that stands still until it is turned."""

    def __init__(self) -> None:
        self.at, self.seconds = NOW, 0.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.turn(timedelta(seconds=seconds))

    def turn(self, by: timedelta) -> None:
        self.seconds += by.total_seconds()
        self.at += by


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Certificate, Certificate]:
    near, far = (Certificate.make(tmp_path_factory.mktemp(name)) for name in ("near", "far"))
    return near, far


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What stands in for proxmox-backup-client."""
    return str(client.install(tmp_path_factory.mktemp("program")))


@pytest.fixture
async def sites(
    certificates: tuple[Certificate, Certificate], clock: HandClock
) -> AsyncIterator[tuple[Site, Site]]:
    async with two_sites(certificates, clock.now) as sites:
        yield sites


@pytest.fixture
def primary(sites: tuple[Site, Site]) -> Site:
    return sites[0]


@pytest.fixture
def offsite(sites: tuple[Site, Site]) -> Site:
    return sites[1]


@dataclass(frozen=True)
class Tenant:
    """A tenant's namespace on both servers, and what its Job and the operator are given."""

    job: ProxmoxStore
    """With the tenant's own token, on the primary."""
    operator: ProxmoxStore
    """With the operator's tokens, on both."""
    folder: Path
    namespace: str
    token: str
    key: bytes
    primary: ProxmoxRepository
    """As the Job is told of it."""
    operator_repositories: Sequence[ProxmoxRepository]
    """As the operator's programs are told of both."""

    async def back_up(
        self, at: datetime, group: Group = Group.SCHEDULED, excluded: Sequence[Path] = ()
    ) -> Written:
        return await self.job.back_up(
            BackupRequest(group, at.date(), at, [self.folder], excluded, "a" * 64)
        )


MakeTenant = Callable[[str], Tenant]


@pytest.fixture
def make_tenant(
    sites: tuple[Site, Site], clock: HandClock, program: str, tmp_path: Path
) -> MakeTenant:
    def repository(site: Site, auth_id: str, secret: str, name: str) -> ProxmoxRepository:
        folder = tmp_path / name
        secret_file = folder / f"secret-{secrets.token_hex(4)}"
        secret_file.write_text(f"{secret}\n")
        return ProxmoxRepository.model_validate(
            {
                "driver": "ProxmoxBackupServer",
                "address": site.address_of(auth_id),
                "namespace": tenant_namespace(name),
                "secretFile": str(secret_file),
                "fingerprint": site.server.fingerprint,
                "keyFile": str(folder / "key.json"),
            }
        )

    def make(name: str) -> Tenant:
        near, far = sites
        data = tmp_path / name / "data"
        data.mkdir(parents=True)
        key = new_key(clock.now())
        (tmp_path / name / "key.json").write_bytes(key)
        namespace = tenant_namespace(name)
        for site in sites:
            site.datastore.create_namespace(PARENT, namespace.rpartition("/")[2])
        token = f"{USER}!{name}"
        secret = near.world.access.add_token(token)
        near.world.access.grant(f"/datastore/{DATASTORE}/{namespace}", token, "DatastoreBackup")
        of_job = repository(near, token, secret, name)
        scratch = tmp_path / name / "scratch"
        operators = [
            repository(site, f"{USER}!operator", site.secret, name) for site in (near, far)
        ]
        return Tenant(
            job=proxmox_store(of_job, None, clock, scratch, program=program),
            operator=proxmox_store(operators[0], operators[1], clock, scratch, program=program),
            folder=data,
            namespace=namespace,
            token=token,
            key=key,
            primary=of_job,
            operator_repositories=operators,
        )

    return make


@pytest.fixture
def acme(make_tenant: MakeTenant) -> Tenant:
    return make_tenant("acme")
