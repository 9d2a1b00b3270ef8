"""What the operator knows of its own kinds, and which tenants a change concerns.

Tenants are kept as JSON text: a thousand of them as dicts would weigh more than everything else.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

import orjson

from jitsi_tenant_operator.api.model import CustomResource, InvalidObjectError
from jitsi_tenant_operator.api.objects import API_VERSION, JsonObject, TenantKey
from jitsi_tenant_operator.api.plan import JitsiPlan
from jitsi_tenant_operator.api.platform import JitsiPlatform
from jitsi_tenant_operator.api.tenant import JitsiTenant
from jitsi_tenant_operator.api.terms import JitsiTerms

R = TypeVar("R", bound=CustomResource)

PLATFORM_NAME = "default"
DELETED = "DELETED"

_METADATA = (
    "name",
    "namespace",
    "uid",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "annotations",
    "finalizers",
)


@dataclass(frozen=True, slots=True)
class KnownTenant:
    """One tenant as it was last seen, with what the claims of others are held against."""

    key: TenantKey
    uid: str
    resource_version: int
    created: str
    host: str | None
    plan: str
    deleting: bool
    ready: tuple[str, str]
    """Status and reason of the Ready condition, Unknown while there is none."""
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
            plan=plan if isinstance(plan, str) else "",
            deleting="deletionTimestamp" in metadata,
            ready=_ready(status),
            text=orjson.dumps(kept, option=orjson.OPT_SORT_KEYS),
        )

    def body(self) -> JsonObject:
        """The object again."""
        body: JsonObject = orjson.loads(self.text)
        body["metadata"]["resourceVersion"] = str(self.resource_version)
        return body


def _ready(status: JsonObject) -> tuple[str, str]:
    for condition in status.get("conditions") or ():
        if condition.get("type") == "Ready":
            return condition.get("status", "Unknown"), condition.get("reason", "Unknown")
    return "Unknown", "Unknown"


@dataclass(frozen=True, slots=True)
class _Held(Generic[R]):
    """An object, or what is wrong of it, at a version."""

    read: R | InvalidObjectError
    resource_version: int


class Shared(Generic[R]):
    """The objects of one cluster-scoped kind."""

    def __init__(self, kind: type[R]) -> None:
        self._kind = kind
        self._objects: dict[str, _Held[R]] = {}

    def observe(self, event: str | None, body: JsonObject) -> bool:
        """Take in one event; whether anything but metadata and status changed."""
        name = body["metadata"]["name"]
        version = int(body["metadata"]["resourceVersion"])
        before = self._objects.get(name)
        if before is not None and version < before.resource_version:
            return False
        if event == DELETED:
            self._objects.pop(name, None)
            return before is not None
        read: R | InvalidObjectError
        try:
            read = self._kind.parse(body)
        except InvalidObjectError as error:
            read = error
        self._objects[name] = _Held(read, version)
        return before is None or _content(before.read) != _content(read)

    def get(self, name: str) -> R | InvalidObjectError | None:
        """The object, what is wrong of it, or None."""
        held = self._objects.get(name)
        return held.read if held is not None else None

    def bodies(self) -> list[JsonObject]:
        """The names and versions of all objects, as objects."""
        return [
            {
                "apiVersion": API_VERSION,
                "kind": self._kind.definition.kind,
                "metadata": {"name": name, "resourceVersion": str(held.resource_version)},
            }
            for name, held in self._objects.items()
        ]


def _content(read: CustomResource | InvalidObjectError) -> object:
    return read.problems if isinstance(read, InvalidObjectError) else getattr(read, "spec", None)


class World:
    """All objects of our kinds, and the claims that tenants have on hosts and namespaces."""

    def __init__(self) -> None:
        self.platforms = Shared(JitsiPlatform)
        self.plans = Shared(JitsiPlan)
        self.terms = Shared(JitsiTerms)
        self._shared: dict[str, Shared[JitsiPlatform] | Shared[JitsiPlan] | Shared[JitsiTerms]] = {
            JitsiPlatform.definition.kind: self.platforms,
            JitsiPlan.definition.kind: self.plans,
            JitsiTerms.definition.kind: self.terms,
        }
        self._tenants: dict[TenantKey, KnownTenant] = {}
        self._by_namespace: defaultdict[str, set[TenantKey]] = defaultdict(set)
        self._by_host: defaultdict[str, set[TenantKey]] = defaultdict(set)

    def tenant(self, key: TenantKey) -> KnownTenant | None:
        """One tenant as it was last seen."""
        return self._tenants.get(key)

    def tenants(self) -> list[TenantKey]:
        """All tenants."""
        return list(self._tenants)

    def tenants_of_plan(self, name: str) -> list[TenantKey]:
        """The tenants that have a plan."""
        return [tenant.key for tenant in self._tenants.values() if tenant.plan == name]

    def tenants_in(self, namespace: str) -> list[TenantKey]:
        """The tenants in a namespace: one, unless someone made a mistake."""
        return list(self._by_namespace.get(namespace, ()))

    def bodies(self, kind: str) -> list[JsonObject]:
        """What is known of all objects of a kind: apiVersion, kind and metadata at least."""
        if kind == JitsiTenant.definition.kind:
            return [tenant.body() for tenant in self._tenants.values()]
        return self._shared[kind].bodies()

    def readiness(self) -> dict[tuple[str, str], int]:
        """How many tenants there are by status and reason of their Ready condition."""
        return Counter(tenant.ready for tenant in self._tenants.values())

    def observe_tenant(self, event: str | None, body: JsonObject) -> set[TenantKey]:
        """Take in one event of a tenant; return those that must be reconciled because of it.

        An event that says nothing new, as the echo of our own status, returns none.
        """
        seen = KnownTenant.of(body)
        known = self._tenants.get(seen.key)
        same = known is not None and known.uid == seen.uid and event != DELETED
        if (
            known is not None
            and same
            and (seen.resource_version < known.resource_version or seen.text == known.text)
        ):
            return set()
        concerned = {seen.key}
        if known is not None:
            concerned |= self._forget(known)
        if event != DELETED:
            concerned |= self._remember(seen)
        return concerned

    def learn(self, body: JsonObject) -> None:
        """Take in the API server's answer to a write of our own, so that its echo is no news."""
        seen = KnownTenant.of(body)
        known = self._tenants.get(seen.key)
        if known is not None and known.uid == seen.uid:
            self._tenants[seen.key] = seen

    def namespace_holder(self, namespace: str) -> TenantKey | None:
        """The tenant that has a namespace: the one that was there first."""
        return self._first(self._by_namespace.get(namespace, ()))

    def host_holder(self, host: str) -> TenantKey | None:
        """The tenant that has a host: the first that asked for it."""
        return self._first(self._by_host.get(self._canonical(host), ()))

    def platform(self) -> JitsiPlatform | InvalidObjectError | None:
        """The platform, what is wrong of it, or None."""
        return self.platforms.get(PLATFORM_NAME)

    def plan(self, name: str) -> JitsiPlan | InvalidObjectError | None:
        """A plan, what is wrong of it, or None."""
        return self.plans.get(name)

    def document(self, name: str) -> JitsiTerms | InvalidObjectError | None:
        """A contractual document, what is wrong of it, or None."""
        return self.terms.get(name)

    def rehost(self) -> None:
        """Work out all hosts again, after the platform's domain has changed."""
        self._by_host.clear()
        for tenant in self._tenants.values():
            self._by_host[self.host_of(tenant)].add(tenant.key)

    def host_of(self, tenant: KnownTenant) -> str:
        """The host that a tenant asks for; without a platform the default host has no domain."""
        platform = self.platform()
        domain = platform.spec.domain if isinstance(platform, JitsiPlatform) else ""
        return self._canonical(tenant.host or f"{tenant.key.name}.{domain}")

    @staticmethod
    def _canonical(host: str) -> str:
        return host.lower().rstrip(".")

    def _remember(self, tenant: KnownTenant) -> set[TenantKey]:
        self._tenants[tenant.key] = tenant
        hosts = self._by_host[self.host_of(tenant)]
        namespace = self._by_namespace[tenant.key.namespace]
        hosts.add(tenant.key)
        namespace.add(tenant.key)
        return hosts | namespace

    def _forget(self, tenant: KnownTenant) -> set[TenantKey]:
        concerned: set[TenantKey] = set()
        self._tenants.pop(tenant.key, None)
        for index, entry in (
            (self._by_host, self.host_of(tenant)),
            (self._by_namespace, tenant.key.namespace),
        ):
            index[entry].discard(tenant.key)
            concerned |= index[entry]
            if not index[entry]:
                del index[entry]
        return concerned

    def _first(self, keys: Iterable[TenantKey]) -> TenantKey | None:
        known = (self._tenants[key] for key in keys)
        holder = min(known, key=lambda tenant: (tenant.created, tenant.key), default=None)
        return None if holder is None else holder.key
