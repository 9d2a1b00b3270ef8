"""`python -m bench.floor write|list`: the bare client, in a process of its own.

It knows nothing of the operator: it gets paths and bodies, and does nothing with the answers but
read them (`write`) or parse them (`list`). What it is given comes as one line of JSON on standard
input; `write` says "ready", and then takes a line "NAME UID" for each tenant.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from typing import Any

import aiohttp
import orjson

_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "bench-floor"}
_JSON = "application/json"
_CONTENT_TYPES = {"PATCH": "application/apply-patch+yaml", "POST": _JSON}
_ACCEPTED = (200, 201)


def main() -> None:
    """Run what the command line says."""
    command = {"write": _write, "list": _list}[sys.argv[1]]
    asyncio.run(command(json.loads(sys.stdin.readline())))


def _session(order: dict[str, Any]) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        order["server"],
        connector=aiohttp.TCPConnector(
            ssl=ssl.create_default_context(cafile=order["authority"]), limit=0
        ),
        headers=_HEADERS | {"Authorization": f"Bearer {order['token']}"},
        read_bufsize=2**18,
    )


async def _write(order: dict[str, Any]) -> None:
    """Write all there is for each tenant that is named on standard input, until it ends."""
    waiting: asyncio.Queue[tuple[str, str, bytes]] = asyncio.Queue()
    templates = [(method, path, body.encode()) for method, path, body in order["writes"]]
    old_name, old_uid = order["name"], order["uid"].encode()

    async def work(session: aiohttp.ClientSession) -> None:
        while True:
            method, path, body = await waiting.get()
            headers = {"Content-Type": _CONTENT_TYPES[method], "Accept": _JSON}
            async with session.request(method, path, data=body, headers=headers) as answer:
                text = await answer.read()
                if answer.status not in _ACCEPTED:
                    raise RuntimeError(f"{path}: {answer.status} {text[:500]!r}")
            waiting.task_done()

    async def take(lines: asyncio.StreamReader) -> None:
        while line := await lines.readline():
            name, uid = line.decode().split()
            for method, path, body in templates:
                body_of_tenant = body.replace(old_name.encode(), name.encode())
                body_of_tenant = body_of_tenant.replace(old_uid, uid.encode())
                waiting.put_nowait((method, path.replace(old_name, name), body_of_tenant))
        await waiting.join()

    async with _session(order) as session, asyncio.TaskGroup() as group:
        workers = [group.create_task(work(session)) for _ in range(order["in_flight"])]
        lines = await _standard_input()
        print("ready", flush=True)
        await take(lines)
        for worker in workers:
            worker.cancel()


async def _list(order: dict[str, Any]) -> None:
    """Read all pages of each list, all lists at once; print how many objects there were."""
    async with _session(order) as session:
        counts = await asyncio.gather(
            *(_pages(session, path, accept) for path, accept in order["lists"])
        )
    print(sum(counts), flush=True)


async def _pages(session: aiohttp.ClientSession, path: str, accept: str) -> int:
    number, more = 0, ""
    while True:
        query = {"continue": more} if more else {}
        async with session.get(path, params=query, headers={"Accept": accept}) as answer:
            if answer.status == 404:  # noqa: PLR2004 - a kind that this server does not serve
                return 0
            answer.raise_for_status()
            page = orjson.loads(await answer.read())
        number += len(page["items"])
        more = page["metadata"].get("continue", "")
        if not more:
            return number


async def _standard_input() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    return reader


if __name__ == "__main__":
    main()
