"""What simulated Jicofo pods answer: a program that gives their statistics at their addresses.

Each pod of the component `jicofo` is answered for at port 8888 of its own address and nowhere else,
from the moment it has one until it is gone. Nobody meets unless somebody says so, see
`localplane.meetings`: by `PUT /pods/ADDRESS` at the address of this program.

It imports nothing of this package, so that it can be run as a file.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import ssl
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

PORT = 8888
PODS = "/api/v1/pods?labelSelector=app.kubernetes.io%2Fcomponent%3Djicofo"
IDLE = {"conferences": 0, "participants": 0}
RETRY_SECONDS = 0.2


@dataclass(slots=True)
class Pods:
    """The addresses that are answered for, and what is said at each."""

    pods: dict[str, str] = field(default_factory=dict)
    """Address by uid."""
    said: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What somebody said of an address; whoever has it next begins anew."""
    sites: dict[str, web.TCPSite] = field(default_factory=dict)
    runner: web.AppRunner | None = None

    async def serve(self) -> None:
        """Begin to serve; `settle` opens and closes the single addresses."""
        app = web.Application()
        app.router.add_get("/stats", self._statistics)
        self.runner = web.AppRunner(app, access_log=None)
        await self.runner.setup()

    async def settle(self) -> None:
        """Listen at the addresses of the pods that can be reached, and at no others."""
        assert self.runner is not None
        there = set(self.pods.values())
        for address in self.said.keys() - there:
            del self.said[address]
        wanted = {one for one in there if not self.said.get(one, {}).get("unreachable")}
        for address in self.sites.keys() - wanted:
            await self.sites.pop(address).stop()
        for address in wanted - self.sites.keys():
            site = web.TCPSite(self.runner, address, PORT)
            await site.start()
            self.sites[address] = site

    async def say(self, request: web.Request) -> web.Response:
        """Let the pod at an address say something else from now on."""
        address = request.match_info["address"]
        if address not in self.pods.values():
            return web.Response(status=404, text=f"no Jicofo has the address {address}\n")
        self.said[address] = await request.json()
        await self.settle()
        return web.Response()

    async def _statistics(self, request: web.Request) -> web.Response:
        assert request.transport is not None
        address = request.transport.get_extra_info("sockname")[0]
        return web.json_response({**IDLE, **self.said.get(address, {})})

    def seen(self, pod: dict[str, Any], *, gone: bool = False) -> None:
        """Take note of a pod."""
        status = pod.get("status") or {}
        uid, address = pod["metadata"]["uid"], status.get("podIP")
        if gone or not address or status.get("phase") in ("Failed", "Succeeded"):
            self.pods.pop(uid, None)
        else:
            self.pods[uid] = address


async def follow(session: aiohttp.ClientSession, pods: Pods, listed: asyncio.Event) -> None:
    """Keep up with the pods, for ever."""
    while True:
        try:
            async with session.get(PODS) as answer:
                found = await answer.json()
            pods.pods.clear()
            for pod in found["items"]:
                pods.seen(pod)
            await pods.settle()
            listed.set()
            async for event in _events(session, found["metadata"]["resourceVersion"]):
                if event["type"] == "ERROR":
                    break
                pods.seen(event["object"], gone=event["type"] == "DELETED")
                await pods.settle()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            print(f"tried again: {error}", file=sys.stderr, flush=True)
        await asyncio.sleep(RETRY_SECONDS)


async def _events(session: aiohttp.ClientSession, version: str) -> AsyncIterator[dict[str, Any]]:
    async with session.get(f"{PODS}&watch=1&resourceVersion={version}") as answer:
        buffer = b""
        async for part in answer.content.iter_any():
            *lines, buffer = (buffer + part).split(b"\n")
            for line in lines:
                yield json.loads(line)


async def run(server: str, authority: Path, token: str, own_address: str) -> None:
    """Answer for the pods of the API server at `server`, until cancelled."""
    pods, listed = Pods(), asyncio.Event()

    async def healthy(_: web.Request) -> web.Response:
        return web.Response(status=200 if listed.is_set() else 503)

    app = web.Application()
    app.router.add_get("/healthz", healthy)
    app.router.add_put("/pods/{address}", pods.say)
    control = web.AppRunner(app, access_log=None)
    await control.setup()
    # Whoever holds this address holds the block: two control planes never share one.
    await web.TCPSite(control, own_address, PORT).start()
    await pods.serve()
    context = ssl.create_default_context(cafile=str(authority))
    async with aiohttp.ClientSession(
        server,
        headers={"Authorization": f"Bearer {token}"},
        connector=aiohttp.TCPConnector(ssl=context),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),
        raise_for_status=True,
    ) as session:
        await follow(session, pods, listed)


def main() -> None:
    """Run until killed."""
    parser = argparse.ArgumentParser(prog="jicofo", description=__doc__)
    parser.add_argument("--server", required=True)
    parser.add_argument("--authority", type=Path, required=True)
    parser.add_argument("--kubeconfig", type=Path, required=True, help="whose token is used")
    parser.add_argument("--address", required=True, help="at which this program is told things")
    arguments = parser.parse_args()
    token = json.loads(arguments.kubeconfig.read_text())["users"][0]["user"]["token"]
    # One socket for each Jicofo, and there may be thousands.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.run(run(arguments.server, arguments.authority, token, arguments.address))


if __name__ == "__main__":
    main()
