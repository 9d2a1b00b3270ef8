"""What people do to a cluster: create, change, scale, delete, look."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import yaml

from installation import NAMESPACE, SAMPLES
from jitsi_tenant_operator.api.kinds import BY_NAME
from jitsi_tenant_operator.api.objects import API_VERSION, JsonObject, ObjectRef
from jitsi_tenant_operator.kube.resources import Resource, ResourceRegistry
from jitsi_tenant_operator.live import own_resources
from localplane import Connection
from localplane.seed import INGRESS_CLASS
from trial.audit import AuditLog
from trial.waiting import SECONDS, until

KINDS = ResourceRegistry(
    (
        *own_resources(),
        Resource("apps", "v1", "replicasets", "ReplicaSet"),
        Resource("events.k8s.io", "v1", "events", "Event"),
        Resource("storage.k8s.io", "v1", "storageclasses", "StorageClass", namespaced=False),
    )
)
PERSON = "person"
"""The field manager of what people apply."""
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
_MERGE = {"Content-Type": "application/merge-patch+json"}
_APPLY = {"Content-Type": "application/apply-patch+yaml"}


class RefusedError(Exception):
    """The API server refused a person's request; the message is its own."""


@dataclass(slots=True)
class Cluster:
    """One control plane, as an administrator works with it."""

    connection: Connection
    session: aiohttp.ClientSession
    kubeconfig: Path
    """With the operator's rights."""
    audit: AuditLog
    namespaces: list[str] = field(default_factory=list)

    async def call(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> JsonObject:
        """One request, and its answer; RefusedError."""
        data = None if body is None else orjson.dumps(body)
        content = {"Content-Type": "application/json", **(headers or {})}
        async with self.session.request(method, path, data=data, headers=content) as response:
            text = await response.read()
            if response.status >= HTTPStatus.BAD_REQUEST:
                raise RefusedError(f"{method} {path}: {response.status} {text.decode()}")
            found: JsonObject = orjson.loads(text)
            return found

    async def get(self, ref: ObjectRef) -> JsonObject:
        """An object that must be there."""
        found = await self.find(ref)
        assert found is not None, f"{ref} is not there"
        return found

    async def find(self, ref: ObjectRef) -> JsonObject | None:
        """An object, or None."""
        async with self.session.get(path_of(ref)) as response:
            if response.status == HTTPStatus.NOT_FOUND:
                return None
            response.raise_for_status()
            return {
                "apiVersion": ref.api_version,
                "kind": ref.kind,
                **orjson.loads(await response.read()),
            }

    async def list(
        self, api_version: str, kind: str, namespace: str = "", labels: str = ""
    ) -> list[JsonObject]:
        """The objects of a kind; an empty list for a kind that is not served."""
        path = KINDS.of(api_version, kind).path(namespace)
        async with self.session.get(path, params={"labelSelector": labels}) as response:
            if response.status == HTTPStatus.NOT_FOUND:
                return []
            response.raise_for_status()
            items: list[JsonObject] = orjson.loads(await response.read())["items"]
        return [{"apiVersion": api_version, "kind": kind, **item} for item in items]

    async def apply(self, body: JsonObject, manager: str = PERSON, **query: str) -> JsonObject:
        """Apply on the server, by force, with strict validation."""
        options = {"fieldManager": manager, "force": "true", "fieldValidation": "Strict", **query}
        text = "&".join(f"{key}={value}" for key, value in options.items())
        return await self.call("PATCH", f"{path_of(ObjectRef.of(body))}?{text}", body, _APPLY)

    async def create(self, body: JsonObject) -> JsonObject:
        """Create an object."""
        ref = ObjectRef.of(body)
        path = KINDS.of_ref(ref).path(ref.namespace)
        return await self.call("POST", f"{path}?fieldManager={PERSON}", body)

    async def patch(self, ref: ObjectRef, patch: JsonObject, subresource: str = "") -> JsonObject:
        """Merge `patch` into an object, as `kubectl edit` or a controller would."""
        path = f"{path_of(ref, subresource)}?fieldManager={PERSON}"
        return await self.call("PATCH", path, patch, _MERGE)

    async def delete(self, ref: ObjectRef) -> None:
        """Delete an object, which may take a while."""
        await self.call("DELETE", path_of(ref), {"propagationPolicy": "Background"})

    async def gone(self, ref: ObjectRef, seconds: float = SECONDS) -> None:
        """Return when there is no such object."""

        async def look() -> bool:
            return await self.find(ref) is None

        await until(look, seconds)

    async def namespace(
        self, name: str | None = None, labels: Mapping[str, str] | None = None
    ) -> str:
        """A new namespace; Pod Security `restricted` unless other labels are given."""
        name = name or f"t-{secrets.token_hex(5)}"
        metadata = {"name": name, "labels": dict(RESTRICTED if labels is None else labels)}
        await self.create({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        self.namespaces.append(name)
        return name

    async def tenant(
        self, spec: Mapping[str, Any] | None = None, *, name: str = "acme", namespace: str = ""
    ) -> Tenant:
        """A new tenant, in a new namespace unless one is given; `spec` is laid over a small one."""
        namespace = namespace or await self.namespace()
        metadata = {"name": name, "namespace": namespace}
        body = {**shared("JitsiTenant", name, laid_over(SMALL, spec or {})), "metadata": metadata}
        await self.create(body)
        return Tenant(self, ObjectRef.of(body))

    async def served(self) -> None:
        """Return when the project's kinds can be read, which takes a moment after their creation,
        and what was made before is there again.
        """

        async def look() -> bool:
            for kind in BY_NAME:
                async with self.session.get(KINDS.of(API_VERSION, kind).path()) as response:
                    if response.status != HTTPStatus.OK:
                        return False
            return True

        await until(look)

    async def reset(self) -> None:
        """Bring the shared objects back to the samples, and end what tests left behind."""
        await self.clear()
        for kind in ("JitsiPlatform", "JitsiPlan", "JitsiTerms"):
            for found in await self.list(API_VERSION, kind):
                await self.delete(ObjectRef.of(found))
        await self.apply(INGRESS_CLASS)
        for body in samples():
            await self.create(body)

    async def clear(self) -> None:
        """Delete the Lease, all tenants without waiting for the operator, and the namespaces;
        and what keeps backups, which outlives tenants.
        """
        for lease in await self.list("coordination.k8s.io/v1", "Lease", "jitsi-tenant-operator"):
            await self.delete(ObjectRef.of(lease))
        for api_version, kind in (("batch/v1", "CronJob"), ("v1", "ConfigMap"), ("v1", "Secret")):
            path = KINDS.of(api_version, kind).path(NAMESPACE)
            await self.call("DELETE", f"{path}?labelSelector=app.kubernetes.io/component=backup")
        for kind in ("JitsiTenantRecord", "JitsiMaintenance"):
            for found in await self.list(API_VERSION, kind):
                await self.delete(ObjectRef.of(found))
        for tenant in await self.list(API_VERSION, "JitsiTenant"):
            ref = ObjectRef.of(tenant)
            if tenant["metadata"].get("finalizers"):
                await self.patch(ref, {"metadata": {"finalizers": None}})
            if await self.find(ref) is not None:
                await self.delete(ref)
        for name in self.namespaces:
            namespace = ObjectRef("v1", "Namespace", "", name)
            if await self.find(namespace) is not None:
                await self.delete(namespace)
        self.namespaces.clear()


@dataclass(frozen=True, slots=True)
class Tenant:
    """One tenant under test."""

    cluster: Cluster
    ref: ObjectRef

    @property
    def namespace(self) -> str:
        """Its namespace."""
        return self.ref.namespace

    @property
    def name(self) -> str:
        """Its name."""
        return self.ref.name

    def child(self, kind: str, suffix: str = "", api_version: str = "") -> ObjectRef:
        """The child of that kind, named after the tenant; for tenants with short names."""
        known = {
            "Deployment": "apps/v1",
            "StatefulSet": "apps/v1",
            "CronJob": "batch/v1",
            "Ingress": "networking.k8s.io/v1",
            "NetworkPolicy": "networking.k8s.io/v1",
            "PodDisruptionBudget": "policy/v1",
            "HTTPRoute": "gateway.networking.k8s.io/v1",
        }
        name = f"{self.name}-{suffix}" if suffix else self.name
        return ObjectRef(api_version or known.get(kind, "v1"), kind, self.namespace, name)

    @property
    def credentials(self) -> ObjectRef:
        """The Secret of generated passwords."""
        return ObjectRef("v1", "Secret", self.namespace, "jitsi-credentials")

    async def body(self) -> JsonObject:
        """The object as it is."""
        return await self.cluster.get(self.ref)

    async def status(self) -> JsonObject:
        """Its status, empty while there is none."""
        found: JsonObject = (await self.body()).get("status") or {}
        return found

    async def condition(self, type_: str = "Ready") -> JsonObject:
        """One of its conditions, empty while it is not there."""
        return _condition(await self.body(), type_)

    async def change(self, spec: Mapping[str, Any]) -> int:
        """Merge into its spec; the new generation."""
        generation: int = (await self.cluster.patch(self.ref, {"spec": dict(spec)}))["metadata"][
            "generation"
        ]
        return generation

    async def delete(self) -> None:
        """Delete it and wait until it is gone."""
        await self.cluster.delete(self.ref)
        await self.cluster.gone(self.ref)

    async def ready(self, seconds: float = SECONDS) -> JsonObject:
        """Its status once the spec as it stands is applied and people can meet."""

        async def look() -> JsonObject:
            body = await self.body()
            ready = _condition(body, "Ready")
            generation = body["metadata"]["generation"]
            assert ready.get("status") == "True", ready
            assert ready["observedGeneration"] == generation, (ready, generation)
            assert body["status"]["observedGeneration"] == generation
            status: JsonObject = body["status"]
            return status

        return await until(look, seconds)

    async def at_rest(self) -> bool:
        """Whether people can meet as the spec says, or nobody is there any more."""
        body = await self.cluster.find(self.ref)
        if body is None:
            return True
        ready = _condition(body, "Ready")
        seen = (ready.get("status"), ready.get("observedGeneration"))
        return seen == ("True", body["metadata"]["generation"])

    async def refused(self, reason: str, *words: str, seconds: float = SECONDS) -> JsonObject:
        """The Ready condition once it is false for `reason`, saying `words`, about this spec."""

        async def look() -> JsonObject:
            body = await self.body()
            ready = _condition(body, "Ready")
            assert (ready.get("status"), ready.get("reason")) == ("False", reason), ready
            assert all(word in ready["message"] for word in words), ready
            assert ready["observedGeneration"] == body["metadata"]["generation"], ready
            return ready

        return await until(look, seconds)


SMALL: JsonObject = {
    "contract": {
        "reference": "DC-2026-0001",
        "client": {"legalName": "ACME SAS", "email": "dsi@acme.example"},
        "signedOn": "2026-06-01",
        "term": "P12M",
        "renewal": {"mode": "Tacit", "period": "P12M", "noticePeriod": "P1M"},
    },
    "plan": "business",
}
RECORDING: JsonObject = {"contract": {"options": ["Recording"]}, "recording": {"enabled": True}}


def path_of(ref: ObjectRef, subresource: str = "") -> str:
    """The path of an object."""
    return KINDS.of_ref(ref).path(ref.namespace, ref.name, subresource)


def shared(kind: str, name: str, spec: JsonObject) -> JsonObject:
    """An object of one of the project's own kinds."""
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {"name": name},
        "spec": deepcopy(spec),
    }


def samples() -> Sequence[JsonObject]:
    """The sample platform, plans and terms."""
    files = (SAMPLES / "platform.yaml", SAMPLES / "plan.yaml", *sorted(SAMPLES.glob("terms-*")))
    return [body for file in files for body in yaml.safe_load_all(file.read_text()) if body]


def laid_over(below: JsonObject, above: Mapping[str, Any]) -> JsonObject:
    """`below` with `above` merged into it, as in a merge patch."""
    found = deepcopy(below)
    for key, value in above.items():
        if isinstance(value, Mapping) and isinstance(found.get(key), dict):
            found[key] = laid_over(found[key], value)
        else:
            found[key] = deepcopy(value)
    return found


def _condition(body: JsonObject, type_: str) -> JsonObject:
    conditions = (body.get("status") or {}).get("conditions") or ()
    return next((c for c in conditions if c["type"] == type_), {})
