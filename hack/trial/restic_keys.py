"""Makes a repository of restic quick to open, so that hundreds of runs fit into a test.

restic chooses the cost of its key derivation so that each opening takes half a second. The master
key is wrapped a second time here, at the least cost that restic takes (its design document, "Keys,
Encryption and MAC": scrypt, AES-256 in counter mode, Poly1305-AES).
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.poly1305 import Poly1305

_CHEAP = {"N": 2, "r": 1, "p": 1}
_BLOCK = 16
_MEMORY = 256 * 1024 * 1024


def make_quick(repository: Path, password: str) -> None:
    """Replace the one key of a local repository by another that opens with the same password."""
    (file,) = (repository / "keys").iterdir()
    key = json.loads(file.read_bytes())
    master = _open(_derived(key, password), base64.b64decode(key["data"]))
    cheap = {**key, **_CHEAP}
    cheap["data"] = base64.b64encode(_seal(_derived(cheap, password), master)).decode()
    text = json.dumps(cheap).encode()
    (repository / "keys" / hashlib.sha256(text).hexdigest()).write_bytes(text)
    file.unlink()


def _derived(key: dict[str, Any], password: str) -> bytes:
    return hashlib.scrypt(
        password.encode(),
        salt=base64.b64decode(key["salt"]),
        n=key["N"],
        r=key["r"],
        p=key["p"],
        maxmem=_MEMORY,
        dklen=64,
    )


def _open(derived: bytes, sealed: bytes) -> bytes:
    nonce, text, mac = sealed[:_BLOCK], sealed[_BLOCK:-_BLOCK], sealed[-_BLOCK:]
    Poly1305.verify_tag(_one_time(derived, nonce), text, mac)
    return _counter(derived, nonce, text)


def _seal(derived: bytes, plain: bytes) -> bytes:
    nonce = os.urandom(_BLOCK)
    text = _counter(derived, nonce, plain)
    return nonce + text + Poly1305.generate_tag(_one_time(derived, nonce), text)


def _counter(derived: bytes, nonce: bytes, text: bytes) -> bytes:
    cipher = Cipher(algorithms.AES(derived[:32]), modes.CTR(nonce)).encryptor()
    return cipher.update(text) + cipher.finalize()


def _one_time(derived: bytes, nonce: bytes) -> bytes:
    """The key of Poly1305: its r, and the nonce encrypted."""
    cipher = Cipher(algorithms.AES(derived[32:48]), modes.ECB()).encryptor()  # noqa: S305
    return derived[48:64] + cipher.update(nonce) + cipher.finalize()
