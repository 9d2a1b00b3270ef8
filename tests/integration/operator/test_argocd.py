"""What Argo CD makes of a tenant: no difference that stays, the right health, actions that act."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from jitsi_tenant_operator.api.objects import GROUP, JsonObject, ObjectRef
from trial.argocd import CUSTOMIZATIONS, acted, actions, health
from trial.cluster import SMALL, Cluster, Tenant, laid_over, shared
from trial.operating import Operating
from trial.waiting import until

if TYPE_CHECKING:
    from tests.integration.operator.conftest import Operate

ARGO_CD = "argocd-controller"
FOLDER = CUSTOMIZATIONS / GROUP / "JitsiTenant"
SCRIPT = (FOLDER / "health.lua").read_text()
TRACKING = {
    "labels": {"app.kubernetes.io/instance": "tenant-acme"},
    "annotations": {
        "argocd.argoproj.io/tracking-id": "tenant-acme:jitsi.rezosocial.com/JitsiTenant:t/acme"
    },
}


async def applied(cluster: Cluster, spec: JsonObject | None = None) -> tuple[Tenant, JsonObject]:
    """A tenant as Argo CD applies it, and what it applied."""
    body = shared("JitsiTenant", "acme", laid_over(SMALL, spec or {}))
    body["metadata"] |= {"namespace": await cluster.namespace(), **TRACKING}
    await cluster.apply(body, ARGO_CD)
    return Tenant(cluster, ObjectRef.of(body)), body


async def shown(tenant: Tenant) -> str:
    """The health that Argo CD shows of a tenant."""
    found = health(await tenant.body(), SCRIPT)
    assert found is not None
    return found.status


async def becomes(tenant: Tenant, status: str) -> None:
    """Wait until Argo CD shows that."""

    async def look() -> bool:
        found = health(await tenant.body(), SCRIPT)
        assert found is not None
        assert found.status == status, found
        return True

    await until(look)


async def act(tenant: Tenant, name: str) -> None:
    """Run an action as Argo CD does: what it changed is patched."""
    before = await tenant.body()
    assert not actions(before, (FOLDER / "actions" / "discovery.lua").read_text())[name]["disabled"]
    after = acted(deepcopy(before), (FOLDER / "actions" / name / "action.lua").read_text())
    old = before["metadata"].get("annotations") or {}
    new = after["metadata"].get("annotations") or {}
    gone: dict[str, Any] = dict.fromkeys(old.keys() - new.keys())
    await tenant.cluster.patch(tenant.ref, {"metadata": {"annotations": {**new, **gone}}})


def compared(body: JsonObject) -> JsonObject:
    """What a server-side difference of Argo CD compares."""
    found = deepcopy(body)
    found.pop("status", None)
    for name in ("managedFields", "resourceVersion"):
        found["metadata"].pop(name, None)
    return found


def missing(wanted: Any, live: Any) -> bool:
    """Whether something that is wanted is not there as it is wanted."""
    if isinstance(wanted, dict):
        return not isinstance(live, dict) or any(
            key not in live or missing(each, live[key]) for key, each in wanted.items()
        )
    return bool(wanted != live)


async def pods(tenant: Tenant) -> dict[str, str]:
    """The uid of each pod of a tenant, by name."""
    found = await tenant.cluster.list("v1", "Pod", tenant.namespace)
    return {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in found}


async def test_no_difference_stays(cluster: Cluster, operator: Operating) -> None:
    tenant, body = await applied(cluster)
    await tenant.ready()
    await operator.quiet()
    live = await tenant.body()
    again = await cluster.apply(body, ARGO_CD, dryRun="All")
    assert compared(again) == compared(live)
    assert not missing(body, live)


async def test_health_follows_a_tenant_from_its_first_moment(
    cluster: Cluster, operate: Operate
) -> None:
    tenant, body = await applied(cluster)
    assert await shown(tenant) == "Progressing"
    async with operate():
        await becomes(tenant, "Healthy")
        await cluster.apply(laid_over(body, {"spec": {"plan": "unheard-of"}}), ARGO_CD)
        await becomes(tenant, "Degraded")
        order = {"suspension": {"service": {"reason": "ClientRequest"}}}
        await cluster.apply(laid_over(body, {"spec": order}), ARGO_CD)
        await becomes(tenant, "Suspended")
        await cluster.apply(body, ARGO_CD)
        await becomes(tenant, "Healthy")


async def test_a_paused_tenant_is_shown_as_suspended_and_left_alone(
    cluster: Cluster, operator: Operating
) -> None:
    tenant, body = await applied(cluster)
    await becomes(tenant, "Healthy")
    await act(tenant, "pause")
    await becomes(tenant, "Suspended")
    # What Argo CD applies meanwhile does not take the annotation off, which is not in Git.
    await cluster.apply(laid_over(body, {"spec": {"meetings": {"language": "de"}}}), ARGO_CD)
    assert await shown(tenant) == "Suspended"
    await act(tenant, "resume")
    await becomes(tenant, "Healthy")
    assert (await tenant.body())["metadata"]["annotations"] == TRACKING["annotations"]


async def test_a_restart_gives_every_pod_a_successor(cluster: Cluster, operator: Operating) -> None:
    tenant, _ = await applied(cluster)
    await becomes(tenant, "Healthy")
    before = await pods(tenant)
    assert before
    await act(tenant, "restart")

    async def all_are_others() -> bool:
        after = await pods(tenant)
        assert not set(before.values()) & set(after.values())
        return len(after) == len(before)

    await until(all_are_others)
    await becomes(tenant, "Healthy")


async def test_a_reconcile_looks_at_secrets_that_nobody_watches(
    cluster: Cluster, operator: Operating
) -> None:
    namespace = await cluster.namespace()
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "acme-jwt", "namespace": namespace},
        "stringData": {"secret": "first-value-of-a-shared-secret-x"},
    }
    await cluster.apply(secret)
    access = {
        "authentication": "JWT",
        "jwt": {"appId": "acme", "secret": {"name": "acme-jwt", "key": "secret"}},
    }
    body = shared("JitsiTenant", "acme", laid_over(SMALL, {"access": access}))
    body["metadata"] |= {"namespace": namespace, **TRACKING}
    await cluster.apply(body, ARGO_CD)
    tenant = Tenant(cluster, ObjectRef.of(body))
    await becomes(tenant, "Healthy")
    before = await pods(tenant)
    other = {"stringData": {"secret": "another-value-of-a-shared-secret"}}
    await cluster.apply(laid_over(secret, other))
    await operator.quiet()
    assert await pods(tenant) == before
    await act(tenant, "reconcile")

    async def prosody_is_another() -> bool:
        return before["acme-prosody-0"] != (await pods(tenant)).get("acme-prosody-0")

    await until(prosody_is_another)


@pytest.mark.parametrize("name", ["pause", "resume", "restart", "reconcile"])
async def test_an_action_is_no_difference(name: str, cluster: Cluster, operator: Operating) -> None:
    tenant, body = await applied(cluster)
    await becomes(tenant, "Healthy")
    if name == "resume":
        await act(tenant, "pause")
        await becomes(tenant, "Suspended")
    await act(tenant, name)
    await operator.quiet()
    again = await cluster.apply(body, ARGO_CD, dryRun="All")
    assert compared(again) == compared(await tenant.body())
