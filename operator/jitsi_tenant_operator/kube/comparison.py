"""Whether a live object still is what was asked for."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from jitsi_tenant_operator.api.objects import JsonObject

# Of the server, or no part of what can be asked for.
_NOT_CONTENT = frozenset(
    ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink")
)


def desired_hash(desired: JsonObject) -> bytes:
    """SHA-256 of the canonical JSON (sorted keys) of a desired object: 32 bytes."""
    return hashlib.sha256(orjson.dumps(desired, option=orjson.OPT_SORT_KEYS)).digest()


def content(obj: JsonObject) -> bytes:
    """JSON of what people and controllers can ask for: no status, no bookkeeping of the server."""
    kept = {
        name: part for name, part in obj.items() if name not in ("apiVersion", "kind", "status")
    }
    kept["metadata"] = {
        name: part for name, part in obj["metadata"].items() if name not in _NOT_CONTENT
    }
    return orjson.dumps(kept)


def covers(live: Any, desired: Any) -> bool:
    """Whether everything in `desired` is in `live` with the same value.

    Dicts may have more keys in `live` (defaults, fields of others); lists must have the same
    length and cover each other element by element. What the API server does not store is not
    missed: null, "" and [] in `desired` are the same as no such key. 1 and true are not told apart;
    no field of the API may be either.
    """
    # Most parts are stored as they were sent, and comparing them at once costs next to nothing.
    if live == desired:
        return True
    if isinstance(desired, dict):
        return isinstance(live, dict) and all(
            covers(live[key], value) if key in live else _not_stored(value)
            for key, value in desired.items()
        )
    if isinstance(desired, list):
        return (
            isinstance(live, list) and len(live) == len(desired) and all(map(covers, live, desired))
        )
    return False


def _not_stored(value: Any) -> bool:
    return value is None or value in ("", [])
