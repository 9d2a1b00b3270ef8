"""Webhooks: signed, delivered once they are taken, to https addresses only."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import ssl
import traceback
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from jitsi_tenant_operator.notify.delivery import Accepted, Deferred, Refused
from jitsi_tenant_operator.notify.webhook import MAX_BODY, MAX_RETRY_SECONDS, post, signed

if TYPE_CHECKING:
    from tests.unit.notify.conftest import Authority, HandClock

LONG = 10.0
"""Seconds after which a request was certainly waited for too long."""
SECRET = b"a key of at least 24 bytes"
UID = "0b6c0d8e-7d5b-4a52-9c4e-0f5c3a5d1e7f"
BODY = {"kind": "Maintenance", "subject": "Maintenance programmée"}


@dataclass
class Receiver:
    """A program of a client: what it answers, and what it was given."""

    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    silent: bool = False
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.path, dict(request.headers), await request.read()))
        if self.silent:
            await asyncio.Event().wait()
        return web.Response(status=self.status, headers=self.headers, body=b"x" * 100_000)


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
async def server(receiver: Receiver) -> AsyncIterator[TestServer]:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", receiver.answer)
    found = TestServer(application)
    await found.start_server(shutdown_timeout=0)
    yield found
    await found.close()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as found:
        yield found


@dataclass(frozen=True)
class Sender:
    """Posts to the receiver."""

    url: str
    clock: HandClock
    session: aiohttp.ClientSession

    async def post(self, url: str = "", **changed: Any) -> Accepted:
        options: dict[str, Any] = {
            "uid": UID,
            "secret": SECRET,
            "clock": self.clock,
            "session": self.session,
            "allow_http": True,
        }
        return await post(url or self.url, BODY, **options | changed)


@pytest.fixture
def sender(server: TestServer, clock: HandClock, session: aiohttp.ClientSession) -> Sender:
    return Sender(str(server.make_url("/hook/s3cret-path")), clock, session)


async def test_a_receiver_can_verify_what_it_gets(
    sender: Sender, receiver: Receiver, clock: HandClock
) -> None:
    assert await sender.post() == Accepted("204 No Content", clock.at)
    ((path, headers, body),) = receiver.requests
    assert path == "/hook/s3cret-path"
    assert json.loads(body) == BODY
    assert headers["Content-Type"] == "application/json"
    assert headers["webhook-id"] == UID
    assert headers["webhook-timestamp"] == str(int(clock.at.timestamp()))
    content = f"{UID}.{headers['webhook-timestamp']}.".encode() + body
    version, _, signature = headers["webhook-signature"].partition(",")
    assert version == "v1"
    digest = hmac.new(SECRET, content, hashlib.sha256).digest()
    assert base64.b64decode(signature) == digest


def test_the_signature_is_that_of_standard_webhooks() -> None:
    """The example of the specification's libraries."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = signed(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', secret=secret, timestamp=1614265330
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_a_repetition_has_the_same_identity_and_body(
    sender: Sender, receiver: Receiver, clock: HandClock
) -> None:
    await sender.post()
    clock.turn(60)
    await sender.post()
    (_, first, body), (_, second, again) = receiver.requests
    assert (first["webhook-id"], body) == (second["webhook-id"], again)
    assert first["webhook-signature"] != second["webhook-signature"]


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_2_is_delivered(sender: Sender, receiver: Receiver, status: int) -> None:
    receiver.status = status
    assert (await sender.post()).reply.startswith(str(status))


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 404, 410, 413, 422])
async def test_what_is_not_wanted_is_refused(
    sender: Sender, receiver: Receiver, status: int
) -> None:
    receiver.status, receiver.headers = status, {"Location": "/elsewhere"}
    with pytest.raises(Refused) as caught:
        await sender.post()
    assert caught.value.code == status
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("status", [401, 403, 408, 425, 429, 500, 502, 503, 504])
async def test_what_may_change_is_deferred(sender: Sender, receiver: Receiver, status: int) -> None:
    receiver.status = status
    with pytest.raises(Deferred) as caught:
        await sender.post()
    assert (caught.value.code, caught.value.retry_after) == (status, None)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("120", 120), ("999999999", MAX_RETRY_SECONDS), ("soon", None), ("-1", None), ("٣", None)],
)
async def test_a_receiver_says_when_to_come_again(
    sender: Sender, receiver: Receiver, header: str, seconds: int | None
) -> None:
    receiver.status, receiver.headers = 503, {"Retry-After": header}
    with pytest.raises(Deferred) as caught:
        await sender.post()
    assert caught.value.retry_after == seconds


async def test_a_silent_receiver_is_not_waited_for(sender: Sender, receiver: Receiver) -> None:
    receiver.silent = True
    async with asyncio.timeout(LONG):
        with pytest.raises(Deferred, match=r"within 0\.2 s"):
            await sender.post(timeout=0.2)


async def test_nobody_listens(sender: Sender, server: TestServer) -> None:
    await server.close()
    with pytest.raises(Deferred, match="connection") as caught:
        await sender.post()
    seen = "".join(traceback.format_exception(caught.value))
    assert "s3cret-path" not in seen
    assert "127.0.0.1" not in seen


async def test_the_certificate_must_be_valid(
    trusted: Authority, stranger: Authority, receiver: Receiver, clock: HandClock
) -> None:
    application = web.Application()
    application.router.add_post("/", receiver.answer)
    server = TestServer(application, scheme="https", host="localhost")
    await server.start_server(ssl=trusted.server)
    url = str(server.make_url("/"))
    try:
        for authority, taken in ((trusted, True), (stranger, False)):
            context = ssl.create_default_context(cadata=authority.pem.decode())
            connector = aiohttp.TCPConnector(ssl=context)
            async with aiohttp.ClientSession(connector=connector) as session:
                sender = Sender(url, clock, session)
                if taken:
                    await sender.post(allow_http=False)
                else:
                    with pytest.raises(Deferred, match="certificate"):
                        await sender.post(allow_http=False)
    finally:
        await server.close()
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost/",
        "ftp://a.example/",
        "https://",
        "/hook",
        "https://[",
    ],
)
async def test_only_https_is_posted_to(sender: Sender, url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        await sender.post(url, allow_http=False)


async def test_what_cannot_be_posted_is_refused_before(sender: Sender, receiver: Receiver) -> None:
    for changed in (
        {"url": "https://user:pass@a.example/"},
        {"secret": b"short"},
        {"uid": "a\r\nb"},
    ):
        with pytest.raises(ValueError, match=r"webhook|uid"):
            await sender.post(**changed)
    with pytest.raises(ValueError, match="at most"):
        await post(
            sender.url,
            {"text": "x" * MAX_BODY},
            uid=UID,
            secret=SECRET,
            clock=sender.clock,
            session=sender.session,
            allow_http=True,
        )
    assert receiver.requests == []
