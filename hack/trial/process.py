"""The operator as a process of its own, as it is deployed."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import aiohttp

from localplane.processes import WITH_PARENT
from trial.operating import IMAGE
from trial.waiting import until

COMMAND = Path(sys.executable).with_name("jitsi-tenant-operator")


@dataclass(frozen=True, slots=True)
class Process:
    """One running operator."""

    identity: str
    process: asyncio.subprocess.Process
    address: str
    log: Path

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.process.returncode is None

    async def get(self, path: str) -> tuple[int, str]:
        """Status and text of an answer of its HTTP surface; (0, "") while nobody listens."""
        try:
            async with aiohttp.ClientSession() as session, session.get(self.address + path) as got:
                return got.status, await got.text()
        except aiohttp.ClientConnectionError:
            return 0, ""

    async def ready(self) -> None:
        """Return when it says so."""

        async def look() -> bool:
            assert self.running, self.log.read_text()
            return (await self.get("/readyz"))[0] == HTTPStatus.OK

        await until(look)

    async def leading(self) -> None:
        """Return when it leads and is ready."""

        async def look() -> bool:
            assert self.running, self.log.read_text()
            _, text = await self.get("/metrics")
            return "jitsi_operator_leader 1.0" in text

        await until(look)
        await self.ready()

    async def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        await self.process.wait()

    async def stop(self) -> int:
        """End it as Kubernetes does; its exit status."""
        self.process.terminate()
        return await asyncio.wait_for(self.process.wait(), 30)


@asynccontextmanager
async def started(kubeconfig: Path, folder: Path, identity: str) -> AsyncIterator[Process]:
    """Run the operator with the rights of `kubeconfig`; it is killed at the end of the block."""
    port = _free_port()
    log = folder / f"{identity}.log"
    with log.open("ab") as file:
        # It dies with the test run, even if that is killed.
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(WITH_PARENT),
            str(os.getpid()),
            str(COMMAND),
            "run",
            f"--kubeconfig={kubeconfig}",
            f"--listen=127.0.0.1:{port}",
            f"--image={IMAGE}",
            stderr=file,
            env={**os.environ, "POD_NAME": identity},
        )
    running = Process(identity, process, f"http://127.0.0.1:{port}", log)
    try:
        yield running
    finally:
        if running.running:
            await running.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
