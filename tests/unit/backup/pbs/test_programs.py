"""The backup programs on two servers, as they run on restic: the driver makes no difference."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from jitsi_tenant_operator import cli
from jitsi_tenant_operator.backup.configuration import (
    Configuration,
    ConfigurationError,
    read_configuration,
)
from jitsi_tenant_operator.backup.pbs.snapshots import notes
from jitsi_tenant_operator.backup.programs.backup import back_up
from jitsi_tenant_operator.backup.programs.drill import drill
from jitsi_tenant_operator.backup.programs.preflight import preflight
from jitsi_tenant_operator.backup.programs.restore import Asked, restore
from jitsi_tenant_operator.backup.programs.running import Run, report_of
from jitsi_tenant_operator.backup.programs.sweep import sweep
from jitsi_tenant_operator.backup.programs.verify import verify
from jitsi_tenant_operator.backup.report import Outcome, Program, Report, encode
from jitsi_tenant_operator.backup.store import Copy, Depth, Group
from jitsi_tenant_operator.backup.stores import open_store
from localpbs.datastore import Archive, GroupId, Snapshot
from localpbs.datastore import Group as StoredGroup
from localpbs.sites import Site
from trial.clause_backups import Taken, owed

from .conftest import NOW, HandClock, Tenant

DAY = timedelta(days=1)
ACCOUNT = b'return {\n\t["password"] = "s3cret";\n};\n'


def configuration_of(acme: Tenant, folder: Path) -> dict[str, Any]:
    operators = acme.operator_repositories
    return {
        "tenant": {"name": "acme", "namespace": "tenant-acme", "uid": "5f0c"},
        "sources": {part: str(folder / part) for part in ("recordings", "accounts")},
        "primary": operators[0].to_json(),
        "offsite": operators[1].to_json(),
        "backup": {"daily": "P10D", "weekly": "P2M"},
        "scratch": str(folder / "scratch"),
    }


@pytest.fixture
def fields(acme: Tenant, tmp_path: Path) -> dict[str, Any]:
    """A tenant with two recordings, one with a name of a kind, and an account."""
    folder = tmp_path / "sources"
    for name, content in (
        (b"recordings/monday/r\xe9union [1].webm", os.urandom(300_000)),
        (b"recordings/tuesday.webm", os.urandom(1000)),
        (b"accounts/meet%2eexample/accounts/ada.dat", ACCOUNT),
    ):
        file = folder / os.fsdecode(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        os.utime(file, ((NOW - DAY).timestamp(),) * 2)
    return configuration_of(acme, folder)


def read(fields: dict[str, Any], folder: Path) -> Configuration:
    file = folder / "backup.yaml"
    file.write_text(yaml.safe_dump(fields))
    return read_configuration(file)


@pytest.fixture
def run(
    fields: dict[str, Any], acme: Tenant, tmp_path: Path, clock: HandClock
) -> Callable[..., Awaitable[Report]]:
    async def run(
        program: Program, work: Callable[[Run], Awaitable[None]], **changes: Any
    ) -> Report:
        configuration = read({**fields, **changes}, tmp_path)
        return await report_of(program, Run(configuration, acme.operator, clock), work)

    return run


RunProgram = Callable[..., Awaitable[Report]]


async def backed_up(run: RunProgram) -> Report:
    return await run(Program.BACKUP, lambda it: back_up(it, Group.SCHEDULED))


async def test_a_backup_has_its_evidence_and_is_made_once_a_day(
    run: RunProgram, clock: HandClock
) -> None:
    report = await backed_up(run)
    assert (report.outcome, report.problems) == (Outcome.SUCCEEDED, ())
    assert report.files == 3
    assert report.primary == report.offsite == "host/scheduled/2026-09-01T23:30:00Z"
    assert report.manifest
    assert Report.parse(encode(report)) == report
    clock.turn(timedelta(hours=1))
    again = await backed_up(run)
    assert (again.outcome, again.primary) == (Outcome.UNCHANGED, report.primary)


async def test_verification_drill_and_restore_find_what_was_backed_up(
    run: RunProgram, tmp_path: Path
) -> None:
    await backed_up(run)
    for copy in Copy:
        report = await run(Program.DRILL, lambda it, copy=copy: drill(it, copy, 5))
        assert (report.outcome, report.problems) == (Outcome.SUCCEEDED, ())
    report = await run(Program.VERIFY, lambda it: verify(it, Depth.EVERYTHING, 100))
    assert report.outcome is Outcome.SUCCEEDED
    into = tmp_path / "restored"
    asked = Asked(copy=Copy.OFFSITE, into=into)
    report = await run(Program.RESTORE, lambda it: restore(it, asked))
    assert (report.outcome, report.files) == (Outcome.SUCCEEDED, 3)
    for part in ("recordings", "accounts"):
        source = tmp_path / "sources" / part
        for file in source.rglob("*"):
            if file.is_file():
                restored = into / part / file.relative_to(source)
                assert restored.read_bytes() == file.read_bytes()


async def test_data_that_changed_on_the_server_is_found(run: RunProgram, primary: Site) -> None:
    await backed_up(run)
    for chunk in primary.datastore.chunks.values():
        chunk.data = chunk.data[:-1] + bytes([chunk.data[-1] ^ 1])
    report = await run(Program.VERIFY, lambda it: verify(it, Depth.EVERYTHING, 100))
    assert [(each.reason, each.copy_) for each in report.problems] == [
        ("RepositoryDamaged", Copy.PRIMARY)
    ]


def forge(site: Site, acme: Tenant, at: int) -> None:
    """What a backup at that time leaves on the primary."""
    group = site.datastore.groups(acme.namespace).setdefault(
        GroupId("host", "scheduled"), StoredGroup(acme.token)
    )
    digest = f"chunk-{at}"
    site.datastore.add_chunk(digest, b"sealed", plain=False, now=at)
    files = {
        name: Archive(6, "encrypt", (digest,)) for name in ("folder0.pxar.didx", "index.json.blob")
    }
    group.snapshots[at] = Snapshot(at, files, fingerprint="00")


async def test_both_copies_hold_what_the_clause_owes_day_by_day(
    run: RunProgram, acme: Tenant, primary: Site, clock: HandClock
) -> None:
    """Ninety days with an outage of nine, then an end, after which all of it expires."""
    taken: list[Taken] = []
    for day in [*range(90), *range(90, 170, 5)]:
        clock.at = NOW + day * DAY
        if day < 90 and not 40 <= day < 49:
            forge(primary, acme, int(clock.at.timestamp()))
            taken.append(Taken(f"host/scheduled/{clock.at:%Y-%m-%dT%H:%M:%SZ}", clock.at))
            # As the backup does: what is over its time is not copied.
            await acme.operator.copy_offsite([(await acme.operator.snapshots(Copy.PRIMARY))[-1]])
        report = await run(Program.SWEEP, lambda it: sweep(it, dry_run=False))
        assert not report.problems
        expected = owed(taken, clock.at)
        for copy in Copy:
            found = {each.id for each in await acme.operator.snapshots(copy)}
            assert found == expected, (day, copy)
    assert not owed(taken, clock.at)


async def test_a_hold_protects_on_both_servers_and_its_end_releases_what_it_protected(
    run: RunProgram, acme: Tenant, primary: Site, clock: HandClock
) -> None:
    for day in range(2):
        forge(primary, acme, int((clock.at + day * DAY).timestamp()))
    first, second = await acme.operator.snapshots(Copy.PRIMARY)
    await acme.operator.copy_offsite([first, second])
    await acme.operator.protect(Copy.PRIMARY, first.id, protected=True)
    clock.turn(100 * DAY)

    report = await run(Program.SWEEP, lambda it: sweep(it, dry_run=False), held=True)
    assert (report.outcome, report.problems) == (Outcome.UNCHANGED, ())
    for copy in Copy:
        assert [each.protected for each in await acme.operator.snapshots(copy)] == [True, True]

    report = await run(Program.SWEEP, lambda it: sweep(it, dry_run=False))
    assert report.removed == 3
    assert [each.id for each in await acme.operator.snapshots(Copy.PRIMARY)] == [first.id]
    assert await acme.operator.snapshots(Copy.OFFSITE) == []


async def test_a_dry_run_protects_nothing_and_removes_nothing(
    run: RunProgram, acme: Tenant, primary: Site, clock: HandClock
) -> None:
    forge(primary, acme, int(clock.at.timestamp()))
    clock.turn(100 * DAY)
    for held in (True, False):
        await run(Program.SWEEP, lambda it: sweep(it, dry_run=True), held=held)
        [left] = await acme.operator.snapshots(Copy.PRIMARY)
        assert not left.protected


async def test_a_hold_leaves_notes_as_they_are(
    acme: Tenant, primary: Site, clock: HandClock
) -> None:
    at = int(clock.at.timestamp())
    forge(primary, acme, at)
    group = primary.datastore.groups(acme.namespace)[GroupId("host", "scheduled")]
    text = f"{notes('a' * 64)}\nasked for by a court"
    group.snapshots[at].comment = text
    for _ in range(2):
        await acme.operator.hold(Copy.PRIMARY, held=True)
        [held] = await acme.operator.snapshots(Copy.PRIMARY)
        assert (held.protected, held.manifest) == (True, "a" * 64)
    for _ in range(2):
        await acme.operator.hold(Copy.PRIMARY, held=False)
        assert not group.snapshots[at].protected
        assert group.snapshots[at].comment == text


async def test_a_hold_whose_end_was_interrupted_is_ended_by_the_next_run(
    acme: Tenant, primary: Site, clock: HandClock
) -> None:
    at = int(clock.at.timestamp())
    forge(primary, acme, at)
    group = primary.datastore.groups(acme.namespace)[GroupId("host", "scheduled")]
    await acme.operator.hold(Copy.PRIMARY, held=True)
    group.snapshots[at].protected = False
    await acme.operator.hold(Copy.PRIMARY, held=False)
    assert group.snapshots[at].comment == ""
    group.snapshots[at].protected = True
    await acme.operator.hold(Copy.PRIMARY, held=False)
    assert group.snapshots[at].protected


async def test_drivers_are_not_mixed(fields: dict[str, Any], tmp_path: Path) -> None:
    restic = {"driver": "Restic", "address": "/backups", "keyFile": "/key"}
    for name in ("primary", "offsite"):
        configuration = read({**fields, name: restic}, tmp_path)
        with pytest.raises(ConfigurationError, match="must be the same"):
            open_store(configuration)


async def test_preflight_checks_both_servers(
    fields: dict[str, Any], tmp_path: Path, clock: HandClock, offsite: Site
) -> None:
    configuration = read(fields, tmp_path)
    found = await preflight(configuration, clock)
    assert found.usable, found.table()
    assert {copy for copy, _ in found.results} == set(Copy)
    offsite.world.time_zone = "UTC"
    found = await preflight(configuration, clock)
    assert not found.usable
    [line] = [line for line in found.table().splitlines() if "Failed" in line]
    assert line.split()[:3] == ["offsite", "Time", "Failed"]


async def test_a_secret_that_cannot_be_read_is_a_failed_check(
    fields: dict[str, Any], tmp_path: Path, clock: HandClock
) -> None:
    missing = {**fields["primary"], "secretFile": str(tmp_path / "missing")}
    found = await preflight(read({**fields, "primary": missing}, tmp_path), clock)
    assert not found.usable


def test_the_command_tells_a_server_that_is_away(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repository = {
        "driver": "ProxmoxBackupServer",
        "address": "jitsi@pbs!operator@pbs.invalid:8007:store1",
        "namespace": "tenants/acme",
        "secretFile": str(tmp_path / "missing"),
        "fingerprint": ":".join(["00"] * 32),
    }
    file = tmp_path / "backup.yaml"
    fields = {
        "tenant": {"name": "acme", "namespace": "tenant-acme", "uid": "5f0c"},
        "primary": repository,
        "backup": {"daily": "P10D", "weekly": "P2M"},
    }
    file.write_text(yaml.safe_dump(fields))
    assert cli.main(["preflight", "-c", str(file), "-o", "json"]) == 1
    [result] = json.loads(capsys.readouterr().out)
    assert (result["check"], result["state"]) == ("Reachable", "Failed")
    file.write_text(yaml.safe_dump({**fields, "primary": {**repository, "address": "store1"}}))
    assert cli.main(["preflight", "-c", str(file)]) == 2
    assert "USER@REALM!TOKEN" in capsys.readouterr().err
