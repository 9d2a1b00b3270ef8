"""Archives of this package's client: a folder as a tar, cut into chunks, encrypted with a key.

As documented, the key takes part in the digest of a chunk, so that nothing is shared between keys.
"""

from __future__ import annotations

import base64
import fnmatch
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

CHUNK_BYTES = 256 * 1024
_NONCE = 12


class WrongKeyError(Exception):
    """There is no key, or it does not open what was written with another."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key that was read from the file of `--keyfile`."""

    data: bytes

    @classmethod
    def read(cls, path: Path) -> Key:
        """Read a key without a passphrase. WrongKeyError for anything else."""
        try:
            found = json.loads(path.read_text())
            data = base64.b64decode(found["data"])
        except (OSError, ValueError, KeyError):
            raise WrongKeyError("unable to read the key file") from None
        if found.get("kdf") is not None or len(data) != 32:  # noqa: PLR2004 - AES-256
            raise WrongKeyError("the key needs a passphrase")
        return cls(data)

    @property
    def fingerprint(self) -> str:
        """What tells this key from others, and not what it is."""
        digest = hashlib.sha256(b"fingerprint" + self.data).hexdigest()
        return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece as it is uploaded."""

    digest: str
    data: bytes


def cut(content: bytes, key: Key | None) -> Iterator[Chunk]:
    """The chunks of an archive."""
    for start in range(0, len(content), CHUNK_BYTES):
        piece = content[start : start + CHUNK_BYTES]
        if key is None:
            yield Chunk(hashlib.sha256(piece).hexdigest(), piece)
        else:
            nonce = os.urandom(_NONCE)
            sealed = nonce + AESGCM(key.data).encrypt(nonce, piece, None)
            yield Chunk(hashlib.sha256(piece + key.data).hexdigest(), sealed)


def joined(chunks: Sequence[Chunk], key: Key | None, *, encrypted: bool) -> bytes:
    """The archive that those chunks make up. WrongKeyError, or ValueError for damage."""
    content = bytearray()
    for chunk in chunks:
        if not encrypted:
            piece, proof = chunk.data, chunk.data
        elif key is None:
            raise WrongKeyError("missing key - snapshot was encrypted")
        else:
            nonce, sealed = chunk.data[:_NONCE], chunk.data[_NONCE:]
            try:
                piece = AESGCM(key.data).decrypt(nonce, sealed, None)
            except InvalidTag:
                raise WrongKeyError("unable to decrypt chunk - wrong key?") from None
            proof = piece + key.data
        if hashlib.sha256(proof).hexdigest() != chunk.digest:
            raise ValueError("detected chunk with wrong digest.")
        content += piece
    return bytes(content)


def packed(folder: Path, excluded: Sequence[str]) -> tuple[bytes, list[Path]]:
    """A folder as an archive, and the mount points in it, which are passed over."""
    skipped: list[Path] = []
    device = folder.stat().st_dev
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:

        def add(path: Path, name: str) -> None:
            if any(matches(name, pattern) for pattern in excluded):
                return
            if path.is_dir() and not path.is_symlink():
                if path.stat().st_dev != device:
                    skipped.append(path)
                    return
                tar.add(path, name or ".", recursive=False)
                for child in sorted(path.iterdir()):
                    add(child, f"{name}/{child.name}" if name else child.name)
            else:
                tar.add(path, name, recursive=False)

        add(folder, "")
    return buffer.getvalue(), skipped


def members(content: bytes) -> list[tarfile.TarInfo]:
    """What an archive holds."""
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        return tar.getmembers()


def unpack(content: bytes, target: Path, patterns: Sequence[str], *, overwrite: bool) -> None:
    """Write what an archive holds, or what of it matches, below `target`."""
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        for member in tar.getmembers():
            if patterns and not any(_within(member.name, pattern) for pattern in patterns):
                continue
            if not member.isdir() and not overwrite and os.path.lexists(target / member.name):
                raise FileExistsError(f'failed to create file "{member.name}": EEXIST')
            tar.extract(member, target, filter="tar")


def matches(name: str, pattern: str) -> bool:
    """Whether a name, relative to the archive, matches a pattern that begins at its root."""
    expression = pattern.removeprefix("/")
    # fnmatch knows no backslash: what is escaped becomes a set of one.
    rewritten, escaped = "", False
    for letter in expression:
        if escaped:
            rewritten, escaped = (
                f"{rewritten}[{letter}]" if letter in "*?[" else rewritten + letter,
                False,
            )
        elif letter == "\\":
            escaped = True
        else:
            rewritten += letter
    return fnmatch.fnmatchcase(name, rewritten)


def _within(name: str, pattern: str) -> bool:
    parts = name.split("/")
    return any(matches("/".join(parts[:end]), pattern) for end in range(1, len(parts) + 1))
