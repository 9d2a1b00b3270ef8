"""The control plane that the integration tests share, and what each test gets of it."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

import installation
from localplane import AUDIT_CLIENTS, Connection, PlaneOptions, start_in_background
from toolbox.locking import exclusive

NAME_LENGTH = 40
SELECTIONS = ("keyword", "markexpr", "deselect", "lf", "failedfirst", "ignore", "stepwise")


@pytest.fixture(scope="session")
def plane(request: pytest.FixtureRequest) -> Connection:
    """A running control plane with the project's CRDs and rights, shared by all workers.

    Isolate by namespace (see `namespace`); give cluster-scoped objects names of your own and
    delete them, and mark tests that need the one JitsiPlatform for themselves accordingly.
    """
    kept = request.config.getoption("--plane")
    folder = Path(kept) if kept else Path(os.environ["LOCALPLANE_FOLDER"])
    owner = None if kept else int(os.environ["LOCALPLANE_OWNER"])
    with exclusive(folder / "start.lock"):
        connection = start_in_background(folder, PlaneOptions(audit=AUDIT_CLIENTS), owner)
        # The first one installs; the mark belongs to this run of the control plane.
        installed = folder / f"installed-{os.environ['LOCALPLANE_OWNER']}"
        if not installed.exists():
            installation.install(connection.kubectl)
            installed.touch()
    return connection


@pytest.fixture(scope="session")
def operator_kubeconfig(plane: Connection, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A kubeconfig with the rights that manifests/base gives the operator, and no others."""
    path = tmp_path_factory.mktemp("operator") / "kubeconfig"
    return plane.service_account_kubeconfig(
        installation.NAMESPACE, installation.SERVICE_ACCOUNT, path
    )


@pytest.fixture
def namespace(plane: Connection, request: pytest.FixtureRequest) -> Iterator[str]:
    """A new namespace for this test alone; it is deleted afterwards, without waiting."""
    words = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[:NAME_LENGTH].strip("-")
    name = f"{words}-{secrets.token_hex(4)}"
    metadata = {"name": name}
    plane.request("POST", "/api/v1/namespaces", {"metadata": metadata})
    yield name
    plane.request("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture
async def admin(plane: Connection) -> AsyncIterator[aiohttp.ClientSession]:
    """Requests as administrator, to paths such as /api/v1/namespaces."""
    connector = aiohttp.TCPConnector(ssl=plane.ssl_context())
    async with aiohttp.ClientSession(
        plane.server, headers=plane.headers, connector=connector, raise_for_status=True
    ) as session:
        yield session


@pytest.fixture(scope="session")
def whole_run(request: pytest.FixtureRequest) -> bool:
    """Whether all integration tests were asked for: only then can something be missing in sum."""
    config = request.config
    here = Path(__file__).parent
    folders = [config.invocation_params.dir / argument for argument in config.args]
    everything = any(here.is_relative_to(folder.resolve()) for folder in folders)
    return everything and not any(config.getoption(name, None) for name in SELECTIONS)
