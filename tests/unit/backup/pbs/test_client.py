"""Requests to a server that is away, is another one, answers nonsense, or refuses."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from jitsi_tenant_operator.backup.pbs import client as module
from jitsi_tenant_operator.backup.pbs.address import Address
from jitsi_tenant_operator.backup.pbs.client import ATTEMPTS, Login, PbsClient
from jitsi_tenant_operator.backup.store import StoreError, StoreReason
from localpbs.server import Certificate
from localpbs.sites import Site

from .conftest import HandClock
from .test_access import as_operator, as_token

SECRET = "s3cr3t%/value"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def answering(
    certificate: Certificate, handler: Handler, clock: HandClock, context: ssl.SSLContext | None
) -> AsyncIterator[PbsClient]:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    address = Address("jitsi@pbs!operator", "127.0.0.1", runner.addresses[0][1], "store1")
    login = Login.of_token(address.auth_id, SECRET)
    try:
        async with PbsClient(address, login, certificate.fingerprint, clock) as client:
            yield client
    finally:
        await runner.cleanup()


Serve = Callable[[Handler], "AsyncIterator[PbsClient]"]


async def refusal(client: PbsClient, method: str = "GET") -> StoreError:
    with pytest.raises(StoreError) as caught:
        await client._request(method, "version", {})
    assert SECRET not in str(caught.value)
    return caught.value


async def test_a_server_with_another_certificate_is_not_spoken_to(
    certificates: tuple[Certificate, Certificate], clock: HandClock
) -> None:
    asked = []

    async def handler(request: web.Request) -> web.Response:
        asked.append(request)
        return web.json_response({"data": {}})

    near, far = certificates
    async with answering(near, handler, clock, far.context) as client:
        error = await refusal(client)
    assert error.reason is StoreReason.UNREACHABLE
    assert "certificate" in str(error)
    assert not asked


async def test_a_server_that_is_away_is_tried_again_and_told(
    primary: Site, clock: HandClock
) -> None:
    address = Address("jitsi@pbs!operator", "127.0.0.1", 1, "store1")
    login = Login.of_token(address.auth_id, SECRET)
    async with PbsClient(address, login, primary.server.fingerprint, clock) as client:
        error = await refusal(client)
    assert error.reason is StoreReason.UNREACHABLE
    assert clock.seconds == 2 + 4 + 8


@pytest.mark.parametrize(("method", "requests"), [("GET", ATTEMPTS), ("POST", 1)])
async def test_a_request_without_an_answer_is_made_again_unless_it_may_have_had_effect(
    certificates: tuple[Certificate, Certificate], clock: HandClock, method: str, requests: int
) -> None:
    asked = 0

    async def handler(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.Response(status=503, text="overloaded")

    near, _ = certificates
    async with answering(near, handler, clock, near.context) as client:
        error = await refusal(client, method)
    assert error.reason is StoreReason.UNREACHABLE
    assert asked == requests


@pytest.mark.parametrize(
    ("status", "text", "method", "reason"),
    [
        (401, "authentication failed - invalid credentials.", "GET", StoreReason.UNREACHABLE),
        (403, "permission check failed.", "DELETE", StoreReason.READ_ONLY),
        (404, "namespace 'x' does not exist.", "GET", StoreReason.MISSING),
        (400, "No space left on device (os error 28)", "POST", StoreReason.FULL),
        (500, "No space left on device (os error 28)", "POST", StoreReason.FULL),
        (
            400,
            "parameter verification errors\n\nparameter 'ns': too long",
            "GET",
            StoreReason.FAILED,
        ),
        (302, "", "GET", StoreReason.FAILED),
    ],
)
async def test_a_refusal_has_a_stable_reason_and_says_what_the_server_said(
    certificates: tuple[Certificate, Certificate],
    clock: HandClock,
    status: int,
    text: str,
    method: str,
    reason: StoreReason,
) -> None:
    async def handler(request: web.Request) -> web.Response:
        headers = {"Location": "https://elsewhere.example/"} if status == 302 else None
        return web.Response(status=status, text=text, headers=headers)

    near, _ = certificates
    async with answering(near, handler, clock, near.context) as client:
        error = await refusal(client, method)
    assert error.reason is reason
    assert "\n" not in str(error)
    assert "'" not in str(error), "what is quoted can name a file"
    if text and "'" not in text:
        assert text in str(error)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error": 1}', b'"data"', b"\xff"])
async def test_an_answer_that_is_something_else_is_an_error(
    certificates: tuple[Certificate, Certificate], clock: HandClock, body: bytes
) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=body)

    near, _ = certificates
    async with answering(near, handler, clock, near.context) as client:
        assert (await refusal(client)).reason is StoreReason.FAILED


async def test_an_answer_without_end_is_not_read(
    certificates: tuple[Certificate, Certificate],
    clock: HandClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 1000)

    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=b" " * 1001)

    near, _ = certificates
    async with answering(near, handler, clock, near.context) as client:
        assert "1000 bytes" in str(await refusal(client))


async def test_a_task_that_does_not_end_is_not_waited_for_for_ever(
    certificates: tuple[Certificate, Certificate], clock: HandClock
) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.json_response({"data": {"status": "running", "upid": "UPID:"}})

    near, _ = certificates
    async with answering(near, handler, clock, near.context) as client:
        with pytest.raises(StoreError, match="not over"):
            await client.finished("UPID:localhost:0", 3600)
    assert clock.seconds == pytest.approx(3600, abs=2)


async def test_secrets_with_signs_of_their_own_are_understood(
    primary: Site, clock: HandClock
) -> None:
    primary.world.access.account("jitsi@pbs!operator").secret = SECRET
    async with as_token(primary, clock, "jitsi@pbs!operator", SECRET) as client:
        assert (await client.get("version"))["version"] == "4.1"


def test_a_login_does_not_show_what_it_holds() -> None:
    assert SECRET not in repr(Login.of_token("jitsi@pbs!operator", SECRET))


async def test_the_operator_reads_the_log_of_its_own_task_by_its_id(
    primary: Site, clock: HandClock
) -> None:
    async with as_operator(primary, clock) as client:
        upid = await client.post(client.datastore("verify"), {"ns": "tenants"})
        task = await client.finished(upid, 60)
    assert (task.succeeded, task.result) == (True, "OK")
