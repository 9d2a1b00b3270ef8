"""Requests of OTLP, as the Collector's file exporter writes them, become lines of a log."""

from __future__ import annotations

import base64
import io
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitsi_tenant_operator.logs import content as contents
from jitsi_tenant_operator.logs.content import OtlpContent
from jitsi_tenant_operator.logs.otlp import Reader

if TYPE_CHECKING:
    from tests.unit.logs.conftest import Site

AT = 1_795_507_200_123_456_789
"""24 November 2026, 08:00:00.123456789 UTC."""


def record(body: Any, at: int = AT, **fields: Any) -> dict[str, Any]:
    return {
        "timeUnixNano": str(at),
        "body": body if isinstance(body, dict) else {"stringValue": body},
        "attributes": [{"key": "log.iostream", "value": {"stringValue": "stdout"}}],
        **fields,
    }


def request(*records: dict[str, Any], pod: str = "jvb-0") -> bytes:
    resource = {"attributes": [{"key": "k8s.pod.name", "value": {"stringValue": pod}}]}
    scopes = [{"scope": {}, "logRecords": list(records)}]
    return orjson.dumps({"resourceLogs": [{"resource": resource, "scopeLogs": scopes}]}) + b"\n"


PREFIX = b"2026-11-24T08:00:00.123456789Z jvb-0 stdout "


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("JVB 2026 INFO: started", b"JVB 2026 INFO: started"),
        ("", b""),
        ('a "quoted" \\ line\t', b'a "quoted" \\ line\t'),
        ("déjà \x00 \x1b[2J", "déjà \x00 \x1b[2J".encode()),
        ("with its line break\n", b"with its line break"),
        ({"bytesValue": base64.b64encode(b"\xff\x00raw").decode()}, b"\xff\x00raw"),
        ({"intValue": "7"}, b'"7"'),
        (
            {"kvlistValue": {"values": [{"key": "a", "value": {"boolValue": True}}]}},
            b'{"a":true}',
        ),
    ],
)
def test_a_record_is_a_line_with_time_pod_and_stream(body: Any, line: bytes) -> None:
    assert Reader().lines(request(record(body))) == PREFIX + line + b"\n"


def test_each_line_of_a_body_is_a_line_of_its_own() -> None:
    made = Reader().lines(request(record("error\n  at one\n  at two")))
    assert made == b"".join(PREFIX + line + b"\n" for line in (b"error", b"  at one", b"  at two"))


def test_the_time_of_observation_stands_in_for_none() -> None:
    only_observed = record("x", at=0) | {"observedTimeUnixNano": str(AT)}
    assert Reader().lines(request(only_observed)) == PREFIX + b"x\n"
    without = {"body": {"stringValue": "x"}}
    assert Reader().lines(request(without)) == b"- jvb-0 - x\n"


def test_a_name_of_a_pod_cannot_begin_another_field() -> None:
    assert b" evil?pod??x " in Reader().lines(request(record("x"), pod="evil pod\n\x1bx"))


def test_half_a_request_stays_as_it_is_and_the_next_one_is_read() -> None:
    reader = Reader()
    half = request(record("lost"))[:40]
    assert reader.lines(half + request(record("kept"))) == half + b"\n" + PREFIX + b"kept\n"
    assert reader.unparsed == 1


@pytest.mark.parametrize(
    "line", [b"{", b"[]", b"plain", b'{"resourceLogs":7}', b'{"resourceLogs":[{"scopeLogs":{}}]}']
)
def test_a_line_that_is_no_request_is_kept_as_it_is(line: bytes) -> None:
    reader = Reader()
    assert reader.lines(line + b"\n") == line + b"\n"
    assert reader.unparsed == 1


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"))))
def test_no_character_of_any_line_is_lost(bodies: list[str]) -> None:
    made = Reader().lines(request(*(record(body) for body in bodies)))
    lines = made.split(b"\n")[:-1]
    assert [line.removeprefix(PREFIX).decode() for line in lines] == bodies


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "resourceLogs",
                        "resource",
                        "scopeLogs",
                        "logRecords",
                        "attributes",
                        "body",
                        "key",
                        "value",
                        "stringValue",
                        "kvlistValue",
                        "values",
                    ]
                )
                | st.text(max_size=3),
                inner,
                max_size=4,
            )
        ),
        max_leaves=20,
    )
)
def test_no_json_makes_it_fail(value: Any) -> None:
    line = json.dumps(value).encode() + b"\n"
    made = Reader().lines(line)
    assert made == b"" or made.endswith(b"\n")


def test_a_request_longer_than_memory_allows_is_kept_in_pieces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(contents, "LONGEST_REQUEST", 100_000)
    monkeypatch.setattr(contents, "PIECE", 4096)
    long = request(record("x" * 200_000))
    raw = request(record("before")) + long + request(record("after"))
    reader = OtlpContent()
    made = list(reader.pieces(io.BytesIO(raw), len(raw)))
    assert b"".join(read for read, _ in made) == raw
    assert b"".join(text for _, text in made) == (PREFIX + b"before\n" + long + PREFIX + b"after\n")
    assert reader.unparsed == 1


def test_the_archive_has_the_lines_and_the_manifest_their_times(site: Site) -> None:
    site.line_format = "Otlp"
    later = AT + 3_000_000_000
    site.log(request(record("two", at=later), record("one")) + request(record("three", at=later)))
    site.run()
    assert site.content().splitlines()[1] == PREFIX + b"one"
    [entry] = site.entries()
    first = datetime.fromtimestamp(AT // 1_000_000_000, UTC)
    assert entry["archived"]["lines"] == 3
    assert entry["archived"]["first"] == first.isoformat().replace("+00:00", "Z")
    assert datetime.fromisoformat(entry["archived"]["last"]) == first + timedelta(seconds=3)
    assert site.prove().proved
