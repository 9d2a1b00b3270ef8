"""What there is to see of tenants: whether they are ready, and what was made of them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

JsonObject = dict[str, Any]

CHILDREN = (
    "configmaps",
    "secrets",
    "services",
    "serviceaccounts",
    "persistentvolumeclaims",
    "resourcequotas",
    "limitranges",
    "deployments.apps",
    "statefulsets.apps",
    "cronjobs.batch",
    "ingresses.networking.k8s.io",
    "networkpolicies.networking.k8s.io",
    "poddisruptionbudgets.policy",
    "pods",
)
"""What is made of tenants, as `kubectl get` takes it."""
SELECTOR = "app.kubernetes.io/managed-by=jitsi-tenant-operator"


def is_ready(tenant: JsonObject) -> bool:
    """Whether the operator has seen this very version of the tenant and finds it Ready."""
    status = tenant.get("status", {})
    seen = status.get("observedGeneration") == tenant["metadata"]["generation"]
    return seen and _condition(tenant, "Ready").get("status") == "True"


def progress(tenants: Iterable[JsonObject]) -> str:
    """Each tenant with what it waits for, on one line."""
    return ", ".join(f"{tenant['metadata']['name']}: {_waits_for(tenant)}" for tenant in tenants)


def summary(tenants: Sequence[JsonObject], children: Sequence[JsonObject]) -> str:
    """Each tenant with its address, bridges, children by kind and conditions."""
    return "\n\n".join(_tenant(tenant, children) for tenant in tenants)


def _tenant(tenant: JsonObject, children: Sequence[JsonObject]) -> str:
    metadata, status = tenant["metadata"], tenant.get("status", {})
    own = [one for one in children if one["metadata"]["namespace"] == metadata["namespace"]]
    lines = [
        f"{metadata['name']}  (namespace {metadata['namespace']})",
        f"  URL         {status.get('url', 'not known yet')}",
        f"  release     {status.get('release', 'not known yet')}",
        f"  bridges     {_bridges(status) or 'none yet'}",
        f"  children    {_counted(own) or 'none'}",
        "  conditions",
    ]
    conditions = status.get("conditions", [])
    width = max((len(one["type"]) for one in conditions), default=0)
    for one in conditions:
        message = f": {one['message']}" if one.get("message") else ""
        lines.append(f"    {one['type']:<{width}}  {one['status']:<7}  {one['reason']}{message}")
    return "\n".join(lines)


def _bridges(status: JsonObject) -> str:
    return ", ".join(
        f"{bridge['name']} at {_address(bridge)}" for bridge in status.get("bridges", [])
    )


def _address(bridge: JsonObject) -> str:
    addresses = bridge.get("addresses") or ["address pending"]
    port = f":{bridge['port']}" if bridge.get("port") else ""
    return " ".join(f"{address}{port}" for address in addresses)


def _counted(objects: Iterable[JsonObject]) -> str:
    counts = Counter(one["kind"] for one in objects)
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))


def _waits_for(tenant: JsonObject) -> str:
    if is_ready(tenant):
        return "Ready"
    conditions = tenant.get("status", {}).get("conditions", [])
    for one in conditions:
        if one["type"] != "Ready" and one["status"] != "True":
            return f"{one['type']} {one['reason']}"
    return _condition(tenant, "Ready").get("reason") or "not seen yet"


def _condition(tenant: JsonObject, name: str) -> JsonObject:
    for one in tenant.get("status", {}).get("conditions", []):
        if one["type"] == name:
            found: JsonObject = one
            return found
    return {}
