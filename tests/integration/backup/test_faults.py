"""Whatever breaks is told by a stable reason, loses no backup, and the next run repairs it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

import debian
from jitsi_tenant_operator.backup import restic_command
from jitsi_tenant_operator.backup.report import Outcome, Report
from jitsi_tenant_operator.backup.store import Copy, StoreError, StoreReason

from .conftest import OTHERS, Servers
from .site import KEYS, PASSWORD, TENANT, VIDEO, Site, contents, reasons

COMMAND = (sys.executable, "-m", "jitsi_tenant_operator.cli")
MEBIBYTE = 1024 * 1024
PATIENCE = 90.0


async def test_a_wrong_key_is_told_and_nothing_is_written(site: Site) -> None:
    (site.folder / "secrets" / "primary").write_text("not the key")
    report = await site.back_up()
    assert (report.outcome, reasons(report)) == (Outcome.FAILED, ["KeyRefused"])
    assert "not the key" not in report.model_dump_json()
    (site.folder / "secrets" / "primary").write_text(KEYS[0])
    assert await site.snapshots() == []
    assert (await site.back_up()).outcome is Outcome.SUCCEEDED


async def test_a_wrong_login_is_told(site: Site) -> None:
    (site.folder / "secrets" / "password").write_text("guessed")
    report = await site.back_up()
    assert reasons(report) == ["RepositoryUnreachable"]
    assert "guessed" not in report.model_dump_json()


async def test_a_tenant_reaches_no_repository_but_its_own(site: Site) -> None:
    await site.back_up()
    secrets = site.folder / "secrets"
    ((name, password),) = OTHERS.items()
    (secrets / "username").write_text(name)
    (secrets / "password").write_text(password)
    with pytest.raises(StoreError) as refused:
        await site.snapshots()
    assert refused.value.reason is StoreReason.UNREACHABLE


@pytest.mark.parametrize("copy", list(Copy))
async def test_a_tenant_cannot_delete_its_own_backups(site: Site, copy: Copy) -> None:
    await site.back_up()
    (snapshot,) = await site.snapshots(copy)
    with pytest.raises(StoreError) as refused:
        await site.store().forget(copy, [snapshot.id])
    assert refused.value.reason is StoreReason.READ_ONLY
    assert await site.snapshots(copy) == [snapshot]
    assert (await site.restore(copy=copy, into=site.folder / "back")).outcome is Outcome.SUCCEEDED


async def test_an_off_site_outage_is_told_and_the_next_run_catches_up(site: Site) -> None:
    offsite = site.fields["offsite"]
    site.fields["offsite"] = {**offsite, "address": "rest:http://127.0.0.1:9/acme/"}
    for _ in range(2):
        report = await site.back_up()
        assert (report.outcome, reasons(report)) == (Outcome.FAILED, ["RepositoryUnreachable"])
        assert report.problems[0].copy_ is Copy.OFFSITE
        assert report.primary is not None
        site.clock.at += timedelta(days=1)
    verified = await site.verify()
    assert reasons(verified) == ["RepositoryUnreachable"]
    site.fields["offsite"] = offsite
    assert reasons(await site.verify()) == ["NoSnapshot", "OffsiteBehind"]
    assert (await site.back_up()).outcome is Outcome.SUCCEEDED
    origins = [each.origin for each in await site.snapshots(Copy.OFFSITE)]
    assert origins == [each.id for each in await site.snapshots()]
    report = await site.verify()
    assert (report.outcome, len(report.verified)) == (Outcome.SUCCEEDED, 2)


async def test_damaged_data_is_found_and_the_other_copy_gives_it_back(
    site: Site, append_only: Servers
) -> None:
    recording = site.record("large.mp4", VIDEO + os.urandom(MEBIBYTE))
    await site.back_up()
    before = contents(site.folder / "recordings")
    largest = max(
        (append_only.primary.store / TENANT / "data").rglob("*"),
        key=lambda file: file.stat().st_size if file.is_file() else 0,
    )
    content = bytearray(largest.read_bytes())
    content[len(content) // 3] ^= 1
    largest.chmod(0o600)
    largest.write_bytes(content)
    recording.unlink()

    verified = await site.verify()
    assert reasons(verified) == ["RepositoryDamaged"]
    assert [each.copy_ for each in verified.verified] == [Copy.OFFSITE]
    damaged = await site.restore(into=site.folder / "primary")
    assert damaged.outcome is Outcome.FAILED
    assert "NotAsRecorded" in reasons(damaged)
    assert b"large.mp4" not in contents(site.folder / "primary" / "recordings")
    whole = await site.restore(copy=Copy.OFFSITE, into=site.folder / "offsite")
    assert whole.outcome is Outcome.SUCCEEDED
    assert contents(site.folder / "offsite" / "recordings") == before


async def test_a_file_that_changed_behind_its_date_is_noticed_by_a_drill(site: Site) -> None:
    """Neither size nor time tell of it, so only the recorded digest can."""
    await site.back_up()
    site.record("monday/meeting.mp4", VIDEO.replace(b"isom", b"mosi"))
    site.clock.at += timedelta(days=1)
    assert (await site.back_up()).outcome is Outcome.SUCCEEDED
    assert reasons(await site.drill()) == ["NotAsRecorded"]
    restored = await site.restore(into=site.folder / "back")
    assert (reasons(restored), restored.files) == (["NotAsRecorded"], 2)
    assert contents(site.folder / "back" / "recordings") == {}


async def test_a_snapshot_that_lacks_files_does_not_count_as_the_days_backup(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is away while restic reads: there is a snapshot, and it is not whole."""
    file = site.record("away.mp4", VIDEO)
    wrapper = site.folder / "restic"
    wrapper.write_text(
        f"""#!/bin/sh
        case "$*" in *" backup "*) mv "{file}" "{file}.away" ;; esac
        {debian.program("restic")} "$@"
        status=$?
        case "$*" in *" backup "*) mv "{file}.away" "{file}" ;; esac
        exit $status
        """
    )
    wrapper.chmod(0o755)
    with monkeypatch.context() as patched:
        patched.setattr(restic_command, "PROGRAM", str(wrapper))
        first = await site.back_up()
    assert reasons(first) == ["SourceChanged"]
    assert first.primary is not None
    site.clock.at += timedelta(hours=1)
    second = await site.back_up()
    assert (second.outcome, second.files) == (Outcome.SUCCEEDED, 4)
    assert second.primary != first.primary


