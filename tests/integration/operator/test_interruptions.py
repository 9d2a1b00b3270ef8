"""Whenever the operator ends, the next one finishes what it had begun, and nothing is doubled."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from trial.cluster import RECORDING, Cluster, Tenant, laid_over
from trial.cuts import Cuts
from trial.expectation import children, exact
from trial.waiting import until

if TYPE_CHECKING:
    from tests.integration.operator.conftest import Operate

UPDATE = laid_over(RECORDING, {"media": {"bridges": 2}, "branding": {"applicationName": "Visio"}})
AT_ONCE = 8
"""How many tenants are looked at at once."""
FEWER_REQUESTS = 3
"""How many requests fewer than the model a tenant may need: what becomes known at the same time is
said at once.
"""


async def count(cluster: Cluster, operate: Operate) -> tuple[int, int, int]:
    """How many requests it takes to create, update and delete a tenant."""
    async with operate() as operator:
        cuts = Cuts({})
        cuts.attach(operator.client)
        tenant = await cluster.tenant(name="model")
        await tenant.ready()
        await operator.quiet()
        created = cuts.seen[tenant.namespace]
        await tenant.change(UPDATE)
        await tenant.ready()
        await operator.quiet()
        updated = cuts.seen[tenant.namespace]
        await tenant.delete()
        await operator.quiet()
        return created, updated - created, cuts.seen[tenant.namespace] - updated


async def cut_off(operate: Operate, tenants: Sequence[Tenant]) -> None:
    """Operate until the tenants were cut off, the first at its first request, and so on; end.

    The last ones may have come to rest before it.
    """
    cuts = Cuts({tenant.namespace: number for number, tenant in enumerate(tenants)})

    async def look() -> bool:
        whole = [tenant for tenant in tenants if not cuts.reached(tenant.namespace)]
        if len(whole) > FEWER_REQUESTS:
            return False
        return all([await tenant.at_rest() for tenant in whole])

    async with operate() as operator:
        cuts.attach(operator.client)
        await until(look)


async def all_exact(tenants: Sequence[Tenant]) -> None:
    """Return when all tenants are exactly as they should be."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def look(tenant: Tenant) -> None:
        async with slots:
            await tenant.ready()
            await exact(tenant)

    async with asyncio.TaskGroup() as group:
        for tenant in tenants:
            group.create_task(look(tenant))


async def test_the_end_at_any_request_of_a_creation_is_made_good(
    cluster: Cluster, operate: Operate
) -> None:
    created, _, _ = await count(cluster, operate)
    assert created > 30
    tenants = [await cluster.tenant(name=f"t-{index}") for index in range(created)]
    await cut_off(operate, tenants)
    async with operate():
        await all_exact(tenants)


async def test_the_end_at_any_request_of_an_update_or_a_deletion_is_made_good(
    cluster: Cluster, operate: Operate
) -> None:
    _, updated, deleted = await count(cluster, operate)
    assert updated > 15
    tenants = [await cluster.tenant(name=f"t-{index}") for index in range(updated)]
    async with operate():
        for tenant in tenants:
            await tenant.ready()
    for tenant in tenants:
        await tenant.change(UPDATE)
    await cut_off(operate, tenants)
    async with operate():
        await all_exact(tenants)
    leaving = tenants[:deleted]
    for tenant in leaving:
        await cluster.delete(tenant.ref)
    await cut_off(operate, leaving)
    async with operate():
        for tenant in leaving:
            await cluster.gone(tenant.ref)
            await until(partial(only_data_left, tenant))


async def only_data_left(tenant: Tenant) -> bool:
    """Whether only the volumes and keys of a deleted tenant are left."""
    found = await children(tenant.cluster, tenant.namespace)
    return {ref.kind for ref in found} == {"Secret", "PersistentVolumeClaim"}
