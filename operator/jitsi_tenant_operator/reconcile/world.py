"""What the operator knows of its own kinds, and which tenants a change concerns.

Tenants are kept as JSON text: a thousand of them as dicts would weigh more than everything else.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

import orjson
from pydantic import ValidationError

from jitsi_tenant_operator.api.conditions import Condition
from jitsi_tenant_operator.api.model import CustomResource, InvalidObjectError
from jitsi_tenant_operator.api.objects import API_VERSION, GROUP, JsonObject, TenantKey
from jitsi_tenant_operator.api.plan import JitsiPlan
from jitsi_tenant_operator.api.platform import JitsiPlatform
from jitsi_tenant_operator.api.tenant import JitsiTenant
from jitsi_tenant_operator.api.terms import JitsiTerms
from jitsi_tenant_operator.contract.decision import Window
from jitsi_tenant_operator.reconcile.backup_objects import BackupObjects
from jitsi_tenant_operator.reconcile.contract_objects import ContractObjects, KnownRecord
from jitsi_tenant_operator.reconcile.holders import Holders, Rank

R = TypeVar("R", bound=CustomResource)

PLATFORM_NAME = "default"
FINALIZER = f"{GROUP}/operator"
"""On a tenant: it cannot go without the operator, which has begun to make something of it."""
DELETED = "DELETED"

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


@dataclass(frozen=True, slots=True)
class SharedObject(Generic[R]):
    """An object, or what is wrong of it, at a version; and what its status says."""

    read: R | InvalidObjectError
    resource_version: int
    uid: str
    generation: int
    conditions: tuple[Condition, ...]


class Shared(Generic[R]):
    """The objects of one cluster-scoped kind."""

    def __init__(self, kind: type[R]) -> None:
        self._kind = kind
        self._objects: dict[str, SharedObject[R]] = {}

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
        self._objects[name] = SharedObject(
            read,
            version,
            uid=body["metadata"].get("uid", ""),
            generation=body["metadata"].get("generation", 0),
            conditions=_conditions(body.get("status") or {}),
        )
        return before is None or _content(before.read) != _content(read)

    def get(self, name: str) -> R | InvalidObjectError | None:
        """The object, what is wrong of it, or None."""
        held = self._objects.get(name)
        return held.read if held is not None else None

    def held(self, name: str) -> SharedObject[R] | None:
        """The object with what its status says."""
        return self._objects.get(name)

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


def _conditions(status: JsonObject) -> tuple[Condition, ...]:
    """The conditions as they are; none when nobody could have written them."""
    try:
        return tuple(Condition.model_validate(each) for each in status.get("conditions") or ())
    except ValidationError:
        return ()


def _content(read: CustomResource | InvalidObjectError) -> object:
    return read.problems if isinstance(read, InvalidObjectError) else getattr(read, "spec", None)


class World:
    """All objects of our kinds, and which tenants have which hosts and namespaces."""

    def __init__(self) -> None:
        self.platforms = Shared(JitsiPlatform)
        self.plans = Shared(JitsiPlan)
        self.terms = Shared(JitsiTerms)
        self._shared: dict[str, Shared[JitsiPlatform] | Shared[JitsiPlan] | Shared[JitsiTerms]] = {
            JitsiPlatform.definition.kind: self.platforms,
            JitsiPlan.definition.kind: self.plans,
            JitsiTerms.definition.kind: self.terms,
        }
        self.around_contracts = ContractObjects()
        self.of_backups = BackupObjects()
        self._tenants: dict[TenantKey, KnownTenant] = {}
        self._holders = Holders()
        self._windows: dict[TenantKey, tuple[Window, ...]] = {}

    def tenant(self, key: TenantKey) -> KnownTenant | None:
        """One tenant as it was last seen."""
        return self._tenants.get(key)

    def tenants(self) -> list[TenantKey]:
        """All tenants."""
        return list(self._tenants)

    def learn_windows(self, key: TenantKey, windows: tuple[Window, ...]) -> set[str]:
        """Note how maintenance windows stand towards a tenant; the names for which that is new."""
        before = set(self._windows.get(key, ()))
        if windows:
            self._windows[key] = windows
        else:
            self._windows.pop(key, None)
        return {window.name for window in before ^ set(windows)}

    def windows(self, name: str) -> dict[TenantKey, Window]:
        """How one maintenance window stands towards each tenant that it concerns."""
        return {
            key: window
            for key, windows in self._windows.items()
            for window in windows
            if window.name == name
        }

    def tenants_of_plan(self, name: str) -> list[TenantKey]:
        """The tenants that have a plan."""
        return [tenant.key for tenant in self._tenants.values() if tenant.plan == name]

    def tenants_in(self, namespace: str) -> list[TenantKey]:
        """The tenants in a namespace: one, unless someone made a mistake."""
        return self._holders.contenders(_namespace(namespace))

    def bodies(self, kind: str) -> list[JsonObject]:
        """What is known of all objects of a kind: apiVersion, kind and metadata at least."""
        if kind == JitsiTenant.definition.kind:
            return [tenant.body() for tenant in self._tenants.values()]
        if kind in self._shared:
            return self._shared[kind].bodies()
        if self.of_backups.holds(kind):
            return self.of_backups.bodies(kind)
        return self.around_contracts.bodies(kind)

    def observe_beside(self, kind: str, event: str | None, body: JsonObject) -> bool:
        """Take in one event of an object beside tenants; whether it says anything new."""
        if self.of_backups.holds(kind):
            return self.of_backups.observe(kind, event, body)
        return self.around_contracts.observe(kind, event, body)

    def readiness(self) -> dict[tuple[str, str], int]:
        """How many tenants there are by status and reason of their Ready condition."""
        return Counter(tenant.ready for tenant in self._tenants.values())

    def observe_tenant(self, event: str | None, body: JsonObject) -> set[TenantKey]:
        """Take in one event of a tenant; return those that must be reconciled because of it.

        An event that says nothing new, as the echo of our own status, returns none.
        """
        seen = KnownTenant.of(body)
        known = self._tenants.get(seen.key)
        if known is not None and seen.resource_version < known.resource_version:
            return set()
        if event == DELETED:
            self._tenants.pop(seen.key, None)
            self._windows.pop(seen.key, None)
            return {seen.key} | self._ask(seen.key, known, None)
        if known is not None and known.uid == seen.uid and known.text == seen.text:
            self._tenants[seen.key] = seen  # of a later version, which writes may depend on
            return set()
        self._tenants[seen.key] = seen
        return {seen.key} | self._ask(seen.key, known, seen)

    def learn(self, body: JsonObject) -> None:
        """Take in the API server's answer to a write of our own, so that its echo is no news.

        Unless others ask for the same host or namespace: then the echo is waited for, which tells
        them. And unless a person changed the tenant just before: that is news, of which the watch
        tells.
        """
        seen = KnownTenant.of(body)
        known = self._tenants.get(seen.key)
        if known is None or known.uid != seen.uid or known.wish() != seen.wish():
            return
        if known.resource_version < seen.resource_version and not self._contested(known, seen):
            self._tenants[seen.key] = seen
            self._ask(seen.key, known, seen)

    def settle(self, key: TenantKey) -> None:
        """Note that a tenant begins to use what it asks for and has, before any other may."""
        tenant = self._tenants[key]
        for name, (_, created) in self._names(tenant).items():
            self._holders.take(name, key, (False, created))

    def _contested(self, known: KnownTenant, seen: KnownTenant) -> bool:
        names = self._names(known).keys() | self._names(seen).keys()
        return any(len(self._holders.contenders(name)) > 1 for name in names)

    def namespace_holder(self, namespace: str) -> TenantKey | None:
        """The tenant that has a namespace."""
        return self._holders.holder(_namespace(namespace))

    def host_holder(self, host: str) -> TenantKey | None:
        """The tenant that has a host."""
        return self._holders.holder(_host(host))

    def recorded(self, key: TenantKey) -> KnownRecord | None:
        """What the ledger of a tenant's name is about; None where there is none."""
        return self.around_contracts.record(key)

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
        """Work out all holders again, after the platform's domain has changed."""
        self._holders.clear()
        for tenant in self._tenants.values():
            self._ask(tenant.key, None, tenant)

    def _ask(
        self, key: TenantKey, before: KnownTenant | None, after: KnownTenant | None
    ) -> set[TenantKey]:
        return self._holders.replace(
            key,
            self._names(before) if before is not None else {},
            self._names(after) if after is not None else {},
        )

    def _names(self, tenant: KnownTenant) -> dict[str, Rank]:
        """What a tenant asks for, and the host that it still has."""
        platform = self.platform()
        domain = platform.spec.domain if isinstance(platform, JitsiPlatform) else ""
        wanted = _host(tenant.host or f"{tenant.key.name}.{domain}")
        names = {
            wanted: (True, tenant.created),
            _namespace(tenant.key.namespace): (not tenant.held, tenant.created),
        }
        if tenant.url is not None:
            names[_host(tenant.url.removeprefix("https://"))] = (False, tenant.created)
        return names


def _host(name: str) -> str:
    return f"host {name}"


def _namespace(name: str) -> str:
    return f"namespace {name}"
