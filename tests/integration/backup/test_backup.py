"""A backup holds what it says, on both sites, and gives it back byte for byte."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from jitsi_tenant_operator.backup.report import Outcome
from jitsi_tenant_operator.backup.store import Copy, Depth, Group

from .site import VIDEO, Site, contents, reasons

HOUR = timedelta(hours=1)
NAMES: tuple[bytes, ...] = (
    b"with blanks and quotes \"'.mp4",
    b"two\nlines\ttab.mp4",
    b"no-utf-8-\xff\xfe.mp4",
    b"[pattern]*?\\.mp4",
    b"-option.mp4",
    "été ☂.mp4".encode(),
    b"$HOME #comment ",
)


async def test_a_backup_comes_back_byte_for_byte_from_either_site(new_site: Site) -> None:
    site = new_site
    for number, name in enumerate(NAMES):
        site.record(name, VIDEO + bytes([number]))
    sparse = site.record("sparse.bin", b"")
    with sparse.open("r+b") as file:
        file.truncate(64 * 1024 * 1024)
        file.seek(48 * 1024 * 1024)
        file.write(b"in the middle")
    os.utime(sparse, (0, 0))
    before = {part: contents(site.folder / part) for part in site.fields["sources"]}

    report = await site.back_up()
    assert (report.outcome, report.problems) == (Outcome.SUCCEEDED, ())
    assert report.files == sum(map(len, before.values()))
    assert report.primary is not None
    assert report.offsite not in (None, report.primary)
    assert (report.day, report.rule) == ("2027-03-01", "daily")
    assert [each.count for each in report.copies] == [1, 1]

    for copy in Copy:
        into = site.folder / f"restored-{copy}"
        restored = await site.restore(copy=copy, into=into)
        assert (restored.outcome, restored.problems) == (Outcome.SUCCEEDED, ())
        assert (restored.files, restored.manifest) == (report.files, report.manifest)
        assert {part: contents(into / part) for part in before} == before


async def test_a_second_run_on_the_same_day_changes_nothing(site: Site) -> None:
    first = await site.back_up()
    site.record("later.mp4", VIDEO)
    site.clock.at += HOUR
    second = await site.back_up()
    assert second.outcome is Outcome.UNCHANGED
    assert (second.primary, second.offsite) == (first.primary, first.offsite)
    assert (second.files, second.manifest) == (first.files, first.manifest)
    asked = await site.back_up(Group.ON_DEMAND)
    assert (asked.outcome, asked.files) == (Outcome.SUCCEEDED, 4)
    site.clock.at += timedelta(days=1)
    next_day = await site.back_up()
    assert (next_day.outcome, next_day.files) == (Outcome.SUCCEEDED, 4)
    assert [each.group for each in await site.snapshots()] == ["scheduled", "ondemand", "scheduled"]


async def test_a_recording_that_is_being_written_is_left_for_tomorrow(site: Site) -> None:
    site.record(b"being written\n[now].mp4", VIDEO, age=timedelta(minutes=2))
    # Another one whose name the first, read as a pattern, would match.
    site.record(b"being written\nn.mp4", VIDEO + b"n")
    site.record("from the future.mp4", VIDEO, age=-timedelta(days=2000))
    report = await site.back_up()
    assert (report.outcome, report.postponed, report.files) == (Outcome.SUCCEEDED, 1, 5)
    site.clock.at += timedelta(days=1)
    report = await site.back_up()
    assert (report.outcome, report.postponed, report.files) == (Outcome.SUCCEEDED, None, 6)


async def test_keys_are_backed_up_from_a_mounted_secret(site: Site) -> None:
    """Kubernetes mounts each key as a link into a folder of links."""
    data = site.folder / "configuration" / "..2027_03_01"
    data.mkdir()
    (data / "token").write_bytes(b"a key of the tenant")
    (site.folder / "configuration" / "..data").symlink_to(data.name)
    (site.folder / "configuration" / "token").symlink_to("..data/token")
    assert (await site.back_up()).outcome is Outcome.SUCCEEDED
    await site.restore(parts=("configuration",), into=site.folder / "back")
    assert contents(site.folder / "back" / "configuration") == {
        b"tenant.yaml": b"kind: JitsiTenant\n",
        b"token": b"a key of the tenant",
    }


@pytest.mark.parametrize("part", ["recordings", "accounts", "configuration"])
async def test_a_missing_folder_is_no_success(site: Site, part: str) -> None:
    site.lose(part)
    report = await site.back_up()
    assert (report.outcome, reasons(report)) == (Outcome.FAILED, ["SourceMissing"])
    assert await site.snapshots() == []


async def test_a_backup_of_no_file_is_no_success(site: Site) -> None:
    for part in site.fields["sources"]:
        site.lose(part)
        (site.folder / part).mkdir()
    assert reasons(await site.back_up()) == ["NothingToBackUp"]


async def test_nothing_present_is_overwritten_unless_that_is_asked_for(site: Site) -> None:
    await site.back_up()
    recording = site.folder / "recordings" / "monday" / "meeting.mp4"
    recording.write_bytes(b"another one")
    refused = await site.restore(parts=("recordings",))
    assert reasons(refused) == ["TargetNotEmpty"]
    refused = await site.restore(parts=("recordings",), path="monday/meeting.mp4")
    assert reasons(refused) == ["TargetNotEmpty"]
    assert recording.read_bytes() == b"another one"
    other = site.record("tuesday.mp4", b"recorded since")
    replaced = await site.restore(parts=("recordings",), replace=True)
    assert replaced.outcome is Outcome.SUCCEEDED
    assert recording.read_bytes() == VIDEO
    assert other.read_bytes() == b"recorded since"
    assert {each.name for each in (site.folder / "recordings").iterdir()} == {
        "monday",
        "tuesday.mp4",
    }


async def test_one_file_of_a_day_can_be_given_back(site: Site) -> None:
    await site.back_up()
    site.clock.at += timedelta(days=1)
    site.record("monday/meeting.mp4", VIDEO + b"changed", age=HOUR)
    await site.back_up()
    wanted = {"parts": ("recordings",), "path": "monday/meeting.mp4"}
    await site.restore(**wanted, into=site.folder / "new")
    at = site.clock.at - HOUR
    report = await site.restore(**wanted, into=site.folder / "old", at=at)
    assert (report.files, report.bytes, report.day) == (1, len(VIDEO), "2027-03-01")
    for name, content in (("old", VIDEO), ("new", VIDEO + b"changed")):
        restored = contents(site.folder / name / "recordings")
        assert restored == {b"monday/meeting.mp4": content}
    nothing = await site.restore(parts=("accounts",), path="nobody.dat", into=site.folder / "x")
    assert reasons(nothing) == ["NoSnapshot"]


async def test_a_drill_restores_a_sample_and_leaves_nothing(site: Site) -> None:
    for number in range(5):
        site.record(f"{number}.mp4", VIDEO + bytes([0, 0, 0, 9]) + b"free" + bytes([number]))
    await site.back_up()
    report = await site.drill(Copy.OFFSITE, recordings=2)
    assert (report.outcome, report.problems) == (Outcome.SUCCEEDED, ())
    assert report.files == 2 + 1 + 1
    (verified,) = report.verified
    assert (verified.depth, verified.copy_) == (Depth.RESTORED, Copy.OFFSITE)
    assert not (Path(site.fields["scratch"]) / "drill").exists()


async def test_a_drill_notices_what_nobody_can_open(site: Site) -> None:
    site.record("cut off.mp4", VIDEO[:-5])
    await site.back_up()
    assert reasons(await site.drill()) == ["NotReadable"]
