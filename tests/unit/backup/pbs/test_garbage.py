"""Deleted is when the chunks are gone, not when the snapshot is."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jitsi_tenant_operator.backup.pbs.garbage import GRACE, collect, last_collection
from jitsi_tenant_operator.backup.store import Copy, StoreError, StoreReason
from localpbs.sites import DATASTORE, OPERATOR, USER, Site

from .conftest import NOW, HandClock, Tenant
from .test_access import as_operator

HOUR = timedelta(hours=1)


def let_collect(site: Site) -> None:
    for auth_id in (USER, OPERATOR):
        site.world.access.grant(
            f"/datastore/{DATASTORE}", auth_id, "DatastoreAdmin", propagate=False
        )


async def test_only_a_collection_after_the_grace_proves_that_data_is_gone(
    acme: Tenant, primary: Site, clock: HandClock
) -> None:
    (acme.folder / "file").write_text("personal data")
    written = await acme.back_up(NOW)
    let_collect(primary)
    async with as_operator(primary, clock) as client:
        assert await last_collection(client) is None
        await collect(client, 60)
        deleted = clock.now()
        await acme.operator.forget(Copy.PRIMARY, [written.snapshot.id])
        for wait in (timedelta(), GRACE - HOUR):
            clock.turn(wait)
            early = await collect(client, 60)
            assert early is not None
            assert not early.proves_gone(deleted)
            assert primary.datastore.chunks
        clock.turn(HOUR + timedelta(seconds=1))
        late = await collect(client, 60)
    assert late is not None
    assert late.proves_gone(deleted)
    assert not primary.datastore.chunks


async def test_a_collection_that_failed_proves_nothing(primary: Site, clock: HandClock) -> None:
    let_collect(primary)
    async with as_operator(primary, clock) as client:
        deleted = clock.now()
        clock.turn(2 * GRACE)
        await collect(client, 60)
        primary.datastore.collected["last-run-state"] = "error: disk full"
        collection = await last_collection(client)
    assert collection is not None
    assert not collection.proves_gone(deleted)


async def test_collecting_takes_rights_on_the_whole_datastore(
    primary: Site, clock: HandClock
) -> None:
    async with as_operator(primary, clock) as client:
        with pytest.raises(StoreError) as caught:
            await collect(client, 60)
    assert caught.value.reason is StoreReason.READ_ONLY
