"""What must be in a tenant's namespace, worked out anew from what the API server holds now."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from installation import NAMESPACE
from jitsi_tenant_operator import render
from jitsi_tenant_operator.api.media import Exposure
from jitsi_tenant_operator.api.objects import API_VERSION, JsonObject, ObjectRef, TenantKey
from jitsi_tenant_operator.api.plan import JitsiPlan
from jitsi_tenant_operator.api.platform import JitsiPlatform
from jitsi_tenant_operator.api.tenant import JitsiTenant
from jitsi_tenant_operator.api.terms import JitsiTerms
from jitsi_tenant_operator.kube.secrets import secret_transform
from jitsi_tenant_operator.leader import CHILD_KINDS
from jitsi_tenant_operator.reconcile.resolve import Resolved, resolve, tenant_context
from jitsi_tenant_operator.render import (
    BridgeSlots,
    Observed,
    Source,
    TenantContext,
    credentials,
    labels,
    names,
)
from jitsi_tenant_operator.render.context import MediaAddress, SourceKind, VolumeClaim
from trial.cluster import Cluster, RefusedError, Tenant
from trial.operating import IMAGE
from trial.waiting import SECONDS, until

MANAGER = "jitsi-tenant-operator"
HASH = "jitsi.rezosocial.com/applied-hash"
_OF_THE_SERVER = ("resourceVersion", "generation", "managedFields")


class _Shared:
    """The shared objects as they are, for one tenant that has no rivals."""

    def __init__(self, bodies: Iterable[JsonObject]) -> None:
        self._bodies = {(body["kind"], body["metadata"]["name"]): body for body in bodies}

    def platform(self) -> JitsiPlatform | None:
        body = self._bodies.get(("JitsiPlatform", "default"))
        return JitsiPlatform.parse(body) if body else None

    def plan(self, name: str) -> JitsiPlan | None:
        body = self._bodies.get(("JitsiPlan", name))
        return JitsiPlan.parse(body) if body else None

    def document(self, name: str) -> JitsiTerms | None:
        body = self._bodies.get(("JitsiTerms", name))
        return JitsiTerms.parse(body) if body else None

    def namespace_holder(self, namespace: str) -> TenantKey | None:  # noqa: ARG002
        return None

    def host_holder(self, host: str) -> TenantKey | None:  # noqa: ARG002
        return None

    def recorded(self, key: TenantKey) -> None:  # noqa: ARG002
        return None


async def children(cluster: Cluster, namespace: str) -> dict[ObjectRef, JsonObject]:
    """Everything in a namespace that says it is the operator's, but pods and Jobs, which others
    make of that.
    """
    found = [
        body
        for kind in CHILD_KINDS
        if kind.kind not in ("Pod", "Job")
        for body in await cluster.list(kind.api_version, kind.kind, namespace, labels.MANAGED)
    ]
    found += await cluster.list("v1", "Secret", namespace, labels.MANAGED)
    return {ObjectRef.of(body): body for body in found}


async def templates(tenant: Tenant) -> dict[str, str]:
    """The pod template of each workload as text, by its name without the tenant's."""
    found = {}
    for kind in ("Deployment", "StatefulSet"):
        for body in await tenant.cluster.list("apps/v1", kind, tenant.namespace):
            name = body["metadata"]["name"].removeprefix(f"{tenant.name}-")
            found[name] = json.dumps(body["spec"]["template"], sort_keys=True)
    return found


async def rendered(tenant: Tenant) -> dict[ObjectRef, JsonObject]:
    """What the tenant's children should be, with what the API server allocated filled in."""
    cluster = tenant.cluster
    shared = [
        body
        for kind in ("JitsiPlatform", "JitsiPlan", "JitsiTerms")
        for body in await cluster.list(API_VERSION, kind)
    ]
    body = await tenant.body()
    resolved = resolve(JitsiTenant.parse(body), _Shared(shared))
    assert isinstance(resolved, Resolved), resolved
    context = _context(resolved, Observed())
    slots = await _slots(cluster, context)
    observed = Observed(
        await _media(cluster, context, body, slots),
        await _digests(cluster, context, tenant),
        await _volumes(cluster, tenant.namespace),
        BridgeSlots(slots),
    )
    return render.tenant(_context(resolved, observed))


def _context(resolved: Resolved, observed: Observed) -> TenantContext:
    context = tenant_context(resolved, NAMESPACE, observed)
    return replace(context, operator_image=IMAGE)


async def _slots(cluster: Cluster, context: TenantContext) -> tuple[int, ...]:
    """Where the bridges are, each with its Service, or with a port of its node."""
    on_host = context.platform.media.exposure is Exposure.HOST_PORT
    kind = ("apps/v1", "StatefulSet") if on_host else ("v1", "Service")
    known = [
        names.slot(context.name, body["metadata"]["name"])
        for body in await cluster.list(*kind, context.namespace)
    ]
    slots = sorted(slot for slot in known if slot is not None)
    assert len(slots) == context.bridges, f"bridges in {slots}, {context.bridges} are wanted"
    return tuple(slots)


