"""A control plane of the bench's own, with everything on it but the operator."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp

import installation
import localplane
from bench import tenants
from bench.audit import AuditLog
from bench.processes import cpu_seconds
from jitsi_tenant_operator.api.kinds import KINDS
from jitsi_tenant_operator.api.objects import GROUP, VERSION

OPERATOR_USER = f"system:serviceaccount:{installation.NAMESPACE}:{installation.SERVICE_ACCOUNT}"
ALL_TENANTS_PATH = f"/apis/{GROUP}/{VERSION}/jitsitenants"
WORKLOAD_PATHS = ("/apis/apps/v1/deployments", "/apis/apps/v1/statefulsets")
TENANTS_PATH = f"/apis/{GROUP}/{VERSION}/namespaces/{{}}/jitsitenants"

CONTROLLERS = ("kwok", "kube-scheduler", "kube-controller-manager")
"""What makes pods of workloads, and has them run."""

_AUDIT: localplane.AuditPolicy = {
    **localplane.AUDIT_CLIENTS,
    "rules": [
        # What the operator sends for the model tenant; its record is in no namespace.
        {
            "level": "Request",
            "users": [OPERATOR_USER],
            "verbs": ["create", "patch"],
            "namespaces": [tenants.namespace_of(tenants.SAMPLE_NAME)],
        },
        {
            "level": "Request",
            "users": [OPERATOR_USER],
            "verbs": ["create"],
            "resources": [{"group": GROUP, "resources": ["jitsitenantrecords"]}],
        },
        *localplane.AUDIT_CLIENTS["rules"],
    ],
}

_AT_ONCE = 8
"""Requests of ours in flight while tenants are made."""
_QUIET_CORES = 0.25
_QUIET_SECONDS = 1.0
_POLL_SECONDS = 1.0
_LONGEST_SECONDS = 1800.0


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running control plane, as its administrator sees it."""

    plane: localplane.LocalPlane
    session: aiohttp.ClientSession
    kubeconfig: Path
    """With the rights of the operator, and no others."""
    token: str
    """With the same rights."""

    @property
    def connection(self) -> localplane.Connection:
        """Addresses and credentials."""
        return self.plane.connection

    def audit(self) -> AuditLog:
        """The audit log from here on."""
        path = self.connection.audit_log
        assert path is not None
        return AuditLog(path)

    def cpu_seconds(self) -> float:
        """The CPU time that what runs of the control plane has used."""
        return cpu_seconds(self.plane.pids.values())

    async def stop_controllers(self) -> None:
        """Leave only the API server and its store; workloads then make no pods."""
        for name in CONTROLLERS:
            await asyncio.to_thread(self.plane.stop_component, name)

    async def start_controllers(self) -> None:
        """Have workloads make pods again."""
        for name in CONTROLLERS:
            await asyncio.to_thread(self.plane.start_component, name)

    async def make_namespaces(self, names: Iterable[str]) -> None:
        """Make the namespaces of tenants."""
        await _all(
            self._create("/api/v1/namespaces", tenants.namespace(name), _nothing) for name in names
        )

    async def make_tenants(
        self, names: Iterable[str], made: Callable[[str, str], None] | None = None
    ) -> None:
        """Make tenants; `made` is told the name and uid of each."""

        async def make(name: str) -> None:
            path = TENANTS_PATH.format(tenants.namespace_of(name))
            await self._create(path, tenants.tenant(name), lambda obj: told(name, obj))

        def told(name: str, obj: dict[str, Any]) -> None:
            if made is not None:
                made(name, obj["metadata"]["uid"])

        await _all(make(name) for name in names)

    async def tenants_ready(self) -> bool:
        """Whether all tenants are Ready, by what the operator says."""
        return all([_is_ready(each) async for each in self._objects(ALL_TENANTS_PATH)])

    async def workloads_ready(self) -> bool:
        """Whether all pods that the tenants should have run."""
        return all(
            [
                (each.get("status") or {}).get("readyReplicas", 0) == each["spec"]["replicas"]
                for path in WORKLOAD_PATHS
                async for each in self._objects(path)
            ]
        )

    async def settle(self, *conditions: Callable[[], Awaitable[bool]]) -> None:
        """Wait until the conditions hold and nothing more is being done."""
        async with asyncio.timeout(_LONGEST_SECONDS):
            for condition in conditions:
                while not await condition():
                    await asyncio.sleep(_POLL_SECONDS)
        await self.rest()

    async def rest(self) -> None:
        """Return once the control plane has nothing left to do, as its CPU time shows."""
        deadline = asyncio.get_running_loop().time() + _LONGEST_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            before = self.cpu_seconds()
            await asyncio.sleep(_QUIET_SECONDS)
            self.plane.check()
            if self.cpu_seconds() - before < _QUIET_CORES * _QUIET_SECONDS:
                return
        raise TimeoutError(f"the control plane was still busy after {_LONGEST_SECONDS:.0f} s")

    async def _objects(self, path: str) -> AsyncIterator[dict[str, Any]]:
        more = ""
        while True:
            query = {"limit": "250"} | ({"continue": more} if more else {})
            async with self.session.get(path, params=query) as answer:
                answer.raise_for_status()
                page = await answer.json()
            for each in page["items"]:
                yield each
            more = page["metadata"].get("continue", "")
            if not more:
                return

    async def _create(
        self, path: str, body: dict[str, Any], made: Callable[[dict[str, Any]], None]
    ) -> None:
        async with self.session.post(path, json=body) as answer:
            obj = await answer.json()
            if answer.status != HTTPStatus.CREATED:
                raise RuntimeError(f"{path}: {answer.status} {obj.get('message')}")
            made(obj)


