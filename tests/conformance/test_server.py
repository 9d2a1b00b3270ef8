"""What the operator relies on of a Proxmox Backup Server, case by case."""

from __future__ import annotations

import dataclasses
import os
from datetime import timedelta
from pathlib import Path

import pytest

from jitsi_tenant_operator.backup.pbs.access import ensure_namespace, namespaces
from jitsi_tenant_operator.backup.pbs.garbage import last_collection
from jitsi_tenant_operator.backup.pbs.keys import new_key
from jitsi_tenant_operator.backup.pbs.preflight import Expected, check_server
from jitsi_tenant_operator.backup.pbs.pruning import keep_options
from jitsi_tenant_operator.backup.pbs.snapshots import BACKUP_TYPE
from jitsi_tenant_operator.backup.preflight import State
from jitsi_tenant_operator.backup.retention import Terms, plan
from jitsi_tenant_operator.backup.store import (
    BackupRequest,
    Copy,
    Depth,
    Group,
    StoreError,
    StoreReason,
)
from jitsi_tenant_operator.contract.calendar import Calendar

from .conftest import Case

TERMS = Terms("P10D", "P2M")
CALENDAR = Calendar.of("Europe/Paris")
DAY = timedelta(days=1)


async def test_the_server_and_the_rights_of_the_token_are_as_documented(case: Case) -> None:
    expected = Expected(case.server.parent, TERMS, CALENDAR)
    async with case.client() as client:
        results = await check_server(client, expected, case.server.clock)
    assert not [each for each in results if each.state is State.FAILED]


async def test_a_component_of_a_namespace_has_32_characters_and_no_more(case: Case) -> None:
    name = case.namespace.name
    longest = f"{name}/{'a' * 32}"
    async with case.client() as client:
        await ensure_namespace(client, longest)
        assert longest in await namespaces(client, name)
        await client.delete(client.datastore("namespace"), {"ns": longest})
        with pytest.raises(StoreError, match="400"):
            await ensure_namespace(client, f"{name}/{'a' * 33}")


async def test_what_was_backed_up_is_listed_and_comes_back_byte_for_byte(
    case: Case, tmp_path: Path
) -> None:
    content = os.urandom(5_000_000)
    names = [b"with space", b"line\nfeed", b"r\xc3\xa9union", b"not \xff utf-8", b"*?[x]\\\"'"]
    for name in names:
        (case.data / os.fsdecode(name)).write_bytes(content + name)
    (case.data / "deep").mkdir()
    (case.data / "deep" / "empty").touch()
    snapshot = await case.back_up(case.server.clock.now().replace(microsecond=0))
    assert snapshot.manifest == "a" * 64
    assert await case.store.snapshots(Copy.PRIMARY) == [snapshot]
    listed = {each.path: each.size for each in await case.store.files(Copy.PRIMARY, snapshot.id)}
    assert listed == {
        f"{case.data}/deep/empty": 0,
        **{f"{case.data}/{name.decode(errors='replace')}": len(content + name) for name in names},
    }
    await case.store.restore(Copy.PRIMARY, snapshot.id, [], tmp_path / "into")
    restored = tmp_path / "into" / case.data.relative_to("/")
    for name in names:
        assert (restored / os.fsdecode(name)).read_bytes() == content + name
    assert (restored / "deep" / "empty").exists()


async def test_one_file_and_one_folder_can_be_restored(case: Case, tmp_path: Path) -> None:
    for name in ("a[1]*.mp4", "a1x.mp4", "deep/inside", "other/outside"):
        (case.data / name).parent.mkdir(exist_ok=True)
        (case.data / name).write_text(name)
    snapshot = await case.back_up(case.server.clock.now().replace(microsecond=0))
    paths = [case.data / "a[1]*.mp4", case.data / "deep"]
    await case.store.restore(Copy.PRIMARY, snapshot.id, paths, tmp_path / "into")
    restored = tmp_path / "into" / case.data.relative_to("/")
    files = {str(file.relative_to(restored)) for file in restored.rglob("*") if file.is_file()}
    assert files == {"a[1]*.mp4", "deep/inside"}


