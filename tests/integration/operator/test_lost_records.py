"""What somebody deletes of the records of a contract is missed, and nothing is told twice."""

from __future__ import annotations

from typing import Any

import pytest

from jitsi_tenant_operator.api.objects import API_VERSION, JsonObject, ObjectRef
from trial.cluster import Tenant
from trial.operating import Operating
from trial.waiting import until

PROHIBITED: JsonObject = {"suspension": {"service": {"reason": "ProhibitedUse"}}}
RESUME: JsonObject = {"suspension": {"service": None}}


def record_of(tenant: Tenant) -> ObjectRef:
    """The tenant's ledger."""
    return ObjectRef(API_VERSION, "JitsiTenantRecord", "", f"{tenant.name}.{tenant.namespace}")


async def notices(tenant: Tenant) -> list[ObjectRef]:
    """The notices that were made."""
    found = await tenant.cluster.list(API_VERSION, "JitsiNotice", tenant.namespace)
    return sorted(map(ObjectRef.of, found))


async def intact(tenant: Tenant, reason: str) -> JsonObject:
    """The condition of the ledger once it has this reason."""

    async def look() -> JsonObject:
        condition = await tenant.condition("LedgerIntact")
        assert condition.get("reason") == reason, condition
        return condition

    return await until(look)


async def service(tenant: Tenant, wanted: str) -> None:
    """The service is so."""

    async def look() -> bool:
        return bool((await tenant.status())["contract"]["service"] == wanted)

    await until(look)


def restored(record: JsonObject) -> JsonObject:
    """What a backup has of a record."""
    kept: dict[str, Any] = {name: record[name] for name in ("apiVersion", "kind", "spec")}
    return {**kept, "metadata": {"name": record["metadata"]["name"]}}


@pytest.mark.parametrize("loss", ["all", "its end"])
async def test_a_ledger_that_is_gone_is_not_begun_anew(
    tenant: Tenant, operator: Operating, loss: str
) -> None:
    await tenant.change(PROHIBITED)
    await service(tenant, "Suspended")
    await operator.quiet()
    made, ref = await notices(tenant), record_of(tenant)
    record = await tenant.cluster.get(ref)
    await tenant.cluster.delete(ref)
    if loss == "its end":
        shorter = restored(record)
        shorter["spec"] = {**record["spec"], "entries": record["spec"]["entries"][:4]}
        await tenant.cluster.create(shorter)
    await intact(tenant, "LedgerMissing")
    await tenant.change(RESUME)
    await service(tenant, "Serving")
    await operator.quiet()
    assert await notices(tenant) == made, "nothing is told that cannot be recorded"
    if loss == "its end":
        await tenant.cluster.delete(ref)
    assert await tenant.cluster.find(ref) is None
    await tenant.cluster.create(restored(record))
    await intact(tenant, "AsWanted")
    await operator.quiet()
    entries = (await tenant.cluster.get(ref))["spec"]["entries"]
    before = record["spec"]["entries"]
    assert entries[: len(before)] == before
    assert len(await notices(tenant)) == len(made) + 1, "that it is resumed"


async def test_a_notice_that_is_deleted_after_it_was_sent_is_not_made_again(
    tenant: Tenant, operator: Operating
) -> None:
    await tenant.change(PROHIBITED)
    await service(tenant, "Suspended")
    await operator.quiet()
    (ref,) = await notices(tenant)
    await tenant.cluster.delete(ref)

    async def again() -> bool:
        return bool(await notices(tenant) == [ref])

    await until(again)  # it had not left: there is no mail server
    await operator.quiet()
    sent = {"status": {"sentAt": "2026-06-01T08:00:00Z"}}
    await tenant.cluster.patch(ref, sent, "status")

    async def recorded() -> bool:
        entries = (await tenant.cluster.get(record_of(tenant)))["spec"]["entries"]
        return bool(entries[-1]["value"] == "Sent")

    await until(recorded)
    await tenant.cluster.delete(ref)
    await operator.quiet()
    assert await notices(tenant) == []
