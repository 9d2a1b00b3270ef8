"""A server is proven usable, or what is wrong with it is named."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from aiohttp import web

from jitsi_tenant_operator.backup.pbs.configured import namespace_of
from jitsi_tenant_operator.backup.pbs.preflight import PROBE, Expected, check_server
from jitsi_tenant_operator.backup.preflight import (
    Check,
    State,
    failed,
    passed,
    skipped,
    usable,
)
from jitsi_tenant_operator.backup.retention import Terms
from jitsi_tenant_operator.contract.calendar import Calendar
from localpbs.datastore import Group as StoredGroup
from localpbs.datastore import GroupId, Snapshot
from localpbs.server import Certificate
from localpbs.sites import DATASTORE, OPERATOR, PARENT, USER, Site

from .conftest import NOW, HandClock, Tenant
from .test_access import as_operator
from .test_client import answering

EXPECTED = Expected(PARENT, Terms("P10D", "P2M"), Calendar.of("Europe/Paris"))


async def states(site: Site, clock: HandClock, expected: Expected = EXPECTED) -> dict[Check, State]:
    async with as_operator(site, clock) as client:
        results = await check_server(client, expected, clock)
    return {result.check: result.state for result in results}


def forge(site: Site, days: int) -> None:
    """A backup a day up to now, at half past one in Paris."""
    site.datastore.create_namespace(PARENT, "tenant-acme")
    group = StoredGroup("jitsi@pbs!acme")
    for day in range(days):
        time = int((NOW - timedelta(days=day)).timestamp())
        group.snapshots[time] = Snapshot(time, {})
    site.datastore.groups(f"{PARENT}/tenant-acme")[GroupId("host", "scheduled")] = group


async def test_a_server_as_documented_passes(primary: Site, clock: HandClock) -> None:
    forge(primary, 90)
    found = await states(primary, clock)
    assert set(found.values()) == {State.PASSED}
    assert set(found) == set(Check) - {Check.COPIES}
    assert f"{PARENT}/{PROBE}" not in primary.datastore.namespaces
    group = primary.datastore.groups(f"{PARENT}/tenant-acme")[GroupId("host", "scheduled")]
    assert len(group.snapshots) == 90


async def test_without_backups_retention_is_not_called_proven(
    primary: Site, clock: HandClock
) -> None:
    found = await states(primary, clock)
    assert found[Check.RETENTION] is State.SKIPPED


async def test_an_off_site_server_knows_the_primary(
    acme: Tenant, primary: Site, offsite: Site, clock: HandClock
) -> None:
    expected = Expected(PARENT, EXPECTED.terms, EXPECTED.calendar, namespace_of(acme.primary))
    assert (await states(offsite, clock, expected))[Check.COPIES] is State.PASSED
    offsite.world.remotes.clear()
    assert (await states(offsite, clock, expected))[Check.COPIES] is State.FAILED


def old(site: Site) -> None:
    site.world.version = "3.3"


def elsewhere(site: Site) -> None:
    site.world.time_zone = "UTC"


def grant(path: str, role: str) -> Callable[[Site], None]:
    def spoil(site: Site) -> None:
        for auth_id in (USER, OPERATOR):
            site.world.access.grant(path, auth_id, role)

    return spoil


def no_audit(site: Site) -> None:
    site.world.access.revoke(f"/datastore/{DATASTORE}", OPERATOR, "DatastoreAudit")


def only_backup(site: Site) -> None:
    path = f"/datastore/{DATASTORE}/{PARENT}"
    site.world.access.revoke(path, OPERATOR, "DatastoreAdmin")
    site.world.access.grant(path, OPERATOR, "DatastoreBackup")


def prune_job(namespace: str) -> Callable[[Site], None]:
    def spoil(site: Site) -> None:
        site.world.jobs["prune"]["daily"] = {
            "id": "daily",
            "store": DATASTORE,
            "ns": namespace,
            "schedule": "daily",
            "keep-weekly": 8,
        }

    return spoil


@pytest.mark.parametrize(
    ("spoil", "check"),
    [
        (old, Check.VERSION),
        (elsewhere, Check.TIME),
        (no_audit, Check.SUFFICIENT_RIGHTS),
        (only_backup, Check.SUFFICIENT_RIGHTS),
        (only_backup, Check.WRITABLE),
        (grant("/", "Admin"), Check.NO_FURTHER_RIGHTS),
        (grant("/access", "Admin"), Check.NO_FURTHER_RIGHTS),
        (grant("/remote", "RemoteAdmin"), Check.NO_FURTHER_RIGHTS),
        (grant(f"/datastore/{DATASTORE}", "DatastoreAdmin"), Check.NO_FURTHER_RIGHTS),
        (grant("/datastore/other", "DatastorePowerUser"), Check.NO_FURTHER_RIGHTS),
        (prune_job(""), Check.RETENTION),
        (prune_job(PARENT), Check.RETENTION),
    ],
)
async def test_what_is_wrong_with_a_server_is_named(
    primary: Site, clock: HandClock, spoil: Callable[[Site], None], check: Check
) -> None:
    forge(primary, 30)
    spoil(primary)
    assert (await states(primary, clock))[check] is State.FAILED


async def test_a_prune_job_over_the_datastore_is_told_only_to_who_may_see_it(
    primary: Site, clock: HandClock
) -> None:
    prune_job("elsewhere")(primary)
    assert (await states(primary, clock))[Check.RETENTION] is State.SKIPPED


async def test_a_server_whose_clock_is_off_fails(primary: Site, clock: HandClock) -> None:
    primary.world.clock = lambda: NOW + timedelta(minutes=10)
    assert (await states(primary, clock))[Check.TIME] is State.FAILED


async def test_a_server_that_takes_no_login_is_told_alone(primary: Site, clock: HandClock) -> None:
    primary.world.access.account(OPERATOR).enabled = False
    assert await states(primary, clock) == {Check.REACHABLE: State.FAILED}


async def test_a_group_that_the_server_would_shorten_is_found(
    primary: Site, clock: HandClock
) -> None:
    forge(primary, 90)
    expected = Expected(PARENT, Terms("P10D", "P2M"), Calendar.of("Europe/Paris"))
    group = primary.datastore.groups(f"{PARENT}/tenant-acme")[GroupId("host", "scheduled")]
    assert (await states(primary, clock, expected))[Check.RETENTION] is State.PASSED
    # Three backups on one day: to the terms each is a daily, to the server two are too many.
    for hour in (1, 2):
        time = int((NOW - timedelta(days=3, hours=hour)).timestamp())
        group.snapshots[time] = Snapshot(time, {})
    assert (await states(primary, clock, expected))[Check.RETENTION] is State.FAILED


def test_a_repository_with_a_failure_or_without_any_check_is_not_usable() -> None:
    fine, broken = passed(Check.TIME), failed(Check.WRITABLE, "full")
    assert usable([fine, skipped(Check.RETENTION, "nothing yet")])
    assert not usable([fine, broken])
    assert not usable([skipped(Check.RETENTION, "nothing yet")])
    assert not usable([])


@pytest.mark.parametrize(
    "data",
    [None, 3, "text", [], [3], [None], {}, {"": {}}, [{"ns": 3}], {"time": "now", "timezone": "x"}],
)
async def test_whatever_a_server_answers_the_checks_come_to_an_end(
    certificates: tuple[Certificate, Certificate], clock: HandClock, data: object
) -> None:
    async def handler(request: web.Request) -> web.Response:
        version = request.path.endswith("/version")
        return web.json_response({"data": {"version": "4.1"} if version else data})

    near, _ = certificates
    async with answering(near, handler, clock, near.context) as client:
        results = await check_server(client, EXPECTED, clock)
    assert not usable(results)


async def test_terms_in_hours_are_compared_with_nothing(primary: Site, clock: HandClock) -> None:
    forge(primary, 3)
    expected = Expected(PARENT, Terms("PT48H", "P0D"), EXPECTED.calendar)
    assert (await states(primary, clock, expected))[Check.RETENTION] is State.SKIPPED
