"""The stand-in as a client sees it that others wrote for the real server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from proxmoxer.core import ResourceException  # type: ignore[import-untyped]

from localpbs.datastore import GRACE_SECONDS, Archive, Group, GroupId, Snapshot
from localpbs.server import Server

from .conftest import ADMIN, NOW, STORE, Clients, Turned

GROUP = {"backup-type": "host", "backup-id": "scheduled"}
TIME = int(NOW.timestamp())


async def call(request: Callable[..., Any], *arguments: Any, **parameters: Any) -> Any:
    """proxmoxer blocks, and the server runs in this very loop."""
    return await asyncio.to_thread(lambda: request(*arguments, **parameters))


async def refused(request: Callable[..., Any], *arguments: Any, **parameters: Any) -> int:
    with pytest.raises(ResourceException) as caught:
        await call(request, *arguments, **parameters)
    return int(caught.value.status_code)


def forge(server: Server, namespace: str, owner: str, days: int = 1) -> None:
    """Backups of the last days in a group, each of a chunk of its own."""
    store = server.world.datastores[STORE]
    group = Group(owner)
    for day in range(days):
        time = TIME - day * 86_400
        digest = f"{namespace}-{time}"
        store.add_chunk(digest, b"x" * 10, plain=False, now=time)
        group.snapshots[time] = Snapshot(
            time,
            {"data.pxar.didx": Archive(10, "encrypt", (digest,))},
        )
    store.groups(namespace)[GroupId("host", "scheduled")] = group


@pytest.fixture
async def tenants(admin: Any, server: Server) -> None:
    """Two namespaces, in each a group that the token of that name owns."""
    namespace = admin.admin.datastore(STORE).namespace
    await call(namespace.post, name="tenants")
    await call(admin.access.users.post, userid="jitsi@pbs", password="of the operator")
    await call(
        admin.access.acl.put,
        **{"path": f"/datastore/{STORE}/tenants", "role": "DatastoreAdmin", "auth-id": "jitsi@pbs"},
    )
    for name in ("acme", "globex"):
        await call(namespace.post, parent="tenants", name=name)
        await call(admin.access.users("jitsi@pbs").token(name).post)
        await call(
            admin.access.acl.put,
            **{
                "path": f"/datastore/{STORE}/tenants/{name}",
                "role": "DatastoreBackup",
                "auth-id": f"jitsi@pbs!{name}",
            },
        )
        forge(server, f"tenants/{name}", f"jitsi@pbs!{name}")


async def test_it_tells_version_time_and_status(admin: Any) -> None:
    assert (await call(admin.version.get))["version"] == "4.1"
    time = await call(admin.nodes.localhost.time.get)
    assert (time["time"], time["timezone"]) == (TIME, "Europe/Paris")
    assert time["localtime"] == TIME + 3600
    status = await call(admin.admin.datastore(STORE).status.get)
    assert status["avail"] + status["used"] == status["total"]


async def test_nobody_comes_in_with_a_wrong_or_expired_secret(
    clock: Turned, admin: Any, clients: Clients
) -> None:
    stranger = await clients.token(ADMIN, "wrong")
    assert await refused(stranger.version.get) == 401
    token = admin.access.users("admin@pbs").token("brief")
    made = await call(token.post, expire=TIME + 60)
    brief = await clients.token("admin@pbs!brief", made["value"])
    await call(brief.version.get)
    clock.turn(timedelta(seconds=60))
    assert await refused(brief.version.get) == 401


async def test_a_user_logs_in_with_a_password_and_makes_tokens_of_its_own(
    clients: Clients, tenants: None
) -> None:
    user = await clients.user("jitsi@pbs", "of the operator")
    made = await call(user.access.users("jitsi@pbs").token("third").post)
    assert made["tokenid"] == "jitsi@pbs!third"
    acl = {"path": f"/datastore/{STORE}/tenants", "role": "DatastoreBackup"}
    await call(user.access.acl.put, **acl, **{"auth-id": "jitsi@pbs!third"})
    assert await refused(user.access.acl.put, **acl, **{"auth-id": "jitsi@pbs"}) == 403
    third = await clients.token("jitsi@pbs!third")
    assert await refused(third.access.users("jitsi@pbs").token("fourth").post) == 403


async def test_another_secret_ends_the_one_before_and_keeps_what_the_token_owns(
    server: Server, admin: Any, clients: Clients, tenants: None
) -> None:
    before = await clients.token("jitsi@pbs!acme")
    again = await call(admin.access.users("jitsi@pbs").token("acme").put, regenerate=1)
    assert await refused(before.version.get) == 401
    after = await clients.token("jitsi@pbs!acme", again["secret"])
    snapshots = admin_of(after).snapshots
    assert len(await call(snapshots.get, ns="tenants/acme")) == 1
    server.world.version = "3.4"
    assert await refused(admin.access.users("jitsi@pbs").token("acme").put, regenerate=1) == 400


def admin_of(client: Any) -> Any:
    return client.admin.datastore(STORE)


async def test_a_token_sees_its_own_namespace_and_group_alone(
    clients: Clients, tenants: None
) -> None:
    acme = admin_of(await clients.token("jitsi@pbs!acme"))
    seen = {each["ns"] for each in await call(acme.namespace.get)}
    assert seen == {"", "tenants", "tenants/acme"}
    [group] = await call(acme.groups.get, ns="tenants/acme")
    assert group["owner"] == "jitsi@pbs!acme"
    assert await refused(acme.snapshots.get, ns="tenants/globex") == 403


async def test_backing_up_is_no_right_to_delete_but_one_to_clear_protection(
    admin: Any, clients: Clients, tenants: None
) -> None:
    acme = admin_of(await clients.token("jitsi@pbs!acme"))
    snapshot = {"ns": "tenants/acme", **GROUP, "backup-time": TIME}
    await call(admin_of(admin).protected.put, **snapshot, protected=1)
    await call(acme.protected.put, **snapshot, protected=0)
    assert await call(acme.protected.get, **snapshot) is False
    assert await refused(acme.snapshots.delete, **snapshot) == 403
    assert await refused(acme.prune.post, **snapshot_group(snapshot), **{"keep-last": 1}) == 403
    assert await refused(acme.groups.delete, **snapshot_group(snapshot)) == 403


def snapshot_group(snapshot: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in snapshot.items() if name != "backup-time"}


async def test_a_power_user_prunes_only_what_it_owns(
    admin: Any, clients: Clients, tenants: None
) -> None:
    for name in ("acme", "globex"):
        await call(
            admin.access.acl.put,
            **{
                "path": f"/datastore/{STORE}/tenants/{name}",
                "role": "DatastorePowerUser",
                "auth-id": "jitsi@pbs!acme",
            },
        )
    acme = admin_of(await clients.token("jitsi@pbs!acme"))
    keep = {**GROUP, "keep-last": 1}
    assert await refused(acme.prune.post, ns="tenants/globex", **keep) == 403
    assert await call(acme.prune.post, ns="tenants/acme", **keep)


async def test_a_user_acts_on_the_groups_of_its_tokens_and_a_token_not_on_its_sibling_s(
    server: Server, clients: Clients, tenants: None
) -> None:
    access = server.world.access
    for auth_id in ("jitsi@pbs", "jitsi@pbs!globex"):
        access.entries[(f"/datastore/{STORE}/tenants/acme", auth_id)] = {"DatastoreBackup": True}
    access.entries.pop((f"/datastore/{STORE}/tenants", "jitsi@pbs"))
    user = await clients.user("jitsi@pbs", "of the operator")
    assert len(await call(admin_of(user).groups.get, ns="tenants/acme")) == 1
    access.entries[(f"/datastore/{STORE}/tenants", "jitsi@pbs")] = {"DatastoreAdmin": True}
    sibling = admin_of(await clients.token("jitsi@pbs!globex"))
    assert await call(sibling.groups.get, ns="tenants/acme") == []


async def test_what_is_said_deeper_down_replaces_what_was_inherited(
    admin: Any, clients: Clients, tenants: None
) -> None:
    path = f"/datastore/{STORE}/tenants/acme"
    await call(admin.access.acl.put, **{"path": path, "role": "NoAccess", "auth-id": "jitsi@pbs"})
    permissions = await call(admin.access.permissions.get, **{"auth-id": "jitsi@pbs", "path": path})
    assert permissions == {}
    # And a token holds no more than its user.
    acme = admin_of(await clients.token("jitsi@pbs!acme"))
    assert await refused(acme.groups.get, ns="tenants/acme") == 403


@pytest.mark.parametrize(
    ("parent", "name", "status"),
    [
        ("tenants", "a" * 32, None),
        ("tenants", "a" * 33, 400),
        ("tenants", ".a", 400),
        ("tenants", "a b", 400),
        ("tenants", "acme", 400),
        ("nowhere", "acme", 404),
    ],
)
async def test_a_namespace_has_a_name_a_parent_and_is_made_once(
    tenants: None, parent: str, name: str, status: int | None, admin: Any
) -> None:
    post = admin_of(admin).namespace.post
    if status is None:
        assert await call(post, parent=parent, name=name) == f"{parent}/{name}"
    else:
        assert await refused(post, parent=parent, name=name) == status


async def test_namespaces_are_at_most_seven_deep(admin: Any) -> None:
    post, parent = admin_of(admin).namespace.post, ""
    for _ in range(7):
        parent = await call(post, parent=parent, name="n")
    assert await refused(post, parent=parent, name="n") == 400


async def test_a_dry_run_tells_and_removes_nothing_and_the_real_one_spares_what_is_protected(
    server: Server, admin: Any
) -> None:
    await call(admin_of(admin).namespace.post, name="acme")
    forge(server, "acme", ADMIN, days=5)
    oldest = {"ns": "acme", **GROUP, "backup-time": TIME - 4 * 86_400}
    await call(admin_of(admin).protected.put, **oldest, protected=1)
    options = {"ns": "acme", **GROUP, "keep-last": 2}
    told = await call(admin_of(admin).prune.post, **options, **{"dry-run": 1})
    assert [each["keep"] for each in told] == [True, False, False, True, True]
    assert len(await call(admin_of(admin).snapshots.get, ns="acme")) == 5
    assert await call(admin_of(admin).prune.post, **options) == told
    left = await call(admin_of(admin).snapshots.get, ns="acme")
    assert {each["backup-time"] for each in left} == {
        each["backup-time"] for each in told if each["keep"]
    }


async def test_what_is_protected_is_deleted_by_nobody(server: Server, admin: Any) -> None:
    await call(admin_of(admin).namespace.post, name="acme")
    forge(server, "acme", ADMIN, days=3)
    snapshot = {"ns": "acme", **GROUP, "backup-time": TIME}
    await call(admin_of(admin).protected.put, **snapshot, protected=1)
    assert await refused(admin_of(admin).snapshots.delete, **snapshot) == 400
    delete = admin_of(admin).namespace.delete
    assert await refused(delete, ns="acme", **{"delete-groups": 1}) == 400
    # All the same, the rest is gone by then.
    left = await call(admin_of(admin).snapshots.get, ns="acme")
    assert [each["protected"] for each in left] == [True]


async def test_notes_are_kept_and_their_first_line_is_listed(server: Server, admin: Any) -> None:
    await call(admin_of(admin).namespace.post, name="acme")
    forge(server, "acme", ADMIN)
    snapshot = {"ns": "acme", **GROUP, "backup-time": TIME}
    await call(admin_of(admin).notes.put, **snapshot, notes="held\nfor a court")
    assert await call(admin_of(admin).notes.get, **snapshot) == "held\nfor a court"
    [listed] = await call(admin_of(admin).snapshots.get, ns="acme")
    assert listed["comment"] == "held"


async def ended(client: Any, upid: str) -> str:
    while True:
        status = await call(client.nodes.localhost.tasks(upid).status.get)
        if status["status"] == "stopped":
            return str(status["exitstatus"])


async def test_verification_is_a_task_with_a_status_and_a_log(server: Server, admin: Any) -> None:
    await call(admin_of(admin).namespace.post, name="acme")
    forge(server, "acme", ADMIN)
    assert await ended(admin, await call(admin_of(admin).verify.post, ns="acme")) == "OK"
    [listed] = await call(admin_of(admin).snapshots.get, ns="acme")
    assert listed["verification"]["state"] == "ok"
    for chunk in server.world.datastores[STORE].chunks.values():
        chunk.data = b"damaged"
    upid = await call(admin_of(admin).verify.post, ns="acme", **{"ignore-verified": 0})
    assert "failed" in await ended(admin, upid)
    log = await call(admin.nodes.localhost.tasks(upid).log.get, limit=100)
    assert [line["n"] for line in log] == list(range(1, len(log) + 1))
    assert any("Failed to verify" in line["t"] for line in log)


async def test_chunks_go_a_day_and_five_minutes_after_their_last_use(
    server: Server, clock: Turned, admin: Any
) -> None:
    await call(admin_of(admin).namespace.post, name="acme")
    forge(server, "acme", ADMIN)
    store = server.world.datastores[STORE]
    await ended(admin, await call(admin_of(admin).gc.post))
    await call(admin_of(admin).snapshots.delete, ns="acme", **GROUP, **{"backup-time": TIME})
    clock.turn(timedelta(seconds=GRACE_SECONDS))
    await ended(admin, await call(admin_of(admin).gc.post))
    assert store.chunks
    assert (await call(admin_of(admin).gc.get))["pending-chunks"] == 1
    clock.turn(timedelta(seconds=1))
    await ended(admin, await call(admin_of(admin).gc.post))
    assert not store.chunks
    collected = await call(admin_of(admin).gc.get)
    assert (collected["removed-chunks"], collected["last-run-state"]) == (1, "OK")


async def test_an_unknown_parameter_is_refused_as_the_schema_has_it(admin: Any) -> None:
    assert await refused(admin_of(admin).snapshots.get, colour="red") == 400


async def test_a_backup_job_s_server_keeps_one_owner_for_a_group(
    admin: Any, clients: Clients, tenants: None
) -> None:
    change = getattr(admin_of(admin), "change-owner").post
    await call(change, ns="tenants/acme", **GROUP, **{"new-owner": "jitsi@pbs!globex"})
    acme = admin_of(await clients.token("jitsi@pbs!acme"))
    assert await call(acme.groups.get, ns="tenants/acme") == []
