"""The bare client's process, and what it is told to do."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bench import tenants
from bench.model import Model
from bench.processes import cpu_seconds
from jitsi_tenant_operator.api.kinds import KINDS
from jitsi_tenant_operator.api.objects import API_VERSION
from jitsi_tenant_operator.kube import informer, resources
from jitsi_tenant_operator.kube.client import Selection
from jitsi_tenant_operator.kube.resources import Resource
from jitsi_tenant_operator.leader import CHILD_KINDS, PAGE_SIZE
from jitsi_tenant_operator.render.labels import MANAGED
from jitsi_tenant_operator.render.names import CREDENTIALS
from localplane import Connection

_JSON = "application/json"
_METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


_METHODS = {"create": "POST", "patch": "PATCH"}


class BareWriter:
    """A bare client that writes what a model has, for the tenants that it is told."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def write(self, name: str, uid: str) -> None:
        """Have everything of one tenant written."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{name} {uid}\n".encode())

    def cpu_seconds(self) -> float:
        """The CPU time that it has used."""
        return cpu_seconds([self._process.pid])


@asynccontextmanager
async def bare_writer(
    connection: Connection, token: str, model: Model, *, in_flight: int
) -> AsyncIterator[BareWriter]:
    """A bare client with so many requests in flight, until the block ends.

    Raises RuntimeError when it fails; what it says is on standard error.
    """
    order = {
        **_server(connection),
        "token": token,
        "in_flight": in_flight,
        "writes": [(_METHODS[write.key[0]], write.path, write.body) for write in model.writes],
        "name": tenants.SAMPLE_NAME,
        "uid": model.uid,
    }
    process = await _start("write", order)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        await process.stdout.readline()
        yield BareWriter(process)
        process.stdin.close()
        await _ended(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def bare_list(connection: Connection) -> tuple[float, int]:
    """Seconds that a bare client takes to read all that the operator reads when it starts, from
    before its process was made until everything is parsed; and how many objects that are.
    """
    # An administrator's: the operator may watch Secrets, not list them.
    order = {**_server(connection), "token": connection.token, "lists": _lists()}
    clock = asyncio.get_running_loop().time
    started = clock()
    process = await _start("list", order)
    assert process.stdout is not None
    number = await process.stdout.readline()
    seconds = clock() - started
    await _ended(process)
    return seconds, int(number)


def _lists() -> list[tuple[str, str]]:
    """Path with query, and Accept header, of each list that the operator's caches hold."""
    children = Selection(label_selector=MANAGED)
    passwords = Selection(field_selector=f"metadata.name={CREDENTIALS}")
    names = (resources.NAMESPACES, resources.INGRESS_CLASSES)
    own = [
        resource
        for kind in KINDS
        for resource in _own(kind.definition.plural, namespaced=kind.definition.namespaced)
    ]
    return [
        *((_path(kind, children, informer.PAGE_SIZE), _JSON) for kind in CHILD_KINDS),
        (_path(resources.SECRETS, passwords, informer.PAGE_SIZE), _JSON),
        *((_path(kind, Selection(), informer.PAGE_SIZE), _METADATA) for kind in names),
        *((_path(kind, Selection(), PAGE_SIZE), _JSON) for kind in own),
    ]


def _own(plural: str, *, namespaced: bool) -> list[Resource]:
    group, _, version = API_VERSION.partition("/")
    return [Resource(group, version, plural, plural, namespaced=namespaced)]


def _path(resource: Resource, selection: Selection, page_size: int) -> str:
    return f"{resource.path()}?{urlencode({**selection.query(), 'limit': str(page_size)})}"


def _server(connection: Connection) -> dict[str, str]:
    return {"server": connection.server, "authority": str(connection.authority)}


async def _start(command: str, order: dict[str, Any]) -> Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.floor",
        command,
        stdin=PIPE,
        stdout=PIPE,
        cwd=Path(__file__).parent.parent,
        env=os.environ,
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(order).encode() + b"\n")
    await process.stdin.drain()
    return process


async def _ended(process: Process) -> None:
    if await process.wait():
        raise RuntimeError(f"the bare client ended with status {process.returncode}")
