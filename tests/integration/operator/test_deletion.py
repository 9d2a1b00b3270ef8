"""A tenant that is deleted goes with all it owns but its data and keys, and can come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jitsi_tenant_operator.api.objects import ObjectRef
from trial.cluster import RECORDING, Cluster, Tenant
from trial.expectation import assert_exact, children
from trial.operating import Operating
from trial.waiting import until

if TYPE_CHECKING:
    from tests.integration.operator.conftest import Operate


async def left_over(tenant: Tenant) -> set[str]:
    """What is still there of the tenant's children, as Kind/name."""
    found = await children(tenant.cluster, tenant.namespace)
    return {f"{ref.kind}/{ref.name}" for ref in found}


async def only_left(tenant: Tenant, *kept: str) -> None:
    """Return when nothing but `kept` is left of the tenant's children."""

    async def look() -> bool:
        found = await left_over(tenant)
        assert found == {*kept}, found ^ {*kept}
        return True

    await until(look)


DATA = (
    "Secret/jitsi-credentials",
    "PersistentVolumeClaim/acme-accounts",
    "PersistentVolumeClaim/acme-recordings",
)


async def test_deleting_a_tenant_keeps_its_data_and_creating_it_again_takes_them_over(
    cluster: Cluster, operator: Operating
) -> None:
    tenant = await cluster.tenant(RECORDING)
    await tenant.ready()
    keys = (await cluster.get(tenant.credentials))["data"]
    volumes = [tenant.child("PersistentVolumeClaim", name) for name in ("accounts", "recordings")]
    before = [(await cluster.get(ref))["metadata"]["uid"] for ref in volumes]
    await tenant.delete()
    await only_left(tenant, *DATA)
    again = await cluster.tenant(RECORDING, namespace=tenant.namespace)
    await again.ready()
    await assert_exact(again)
    assert (await cluster.get(again.credentials))["data"] == keys
    assert [(await cluster.get(ref))["metadata"]["uid"] for ref in volumes] == before


async def test_a_tenant_that_is_replaced_at_once_ends_well(
    cluster: Cluster, operate: Operate
) -> None:
    """Its children are still being collected when the next one asks for the same names."""
    async with operate():
        tenant = await cluster.tenant()
        await tenant.ready()
        for _ in range(3):
            await tenant.delete()
            tenant = await cluster.tenant(namespace=tenant.namespace)
        await tenant.ready()
        await assert_exact(tenant)


async def test_another_tenant_does_not_get_the_keys_of_the_one_before(
    cluster: Cluster, operator: Operating
) -> None:
    tenant = await cluster.tenant()
    await tenant.ready()
    keys = await cluster.get(tenant.credentials)
    await tenant.delete()
    await only_left(tenant, *DATA[:2])
    other = await cluster.tenant(name="other", namespace=tenant.namespace)
    message = await other.refused("NameConflict", "jitsi-credentials")
    assert "delete" in message["message"]
    await operator.quiet()
    assert await left_over(other) == {*DATA[:2]}
    assert await cluster.get(tenant.credentials) == keys
    assert "observedGeneration" not in await other.status()
    await cluster.delete(tenant.credentials)
    await other.ready()
    await assert_exact(other, tenant.child("PersistentVolumeClaim", "accounts"))


async def test_a_tenant_goes_even_while_it_cannot_be_carried_out(
    cluster: Cluster, operator: Operating
) -> None:
    tenant = await cluster.tenant()
    await tenant.ready()
    await tenant.change({"plan": "absent"})
    await tenant.refused("PlanNotFound")
    await tenant.delete()
    await only_left(tenant, *DATA[:2])


async def test_a_namespace_with_a_tenant_can_be_deleted(
    cluster: Cluster, operator: Operating
) -> None:
    tenant = await cluster.tenant()
    await tenant.ready()
    namespace = ObjectRef("v1", "Namespace", "", tenant.namespace)
    await cluster.delete(namespace)
    await cluster.gone(namespace)
    await operator.quiet()
    assert operator.metric("reconcile_total", result="defect") == 0


async def test_a_tenant_that_is_deleted_before_anyone_saw_it_leaves_nothing(
    cluster: Cluster, operator: Operating
) -> None:
    made = [await cluster.tenant(name=f"brief-{number}") for number in range(5)]
    for tenant in made:
        await cluster.delete(tenant.ref)
    for tenant in made:
        await cluster.gone(tenant.ref)
    for tenant in made:

        async def look(tenant: Tenant = tenant) -> bool:
            return {kind.partition("/")[0] for kind in await left_over(tenant)} <= {
                "Secret",
                "PersistentVolumeClaim",
            }

        await until(look)
    assert operator.metric("reconcile_total", result="defect") == 0
