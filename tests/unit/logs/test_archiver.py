"""A day that is over becomes an archive that plain zstd reads, and the manifest says so."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from jitsi_tenant_operator.logs.report import Trouble
from jitsi_tenant_operator.logs.storage import locked

if TYPE_CHECKING:
    from tests.unit.logs.conftest import Site

LINES = ["2026-11-24T08:00:00Z jvb-0 stdout one", "2026-11-24T09:30:00Z jvb-0 stdout two"]


def test_a_closed_day_is_compressed_and_entered(site: Site) -> None:
    raw = site.log(LINES)
    content = raw.read_bytes()

    report = site.run_for()

    assert site.content() == content
    assert not raw.exists()
    [entry] = site.entries()
    archive = site.archive().read_bytes()
    assert entry["event"] == "Archived"
    assert entry["archived"] == {
        "file": "jvb/2026/11/2026-11-24.log.zst",
        "bytes": len(archive),
        "sha256": hashlib.sha256(archive).hexdigest(),
        "lines": 2,
        "contentBytes": len(content),
        "contentSha256": hashlib.sha256(content).hexdigest(),
        "first": "2026-11-24T08:00:00Z",
        "last": "2026-11-24T09:30:00Z",
        "unparsed": 0,
    }
    assert (report.archived, report.findings) == (1, ())


def test_a_second_run_changes_nothing(site: Site) -> None:
    site.tenant()
    site.log(LINES)
    site.run()
    before = site.files()
    site.run()
    assert site.files() == before


@pytest.mark.parametrize(
    ("at", "archived"),
    [("2026-11-25 00:14", 0), ("2026-11-25 00:15", 1), ("2026-11-24 12:00", 0)],
)
def test_yesterday_is_closed_a_quarter_past_midnight(site: Site, at: str, archived: int) -> None:
    site.log(LINES)
    site.turn(at)
    assert site.run_for().archived == archived


@pytest.mark.parametrize(
    ("compress_after", "too_early", "late_enough"),
    [
        ("P3D", "2026-11-27 00:14", "2026-11-27 00:15"),
        ("P1M", "2026-12-24 00:14", "2026-12-24 00:15"),
        ("PT6H", "2026-11-25 06:14", "2026-11-25 06:15"),
    ],
)
def test_the_terms_say_how_old_a_day_is_when_it_is_compressed(
    site: Site, compress_after: str, too_early: str, late_enough: str
) -> None:
    site.tenant(compressAfter=compress_after)
    site.log(LINES)
    site.turn(too_early)
    assert site.run_for().archived == 0
    site.turn(late_enough)
    assert site.run_for().archived == 1


def test_a_log_that_is_still_written_to_waits(site: Site) -> None:
    raw = site.log(LINES)
    site.turn("2026-11-25 01:00")
    site.last_written(raw, site.clock.at.replace(minute=0, hour=0))
    site.last_written(raw, site.clock.at)
    report = site.run_for()
    assert (report.archived, report.waiting) == (0, 1)
    assert raw.exists()
    site.turn("2026-11-25 01:10")
    assert site.run_for().archived == 1


def test_what_comes_after_a_day_was_archived_is_a_further_part(site: Site) -> None:
    site.log(LINES)
    site.run()
    site.log(["2026-11-24T23:59:59Z jvb-0 stdout late"])
    site.run()
    assert site.content(part=1) == b"2026-11-24T23:59:59Z jvb-0 stdout late\n"
    assert site.content() == "".join(f"{line}\n" for line in LINES).encode()


def test_a_day_without_a_log_is_told_once(site: Site) -> None:
    site.tenant(components=["jvb", "web"], since="2026-11-22")
    site.log(LINES)
    assert site.run_for().gaps == 5
    assert site.run_for().gaps == 0
    gaps = [entry for entry in site.entries() if entry["event"] == "Gap"]
    assert {(entry["component"], entry["day"], entry["reason"]) for entry in gaps} == {
        ("jvb", "2026-11-22", "NoFile"),
        ("jvb", "2026-11-23", "NoFile"),
        *(("web", f"2026-11-{day}", "NoFile") for day in (22, 23, 24)),
    }


def test_a_day_with_a_file_and_no_line_is_told_as_such(site: Site) -> None:
    site.tenant()
    raw = site.log(b"")
    site.run()
    assert not raw.exists()
    assert [entry["reason"] for entry in site.entries()] == ["NoLine"]


def test_no_gap_is_told_of_a_day_before_the_first_or_after_the_last(site: Site) -> None:
    site.tenant(since="2026-11-20", until="2026-11-21")
    site.run()
    assert site.events() == [("Gap", "2026-11-20"), ("Gap", "2026-11-21")]


def test_a_log_of_a_day_that_was_told_as_a_gap_is_archived_all_the_same(site: Site) -> None:
    site.tenant()
    site.run()
    site.log(LINES)
    assert site.run_for().archived == 1


def test_a_clock_that_went_backwards_changes_nothing(site: Site) -> None:
    site.tenant()
    site.log(LINES)
    site.run()
    site.log(["late"])
    site.turn("2026-11-24 23:00")
    before = site.files()
    report = site.run_for()
    assert [finding.trouble for finding in report.findings] == [Trouble.CLOCK_BEHIND]
    assert site.files() == before


def test_two_runs_at_once_are_impossible(site: Site) -> None:
    site.log(LINES)
    site.run("nobody")
    site.layout.lock("acme").parent.mkdir()
    with locked(site.layout.lock("acme")):
        report = site.run_for()
    assert [finding.trouble for finding in report.findings] == [Trouble.BUSY]
    assert site.run_for().archived == 1


def test_a_log_that_grows_while_it_is_archived_is_taken_up_by_the_next_run(site: Site) -> None:
    raw = site.log(LINES)
    with raw.open("ab", buffering=0) as writer:
        storage = site.storage

        class Meanwhile:
            def __getattr__(self, name: str) -> object:
                if name == "append":
                    writer.write(
                        b"2026-11-24T23:59:59Z jvb-0 stdout written through an open file\n"
                    )
                return getattr(storage, name)

        site.storage = Meanwhile()  # type: ignore[assignment]
        site.run()
    site.storage = storage
    closing = raw.with_name(raw.name + ".closing")
    assert closing.exists()
    site.last_written(closing, site.clock.at.replace(hour=0, minute=1))
    site.run()
    assert not closing.exists()
    assert site.content(part=1).endswith(b"written through an open file\n")
    assert site.content().count(b"\n") == 2


def test_what_a_crash_left_half_written_does_not_stay(site: Site) -> None:
    site.log(LINES)
    site.run()
    left = site.archive().with_name("2026-11-24.anonymised.log.zst.unfinished")
    left.write_bytes(b"with people in it")
    assert site.run().good
    assert not left.exists()


def test_logs_of_one_tenant_are_no_reason_to_leave_another(site: Site) -> None:
    site.log(LINES, tenant="acme")
    site.log(LINES, tenant="globex")
    site.layout.manifest("acme").parent.mkdir()
    site.layout.manifest("acme").write_text('{"number": 7}\n')
    report = {tenant.tenant: tenant for tenant in site.run().tenants}
    assert [finding.trouble for finding in report["acme"].findings] == [Trouble.MANIFEST_BROKEN]
    assert report["globex"].archived == 1


def test_the_head_of_the_manifest_is_reported(site: Site) -> None:
    site.log(LINES)
    report = site.run_for()
    line = site.layout.manifest("acme").read_bytes().rstrip(b"\n")
    assert report.head is not None
    assert report.head.digest == hashlib.sha256(line).hexdigest()
