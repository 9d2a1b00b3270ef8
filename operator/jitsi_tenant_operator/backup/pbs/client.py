"""The REST interface of a Proxmox Backup Server, whose certificate is told by its fingerprint.

A request that fails for want of a connection is made again a few times, except one that is not
known to have been without effect. Refusals come as plain text, long work as the id of a task.
See the server's API viewer, and "Backup Protocol" and "User Management" in its documentation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import aiohttp
import orjson

from jitsi_tenant_operator.api.objects import JsonObject
from jitsi_tenant_operator.backup.pbs.address import Address
from jitsi_tenant_operator.backup.pbs.errors import RefusedError, plain
from jitsi_tenant_operator.backup.pbs.tasks import Task, read_task
from jitsi_tenant_operator.backup.store import StoreError, StoreReason
from jitsi_tenant_operator.clock import Clock

MAX_BYTES = 32 * 2**20
"""The longest answer that is read: many times the list of a tenant's snapshots."""
ATTEMPTS = 4

_POLL_SECONDS = 2.0
_SUCCESS = range(200, 300)
_SERVER_ERRORS = 500

Parameters = Mapping[str, str | int | bool | Sequence[str]]


@dataclass(frozen=True, slots=True)
class Login:
    """What a request shows to be known: headers that hold a secret."""

    headers: Mapping[str, str]

    @classmethod
    def of_token(cls, auth_id: str, secret: str) -> Login:
        """That of an API token."""
        return cls({"Authorization": f"PBSAPIToken={auth_id}:{quote(secret, safe='')}"})

    def __repr__(self) -> str:
        return "Login(…)"


class PbsClient:
    """Requests to one server, as one token or user. An asynchronous context manager.

    `fingerprint` is the SHA-256 of the server's certificate, in hexadecimal with colons; `seconds`
    is what one answer may take. Every method raises StoreError.
    """

    def __init__(
        self, address: Address, login: Login, fingerprint: str, clock: Clock, seconds: float = 60.0
    ) -> None:
        self.address = address
        self._login = login
        self._pinned = bytes.fromhex(fingerprint.replace(":", ""))
        self._clock = clock
        self._timeout = aiohttp.ClientTimeout(total=seconds)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            self.address.base_url,
            connector=aiohttp.TCPConnector(ssl=aiohttp.Fingerprint(self._pinned)),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=self._timeout,
            trust_env=False,
            headers=self._login.headers,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(self, path: str, parameters: Parameters | None = None) -> Any:
        """What is at a path below api2/json, with the parameters of a query."""
        return await self._request("GET", path, parameters or {})

    async def rows(self, path: str, parameters: Parameters | None = None) -> list[JsonObject]:
        """The list of objects at a path. StoreError for anything else."""
        found = await self.get(path, parameters)
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise StoreError(StoreReason.FAILED, f"{path}: the server answered with no list")
        return found

    async def fields(self, path: str, parameters: Parameters | None = None) -> JsonObject:
        """The object at a path. StoreError for anything else."""
        return as_fields(path, await self.get(path, parameters))

    async def post(self, path: str, parameters: Parameters | None = None) -> Any:
        """Have something done; its answer."""
        return await self._request("POST", path, parameters or {})

    async def put(self, path: str, parameters: Parameters | None = None) -> Any:
        """Set something; its answer."""
        return await self._request("PUT", path, parameters or {})

    async def delete(self, path: str, parameters: Parameters | None = None) -> Any:
        """Delete something; its answer."""
        return await self._request("DELETE", path, parameters or {})

    def datastore(self, path: str) -> str:
        """The path of something in the datastore."""
        return f"admin/datastore/{self.address.datastore}/{path}"

    async def finished(self, upid: object, seconds: float) -> Task:
        """Wait for the end of a task, at most `seconds`. StoreError if it is not over by then."""
        if not isinstance(upid, str) or not upid.startswith("UPID:"):
            raise StoreError(StoreReason.FAILED, "the server started no task")
        path = f"nodes/localhost/tasks/{quote(upid, safe='')}/status"
        until = self._clock.monotonic() + seconds
        while True:
            task = read_task(await self.get(path))
            if task.ended:
                return task
            if self._clock.monotonic() >= until:
                raise StoreError(
                    StoreReason.FAILED, f"a task of the server is not over after {seconds:g} s"
                )
            await self._clock.sleep(_POLL_SECONDS)

    async def _request(self, method: str, path: str, parameters: Parameters) -> Any:
        for attempt in range(1, ATTEMPTS):
            try:
                return await self._once(method, path, parameters)
            except _AgainError as error:
                if method == "POST" and not error.never_sent:
                    raise StoreError(StoreReason.UNREACHABLE, str(error)) from None
                await self._clock.sleep(2.0**attempt)
        try:
            return await self._once(method, path, parameters)
        except _AgainError as error:
            raise StoreError(StoreReason.UNREACHABLE, str(error)) from None

    async def _once(self, method: str, path: str, parameters: Parameters) -> Any:
        assert self._session is not None
        in_query = method in {"GET", "DELETE"}
        try:
            async with self._session.request(
                method,
                path,
                params=_query(parameters) if in_query else None,
                json=None if in_query else _body(parameters),
                allow_redirects=False,
            ) as answer:
                body = await _bounded(answer)
        except aiohttp.ServerFingerprintMismatch:
            raise StoreError(
                StoreReason.UNREACHABLE, "the certificate of the server is not the expected one"
            ) from None
        except aiohttp.ClientConnectorError:
            raise _AgainError("the server cannot be reached", never_sent=True) from None
        except TimeoutError:
            raise _AgainError("the server did not answer in time") from None
        except (aiohttp.ClientError, OSError):
            raise _AgainError("the connection to the server failed") from None
        return _data(answer.status, body, changes=method != "GET")


