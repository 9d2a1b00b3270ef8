"""Asks a Jicofo for its statistics: `GET /stats` of its REST interface, which has no credentials.

Of the answer two numbers are read.
"""

from __future__ import annotations

import orjson

from jitsi_tenant_operator.media.asking import Asker, UnusableError
from jitsi_tenant_operator.media.meetings import Meetings, Unknown

MAX_BYTES = 256 * 1024
"""Many times what the statistics of a Jicofo with hundreds of conferences take."""
_MAX_COUNT = 10**9


class JicofoStatistics:
    """Tells meetings by the statistics of Jicofo. For one event loop.

    `port` is where Jicofo listens, `seconds` what an answer may take in all, `at_once` how many
    are asked at the same time; others wait for their turn.
    """

    def __init__(self, port: int, *, seconds: float = 3.0, at_once: int = 16) -> None:
        self._asker = Asker(
            "Jicofo", port, "/stats", max_bytes=MAX_BYTES, seconds=seconds, at_once=at_once
        )

    async def meetings(self, address: str) -> Meetings | Unknown:
        """The meetings that the Jicofo at `address`, an IP, conducts right now; never raises."""
        try:
            return _read((await self._asker.ask(address)).body)
        except UnusableError as error:
            return Unknown(str(error))


def _read(body: bytes) -> Meetings:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise UnusableError("Jicofo answered with something else than statistics")
    return Meetings(_count(found, "conferences"), _count(found, "participants"))


def _count(found: dict[str, object], name: str) -> int:
    value = found.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MAX_COUNT:
        raise UnusableError(f"the statistics of Jicofo lack the number of {name}")
    return value