@asynccontextmanager
async def cluster(folder: Path, *, controllers: bool) -> AsyncIterator[Cluster]:
    """Start a control plane with the project's kinds, rights and samples but the tenants.

    Without `controllers` it is the API server and its store alone. Raises localplane.PlaneError,
    toolbox.ToolError.
    """
    options = localplane.PlaneOptions(
        controller_manager=controllers,
        scheduler=controllers,
        nodes=localplane.DEFAULT_NODES if controllers else (),
        audit=_AUDIT,
    )
    with await asyncio.to_thread(localplane.start, folder, options) as plane:
        connection = plane.connection
        await asyncio.to_thread(_install, connection)
        account = (installation.NAMESPACE, installation.SERVICE_ACCOUNT)
        kubeconfig = connection.service_account_kubeconfig(*account)
        token = connection.service_account_token(*account)
        connector = aiohttp.TCPConnector(ssl=connection.ssl_context(), limit=_AT_ONCE)
        async with aiohttp.ClientSession(
            connection.server, headers=connection.headers, connector=connector
        ) as session:
            yield Cluster(plane, session, kubeconfig, token)


def _install(connection: localplane.Connection) -> None:
    installation.install(connection.kubectl)
    kinds = {kind.definition.kind for kind in KINDS} - {"JitsiTenant"}
    chosen = [
        path
        for path in sorted(installation.SAMPLES.glob("*.yaml"))
        if any(f"kind: {kind}\n" in path.read_text(encoding="utf-8") for kind in kinds)
    ]
    arguments = [argument for path in chosen for argument in ("-f", os.fspath(path))]
    connection.kubectl("apply", "--server-side", *arguments)


async def _all(work: Iterable[Awaitable[None]]) -> None:
    await asyncio.gather(*work)


def _nothing(_: dict[str, Any]) -> None:
    pass


def _is_ready(obj: dict[str, Any]) -> bool:
    status = obj.get("status") or {}
    return status.get("observedGeneration") == obj["metadata"]["generation"] and any(
        condition["type"] == "Ready" and condition["status"] == "True"
        for condition in status.get("conditions", ())
    )
