"""A closed service answers everything with its page, and nothing of the application is reached."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jitsi_tenant_operator.api.contract import ClientLanguage
from jitsi_tenant_operator.render import closed
from jitsi_tenant_operator.render.closed import Closed, ClosedReason

if TYPE_CHECKING:
    from tests.integration.render.conftest import Serve, Server

MARK = b"of the application"
UNTIL = datetime(2026, 9, 4, 12, 30, tzinfo=UTC)
CLOSED = Closed(
    reason=ClosedReason.SUSPENDED,
    application_name="ACME Visio",
    provider_name="ACME SAS",
    until=UNTIL,
    retrieval_until=date(2026, 11, 3),
    support_email="support@example.net",
    support_telephone="+33 1 23 45 67 89",
    support_hours="du lundi au vendredi, 9 h - 18 h",
)
PATHS = (
    "/",
    "/index.html",
    "/config.js",
    "/external_api.js",
    "/libs/external_api.min.js?v=1",
    "/static/config.js",
    "/static/closed.fr.html",
    "/closed.fr.html",
    "/closed/health/",
    "/http-bind?room=team",
    "/xmpp-websocket?room=team",
    "/etherpad/p/team",
    "/moved",
    "/TeamMeeting",
    "/tenant/TeamMeeting",
    "/tenant/config.js",
    "/tenant/http-bind",
    "/tenant/xmpp-websocket",
    "/tenant/static/config.js",
    "//http-bind",
    "/x/../http-bind",
    "/%68ttp-bind",
    "/.well-known/acme",
    "/a:b",
    "/r%C3%A9union",
    "http://elsewhere.example/http-bind",
)
REACHED = {
    "/": 200,
    "/config.js": 200,
    "/external_api.js": 200,
    "/libs/external_api.min.js?v=1": 200,
    "/static/config.js": 200,
    "/http-bind?room=team": 200,
    "/xmpp-websocket?room=team": 200,
    "/etherpad/p/team": 200,
    "/moved": 301,
    "/TeamMeeting": 200,
    "/tenant/TeamMeeting": 200,
    "/tenant/config.js": 200,
    "/tenant/http-bind": 200,
    "/tenant/xmpp-websocket": 200,
    "/.well-known/acme": 404,
}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "BREW")


def page_of(told: Closed, language: str) -> bytes:
    found = {each.key: each.content for each in closed.files(told)}
    return found[f"closed.{language}.html"].encode()


@pytest.fixture
def server(serve: Serve) -> Server:
    return serve(closed.files(CLOSED))


def test_without_the_file_the_same_server_is_open(serve: Serve) -> None:
    server = serve([])
    assert {path: server.ask(path).status for path in REACHED} == REACHED
    assert all(MARK in server.ask(path).body for path in REACHED if path != "/moved")
    assert len(server.reached) == 10
    assert MARK in server.ask(closed.HEALTH).body


@pytest.mark.parametrize("method", METHODS)
def test_every_path_is_answered_with_the_page(server: Server, method: str) -> None:
    page = page_of(CLOSED, "fr")
    for path in PATHS:
        answer = server.ask(path, method=method)
        assert answer.status == 503, path
        assert answer.body == (b"" if method == "HEAD" else page), path
        assert answer.headers["content-length"] == str(len(page)), path
    assert server.reached == []


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.lists(st.sampled_from(PATHS) | st.binary(max_size=6).map(quote_from_bytes)))
def test_no_path_leads_anywhere_else(server: Server, path: list[str]) -> None:
    answer = server.ask("/" + "".join(path))
    assert answer.status in {400, 503}
    assert MARK not in answer.body
    assert server.reached == []


@pytest.mark.parametrize("version", ["HTTP/1.0", "HTTP/1.1"])
@pytest.mark.parametrize(
    "header",
    [
        "Range: bytes=0-9",
        "If-None-Match: *",
        "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT",
        "If-Match: none",
        "Upgrade: websocket",
        "Accept-Encoding: gzip",
        "Expect: 100-continue",
        "X-Forwarded-For: 127.0.0.1",
        "X-Accel-Redirect: /config.js",
    ],
)
def test_no_header_changes_the_answer(server: Server, header: str, version: str) -> None:
    answer = server.ask("/http-bind", header, version=version)
    assert (answer.status, answer.body) == (503, page_of(CLOSED, "fr"))
    assert server.reached == []


def test_the_oldest_browsers_get_the_page_too(server: Server) -> None:
    answer = server.send(b"GET /config.js\r\n")
    assert page_of(CLOSED, "fr").endswith(answer.body[-200:])
    assert server.send(b"GET / HTTP/1.0\r\n\r\n").status == 503


@pytest.mark.parametrize(
    "request_line", [b"TRACE / HTTP/1.1", b"CONNECT meet:443 HTTP/1.1", b"GET /\0 HTTP/1.1"]
)
def test_what_nginx_refuses_by_itself_reaches_nothing(server: Server, request_line: bytes) -> None:
    answer = server.send(request_line + b"\r\nHost: meet\r\nConnection: close\r\n\r\n")
    assert answer.status in {400, 405}
    assert MARK not in answer.body


def test_headers_let_nobody_keep_or_misread_the_page(server: Server) -> None:
    for method in ("GET", "HEAD", "POST"):
        headers = server.ask("/TeamMeeting", method=method).headers
        assert headers["content-type"] == "text/html; charset=utf-8"
        assert headers["content-language"] == "fr"
        assert headers["cache-control"] == "no-store"
        assert headers["vary"] == "Accept-Language"
        assert headers["retry-after"] == "Fri, 04 Sep 2026 12:30:00 GMT"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha")
        assert not headers.keys() & {"etag", "last-modified", "accept-ranges", "location"}


def test_without_a_known_end_nobody_is_told_when_to_come_back(serve: Serve) -> None:
    server = serve(closed.files(replace(CLOSED, until=None)))
    assert "retry-after" not in server.ask("/").headers


@pytest.mark.parametrize(
    ("wanted", "default", "shown"),
    [
        (None, "fr", "fr"),
        (None, "en", "en"),
        ("", "en", "en"),
        ("*", "en", "en"),
        ("de-DE,de;q=0.9", "en", "en"),
        ("fr", "en", "fr"),
        ("FR-ca", "en", "fr"),
        ("en-GB", "fr", "en"),
        ("EN", "fr", "en"),
        ("fr-FR,fr;q=0.9,en-US;q=0.8,en;q=0.7", "en", "fr"),
        ("en-US,en;q=0.9,fr;q=0.8", "fr", "en"),
        ("de,en;q=0.8,fr;q=0.5", "fr", "en"),
        ("en;q=0.5, fr;q=0.9", "en", "fr"),
        ("fr ; q=0.25 , en ; q=0.75", "fr", "en"),
        ("en;q=0.3,fr", "en", "fr"),
        ("en;q=0.9,fr;q=1.000", "en", "fr"),
        ("en;q=0.05,fr;q=0.1", "en", "fr"),
        ("en,fr", "fr", "en"),
        ("en;q=0.35,fr;q=0.31", "fr", "en"),
        ("fr;q=0,en;q=0.001", "fr", "en"),
        ("en;q=0", "fr", "fr"),
        ("fro,eng", "fr", "fr"),
        ("xx-en,frr;q=0.5,en-Latn-GB;q=0.1", "fr", "en"),
        ("en;q=2,fr;q=x", "fr", "fr"),
        ("$closed_language;../..", "fr", "fr"),
    ],
)
def test_the_page_is_in_the_language_of_the_browser(
    serve: Serve, wanted: str | None, default: str, shown: str
) -> None:
    told = replace(CLOSED, language=ClientLanguage(default))
    header = () if wanted is None else (f"Accept-Language: {wanted}",)
    server = serve(closed.files(told))
    for method in ("GET", "POST"):
        answer = server.ask("/", *header, method=method)
        assert answer.headers["content-language"] == shown
        assert answer.body == page_of(told, shown)


def test_the_probe_of_a_closed_pod_succeeds(server: Server) -> None:
    path = closed.probe()["httpGet"]["path"]
    answer = server.ask(path, "User-Agent: kube-probe/1.37")
    assert (answer.status, answer.body) == (200, b"")
    assert server.reached == []


def test_a_page_that_is_missing_opens_nothing(serve: Serve) -> None:
    server = serve([each for each in closed.files(CLOSED) if each.key == "closed.conf"])
    for method in ("GET", "POST"):
        answer = server.ask("/config.js", method=method)
        assert answer.status == 503
        assert MARK not in answer.body


HOSTILE = (
    "\"'; } $uri ${x} {{ 7*7 }} </title></style><script>alert(1)</script><!--#include x-->\n#é"
)


def test_hostile_texts_reach_nginx_only_as_the_page(serve: Serve) -> None:
    told = replace(
        CLOSED,
        application_name=HOSTILE,
        provider_name=HOSTILE * 2,
        support_email=HOSTILE,
        support_telephone=HOSTILE,
        support_hours=HOSTILE,
    )
    answer = serve(closed.files(told)).ask("/")
    assert (answer.status, answer.body) == (503, page_of(told, "fr"))
