"""An archive made anew without people: line for line, checked by reading back what was written."""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from jitsi_tenant_operator.logs import compression
from jitsi_tenant_operator.logs.anonymiser import anonymise as without_people
from jitsi_tenant_operator.logs.compression import AlteredError, Compressed
from jitsi_tenant_operator.logs.manifest import Archived
from jitsi_tenant_operator.logs.scanner import findings
from jitsi_tenant_operator.logs.storage import Storage

WITHHELD = b"*** withheld ***"
"""What stands for a line that is left out: after its time, if it has one."""
LONGEST_LINE = 4 * 1024 * 1024
"""In bytes; a longer line is left out, since it would have to be in memory as a whole."""

_TIME = re.compile(
    rb"(?m)^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
    rb"(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})(?![^ \t\r\n])"
)


class NotAnonymousError(Exception):
    """What was written may name people, or is not line for line what it was."""


@dataclass(frozen=True, slots=True)
class Result:
    """The archive that was made."""

    compressed: Compressed
    withheld: int
    """How many lines were left out."""


class _Withheld:
    """Makes lines without people, and counts those that are left out."""

    def __init__(self) -> None:
        self.count = 0

    def lines(self, lines: bytes) -> bytes:
        """`lines` without people; where some may be left, without those lines."""
        made = without_people(lines)
        found = sorted(set(findings(made)))
        if not found:
            return made
        each = made.split(b"\n")
        starts = [0]
        for line in each[:-1]:
            starts.append(starts[-1] + len(line) + 1)
        for index in {bisect_right(starts, place) - 1 for place in found}:
            each[index] = self.of(each[index])
        return b"\n".join(each)

    def of(self, line: bytes) -> bytes:
        """What stands for a line that is left out."""
        self.count += 1
        time = _TIME.match(line)
        return time[0] + b" " + WITHHELD if time else WITHHELD


def anonymise(source: Path, archived: Archived, target: Path, storage: Storage) -> Result:
    """Write the archive `target` with what is in `source`, without people.

    Raises AlteredError when `source` is not as `archived` says, NotAnonymousError when what was
    written does not pass the check, and OSError. In each case `target` is nobody's.
    """
    withheld = _Withheld()
    times = hashlib.sha256()

    def pieces(content: compression.Digest) -> Iterator[bytes]:
        for lines in _whole_lines(_told(compression.pieces_of(source), content), withheld):
            _take_times(times, lines)
            yield withheld.lines(lines)

    with compression.digests() as digest:
        before = digest()
        made = compression.write(pieces(before), target, storage, digest(), digest())
        if before.hexdigest() != archived.content_sha256:
            raise AlteredError(f"{source.name} does not read back as it was archived")
        _check(target, made, archived.lines, times.hexdigest())
    return Result(made, withheld.count)


def _told(pieces: Iterable[bytes], digest: compression.Digest) -> Iterator[bytes]:
    for piece in pieces:
        digest.update(piece)
        yield piece


def _check(target: Path, made: Compressed, lines: int, times: str) -> None:
    """Read what was written back, and look at it as if nothing were known of it."""
    found = hashlib.sha256()
    with compression.digests() as digest:
        whole, content = digest(), digest()
        pieces = _told(compression.pieces_of(target, whole), content)
        for part in _whole_lines(pieces, _Withheld()):
            _take_times(found, part)
            if any(True for _ in findings(part)):
                raise NotAnonymousError("what was made of it may still name people")
        if (whole.hexdigest(), content.hexdigest()) != (made.sha256, made.content_sha256):
            raise AlteredError(f"{target.name} does not read back as it was written")
    if made.lines != lines or found.hexdigest() != times:
        raise NotAnonymousError("what was made of it is not line for line what it was")


def _take_times(digest: compression.Sha256, lines: bytes) -> None:
    digest.update(b"".join(_TIME.findall(lines)))


def _whole_lines(pieces: Iterable[bytes], withheld: _Withheld) -> Iterator[bytes]:
    """Pieces that end with a line; instead of a line that is too long comes what stands for it."""
    begun = b""
    dropping = False
    for piece in pieces:
        text = piece
        if dropping:
            _, line_break, text = piece.partition(b"\n")
            dropping = not line_break
            if dropping:
                continue
            yield b"\n"
        last = text.rfind(b"\n") + 1
        if last:
            yield begun + text[:last]
            begun = text[last:]
        else:
            begun += text
        if len(begun) > LONGEST_LINE:
            yield withheld.of(begun)
            begun, dropping = b"", True
    if begun:
        yield begun