async def test_the_lock_of_a_killed_run_is_removed(site: Site, operators: Site) -> None:
    await site.back_up()
    with holding_a_lock(site) as holder:
        holder.kill()
        holder.wait()
        swept = await operators.sweep()
    assert (swept.outcome, swept.problems) == (Outcome.UNCHANGED, ())


async def test_the_lock_of_a_run_that_goes_on_is_respected(site: Site, operators: Site) -> None:
    await site.back_up()
    site.clock.at += timedelta(days=200)
    with holding_a_lock(site):
        swept = await operators.sweep()
        assert (swept.problems[0].reason, swept.problems[0].copy_) == (
            "RepositoryLocked",
            Copy.PRIMARY,
        )
        # The other copy is swept all the same.
        assert [each.count for each in swept.copies] == [1, 0]
    swept = await operators.sweep()
    assert (swept.outcome, [each.count for each in swept.copies]) == (Outcome.SUCCEEDED, [0, 0])


async def test_two_runs_at_once_do_each_other_no_harm(site: Site) -> None:
    other = replace(site, fields={**site.fields, "scratch": str(site.folder / "other")})
    reports = await asyncio.gather(site.back_up(), other.back_up())
    for report in reports:
        assert reasons(report) in ([], ["RepositoryLocked"])
    site.clock.at += timedelta(hours=1)
    assert (await site.back_up()).outcome is Outcome.UNCHANGED
    assert (await site.verify()).outcome is Outcome.SUCCEEDED


def test_a_run_that_is_killed_midway_is_repaired_by_the_next(
    site: Site, append_only: Servers
) -> None:
    site.record("large.mp4", os.urandom(24 * MEBIBYTE), age=timedelta(days=90))
    site.fields["bandwidth"] = 4096
    with running(site, "backup") as process:
        wait_for(lambda: uploaded(append_only) > MEBIBYTE)
        secrets = (PASSWORD, *KEYS)
        for shown in seen_of(process.pid):
            assert not [secret for secret in secrets if secret.encode() in shown]
        os.killpg(process.pid, signal.SIGKILL)
    assert asyncio.run(site.snapshots()) == []
    del site.fields["bandwidth"]
    done = subprocess.run(command(site, "backup"), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert Report.parse(done.stdout).files == 4
    # Each line of progress is a JSON object, none of them with a name of the tenant's files.
    assert {json.loads(line)["program"] for line in done.stderr.splitlines()} == {"backup"}
    assert "large" not in done.stderr + done.stdout


def test_a_run_that_is_told_to_stop_says_so_and_leaves_no_lock(
    site: Site, append_only: Servers
) -> None:
    site.record("large.mp4", os.urandom(24 * MEBIBYTE), age=timedelta(days=90))
    site.fields["bandwidth"] = 1024
    file = site.folder / "termination-log"
    with running(site, "backup", "--report", str(file)) as process:
        wait_for(lambda: uploaded(append_only) > MEBIBYTE)
        process.terminate()
        assert process.wait(PATIENCE) == 1
    report = Report.parse(file.read_text())
    assert reasons(report) == ["Interrupted"]
    assert list((append_only.primary.store / TENANT / "locks").iterdir()) == []


def test_a_configuration_that_cannot_be_used_ends_with_status_2(site: Site) -> None:
    site.fields["primary"]["keyfile"] = site.fields["primary"].pop("keyFile")
    done = subprocess.run(command(site, "backup"), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "keyFile: required" in done.stderr


@contextmanager
def holding_a_lock(site: Site) -> Iterator[subprocess.Popen[bytes]]:
    """Another program that is at work on the primary repository."""
    site.store()
    address = Path(site.fields["scratch"]) / "access" / "primary"
    options = ["--repository-file", str(address), "--no-cache"]
    options += ["--password-file", site.fields["primary"]["keyFile"]]
    restic = [str(debian.program("restic")), *options, "backup", "--stdin"]
    with subprocess.Popen(
        restic, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as holder:
        locks = site.folder.parent / "stores" / "1" / TENANT / "locks"
        wait_for(lambda: any(locks.iterdir()))
        try:
            yield holder
        finally:
            holder.kill()
    if holder.returncode and locks.exists():
        shutil.rmtree(locks)
        locks.mkdir()


@contextmanager
def running(site: Site, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """The command as a process, in a group of its own that ends with this."""
    with subprocess.Popen(
        command(site, *arguments),
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def command(site: Site, program: str, *options: str) -> list[str]:
    return [*COMMAND, program, "--configuration", str(site.configuration_file()), *options]


def seen_of(group: int) -> Iterator[bytes]:
    """What others can see of a process and its children: arguments and environment."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and os.getpgid(int(folder.name)) == group:
            yield (folder / "cmdline").read_bytes()
            yield (folder / "environ").read_bytes()


def uploaded(servers: Servers) -> int:
    data = servers.primary.store / TENANT / "data"
    return sum(file.stat().st_size for file in data.rglob("*") if file.is_file())


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
