"""What was asked of an API server, by its audit log: one clock for all that is timed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

_DONE = (200, 201)


@dataclass(frozen=True, slots=True)
class Call:
    """One finished request, or a watch that began. Times are in seconds since the epoch."""

    user: str
    verb: str
    """As the server names it: a server-side apply is a `patch`."""
    resource: str
    """The plural; with a slash and the subresource where there is one; else the path."""
    namespace: str
    name: str
    code: int
    received: float
    answered: float
    uri: str
    """Path and query."""
    body: Any
    """What was sent; None where the policy does not have it logged."""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What was done to what."""
        return self.verb, self.resource, self.namespace, self.name

    @property
    def succeeded(self) -> bool:
        """Whether the server has done it."""
        return self.code in _DONE

    @classmethod
    def of(cls, event: dict[str, Any]) -> Call:
        """The call of a line of the log (audit.k8s.io/v1 Event)."""
        target = event.get("objectRef") or {}
        subresource = target.get("subresource")
        resource = target.get("resource") or event["requestURI"]
        return cls(
            user=event["user"]["username"],
            verb=event["verb"],
            resource=f"{resource}/{subresource}" if subresource else resource,
            namespace=target.get("namespace", ""),
            name=target.get("name", ""),
            code=(event.get("responseStatus") or {}).get("code", 0),
            received=_seconds(event["requestReceivedTimestamp"]),
            answered=_seconds(event["stageTimestamp"]),
            uri=event["requestURI"],
            body=event.get("requestObject"),
        )


class AuditLog:
    """Reads a log that grows, from where it ends when this is made."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._file.seek(0, 2)
        self._rest = b""

    def new(self) -> Iterator[Call]:
        """The calls that were logged since the last time."""
        *lines, self._rest = (self._rest + self._file.read()).split(b"\n")
        for line in lines:
            event = orjson.loads(line)
            if event["stage"] != "Panic":
                yield Call.of(event)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
