"""The key that a tenant's backups are encrypted with, in the form of proxmox-backup-client.

AES-256-GCM, on the client's side. The file has no passphrase of its own: whoever may read the
Secret that it lies in can read the backups, and nobody else, the server included. Without it
nothing can be restored, so destroying it is what makes an early erasure certain.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from datetime import UTC, datetime

import orjson

KEY_BYTES = 32


def new_key(at: datetime) -> bytes:
    """A new key as the file that the client reads; `at` is the instant that it is made at."""
    return key_file(secrets.token_bytes(KEY_BYTES), at)


def key_file(key: bytes, at: datetime) -> bytes:
    """The file that holds `key`, of 32 bytes. ValueError for another length."""
    if len(key) != KEY_BYTES:
        raise ValueError(f"a key has {KEY_BYTES} bytes")
    instant = at.astimezone(UTC).isoformat(timespec="seconds")
    return orjson.dumps(
        {
            "kdf": None,
            "created": instant,
            "modified": instant,
            "data": base64.b64encode(key).decode(),
        },
        option=orjson.OPT_INDENT_2,
    )


def is_key_file(content: bytes) -> bool:
    """Whether that is a key that can be used without a passphrase."""
    try:
        found = orjson.loads(content)
        data = base64.b64decode(found["data"], validate=True)
    except (ValueError, KeyError, TypeError, binascii.Error):
        return False
    return found.get("kdf") is None and len(data) == KEY_BYTES
