"""What a tenant's Job is given: a namespace and a token, made, renewed and taken back."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

import pytest

from jitsi_tenant_operator.backup.pbs.access import (
    ensure_namespace,
    issue_token,
    log_in,
    namespaces,
    remove_namespace,
    revoke_token,
)
from jitsi_tenant_operator.backup.pbs.address import Address
from jitsi_tenant_operator.backup.pbs.client import Login, PbsClient
from jitsi_tenant_operator.backup.store import StoreError, StoreReason
from localpbs.sites import DATASTORE, PARENT, PASSWORD, Site

from .conftest import NOW, HandClock, Tenant

NAMESPACE = f"{PARENT}/tenant-acme"


def as_operator(site: Site, clock: HandClock) -> AbstractAsyncContextManager[PbsClient]:
    address = Address.parse(site.address)
    login = Login.of_token(address.auth_id, site.secret)
    return PbsClient(address, login, site.server.fingerprint, clock)


async def as_user(site: Site, clock: HandClock) -> AbstractAsyncContextManager[PbsClient]:
    address = Address.parse(site.address)
    login = await log_in(address, PASSWORD, site.server.fingerprint, clock)
    return PbsClient(address, login, site.server.fingerprint, clock)


def as_token(
    site: Site, clock: HandClock, auth_id: str, secret: str
) -> AbstractAsyncContextManager[PbsClient]:
    address = Address.parse(site.address_of(auth_id))
    return PbsClient(address, Login.of_token(auth_id, secret), site.server.fingerprint, clock)


async def test_a_namespace_is_made_once_and_removed_once(primary: Site, clock: HandClock) -> None:
    async with as_operator(primary, clock) as client:
        for _ in range(2):
            await ensure_namespace(client, NAMESPACE)
        assert await namespaces(client, PARENT) == {NAMESPACE}
        for _ in range(2):
            await remove_namespace(client, NAMESPACE)
        assert await namespaces(client, PARENT) == set()


async def test_a_namespace_with_backups_is_not_removed(
    acme: Tenant, primary: Site, clock: HandClock
) -> None:
    (acme.folder / "file").touch()
    await acme.back_up(NOW)
    async with as_operator(primary, clock) as client:
        with pytest.raises(StoreError, match="still holds"):
            await remove_namespace(client, acme.namespace)


@pytest.mark.parametrize("version", ["3.4", "4.1"])
async def test_another_token_ends_the_one_before_and_keeps_rights_and_backups(
    acme: Tenant, primary: Site, clock: HandClock, version: str
) -> None:
    (acme.folder / "file").touch()
    await acme.back_up(NOW)
    primary.world.version = version
    async with await as_user(primary, clock) as user:
        auth_id, first = await issue_token(user, acme.namespace)
        auth_id, second = await issue_token(user, acme.namespace)
    assert auth_id == acme.token
    query = {"ns": acme.namespace}
    async with as_token(primary, clock, auth_id, second) as client:
        assert len(await client.get(client.datastore("snapshots"), query)) == 1
    async with as_token(primary, clock, auth_id, first) as client:
        with pytest.raises(StoreError) as caught:
            await client.get("version")
    assert caught.value.reason is StoreReason.UNREACHABLE
    assert first not in str(caught.value)


async def test_a_token_that_was_taken_back_opens_nothing(primary: Site, clock: HandClock) -> None:
    async with as_operator(primary, clock) as client:
        await ensure_namespace(client, NAMESPACE)
    async with await as_user(primary, clock) as user:
        auth_id, secret = await issue_token(user, NAMESPACE)
        for _ in range(2):
            await revoke_token(user, NAMESPACE)
    async with as_token(primary, clock, auth_id, secret) as client:
        with pytest.raises(StoreError):
            await client.get("version")
    assert auth_id not in {name for _, name in primary.world.access.entries}


async def test_a_tenant_s_token_may_back_up_into_its_namespace_and_nothing_else(
    primary: Site, clock: HandClock
) -> None:
    async with as_operator(primary, clock) as client:
        await ensure_namespace(client, NAMESPACE)
        await ensure_namespace(client, f"{PARENT}/tenant-globex")
    async with await as_user(primary, clock) as user:
        auth_id, _ = await issue_token(user, NAMESPACE)
    access = primary.world.access
    own = access.privileges(auth_id, f"/datastore/{DATASTORE}/{NAMESPACE}")
    assert own == {"Datastore.Backup"}
    for path in ("/", f"/datastore/{DATASTORE}", f"/datastore/{DATASTORE}/{PARENT}/tenant-globex"):
        assert access.privileges(auth_id, path) == frozenset()


async def test_the_operator_s_token_can_make_no_other(primary: Site, clock: HandClock) -> None:
    async with as_operator(primary, clock) as client:
        with pytest.raises(StoreError) as caught:
            await issue_token(client, NAMESPACE)
    assert caught.value.reason in {StoreReason.READ_ONLY, StoreReason.UNREACHABLE}


async def test_a_wrong_password_is_told_as_such(primary: Site, clock: HandClock) -> None:
    address = Address.parse(primary.address)
    with pytest.raises(StoreError) as caught:
        await log_in(address, "wrong", primary.server.fingerprint, clock)
    assert caught.value.reason is StoreReason.UNREACHABLE
    assert "wrong" not in str(caught.value)
