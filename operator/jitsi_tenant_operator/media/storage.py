"""Asks who measures a tenant's volume of recordings how full it is: `GET /storage`."""

from __future__ import annotations

import orjson

from jitsi_tenant_operator.media.asking import Answer, Asker, UnusableError
from jitsi_tenant_operator.media.meetings import Unknown
from jitsi_tenant_operator.media.volume import Usage

MAX_BYTES = 4 * 1024
"""Many times what the two numbers take."""
MAX_AGE_SECONDS = 600.0
"""A measurement that is older tells of a volume that does not answer any more."""


class StorageReports:
    """Tells it by the report of the container beside a recorder. For one event loop.

    `port` is where it listens, `seconds` what an answer may take in all, `at_once` how many are
    asked at the same time; others wait for their turn.
    """

    def __init__(self, port: int, *, seconds: float = 3.0, at_once: int = 16) -> None:
        self._asker = Asker(
            "the report of the volume",
            port,
            "/storage",
            max_bytes=MAX_BYTES,
            seconds=seconds,
            at_once=at_once,
        )

    async def usage(self, address: str) -> Usage | Unknown:
        """How full the volume is that the pod at `address`, an IP, measures; never raises."""
        try:
            return _read(await self._asker.ask(address))
        except UnusableError as error:
            return Unknown(str(error))


def _read(answer: Answer) -> Usage:
    if answer.age is None or not 0 <= answer.age <= MAX_AGE_SECONDS:
        raise UnusableError("the report of the volume is old")
    try:
        found = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise UnusableError("the report of the volume is none")
    capacity, available = _size(found, "capacity"), _size(found, "available")
    if not 0 <= available <= capacity or capacity == 0:
        raise UnusableError("the report of the volume holds impossible sizes")
    return Usage(capacity, available)


def _size(found: dict[str, object], name: str) -> int:
    value = found.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise UnusableError(f"the report of the volume lacks {name}")
    return value
