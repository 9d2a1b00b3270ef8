"""Archives: files of Zstandard that `zstd -d` reads, written and read back as a stream."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

import zstandard

from jitsi_tenant_operator.logs.content import PIECE
from jitsi_tenant_operator.logs.storage import Storage, open_regular

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

LEVEL = 3
"""Of Zstandard, as its command uses it: logs shrink to a tenth, faster than disks read."""
WIDEST_WINDOW = 128 * 1024 * 1024
"""The most memory that reading an archive may take, as `zstd -d` has it."""


class Sha256(Protocol):
    """A digest of hashlib in the making."""

    def update(self, data: bytes, /) -> None:
        """Add `data`."""

    def hexdigest(self) -> str:
        """The digest of all that was added."""


class Taker(Protocol):
    """What is told of bytes that are read."""

    def update(self, data: bytes, /) -> None:
        """Take note of `data`."""


class AlteredError(Exception):
    """An archive is not what was written to it."""


@dataclass(frozen=True, slots=True)
class Compressed:
    """What an archive is, and what is in it."""

    bytes: int
    sha256: str
    lines: int
    content_bytes: int
    content_sha256: str


class Digest:
    """A SHA-256 that is computed beside other work, in the order of what it is given."""

    def __init__(self, executor: ThreadPoolExecutor, before: Sha256 | None = None) -> None:
        self._executor = executor
        self._hash = before or hashlib.sha256()
        self._pending: Future[None] | None = None

    def update(self, data: bytes) -> None:
        """Add `data`; waits for what was added before, so that at most two pieces are in memory."""
        self._wait()
        self._pending = self._executor.submit(self._hash.update, data)

    def hexdigest(self) -> str:
        """The digest of all that was added."""
        self._wait()
        return self._hash.hexdigest()

    def _wait(self) -> None:
        if self._pending is not None:
            self._pending.result()
            self._pending = None


@contextmanager
def digests() -> Iterator[Callable[..., Digest]]:
    """What makes digests, if need be of what comes after something; they end with the block."""
    with ThreadPoolExecutor(max_workers=2, thread_name_prefix="digest") as executor:
        yield lambda before=None: Digest(executor, before)


def write(
    pieces: Iterable[bytes], path: Path, storage: Storage, content: Digest, whole: Digest
) -> Compressed:
    """Compress `pieces` into a new file; on return it has reached the disk.

    `content` is the digest of what `pieces` holds, `whole` that of the file: both are fresh.
    Raises OSError; what was written then is left, and is nobody's.
    """
    compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True).compressobj()
    size = lines = content_bytes = 0
    ended = True
    sink = storage.create(path)
    try:
        for piece in pieces:
            if not piece:
                continue
            content.update(piece)
            content_bytes += len(piece)
            lines += piece.count(b"\n")
            ended = piece.endswith(b"\n")
            size += _put(compressor.compress(piece), sink.write, whole)
        size += _put(compressor.flush(), sink.write, whole)
    except BaseException:
        sink.abandon()
        raise
    sink.finish()
    return Compressed(
        size,
        whole.hexdigest(),
        lines + (not ended),
        content_bytes,
        content.hexdigest(),
    )


def _put(data: bytes, write: Callable[[bytes], None], digest: Digest) -> int:
    if data:
        digest.update(data)
        write(data)
    return len(data)


def check(path: Path, expected: Compressed, content: Digest, whole: Digest) -> None:
    """Read an archive back; AlteredError when it is not as `expected`, OSError."""
    for piece in pieces_of(path, whole):
        content.update(piece)
    if (whole.hexdigest(), content.hexdigest()) != (expected.sha256, expected.content_sha256):
        raise AlteredError(f"{path.name} does not read back as it was written")


def pieces_of(path: Path, whole: Taker | None = None) -> Iterator[bytes]:
    """The content of an archive, in pieces of at most a mebibyte; `whole` gets the file's bytes.

    Raises AlteredError when it is no file of Zstandard, and OSError. One that is cut short may
    just end: digests tell.
    """
    decompressor = zstandard.ZstdDecompressor(max_window_size=WIDEST_WINDOW)
    with open_regular(path) as raw:
        tapped = io.BufferedReader(_Tap(raw, whole), PIECE)
        try:
            with decompressor.stream_reader(
                tapped, read_size=PIECE, read_across_frames=True, closefd=False
            ) as reader:
                while piece := reader.read(PIECE):
                    yield piece
        except zstandard.ZstdError as error:
            raise AlteredError(f"{path.name} cannot be decompressed: {error}") from None


class _Tap(io.RawIOBase):
    """A file that is read, with a digest that hears of it."""

    def __init__(self, raw: BinaryIO, digest: Taker | None) -> None:
        self._raw = raw
        self._digest = digest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        data = self._raw.read(len(memoryview(buffer)))
        if self._digest is not None and data:
            self._digest.update(data)
        memoryview(buffer)[: len(data)] = data
        return len(data)


def digest_of(path: Path) -> str:
    """The SHA-256 of a file as it is. Raises OSError."""
    digest = hashlib.sha256()
    with open_regular(path) as raw:
        while piece := raw.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()


def digests_of(path: Path) -> tuple[str, str]:
    """The SHA-256 of an archive as it is, and of its content. Raises AlteredError and OSError."""
    whole, content = hashlib.sha256(), hashlib.sha256()
    for piece in pieces_of(path, whole):
        content.update(piece)
    return whole.hexdigest(), content.hexdigest()
