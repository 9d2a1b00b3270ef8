"""The operator on a control plane of its own, one for each worker of the test run.

There is one JitsiPlatform and one Lease in a cluster. Tests of one worker run one after the other,
so that each can change both at will; `cluster` brings back the samples before each.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

import installation
from jitsi_tenant_operator.api.kinds import KINDS
from localplane import (
    AUDIT_CLIENTS,
    Connection,
    PlaneError,
    PlaneOptions,
    start,
    start_in_background,
)
from trial.audit import AuditLog
from trial.cluster import Cluster, Tenant
from trial.operating import Operating, TurnedClock, operating

NoteAuditLog = Callable[[Path], None]
Hasten = Callable[[], AbstractAsyncContextManager[None]]
Operate = Callable[..., AbstractAsyncContextManager[Operating]]

OUR_KINDS = ",".join(kind.definition.plural for kind in KINDS)
GATEWAY_API = "sigs.k8s.io/gateway-api@v1.4.1"
AUDIT_LOGS = "audit-logs"


@pytest.fixture(scope="session")
def note_audit_log() -> NoteAuditLog:
    """Let the check at the end of the run read this audit log too."""

    def note(path: Path) -> None:
        with (Path(os.environ["LOCALPLANE_FOLDER"]) / AUDIT_LOGS).open("a") as file:
            file.write(f"{path}\n")

    return note


def wait_until_served(connection: Connection, kinds: str) -> None:
    """For a moment after a kind was installed the API server asks to come back later."""
    deadline = time.monotonic() + 30
    while True:
        try:
            connection.kubectl("get", kinds, "-A")
        except PlaneError:
            if time.monotonic() > deadline:
                raise
        else:
            return


@pytest.fixture(scope="session")
def own_plane(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    worker_id: str,
    note_audit_log: NoteAuditLog,
) -> Iterator[Connection]:
    """The control plane of this worker, with the kinds and the rights."""
    options = PlaneOptions(audit=AUDIT_CLIENTS)
    kept = request.config.getoption("--plane")
    with ExitStack() as stack:
        if kept:
            connection = start_in_background(Path(f"{kept}-operator-{worker_id}"), options)
        else:
            folder = tmp_path_factory.mktemp("operator-plane")
            connection = stack.enter_context(start(folder, options)).connection
        installation.install(connection.kubectl)
        wait_until_served(connection, OUR_KINDS)
        assert connection.audit_log
        note_audit_log(connection.audit_log)
        yield connection


@pytest.fixture(scope="session")
def own_kubeconfig(own_plane: Connection) -> Path:
    """The operator's rights on it, and no others."""
    return own_plane.service_account_kubeconfig(
        installation.NAMESPACE, installation.SERVICE_ACCOUNT
    )


@pytest.fixture(scope="session")
def http_routes() -> Path:
    """The file with the HTTPRoute kind in the Go module of Gateway API."""
    done = subprocess.run(
        ["go", "mod", "download", "-json", GATEWAY_API], capture_output=True, text=True, check=True
    )
    folder = Path(json.loads(done.stdout)["Dir"], "config", "crd", "standard")
    return folder / "gateway.networking.k8s.io_httproutes.yaml"


@pytest.fixture
def install_http_routes(own_plane: Connection, http_routes: Path) -> Callable[[], None]:
    """Lets the cluster know HTTPRoutes."""

    def install() -> None:
        own_plane.kubectl("apply", "--server-side", "-f", str(http_routes))
        wait_until_served(own_plane, "httproutes")

    return install


@pytest.fixture
def gateway_api(install_http_routes: Callable[[], None]) -> None:
    """The cluster knows HTTPRoutes."""
    install_http_routes()


@pytest.fixture
def without_gateway_api(own_plane: Connection, http_routes: Path) -> None:
    """The cluster does not know HTTPRoutes."""
    own_plane.kubectl("delete", "--ignore-not-found", "--wait", "-f", str(http_routes))


@pytest.fixture(scope="session")
def golden_cases() -> dict[str, dict[str, Any]]:
    """What the golden tenants are rendered from."""
    path = Path(__file__).parents[2] / "unit" / "render" / "conftest.py"
    spec = importlib.util.spec_from_file_location("golden_cases", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    cases: dict[str, dict[str, Any]] = module.CASES
    return cases


@pytest.fixture
async def cluster(own_plane: Connection, own_kubeconfig: Path) -> AsyncIterator[Cluster]:
    """The cluster with the sample platform, plans and terms, and no tenant."""
    connection = own_plane
    connector = aiohttp.TCPConnector(ssl=connection.ssl_context())
    async with aiohttp.ClientSession(
        connection.server, headers=connection.headers, connector=connector
    ) as session:
        assert connection.audit_log
        found = Cluster(connection, session, own_kubeconfig, AuditLog(connection.audit_log))
        await found.reset()
        yield found
        await found.clear()


@pytest.fixture
def clock() -> TurnedClock:
    """A clock that a test can turn forward."""
    return TurnedClock()


@pytest.fixture
def hasten(clock: TurnedClock) -> Hasten:
    """`async with hasten():` time passes a hundred times faster: nobody waits for a next look."""

    async def turn() -> None:
        while True:
            clock.turn(10.0)
            await asyncio.sleep(0.1)

    @asynccontextmanager
    async def hastened() -> AsyncIterator[None]:
        task = asyncio.create_task(turn())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    return hastened


@pytest.fixture
def operate(cluster: Cluster, clock: TurnedClock) -> Operate:
    """`async with operate() as operating:` runs the operator, which ends as if killed."""
    return partial(operating, cluster.kubeconfig, clock)


@pytest.fixture
async def operator(operate: Operate) -> AsyncIterator[Operating]:
    """A running operator."""
    async with operate() as running:
        yield running


@pytest.fixture
async def tenant(cluster: Cluster, operator: Operating) -> Tenant:
    """A small tenant that is Ready."""
    made = await cluster.tenant()
    await made.ready()
    return made
