"""Lines of the OpenTelemetry Collector's file exporter as plain lines of a log.

Each line that it writes is an ExportLogsServiceRequest in JSON (OTLP 1.x, protocol buffers' JSON
mapping). Each line of a body becomes one line: time, pod, stream, and what the program wrote.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

START = b'{"resourceLogs"'
_SECOND = 1_000_000_000
_LAST_SECOND = 253_402_300_799
"""The end of the year 9999."""
_MOST_DIGITS = 20
"""Of a number of 64 bits."""
_NOT_IN_A_FIELD = re.compile(r"[^A-Za-z0-9._-]")


class NotOtlpError(Exception):
    """A line is no logs request of OTLP."""


@dataclass(slots=True)
class Times:
    """The earliest and the latest time of records, in nanoseconds since 1970; None before any."""

    first: int | None = None
    last: int | None = None

    def take(self, at: int) -> None:
        """Take note of one more."""
        if self.first is None or at < self.first:
            self.first = at
        if self.last is None or at > self.last:
            self.last = at


class Reader:
    """Turns requests into lines, and keeps count of what it found."""

    def __init__(self) -> None:
        self.times = Times()
        self.unparsed = 0
        self._second = -1
        self._written = ""

    def lines(self, line: bytes) -> bytes:
        """The lines of one request, each with its line break.

        A line that is none is kept as it is. A crash of the collector leaves half a request, and
        the next one is on the same line: that one is read.
        """
        if not line.strip():
            return b""
        try:
            return b"".join(self._records(orjson.loads(line)))
        except (orjson.JSONDecodeError, NotOtlpError):
            self.unparsed += 1
        begin = line.rfind(START, 1)
        if begin > 0:
            try:
                rest = b"".join(self._records(orjson.loads(line[begin:])))
            except (orjson.JSONDecodeError, NotOtlpError):
                pass
            else:
                return line[:begin].rstrip(b"\n") + b"\n" + rest
        return line.rstrip(b"\n") + b"\n"

    def _records(self, request: Any) -> list[bytes]:
        found: list[bytes] = []
        for of_resource in _list(_dict(request), "resourceLogs", needed=True):
            pod = _attribute(_dict(of_resource.get("resource", {})), "k8s.pod.name")
            for of_scope in _list(of_resource, "scopeLogs"):
                for record in _list(of_scope, "logRecords"):
                    found += self._record(record, pod)
        return found

    def _record(self, record: dict[str, Any], pod: str) -> Iterable[bytes]:
        stream = _attribute(record, "log.iostream")
        body = _text(record.get("body"))
        prefix = f"{self._time(record)} {pod} {stream} ".encode()
        # A line break at the end ends the last line and begins none.
        lines = body.removesuffix(b"\n").split(b"\n")
        return [prefix + line + b"\n" for line in lines]

    def _time(self, record: dict[str, Any]) -> str:
        at = _nanoseconds(record.get("timeUnixNano"))
        at = at or _nanoseconds(record.get("observedTimeUnixNano"))
        if not at:
            return "-"
        self.times.take(at)
        second, rest = divmod(at, _SECOND)
        if second != self._second:
            # Many lines share their second, and this is a good part of the work on a line.
            self._second = second
            self._written = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{self._written}.{rest:09}Z"


def _nanoseconds(value: Any) -> int:
    """64-bit numbers are strings in the JSON mapping, and may be numbers; 0 when it is no time."""
    if (
        isinstance(value, str)
        and value.isascii()
        and value.isdigit()
        and len(value) <= _MOST_DIGITS
    ):
        value = int(value)
    if isinstance(value, int) and 0 < value < _LAST_SECOND * _SECOND:
        return value
    return 0


def _text(value: Any) -> bytes:
    """The bytes of a body: text as it is, anything else as JSON."""
    if not isinstance(value, dict):
        return b"" if value is None else orjson.dumps(value)
    text = value.get("stringValue")
    if isinstance(text, str):
        return text.encode()
    data = value.get("bytesValue")
    if isinstance(data, str):
        try:
            return base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError):
            return data.encode()
    return orjson.dumps(_plain(value)) if value else b""


def _plain(value: Any) -> Any:
    """An AnyValue as the JSON that it stands for."""
    if not isinstance(value, dict) or len(value) != 1:
        return value
    [(kind, content)] = value.items()
    if kind == "kvlistValue":
        return {
            str(each.get("key", "")): _plain(each.get("value"))
            for each in _list(_dict(content), "values")
        }
    if kind == "arrayValue":
        return [_plain(each) for each in _dict(content).get("values", [])]
    return content


def _attribute(holder: dict[str, Any], key: str) -> str:
    """A text attribute, fit to be one field of a line; - when there is none."""
    for attribute in _list(holder, "attributes"):
        if attribute.get("key") == key:
            value = _dict(attribute.get("value", {})).get("stringValue")
            if isinstance(value, str) and value:
                return _NOT_IN_A_FIELD.sub("?", value)
    return "-"


def _list(holder: dict[str, Any], name: str, *, needed: bool = False) -> Iterator[dict[str, Any]]:
    found = holder.get(name)
    if found is None and not needed:
        return
    if not isinstance(found, list):
        raise NotOtlpError
    for each in found:
        yield _dict(each)


def _dict(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise NotOtlpError
    return value
