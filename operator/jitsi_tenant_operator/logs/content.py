"""A current log as the content of an archive, piece by piece, whatever the size of the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import BinaryIO, Protocol

from jitsi_tenant_operator.logs.configuration import LineFormat
from jitsi_tenant_operator.logs.otlp import Reader

PIECE = 1024 * 1024
LONGEST_REQUEST = 32 * 1024 * 1024
"""The longest line that is read as one request; a longer one is kept as it is, in pieces."""

_HEAD = 48
_LINE_BREAK = ord("\n")
_TIME = re.compile(
    rb"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]{1,9})?"
    rb"(Z|[+-][0-9]{2}:[0-9]{2})(?![^ \t\r\n])"
)


class Content(Protocol):
    """What becomes the content of an archive."""

    def pieces(self, raw: BinaryIO, end: int) -> Iterator[tuple[bytes, bytes]]:
        """Read `raw` on to its offset `end`: what was read, and what becomes of it."""

    @property
    def unparsed(self) -> int:
        """How many lines were not as they must be, and are kept as they were."""

    @property
    def first(self) -> datetime | None:
        """The time of the earliest line."""

    @property
    def last(self) -> datetime | None:
        """The time of the latest line."""


def content(form: LineFormat) -> Content:
    """The reader of logs in one format."""
    return OtlpContent() if form is LineFormat.OTLP else PlainContent()


def time_of(line: bytes) -> datetime | None:
    """The time at the beginning of a line, in UTC; None when there is none of RFC 3339."""
    match = _TIME.match(line)
    if match is None:
        return None
    try:
        return datetime.fromisoformat((match[1] + match[2]).decode()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


class PlainContent:
    """Lines as they are: nothing is changed, not even a last line that does not end."""

    unparsed = 0
    """None: a line may be anything."""

    def __init__(self) -> None:
        self._first = b""
        self._last = b""
        self._line_ended = True

    def pieces(self, raw: BinaryIO, end: int) -> Iterator[tuple[bytes, bytes]]:
        """Read `raw` on to its offset `end`: what was read, and what becomes of it."""
        left = end - raw.tell()
        while left > 0 and (piece := raw.read(min(PIECE, left))):
            left -= len(piece)
            self._take(piece)
            yield piece, piece

    def _take(self, piece: bytes) -> None:
        """Keep how the first line and the last one with anything in it begin."""
        if len(self._first) < _HEAD:
            self._first = (self._first + piece[:_HEAD]).lstrip(b"\n")
        stop = len(piece)
        while stop and piece[stop - 1] == _LINE_BREAK:
            stop -= 1
        if stop:
            start = piece.rfind(b"\n", 0, stop) + 1
            goes_on = start == 0 and not self._line_ended
            begun = self._last if goes_on else b""
            if len(begun) < _HEAD:
                self._last = begun + piece[start : min(stop, start + _HEAD)]
        self._line_ended = stop < len(piece)

    @property
    def first(self) -> datetime | None:
        """The time of the first line."""
        return time_of(self._first)

    @property
    def last(self) -> datetime | None:
        """The time of the last line."""
        return time_of(self._last)


class OtlpContent:
    """The lines in requests of OTLP."""

    def __init__(self) -> None:
        self._reader = Reader()
        self._too_long = 0

    def pieces(self, raw: BinaryIO, end: int) -> Iterator[tuple[bytes, bytes]]:
        """Read `raw` on to its offset `end`: what was read, and what becomes of it."""
        read: list[bytes] = []
        made: list[bytes] = []
        size = 0
        for line, whole in _bounded_lines(raw, end):
            read.append(line)
            made.append(self._reader.lines(line) if whole else line)
            self._too_long += not whole and line.endswith(b"\n")
            size += len(line)
            if size >= PIECE:
                yield b"".join(read), b"".join(made)
                read, made, size = [], [], 0
        if read:
            yield b"".join(read), b"".join(made)

    @property
    def unparsed(self) -> int:
        """How many lines were not as they must be, and are kept as they were."""
        return self._reader.unparsed + self._too_long

    @property
    def first(self) -> datetime | None:
        """The time of the earliest line."""
        return _instant(self._reader.times.first)

    @property
    def last(self) -> datetime | None:
        """The time of the latest line."""
        return _instant(self._reader.times.last)


def _bounded_lines(raw: BinaryIO, end: int) -> Iterator[tuple[bytes, bool]]:
    """Each line up to the offset `end`, and whether it is whole; a long one comes in pieces."""
    left, begun, whole = end - raw.tell(), bytearray(), True
    while left > 0 and (piece := raw.read(min(PIECE, left))):
        left -= len(piece)
        lines = piece.split(b"\n")
        for line in lines[:-1]:
            begun += line
            begun += b"\n"
            yield bytes(begun), whole
            begun.clear()
            whole = True
        begun += lines[-1]
        if len(begun) >= LONGEST_REQUEST:
            yield bytes(begun), False
            begun.clear()
            whole = False
    if begun:
        yield bytes(begun), whole


def _instant(nanoseconds: int | None) -> datetime | None:
    if nanoseconds is None:
        return None
    return datetime.fromtimestamp(nanoseconds // 1_000_000_000, UTC)
