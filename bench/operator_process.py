"""The operator as a process of its own, seen from outside."""

from __future__ import annotations

import asyncio
import socket
import sys
from http import HTTPStatus
from pathlib import Path
from typing import Self

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from bench.cluster import Cluster
from bench.processes import cpu_seconds, resident_bytes
from installation import NAMESPACE
from jitsi_tenant_operator.reconcile.metrics import PREFIX
from localplane.processes import Process

COMMAND = Path(sys.executable).with_name("jitsi-tenant-operator")

_POLL_SECONDS = 0.05
_START_SECONDS = 600.0


class OperatorProcess:
    """One run of the operator."""

    def __init__(self, process: Process, address: str, session: aiohttp.ClientSession) -> None:
        self._process = process
        self._address = address
        self._session = session
        self.seconds_to_ready = 0.0

    @classmethod
    async def start(cls, cluster: Cluster) -> Self:
        """Start it and wait until it leads and says that it is ready; how long that took is in
        `seconds_to_ready`, counted from before the process was made.
        """
        address = f"127.0.0.1:{_free_port()}"
        command = [str(COMMAND), "run", "--kubeconfig", str(cluster.kubeconfig)]
        command += ["--namespace", NAMESPACE, "--listen", address]
        clock = asyncio.get_running_loop().time
        started = clock()
        process = Process("operator", command, cluster.connection.folder / "logs" / "operator.log")
        self = cls(process, f"http://{address}", aiohttp.ClientSession())
        try:
            async with asyncio.timeout(_START_SECONDS):
                await self._until_ready()
        except BaseException:
            await self.stop()
            raise
        self.seconds_to_ready = clock() - started
        return self

    async def stop(self) -> None:
        """End it as Kubernetes would, so that it gives its Lease back."""
        await self._session.close()
        await asyncio.to_thread(self._process.stop)

    def resident_bytes(self, field: str = "VmRSS") -> int:
        """Its resident memory now, with VmHWM the highest so far."""
        return resident_bytes(self._process.pid, field)

    def cpu_seconds(self) -> float:
        """The CPU time that it has used."""
        return cpu_seconds([self._process.pid])

    async def requests(self) -> dict[tuple[str, str], float]:
        """How many requests it says it has made, by verb and resource."""
        found: dict[tuple[str, str], float] = {}
        async with self._session.get(f"{self._address}/metrics") as answer:
            text = await answer.text()
        for family in text_string_to_metric_families(text):
            if family.name == f"{PREFIX}_api_requests":
                for sample in family.samples:
                    if sample.name.endswith("_total"):
                        key = sample.labels["verb"], sample.labels["resource"]
                        found[key] = found.get(key, 0.0) + sample.value
        return found

    async def _until_ready(self) -> None:
        """A process that only waits for the Lease is ready too, so first that it leads."""
        while not await self._says("metrics", f"{PREFIX}_leader 1.0"):
            await asyncio.sleep(_POLL_SECONDS)
        while not await self._says("readyz", ""):
            await asyncio.sleep(_POLL_SECONDS)

    async def _says(self, page: str, line: str) -> bool:
        self._process.check()
        try:
            async with self._session.get(f"{self._address}/{page}") as answer:
                return answer.status == HTTPStatus.OK and line in await answer.text()
        except aiohttp.ClientConnectionError:
            return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port
