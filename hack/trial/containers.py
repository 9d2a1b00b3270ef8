"""Containers that log, as their runtime and the kubelet write, rotate and compress their files."""

from __future__ import annotations

import gzip
import itertools
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

MOST_FILES = 5
"""How many files the kubelet keeps of a container, the current one among them."""
LONGEST_PART = 16 * 1024
"""How many bytes a runtime writes as one line of a file; what is longer comes in parts."""
_stamps = itertools.count()


@dataclass(slots=True)
class Container:
    """A container of a tenant's pod, and how many lines it has written."""

    namespace: str
    pod: str
    uid: str
    name: str
    root: Path
    """The folder /var/log/pods of its node."""
    written: int = 0
    folder: Path = field(init=False)

    def __post_init__(self) -> None:
        self.folder = self.root / f"{self.namespace}_{self.pod}_{self.uid}" / self.name
        self.folder.mkdir(parents=True, exist_ok=True)
        self._current.touch()

    @property
    def _current(self) -> Path:
        return self.folder / "0.log"

    def write(self, lines: int, longest: int = 0) -> None:
        """Log some lines; the last of them is `longest` bytes long, if that is more than usual."""
        texts = [self._text(self.written + number) for number in range(lines)]
        if longest:
            texts[-1] = texts[-1].ljust(longest, "x")
        with self._current.open("ab") as file:
            file.write(b"".join(part for text in texts for part in _parts(text)))
        self.written += lines

    def append(self, line: str) -> None:
        """Put one line into the file as it is."""
        with self._current.open("a", encoding="utf-8") as file:
            file.write(line)
        self.written += 1

    def _text(self, number: int) -> str:
        return f"{self.namespace} {self.name} line {number} of a program that has much to say"

    def rotate(self) -> None:
        """What the kubelet does with a file that has grown: rename, compress, delete."""
        rotated = sorted(self.folder.glob("0.log.*"))
        for path in rotated[: max(0, len(rotated) - MOST_FILES + 2)]:
            path.unlink()
        for path in sorted(self.folder.glob("0.log.*")):
            if path.suffix != ".gz":
                _compress(path)
        # Unlike the clock's, these never repeat, however fast a test is.
        day, second = divmod(next(_stamps), 86400)
        stamp = f"{20270101 + day}-{second // 3600:02}{second // 60 % 60:02}{second % 60:02}"
        self._current.rename(self.folder / f"0.log.{stamp}")
        self._current.touch()

    def lines(self) -> Iterator[str]:
        """How each line that it has written begins."""
        return (f"{self.namespace} {self.name} line {number}" for number in range(self.written))


def _parts(text: str) -> Iterator[bytes]:
    while len(text) > LONGEST_PART:
        yield f"{_now()} stdout P {text[:LONGEST_PART]}\n".encode()
        text = text[LONGEST_PART:]
    yield f"{_now()} stdout F {text}\n".encode()


def _now() -> str:
    nanoseconds = time.time_ns()
    seconds = time.gmtime(nanoseconds // 1_000_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', seconds)}.{nanoseconds % 1_000_000_000:09}Z"


def _compress(path: Path) -> None:
    unfinished = path.with_name(f"{path.name}.tmp")
    with path.open("rb") as source, gzip.open(unfinished, "wb", 1) as target:
        shutil.copyfileobj(source, target)
    unfinished.rename(path.with_name(f"{path.name}.gz"))
    path.unlink()


def tally(texts: Iterator[str]) -> Counter[str]:
    """How often each line is there, by how it begins."""
    return Counter(" ".join(text.split(" ", 4)[:4]) for text in texts)
