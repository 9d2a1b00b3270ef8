"""What the API server says was asked of it, from its audit log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from installation import NAMESPACE, SERVICE_ACCOUNT

OPERATOR = f"system:serviceaccount:{NAMESPACE}:{SERVICE_ACCOUNT}"
WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})


@dataclass(frozen=True, slots=True)
class Call:
    """One request."""

    user: str
    verb: str
    group: str
    resource: str
    """With its subresource, such as jitsitenants/status; empty for what is no resource."""
    namespace: str
    name: str
    code: int
    denied: bool
    """Whether RBAC refused it, as against an admission plug-in."""
    uri: str

    @classmethod
    def of(cls, event: dict[str, Any]) -> Call:
        """The request that one line of the log tells of."""
        ref = event.get("objectRef") or {}
        resource = "/".join(filter(None, (ref.get("resource"), ref.get("subresource"))))
        decision = (event.get("annotations") or {}).get("authorization.k8s.io/decision")
        return cls(
            user=event["user"]["username"],
            verb=event["verb"],
            group=ref.get("apiGroup", ""),
            resource=resource,
            namespace=ref.get("namespace", ""),
            name=ref.get("name", ""),
            code=(event.get("responseStatus") or {}).get("code", 0),
            denied=decision == "forbid",
            uri=event["requestURI"],
        )

    @property
    def writes(self) -> bool:
        """Whether it asks for a change; the Lease, which tells of life, does not count."""
        return self.verb in WRITES and self.resource != "leases"


class AuditLog:
    """The audit log of one control plane, read from a mark on."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def mark(self) -> int:
        """The present end."""
        return self._path.stat().st_size if self._path.exists() else 0

    def calls(self, since: int = 0, user: str = OPERATOR) -> Iterator[Call]:
        """The calls of `user` after the mark."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(since)
            for line in file:
                # The last line may be under way.
                if line.endswith(b"\n"):
                    call = Call.of(json.loads(line))
                    if call.user == user:
                        yield call

    def writes(self, since: int = 0) -> list[str]:
        """What the operator wrote after the mark, a line each."""
        return [
            f"{call.verb} {call.resource} {call.namespace}/{call.name} {call.code}"
            for call in self.calls(since)
            if call.writes
        ]