async def _media(
    cluster: Cluster, context: TenantContext, body: JsonObject, slots: Iterable[int]
) -> dict[int, MediaAddress]:
    found: dict[int, MediaAddress] = {}
    for index in slots:
        name = render.names.bridge(context.name, index)
        if context.platform.media.exposure is Exposure.HOST_PORT:
            bridges = {bridge["name"]: bridge for bridge in body["status"]["bridges"]}
            found[index] = MediaAddress(bridges[name]["port"])
            continue
        service = await cluster.get(ObjectRef("v1", "Service", context.namespace, name))
        if context.platform.media.exposure is Exposure.NODE_PORT:
            port = service["spec"]["ports"][0]
            assert "nodePort" in port, f"no port was allocated for {name}"
            found[index] = MediaAddress(port["nodePort"])
            continue
        ingress = service.get("status", {}).get("loadBalancer", {}).get("ingress") or ()
        if ingress:
            found[index] = MediaAddress(10000, tuple(entry["ip"] for entry in ingress))
    return found


async def _volumes(cluster: Cluster, namespace: str) -> dict[str, VolumeClaim]:
    found = {}
    for claim in await cluster.list("v1", "PersistentVolumeClaim", namespace):
        spec = claim["spec"]
        found[claim["metadata"]["name"]] = VolumeClaim(
            spec.get("storageClassName"),
            tuple(spec["accessModes"]),
            spec["resources"]["requests"]["storage"],
        )
    return found


async def _digests(cluster: Cluster, context: TenantContext, tenant: Tenant) -> dict[Source, str]:
    generated = await cluster.get(tenant.credentials)
    salt = base64.b64decode(generated["data"]["salt"])
    record = secret_transform(credentials.SALT_KEY)(dict(generated), None)
    found: dict[Source, str] = {}
    for source in render.sources(context):
        if source.name == tenant.credentials.name:
            found[source] = record.digest([source.key]) or ""
            continue
        named = await cluster.get(ObjectRef("v1", source.kind.value, tenant.namespace, source.name))
        value = named["data"][source.key]
        if source.kind is SourceKind.SECRET:
            found[source] = hmac.new(salt, base64.b64decode(value), hashlib.sha256).hexdigest()
        else:
            found[source] = hashlib.sha256(value.encode()).hexdigest()
    return found


async def assert_exact(tenant: Tenant, *kept: ObjectRef) -> None:
    """Exactly the children that the spec asks for are there, each exactly as it was rendered.

    `kept` are those with data that an earlier spec asked for, which are still there.
    The oracle is the API server: applying the rendered object as the operator would changes
    nothing, neither what is wanted nor who owns which field.
    """
    live = await children(tenant.cluster, tenant.namespace)
    wanted = await rendered(tenant)
    beside = [ref for ref in wanted if ref.namespace != tenant.namespace]
    live |= {ref: await tenant.cluster.get(ref) for ref in beside}
    expected = {*wanted, tenant.credentials, *kept}
    assert live.keys() == expected, (
        f"missing: {sorted(expected - live.keys())}, left over: {sorted(live.keys() - expected)}"
    )
    uid = (await tenant.body())["metadata"]["uid"]
    for ref, body in wanted.items():
        await _assert_settled(tenant, uid, live[ref], body)


async def exact(tenant: Tenant, *kept: ObjectRef, seconds: float = SECONDS) -> None:
    """Return when everything is exactly as it should be."""

    async def look() -> bool:
        await assert_exact(tenant, *kept)
        return True

    await until(look, seconds, every=0.3)


async def _assert_settled(tenant: Tenant, uid: str, live: JsonObject, wanted: JsonObject) -> None:
    metadata = dict(wanted["metadata"])
    metadata["annotations"] = {
        **metadata["annotations"],
        HASH: live["metadata"]["annotations"][HASH],
    }
    if not labels.is_retained(wanted):
        metadata["ownerReferences"] = [
            {
                "apiVersion": tenant.ref.api_version,
                "kind": tenant.ref.kind,
                "name": tenant.name,
                "uid": uid,
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ]
    body = {**wanted, "metadata": metadata}
    try:
        answer = await tenant.cluster.apply(body, MANAGER, dryRun="All")
    except RefusedError as error:
        raise AssertionError(str(error)) from error
    assert _content(answer) == _content(live), ObjectRef.of(live)
    assert _fields(answer) == _fields(live), ObjectRef.of(live)


def _content(body: JsonObject) -> JsonObject:
    kept = {key: part for key, part in body.items() if key != "status"}
    kept["metadata"] = {
        key: part for key, part in body["metadata"].items() if key not in _OF_THE_SERVER
    }
    return kept


def _fields(body: JsonObject) -> list[Any]:
    return [
        entry["fieldsV1"]
        for entry in body["metadata"]["managedFields"]
        if entry["manager"] == MANAGER
    ]