def as_fields(path: str, found: Any) -> JsonObject:
    """What a server answered at a path, if it is an object. StoreError for anything else."""
    if not isinstance(found, dict):
        raise StoreError(StoreReason.FAILED, f"{path}: the server answered with no object")
    return found


def text_of(found: JsonObject, name: str) -> str:
    """A field that must be there as a text. StoreError, which does not quote it, if it is not."""
    value = found.get(name)
    if not isinstance(value, str):
        raise StoreError(StoreReason.FAILED, f"the server answered without {name}")
    return value


async def _bounded(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for part in answer.content.iter_any():
        body += part
        if len(body) > MAX_BYTES:
            raise StoreError(StoreReason.FAILED, f"an answer of more than {MAX_BYTES} bytes")
    return bytes(body)


def _data(status: int, body: bytes, *, changes: bool) -> Any:
    if status not in _SUCCESS:
        text = body.decode(errors="replace")
        if status >= _SERVER_ERRORS:
            refused = RefusedError(status, text, changes=changes)
            if refused.reason is StoreReason.FAILED and status != HTTPStatus.NOT_IMPLEMENTED:
                raise _AgainError(f"{status}: {plain(text)}")
        raise RefusedError(status, text, changes=changes)
    try:
        found = orjson.loads(body)
        return found["data"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise StoreError(StoreReason.FAILED, "the server answered with something else") from None


def _query(parameters: Parameters) -> list[tuple[str, str]]:
    return [
        (name, str(int(value)) if isinstance(value, bool) else str(value))
        for name, given in parameters.items()
        for value in (given if isinstance(given, list | tuple) else [given])
    ]


def _body(parameters: Parameters) -> dict[str, object]:
    return {
        name: list(value) if isinstance(value, list | tuple) else value
        for name, value in parameters.items()
    }


class _AgainError(Exception):
    """There is no answer, or none that will stay the same; `never_sent`: nothing can have come."""

    def __init__(self, message: str, *, never_sent: bool = False) -> None:
        super().__init__(message)
        self.never_sent = never_sent
