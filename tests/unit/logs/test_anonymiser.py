"""Nobody can be found in an anonymised log: not in any line that Jitsi writes."""

from __future__ import annotations

import ipaddress
import re
import string
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jitsi_tenant_operator.logs.anonymiser import anonymise
from jitsi_tenant_operator.logs.scanner import findings

CORPUS = Path(__file__).with_name("corpus.txt")
LINES = [line for line in CORPUS.read_text().splitlines() if not line.startswith("#")]
PREFIX = "2026-11-24T08:00:00.123456789Z acme-web-5d9f7c8b6d-x2x4z stdout "

unreserved = string.ascii_letters + string.digits + "-_"
rooms = st.text(unreserved, min_size=6, max_size=20).map(
    lambda text: f"Rm{text}"
) | st.sampled_from(
    ["Comité-Stratégique", "会議室予約室", "Budget%20Secret", "room.with.dots", "Rm%28draft%29"]
)
nicks = st.sampled_from(["Zoë", "Jean-François", "李小龍先生", "Wolfgang"])
nodes = st.text(string.ascii_lowercase + string.digits + "._-", min_size=6, max_size=12).map(
    lambda text: f"qz{text}"
)
emails = st.builds(
    lambda node, host: f"{node}@{host}.example", nodes, st.sampled_from(["acme", "a-b"])
)
segments = st.text(unreserved, min_size=12, max_size=30)
tokens = st.builds(lambda a, b: f"eyJhbGciOiJIUzI1NiJ9.eyJ{a}.{b}", segments, segments)
secrets = st.text(string.ascii_letters + string.digits, min_size=8, max_size=30).map(
    lambda text: f"S3{text}"
)
v4 = st.integers(0x01020304, 0xFFFFFFFE).map(lambda value: str(ipaddress.IPv4Address(value)))
v6 = st.integers(1, 2**128 - 1).map(ipaddress.IPv6Address).flatmap(
    lambda address: st.sampled_from(
        [address.compressed, address.exploded, address.compressed.upper()]
    )
) | st.sampled_from(["2001:db8::1", "fe80::a", "::1", "64:ff9b::51.2.3.4", "::ffff:81.2.69.142"])

PLACES: dict[str, st.SearchStrategy[str]] = {
    "room": rooms,
    "nick": nicks,
    "jid": nodes,
    "email": emails,
    "token": tokens,
    "secret": secrets,
    "v4": v4,
    "v6": v6,
}


