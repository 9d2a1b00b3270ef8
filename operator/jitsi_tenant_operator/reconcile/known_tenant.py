"""What is kept of a tenant while nobody works on it.

As JSON text: a thousand tenants as dicts would weigh more than everything else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import orjson

from jitsi_tenant_operator.api.objects import GROUP, JsonObject, TenantKey

FINALIZER = f"{GROUP}/operator"
"""On a tenant: it cannot go without the operator, which has begun to make something of it."""

_METADATA = (
    "name",
    "namespace",
    "uid",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "annotations",
    "labels",
    "finalizers",
)


@dataclass(frozen=True, slots=True)
class KnownTenant:
    """One tenant as it was last seen, with what others are held against."""

    key: TenantKey
    uid: str
    resource_version: int
    created: str
    host: str | None
    url: str | None
    """Where people meet, as its status has it."""
    plan: str
    held: bool
    """Whether the operator has begun to make anything of it."""
    deleting: bool
    ready: tuple[str, str]
    """Status and reason of the Ready condition, Unknown while there is none."""
    logs_checked: datetime | None
    """When the archiver of logs ran, as the status has it."""
    conditions: frozenset[tuple[str, str]]
    """Type and status of each condition."""
    phase: str
    """The phase of its status, Unknown while there is none."""
    text: bytes

    @classmethod
    def of(cls, body: JsonObject) -> KnownTenant:
        """What is kept of a JitsiTenant."""
        metadata = body["metadata"]
        spec: JsonObject = body.get("spec") or {}
        status: JsonObject = body.get("status") or {}
        kept = {
            "apiVersion": body.get("apiVersion"),
            "kind": body.get("kind"),
            "metadata": {name: metadata[name] for name in _METADATA if name in metadata},
            "spec": spec,
            "status": status,
        }
        host, plan = spec.get("host"), spec.get("plan")
        return cls(
            key=TenantKey(metadata["namespace"], metadata["name"]),
            uid=metadata["uid"],
            resource_version=int(metadata["resourceVersion"]),
            created=metadata["creationTimestamp"],
            host=host if isinstance(host, str) else None,
            url=status.get("url"),
            held=FINALIZER in metadata.get("finalizers", ()),
            plan=plan if isinstance(plan, str) else "",
            deleting="deletionTimestamp" in metadata,
            ready=_ready(status),
            logs_checked=_logs_checked(status),
            conditions=_states(status),
            phase=status.get("phase", "Unknown"),
            text=orjson.dumps(kept, option=orjson.OPT_SORT_KEYS),
        )

    def wish(self) -> JsonObject:
        """The object without what the operator writes on it."""
        body: JsonObject = orjson.loads(self.text)
        del body["status"]
        body["metadata"].pop("finalizers", None)
        return body

    def body(self) -> JsonObject:
        """The object again."""
        body: JsonObject = orjson.loads(self.text)
        body["metadata"]["resourceVersion"] = str(self.resource_version)
        return body


def _logs_checked(status: JsonObject) -> datetime | None:
    try:
        return datetime.fromisoformat((status.get("logs") or {})["checkedAt"])
    except (KeyError, TypeError, ValueError):
        return None


def _ready(status: JsonObject) -> tuple[str, str]:
    for condition in status.get("conditions") or ():
        if condition.get("type") == "Ready":
            return condition.get("status", "Unknown"), condition.get("reason", "Unknown")
    return "Unknown", "Unknown"


def _states(status: JsonObject) -> frozenset[tuple[str, str]]:
    return _one_for_all(
        frozenset(
            (condition.get("type", "Unknown"), condition.get("status", "Unknown"))
            for condition in status.get("conditions") or ()
        )
    )


@lru_cache(maxsize=256)
def _one_for_all(states: frozenset[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    """The same object for equal ones: thousands of tenants are in few states."""
    return states
