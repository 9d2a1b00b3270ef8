"""A file of JSON lines that is only ever added to, each line holding the digest of the one before.

`previous` in a line is the SHA-256 of the whole line before it without its line break, so that
`sha256sum` alone can check it; the first line holds zeros.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from jitsi_tenant_operator.logs.report import Head
from jitsi_tenant_operator.logs.storage import Storage, open_regular

BEFORE_THE_FIRST = "0" * 64
LONGEST_LINE = 64 * 1024


class BrokenChainError(Exception):
    """A line is not as it was written; the message says which, and how it shows."""


@dataclass(frozen=True, slots=True)
class Link:
    """One line of a chain."""

    number: int
    digest: str
    content: bytes
    """The line as JSON, without its line break."""


@dataclass
class Chain:
    """The end of a chain, to which more can be added.

    `read` sets it by yielding every link; nothing is added before that.
    """

    path: Path
    head: Head | None = None
    size: int = 0
    """How many bytes of the file are whole lines."""
    torn: bool = False
    """Whether a last line is cut off, as a crash leaves it. Nobody acted on such a line yet."""

    def read(self) -> Iterator[Link]:
        """Every link from the first; none when there is no file.

        Raises BrokenChainError at the first that does not hold, and OSError.
        """
        digest, size = BEFORE_THE_FIRST, 0
        for number, line in enumerate(self._whole_lines(), start=1):
            content = line[:-1]
            _check(self.path.name, number, digest, content)
            digest = hashlib.sha256(content).hexdigest()
            size += len(line)
            self.head, self.size = Head(number=number, digest=digest), size
            yield Link(number, digest, content)

    def _whole_lines(self) -> Iterator[bytes]:
        try:
            raw = open_regular(self.path)
        except FileNotFoundError:
            return
        with raw:
            left = b""
            while chunk := raw.read(1024 * 1024):
                lines = (left + chunk).splitlines(keepends=True)
                left = lines.pop() if not lines[-1].endswith(b"\n") else b""
                yield from lines
                if len(left) > LONGEST_LINE:
                    raise BrokenChainError(f"{self.path.name} has a line that is too long")
        self.torn = bool(left)

    def add(self, content: dict[str, Any], storage: Storage) -> Link:
        """Add a line with its `number` and `previous`; on return it has reached the disk.

        What a crash left of a line is cut off before. Raises OSError.
        """
        if self.torn:
            if self.path.exists():
                storage.cut(self.path, self.size)
            self.torn = False
        number = self.head.number + 1 if self.head else 1
        previous = self.head.digest if self.head else BEFORE_THE_FIRST
        line = orjson.dumps(
            content | {"number": number, "previous": previous}, option=orjson.OPT_SORT_KEYS
        )
        # If this fails half-way, the next one cuts the rest off.
        self.torn = True
        storage.append(self.path, line + b"\n")
        self.torn = False
        self.size += len(line) + 1
        digest = hashlib.sha256(line).hexdigest()
        self.head = Head(number=number, digest=digest)
        return Link(number, digest, line)


def _check(name: str, number: int, previous: str, content: bytes) -> None:
    try:
        entry = orjson.loads(content)
    except orjson.JSONDecodeError:
        raise BrokenChainError(f"line {number} of {name} is no JSON") from None
    if not isinstance(entry, dict) or entry.get("number") != number:
        raise BrokenChainError(f"line {number} of {name} has not that number")
    if entry.get("previous") != previous:
        raise BrokenChainError(f"line {number} of {name} does not follow the line before it")