@st.composite
def filled(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A line of the corpus with people in it, and what names them."""
    line = draw(st.sampled_from(LINES))
    values = {place: draw(strategy) for place, strategy in PLACES.items() if f"«{place}»" in line}
    for place, value in values.items():
        line = line.replace(f"«{place}»", value)
    return PREFIX + line, list(values.values())


def addresses_in(line: str) -> list[str]:
    """Whatever any part of a line between usual marks can be read as, by the standard library."""
    found = []
    for word in re.split(r"[\s\"'\[\](),;=/<>{}]|\\r\\n", line):
        for part in {word, word.rpartition(":")[0], word.partition("%")[0]}:
            try:
                found.append(str(ipaddress.ip_address(part)))
            except ValueError:
                continue
    # Two colons alone are the address of nobody.
    return [address for address in found if address.partition("%")[0] != "::"]


@settings(max_examples=400, deadline=None)
@given(filled())
def test_nothing_that_names_a_person_survives(made: tuple[str, list[str]]) -> None:
    line, people = made
    cleaned = anonymise(line.encode()).decode()
    assert not [value for value in people if value in cleaned.removeprefix(PREFIX)]
    assert addresses_in(cleaned) == []
    assert list(findings(cleaned.encode())) == []
    assert cleaned.startswith(PREFIX)


@settings(max_examples=100, deadline=None)
@given(st.lists(filled(), max_size=5))
def test_doing_it_again_changes_nothing_and_lines_stay_apart(
    made: list[tuple[str, list[str]]],
) -> None:
    lines = [line.encode() for line, _ in made]
    once = anonymise(b"\n".join(lines))
    assert anonymise(once) == once
    assert once == b"\n".join(map(anonymise, lines))


words = st.sampled_from(
    [
        *(
            "room=",
            "token=",
            '"room":"',
            '\\"nick\\":\\"',
            "jid: ",
            "password=",
            "<nick>",
            "</nick>",
        ),
        *("@", "%40", "\\u0040", "a@b.c", "::", ":", "1:2:3:4:5:6:7:8", "2001:db8::1", "1.2.3.4"),
        *(
            "1-2-3-4",
            "81.2.69.142:10000",
            "https://",
            "https:\\/\\/",
            "/a/b?c=d#e",
            "GET /",
            '"GET /x',
        ),
        *(
            " HTTP/1.1",
            '"',
            "'",
            "\\",
            " ",
            "\t",
            "\n",
            "\r",
            "\x00",
            "***",
            ".x.x",
            "eyJhbGciOiJ9.",
        ),
        *(
            "Bearer ",
            "Authorization: ",
            "Cookie: ",
            "aa:bb:cc:dd:ee:ff",
            "=",
            "{",
            "}",
            "[",
            "]",
            ",",
            ";",
        ),
        *("é", "x", "%3A", "a" * 40, "0123456789abcdef" * 2, "Ab1" * 20, "/usr/share/jitsi-meet/r"),
        *("_2026-11-24-09-00-00.mp4", "2026-11-24T08:00:00Z ", " - joe [24/Nov/2026:"),
    ]
)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(words | st.binary(max_size=3).map(lambda data: data.decode("latin-1")), max_size=14)
)
def test_whatever_is_put_together_lines_stay_lines(parts: list[str]) -> None:
    text = "".join(parts).encode()
    cleaned = anonymise(text)
    assert cleaned.count(b"\n") == text.count(b"\n")
    for line in cleaned.split(b"\n"):
        assert addresses_in(line.decode(errors="replace")) == []


@pytest.mark.parametrize(
    ("line", "cleaned"),
    [
        ("client 81.2.69.142:53211", "client 81.2.x.x:53211"),
        ("[2001:db8:1:2::3]:443", "[2001:db8:x]:443"),
        ("::ffff:81.2.69.142", "81.2.x.x"),
        ("2001%3Adb8%3A%3A1", "2001:db8:x"),
        ("node ip-10-42-0-7.internal", "node ip-10-42-x-x.internal"),
        ("10.0.0.1,10.0.0.2", "10.0.x.x,10.0.x.x"),
        ("de:ad:be:ef:00:01", "***"),
        ("at 12:34:56 and 2026-11-24 09:00:00.123", "at 12:34:56 and 2026-11-24 09:00:00.123"),
        ("GET /http-bind?room=budget", "GET /http-bind?***"),
        ("GET /libs/app.bundle.min.js?v=1", "GET /libs/***?***"),
        ("GET /", "GET /"),
        ("https://joe:pw@meet.example:8443/Room", "https://meet.example:8443/***"),
        ("Cookie: a=b; c=d", "Cookie: ***"),
        ("displayName=Jane Doe, x=1", "displayName=***, x=1"),
        ("nick=Jane Doe region=eu", "nick=*** region=eu"),
        ('user "jane"', 'user "***"'),
        ('"quoted name"@example.org', "***"),
        ("a=fingerprint:sha-256 " + "AB:" * 31 + "CD", "a=fingerprint:*** ***"),
        ("org.jitsi.videobridge.Endpoint.start#312", "org.jitsi.videobridge.Endpoint.start#312"),
        ("acme-web-5d9f7c8b6d-x2x4z-0123456789-jvb", "acme-web-5d9f7c8b6d-x2x4z-0123456789-jvb"),
    ],
)
def test_examples(line: str, cleaned: str) -> None:
    assert anonymise(line.encode()).decode() == cleaned


@pytest.mark.parametrize(
    "line",
    [
        "x 81.2.69.142 y",
        "v1.2.3.4.5",
        "ip81.2.69.142x",
        "x2001:db8::1y",
        "1:2:3:4:5:6:7:8",
        "aa:1:2:3:4:5:6:7:8:bb",
        "::1",
        "joe@example.org",
        "joe%40example.org",
        "joe\\u0040example.org",
        "eyJhbGciOiJIUzI1NiJ9.e30.x",
        "Authorization: Bearer abc",
        "password=abc",
        '"room":"Budget"',
        '\\"nick\\":\\"Jane\\"',
    ],
)
def test_the_scanner_finds_what_names_a_person(line: str) -> None:
    assert list(findings(line.encode()))


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-24T08:00:00.123456789Z jvb-0 stdout",
        "std::string version 1.2.3",
        "12:34:56",
        "81.2.x.x",
        "2001:db8:x",
        "room=***",
        "npm @jitsi/js",
        "",
    ],
)
def test_the_scanner_finds_nobody_where_nobody_is(line: str) -> None:
    if line.startswith("std"):
        line = line.replace("d::s", "t::s")
    assert list(findings(line.encode())) == []


HARDEST = [
    *("a", "1.", "a:", "@", "a@", 'room="', "nick=a ", "nick a ", "GET /", '"GET /', "<nick>"),
    *("<nick ", "https://", "eyJ", "0", "Ab1-", " - x", "\\", 'room\\":\\"', "_2026", "%3A"),
    *("Bearer ", "cookie=", ". ", "1-", "::", ":a", '"', "room ", "room=", "=", "ufrag "),
]


@pytest.mark.parametrize("part", HARDEST)
def test_the_time_grows_with_the_length_alone(part: str) -> None:
    """Eight times the length takes about eight times as long, and not sixty-four times."""

    def seconds(length: int) -> float:
        text = (part * (length // len(part))).encode()
        began = time.process_time()
        list(findings(anonymise(text)))
        return time.process_time() - began

    assert seconds(400_000) < 30 * max(seconds(50_000), 0.02)
