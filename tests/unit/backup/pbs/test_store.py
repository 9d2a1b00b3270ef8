"""A tenant's backups on two servers: written, copied, listed, restored, removed, told apart."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from jitsi_tenant_operator.backup.pbs.keys import new_key
from jitsi_tenant_operator.backup.store import Copy, Depth, Group, StoreError, StoreReason
from localpbs.datastore import GroupId
from localpbs.sites import OPERATOR, Site

from .conftest import NOW, HandClock, MakeTenant, Tenant

DAY = timedelta(days=1)


def write(folder: Path, **files: str) -> None:
    for name, content in files.items():
        (folder / name).write_text(content)


async def test_what_was_written_is_listed_with_the_digest_of_its_manifest(acme: Tenant) -> None:
    write(acme.folder, first="one", second="two")
    written = await acme.back_up(NOW)
    assert (written.files, written.bytes) == (2, 6)
    [listed] = await acme.operator.snapshots(Copy.PRIMARY)
    assert listed == written.snapshot
    assert listed.id == "host/scheduled/2026-09-01T23:30:00Z"
    assert (listed.time, listed.group, listed.manifest) == (NOW, Group.SCHEDULED, "a" * 64)


async def test_every_name_and_byte_comes_back(acme: Tenant, tmp_path: Path) -> None:
    names = [b"with space", b"line\nfeed", b"r\xc3\xa9union", b"not \xff utf-8", b"*?[x]\\\"'"]
    content = os.urandom(700_000)
    for name in names:
        (acme.folder / os.fsdecode(name)).write_bytes(content + name)
    (acme.folder / "empty").touch()
    (acme.folder / "deep" / "er").mkdir(parents=True)
    (acme.folder / "deep" / "er" / "link").symlink_to("../../empty")
    written = await acme.back_up(NOW)
    assert written.files == len(names) + 1
    listed = await acme.job.files(Copy.PRIMARY, written.snapshot.id)
    shown = {f"{acme.folder}/{name.decode(errors='replace')}" for name in [*names, b"empty"]}
    assert {file.path for file in listed} == shown

    await acme.job.restore(Copy.PRIMARY, written.snapshot.id, [], tmp_path / "into")
    restored = tmp_path / "into" / acme.folder.relative_to("/")
    assert written.bytes == sum(len(content + name) for name in names)
    for name in names:
        assert (restored / os.fsdecode(name)).read_bytes() == content + name
    assert (restored / "deep" / "er" / "link").readlink() == Path("../../empty")


async def test_one_file_can_be_restored_whatever_its_name(acme: Tenant, tmp_path: Path) -> None:
    chosen = acme.folder / "a[1]*.mp4"
    write(acme.folder, **{"a[1]*.mp4": "chosen", "a1x.mp4": "other"})
    written = await acme.back_up(NOW)
    await acme.job.restore(Copy.PRIMARY, written.snapshot.id, [chosen], tmp_path / "into")
    restored = tmp_path / "into" / acme.folder.relative_to("/")
    assert [path.read_text() for path in restored.iterdir()] == ["chosen"]


async def test_what_is_there_already_is_not_overwritten(acme: Tenant, tmp_path: Path) -> None:
    write(acme.folder, first="one")
    written = await acme.back_up(NOW)
    there = tmp_path / "into" / acme.folder.relative_to("/") / "first"
    there.parent.mkdir(parents=True)
    there.write_text("of today")
    with pytest.raises(StoreError):
        await acme.job.restore(Copy.PRIMARY, written.snapshot.id, [], tmp_path / "into")
    assert there.read_text() == "of today"


async def test_a_file_that_is_still_written_is_left_out(acme: Tenant) -> None:
    write(acme.folder, finished="x", **{"not[yet]": "y"})
    written = await acme.back_up(NOW, excluded=[acme.folder / "not[yet]"])
    listed = await acme.job.files(Copy.PRIMARY, written.snapshot.id)
    assert [file.path for file in listed] == [f"{acme.folder}/finished"]


async def test_the_server_never_sees_what_a_file_holds(acme: Tenant, primary: Site) -> None:
    write(acme.folder, secret="the words of a meeting " * 100)
    await acme.back_up(NOW)
    stored = b"".join(chunk.data for chunk in primary.datastore.chunks.values())
    assert b"words" not in stored
    assert b"secret" not in stored


async def test_another_tenant_s_key_opens_nothing(
    make_tenant: MakeTenant, tmp_path: Path, clock: HandClock
) -> None:
    acme = make_tenant("acme")
    write(acme.folder, first="one")
    written = await acme.back_up(NOW)
    (tmp_path / "acme" / "key.json").write_bytes(new_key(clock.now()))
    with pytest.raises(StoreError) as caught:
        await acme.job.restore(Copy.PRIMARY, written.snapshot.id, [], tmp_path / "into")
    assert caught.value.reason is StoreReason.KEY_REFUSED


async def test_equal_files_of_two_tenants_share_nothing(
    make_tenant: MakeTenant, primary: Site
) -> None:
    content = "the same in both " * 50_000
    chunks = []
    for name in ("acme", "globex"):
        tenant = make_tenant(name)
        write(tenant.folder, same=content)
        await tenant.back_up(NOW)
        chunks.append(len(primary.datastore.chunks))
    assert chunks[1] == 2 * chunks[0]


async def test_a_warning_of_the_client_is_no_success(
    acme: Tenant, primary: Site, tmp_path: Path, program: str
) -> None:
    write(acme.folder, first="one")
    loud = tmp_path / "loud"
    loud.write_text(
        f'#!/bin/sh\necho \'skip mount point: "/data/recordings"\' >&2\nexec {program} "$@"\n'
    )
    loud.chmod(0o755)
    acme.job._program = str(loud)
    with pytest.raises(StoreError) as caught:
        await acme.back_up(NOW)
    assert caught.value.reason is StoreReason.INCOMPLETE
    assert "recordings" not in str(caught.value)
    [left] = await acme.job.snapshots(Copy.PRIMARY)
    assert left.manifest == ""


async def test_nothing_older_than_the_newest_is_taken(acme: Tenant) -> None:
    write(acme.folder, first="one")
    await acme.back_up(NOW)
    with pytest.raises(StoreError):
        await acme.back_up(NOW - DAY)
    await acme.back_up(NOW - DAY, Group.ON_DEMAND)


async def test_a_copy_off_site_has_the_same_ids_and_restores(
    acme: Tenant, tmp_path: Path, clock: HandClock
) -> None:
    write(acme.folder, first="one")
    for day in range(3):
        await acme.back_up(NOW + day * DAY)
    await acme.back_up(NOW, Group.FINAL)
    snapshots = await acme.operator.snapshots(Copy.PRIMARY)
    await acme.operator.copy_offsite(snapshots)
    copied = await acme.operator.snapshots(Copy.OFFSITE)
    assert copied == snapshots
    await acme.operator.restore(Copy.OFFSITE, copied[-1].id, [], tmp_path / "into")
    restored = tmp_path / "into" / acme.folder.relative_to("/")
    assert (restored / "first").read_text() == "one"


async def test_what_is_gone_from_the_primary_stays_off_site(acme: Tenant) -> None:
    write(acme.folder, first="one")
    for day in range(3):
        await acme.back_up(NOW + day * DAY)
    snapshots = await acme.operator.snapshots(Copy.PRIMARY)
    await acme.operator.copy_offsite(snapshots)
    await acme.operator.forget(Copy.PRIMARY, [snapshots[0].id])
    await acme.operator.copy_offsite(snapshots[1:])
    assert len(await acme.operator.snapshots(Copy.OFFSITE)) == 3


async def test_what_was_swept_off_site_does_not_come_back(acme: Tenant) -> None:
    write(acme.folder, first="one")
    for day in range(3):
        await acme.back_up(NOW + day * DAY)
    snapshots = await acme.operator.snapshots(Copy.PRIMARY)
    await acme.operator.copy_offsite(snapshots)
    await acme.operator.forget(Copy.OFFSITE, [snapshots[0].id])
    await acme.operator.copy_offsite(snapshots[1:])
    assert await acme.operator.snapshots(Copy.OFFSITE) == snapshots[1:]


async def test_a_copy_that_lacks_something_says_so(acme: Tenant, primary: Site) -> None:
    write(acme.folder, first="one")
    await acme.back_up(NOW)
    primary.datastore.chunks.clear()
    with pytest.raises(StoreError, match="off-site ended with"):
        await acme.operator.copy_offsite(await acme.operator.snapshots(Copy.PRIMARY))


async def test_the_first_copy_makes_its_namespace_off_site(acme: Tenant, offsite: Site) -> None:
    write(acme.folder, first="one")
    await acme.back_up(NOW)
    del offsite.datastore.namespaces[acme.namespace]
    assert await acme.operator.snapshots(Copy.OFFSITE) == []
    await acme.operator.copy_offsite(await acme.operator.snapshots(Copy.PRIMARY))
    assert len(await acme.operator.snapshots(Copy.OFFSITE)) == 1


async def test_where_nothing_may_be_seen_nothing_is_called_empty(
    acme: Tenant, offsite: Site
) -> None:
    offsite.world.access.entries.clear()
    with pytest.raises(StoreError):
        await acme.operator.snapshots(Copy.OFFSITE)


async def test_a_datastore_that_is_gone_is_not_an_empty_one(acme: Tenant, offsite: Site) -> None:
    offsite.world.datastores.clear()
    with pytest.raises(StoreError) as caught:
        await acme.operator.snapshots(Copy.OFFSITE)
    assert caught.value.reason is StoreReason.MISSING


async def test_a_server_that_does_not_know_the_primary_copies_nothing(
    acme: Tenant, offsite: Site
) -> None:
    write(acme.folder, first="one")
    await acme.back_up(NOW)
    offsite.world.remotes.clear()
    with pytest.raises(StoreError, match="no remote"):
        await acme.operator.copy_offsite(await acme.operator.snapshots(Copy.PRIMARY))


async def test_what_is_held_is_not_removed_and_each_copy_holds_for_itself(acme: Tenant) -> None:
    write(acme.folder, first="one")
    await acme.back_up(NOW)
    [snapshot] = await acme.operator.snapshots(Copy.PRIMARY)
    await acme.operator.protect(Copy.PRIMARY, snapshot.id, protected=True)
    await acme.operator.copy_offsite([snapshot])
    [copied] = await acme.operator.snapshots(Copy.OFFSITE)
    assert not copied.protected
    await acme.operator.protect(Copy.OFFSITE, snapshot.id, protected=True)
    for copy in Copy:
        with pytest.raises(StoreError, match="protected"):
            await acme.operator.forget(copy, [snapshot.id])
        await acme.operator.protect(copy, snapshot.id, protected=False)
        await acme.operator.forget(copy, [snapshot.id])
        assert not await acme.operator.snapshots(copy)


async def test_removing_what_is_gone_changes_nothing(acme: Tenant) -> None:
    write(acme.folder, first="one")
    written = await acme.back_up(NOW)
    for _ in range(2):
        await acme.operator.forget(Copy.PRIMARY, [written.snapshot.id])
    assert not await acme.operator.snapshots(Copy.PRIMARY)


@pytest.mark.parametrize("depth", [Depth.SAMPLE, Depth.EVERYTHING])
async def test_verification_finds_a_chunk_that_changed(
    acme: Tenant, primary: Site, depth: Depth
) -> None:
    write(acme.folder, first="one")
    await acme.back_up(NOW)
    await acme.operator.verify(Copy.PRIMARY, depth, 50)
    await acme.operator.verify(Copy.PRIMARY, Depth.STRUCTURE)
    for chunk in primary.datastore.chunks.values():
        chunk.data = chunk.data[:-1] + bytes([chunk.data[-1] ^ 1])
    with pytest.raises(StoreError) as caught:
        await acme.operator.verify(Copy.PRIMARY, depth, 50)
    assert caught.value.reason is StoreReason.DAMAGED
    with pytest.raises(StoreError):
        await acme.operator.verify(Copy.PRIMARY, Depth.STRUCTURE)


async def test_groups_of_others_in_the_namespace_are_passed_over(
    acme: Tenant, primary: Site
) -> None:
    write(acme.folder, first="one")
    await acme.back_up(NOW)
    groups = primary.datastore.groups(acme.namespace)
    groups[GroupId("vm", "100")] = groups[GroupId("host", "scheduled")]
    assert len(await acme.operator.snapshots(Copy.PRIMARY)) == 1


async def test_a_tenant_s_token_neither_deletes_nor_reads_what_is_not_its_own(
    make_tenant: MakeTenant, primary: Site, tmp_path: Path
) -> None:
    acme, globex = make_tenant("acme"), make_tenant("globex")
    for tenant in (acme, globex):
        write(tenant.folder, first=tenant.token)
        await tenant.back_up(NOW)
    [snapshot] = await acme.job.snapshots(Copy.PRIMARY)
    with pytest.raises(StoreError) as caught:
        await acme.job.forget(Copy.PRIMARY, [snapshot.id])
    assert caught.value.reason is StoreReason.READ_ONLY
    acme.job._namespaces = {
        Copy.PRIMARY: globex.operator._namespaces[Copy.PRIMARY].__class__(
            address=acme.job._namespaces[Copy.PRIMARY].address,
            name=globex.namespace,
            fingerprint=primary.server.fingerprint,
            secret_file=acme.job._namespaces[Copy.PRIMARY].secret_file,
            key_file=globex.job._namespaces[Copy.PRIMARY].key_file,
        )
    }
    for attempt in (
        acme.job.snapshots(Copy.PRIMARY),
        acme.job.restore(Copy.PRIMARY, snapshot.id, [], tmp_path / "into"),
        acme.job.protect(Copy.PRIMARY, snapshot.id, protected=True),
        acme.back_up(NOW + DAY),
    ):
        with pytest.raises(StoreError) as caught:
            await attempt
        assert caught.value.reason in {StoreReason.UNREACHABLE, StoreReason.READ_ONLY}


async def test_the_operator_s_token_owns_no_backup_of_a_tenant(acme: Tenant, primary: Site) -> None:
    write(acme.folder, first="one")
    await acme.back_up(NOW)
    owners = {group.owner for group in primary.datastore.groups(acme.namespace).values()}
    assert owners == {acme.token}
    assert OPERATOR not in owners