async def test_a_file_can_be_left_out(case: Case) -> None:
    for name in ("finished", "not [yet]"):
        (case.data / name).write_text(name)
    now = case.server.clock.now().replace(microsecond=0)
    excluded = [case.data / "not [yet]"]
    written = await case.store.back_up(
        BackupRequest(Group.SCHEDULED, now.date(), now, [case.data], excluded, "a" * 64)
    )
    listed = await case.store.files(Copy.PRIMARY, written.snapshot.id)
    assert [each.path for each in listed] == [f"{case.data}/finished"]


async def test_another_key_opens_nothing(case: Case, tmp_path: Path) -> None:
    (case.data / "file").write_text("x")
    snapshot = await case.back_up(case.server.clock.now().replace(microsecond=0))
    (tmp_path / "key.json").write_bytes(new_key(case.server.clock.now()))
    with pytest.raises(StoreError):
        await case.store.restore(Copy.PRIMARY, snapshot.id, [], tmp_path / "into")


async def test_backups_of_a_group_come_in_order_of_time(case: Case) -> None:
    (case.data / "file").write_text("x")
    now = case.server.clock.now().replace(microsecond=0)
    await case.back_up(now)
    with pytest.raises(StoreError):
        await case.back_up(now - DAY)
    await case.back_up(now - DAY, Group.ON_DEMAND)


async def test_what_is_protected_is_not_deleted_until_it_is_no_longer(case: Case) -> None:
    (case.data / "file").write_text("x")
    snapshot = await case.back_up(case.server.clock.now().replace(microsecond=0))
    await case.store.protect(Copy.PRIMARY, snapshot.id, protected=True)
    [listed] = await case.store.snapshots(Copy.PRIMARY)
    assert listed.protected
    query: dict[str, str | int] = {
        "ns": case.namespace.name,
        "backup-type": BACKUP_TYPE,
        "backup-id": "scheduled",
        "backup-time": int(snapshot.time.timestamp()),
    }
    async with case.client() as client:
        with pytest.raises(StoreError):
            await client.delete(client.datastore("snapshots"), query)
    await case.store.protect(Copy.PRIMARY, snapshot.id, protected=False)
    await case.store.forget(Copy.PRIMARY, [snapshot.id])
    assert await case.store.snapshots(Copy.PRIMARY) == []


async def test_pruning_as_documented_removes_nothing_that_the_terms_promise(case: Case) -> None:
    (case.data / "file").write_text("x")
    now = case.server.clock.now().replace(microsecond=0)
    for days in range(90, -1, -18):
        await case.back_up(now - days * DAY)
    snapshots = await case.store.snapshots(Copy.PRIMARY)
    query = {"ns": case.namespace.name, "backup-type": BACKUP_TYPE, "backup-id": "scheduled"}
    options = {**keep_options(TERMS), "dry-run": True}
    async with case.client() as client:
        told = await client.post(client.datastore("prune"), {**query, **options})
    removed = {each["backup-time"] for each in told if not each["keep"]}
    promised = {
        int(each.snapshot.time.timestamp())
        for each in plan(snapshots, TERMS, now, CALENDAR)
        if each.keep
    }
    assert not removed & promised
    assert await case.store.snapshots(Copy.PRIMARY) == snapshots


async def test_a_verification_ends_well_and_is_remembered(case: Case) -> None:
    (case.data / "file").write_text("x" * 100_000)
    await case.back_up(case.server.clock.now().replace(microsecond=0))
    await case.store.verify(Copy.PRIMARY, Depth.EVERYTHING)
    await case.store.verify(Copy.PRIMARY, Depth.STRUCTURE)


async def test_garbage_collections_can_be_followed(case: Case) -> None:
    async with case.client() as client:
        collection = await last_collection(client)
    assert collection is None or collection.began <= case.server.clock.now()


async def test_a_wrong_secret_and_another_certificate_are_told(case: Case, tmp_path: Path) -> None:
    (tmp_path / "wrong").write_text("wrong\n")
    elsewhere = ":".join(["00"] * 32)
    for change in ({"secret_file": tmp_path / "wrong"}, {"fingerprint": elsewhere}):
        namespace = dataclasses.replace(case.namespace, **change)
        async with namespace.client(case.server.clock) as client:
            with pytest.raises(StoreError) as caught:
                await client.get("version")
        assert caught.value.reason is StoreReason.UNREACHABLE
