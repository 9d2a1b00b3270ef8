"""The page on which receipt is acknowledged: by its button, once, and by nothing else."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st

from jitsi_tenant_operator.api.contract import ClientLanguage
from jitsi_tenant_operator.contract.calendar import Calendar
from jitsi_tenant_operator.notify.acknowledgement import (
    Pending,
    StoreUnavailableError,
    application,
    is_valid,
    serve,
    token,
)

if TYPE_CHECKING:
    from aiohttp import web
    from tests.unit.notify.conftest import HandClock

KEY = b"k" * 32
UID = "0b6c0d8e-7d5b-4a52-9c4e-0f5c3a5d1e7f"
PLACE = ("tenant-acme", "suspension-1")
PATH = f"/acknowledge/{PLACE[0]}/{PLACE[1]}/{token(KEY, UID)}"
FRENCH_BROWSER = {"Accept-Language": "fr-FR,fr;q=0.9,en;q=0.5"}
ENGLISH_BROWSER = {"Accept-Language": "en-GB,en;q=0.9,fr;q=0.5"}
Client = TestClient["web.Request", "web.Application"]


@dataclass
class Shelf:
    """Notices in memory, that can be slow or fail."""

    notices: dict[tuple[str, str], Pending] = field(default_factory=dict)
    looked_up: list[tuple[str, str]] = field(default_factory=list)
    recorded: list[datetime] = field(default_factory=list)
    failure: Exception | None = None
    silent: bool = False

    async def find(self, namespace: str, name: str) -> Pending | None:
        self.looked_up.append((namespace, name))
        if self.silent:
            await asyncio.Event().wait()
        await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure
        return self.notices.get((namespace, name))

    async def acknowledge(self, namespace: str, name: str, uid: str, at: datetime) -> None:
        await asyncio.sleep(0)
        found = self.notices[(namespace, name)]
        assert found.uid == uid
        self.notices[(namespace, name)] = replace(found, acknowledged=found.acknowledged or at)
        self.recorded.append(at)


@pytest.fixture
def shelf() -> Shelf:
    notice = Pending(UID, "Suspension du service <b>", "DC-2026-0142 & Cie", ClientLanguage.ENGLISH)
    return Shelf({PLACE: notice})


@pytest.fixture
def app(shelf: Shelf, clock: HandClock) -> web.Application:
    paris = Calendar.of("Europe/Paris")
    return application(shelf, key=KEY, clock=clock, calendar=paris, store_seconds=0.2)


@pytest.fixture
async def browser(app: web.Application) -> AsyncIterator[Client]:
    async with TestClient(TestServer(app)) as found:
        yield found


async def test_opening_the_page_acknowledges_nothing(browser: Client, shelf: Shelf) -> None:
    for method in ("GET", "HEAD", "OPTIONS", "GET", "PUT", "DELETE", "PROPFIND"):
        response = await browser.request(method, PATH)
        assert response.status == (200 if method in ("GET", "HEAD") else 405)
        if method == "HEAD":
            assert await response.read() == b""
    assert shelf.recorded == []
    assert shelf.notices[PLACE].acknowledged is None


async def test_the_page_shows_subject_and_reference_and_a_button(browser: Client) -> None:
    response = await browser.get(PATH)
    text = await response.text()
    assert "Suspension du service &lt;b&gt;" in text
    assert "DC-2026-0142 &amp; Cie" in text
    assert '<form method="post">' in text
    assert text.count("<button") == 1
    assert UID not in text
    assert "tenant-acme" not in text


async def test_the_button_acknowledges_once(
    browser: Client, shelf: Shelf, clock: HandClock
) -> None:
    first = clock.at
    page = await (await browser.post(PATH, headers=FRENCH_BROWSER)).text()
    shown = "lundi 1er mars 2027 à 10 h"
    assert shown in page.replace("\N{NO-BREAK SPACE}", " ")
    assert "<form" not in page
    clock.turn(3600)
    for response in (
        await browser.post(PATH, headers=FRENCH_BROWSER),
        await browser.get(PATH, headers=FRENCH_BROWSER),
    ):
        assert response.status == 200
        page = await response.text()
        assert shown in page.replace("\N{NO-BREAK SPACE}", " ")
        assert "<form" not in page
    assert shelf.recorded == [first]
    assert shelf.notices[PLACE].acknowledged == first


async def test_buttons_pressed_at_once_record_one_receipt(browser: Client, shelf: Shelf) -> None:
    responses = await asyncio.gather(*(browser.post(PATH) for _ in range(20)))
    assert {response.status for response in responses} == {200}
    assert len({await response.text() for response in responses}) == 1
    assert len(shelf.recorded) == 1


async def test_whatever_is_wrong_looks_the_same(browser: Client, shelf: Shelf) -> None:
    good = token(KEY, UID)
    wrong = [
        f"/acknowledge/{PLACE[0]}/unknown/{good}",
        f"/acknowledge/other/{PLACE[1]}/{good}",
        f"/acknowledge/{PLACE[0]}/{PLACE[1]}/{token(KEY, 'another')}",
        f"/acknowledge/{PLACE[0]}/{PLACE[1]}/{token(b'x' * 32, UID)}",
        f"/acknowledge/{PLACE[0]}/unknown/{token(KEY, '')}",
    ]
    answers = set()
    for path in wrong:
        for call in (browser.get, browser.post):
            shelf.looked_up.clear()
            response = await call(path)
            headers = {name: value for name, value in response.headers.items() if name != "Date"}
            answers.add((response.status, await response.text(), str(sorted(headers.items()))))
            assert len(shelf.looked_up) == 1
    assert len(answers) == 1
    assert {status for status, _, _ in answers} == {404}
    assert shelf.recorded == []


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/acknowledge",
        f"/acknowledge/Tenant/a/{token(KEY, UID)}",
        f"/acknowledge/a.b/a/{token(KEY, UID)}",
        f"/acknowledge/{'a' * 64}/a/{token(KEY, UID)}",
        f"/acknowledge/..%2f..%2fapi/a/{token(KEY, UID)}",
        f"/acknowledge/a/b%0a/{token(KEY, UID)}",
        "/acknowledge/tenant-acme/suspension-1/short",
        f"/acknowledge/tenant-acme/suspension-1/{'é' * 43}",
        f"/acknowledge/tenant-acme/suspension-1/{token(KEY, UID)}=",
    ],
)
async def test_names_are_names_before_anything_is_looked_up(
    browser: Client, shelf: Shelf, path: str
) -> None:
    response = await browser.get(path)
    assert response.status == 404
    assert "Content-Security-Policy" in response.headers
    assert shelf.looked_up == []


@pytest.mark.parametrize("failure", [StoreUnavailableError(), RuntimeError(f"{UID} is a secret")])
async def test_a_store_that_fails_asks_to_try_again(
    browser: Client, shelf: Shelf, failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "jitsi_tenant_operator")
    shelf.failure = failure
    for call in (browser.get, browser.post):
        response = await call(PATH)
        assert response.status == 503
        assert int(response.headers["Retry-After"]) > 0
    assert shelf.recorded == []
    assert caplog.records
    assert_silent(caplog)


async def test_a_store_that_does_not_answer_is_not_waited_for(
    browser: Client, shelf: Shelf
) -> None:
    shelf.silent = True
    answers = await asyncio.gather(*(browser.post(PATH) for _ in range(5)), browser.get(PATH))
    assert {response.status for response in answers} == {503}
    shelf.silent = False
    assert (await browser.post(PATH)).status == 200


async def test_floods_are_turned_away_until_time_has_passed(
    browser: Client, shelf: Shelf, clock: HandClock
) -> None:
    statuses = [(await browser.get(PATH)).status for _ in range(60)]
    assert statuses == [200] * 50 + [429] * 10
    assert len(shelf.looked_up) == 50
    response = await browser.get(PATH)
    assert int(response.headers["Retry-After"]) > 0
    clock.turn(0.5)
    assert [(await browser.get(PATH)).status for _ in range(6)] == [200] * 5 + [429]


async def test_browsers_are_told_to_keep_and_run_nothing(browser: Client) -> None:
    for path in (PATH, "/", f"{PATH}x"):
        response = await browser.get(path)
        headers, text = response.headers, await response.text()
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        policy = headers["Content-Security-Policy"]
        for rule in ("default-src 'none'", "form-action 'self'", "frame-ancestors 'none'"):
            assert rule in policy
        style = re.search(r"<style>(.*)</style>", text, re.DOTALL)
        assert style is not None
        digest = hashlib.sha256(style[1].encode()).digest()
        assert f"style-src 'sha256-{base64.b64encode(digest).decode()}'" in policy
        assert " style=" not in text
        assert "<script" not in text


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("fr-FR,fr;q=0.9,en;q=0.5", "fr"),
        ("en;q=0.5,fr;q=0.4", "en"),
        ("de, fr;q=0.1", "fr"),
        ("de", "en"),
        ("", "en"),
        ("fr;q=0", "en"),
        (";;,,q=,fr;q=x", "fr"),
    ],
)
async def test_the_page_speaks_the_language_of_the_browser_or_of_the_notice(
    browser: Client, accepted: str, language: str
) -> None:
    page = await (await browser.get(PATH, headers={"Accept-Language": accepted})).text()
    assert f'<html lang="{language}">' in page


async def test_nothing_of_a_request_is_logged(
    app: web.Application, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    requests = (
        f"GET {PATH} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        f"POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        f"GET {PATH} HTTP/1.1\r\nHost: a\r\nbroken header\r\n\r\n",
        f"{PATH}\r\n\r\n",
        f"GET {PATH} HTTP/9.9.9\r\n\r\n",
    )
    async with serve(("127.0.0.1", 0), app) as (host, port):
        for request in requests:
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(request.encode())
            assert (await reader.read()).startswith(b"HTTP/1.")
            writer.close()
            await writer.wait_closed()
    assert_silent(caplog)


def assert_silent(caplog: pytest.LogCaptureFixture) -> None:
    said = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    for secret in (token(KEY, UID), UID, "127.0.0.1", "tenant-acme", "DC-2026-0142"):
        assert secret not in said


def test_a_token_belongs_to_one_notice_and_one_key() -> None:
    good = token(KEY, UID)
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", good)
    assert token(KEY, UID) == good
    assert is_valid(KEY, UID, good)
    for key, uid, given_token in (
        (KEY, "other", good),
        (b"o" * 32, UID, good),
        (KEY, UID, good[:-1]),
        (KEY, UID, f"{good}="),
        (KEY, UID, ""),
        (KEY, UID, "\udcff é"),
    ):
        assert not is_valid(key, uid, given_token)


@given(st.text())
def test_no_other_text_is_a_token(text: str) -> None:
    assert is_valid(KEY, UID, text) == (text == token(KEY, UID))


def test_a_short_key_is_refused(shelf: Shelf, clock: HandClock) -> None:
    with pytest.raises(ValueError, match="at least 32"):
        token(b"short", UID)
    with pytest.raises(ValueError, match="at least 32"):
        application(shelf, key=b"short", clock=clock, calendar=Calendar.of("Europe/Paris"))
