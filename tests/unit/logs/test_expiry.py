"""Six months after its day a log is deleted or anonymised, unless a hold keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jitsi_tenant_operator.logs.report import Trouble

if TYPE_CHECKING:
    from tests.unit.logs.conftest import Site

LINE = "2026-08-31T10:00:00Z jvb-0 stdout candidate 81.2.69.142:10000"


@pytest.fixture
def archived(site: Site) -> Site:
    """A log of 31 August, whose time is up with the end of 28 February."""
    site.tenant(since="2026-08-31", until="2026-08-31")
    site.log([LINE], day="2026-08-31")
    site.turn("2026-09-01 00:15")
    site.run()
    return site


def test_a_log_is_kept_to_the_end_of_the_last_day_of_its_sixth_month(archived: Site) -> None:
    archived.turn("2027-02-28 23:59")
    assert archived.run_for().deleted == 0
    assert archived.archive("2026-08-31").exists()
    archived.turn("2027-03-01 00:00")
    assert archived.run_for().deleted == 1
    assert not archived.archive("2026-08-31").exists()


def test_an_expiry_record_stands_for_what_is_gone(archived: Site) -> None:
    was = archived.entries()[0]["archived"]["sha256"]
    archived.turn("2027-03-01 00:00")
    archived.run()
    entry = archived.entries()[-1]
    assert entry["event"] == "Deleted"
    assert entry["disposed"] == {
        "file": "jvb/2026/08/2026-08-31.log.zst",
        "sha256": was,
        "asArchived": True,
        "withheld": 0,
    }
    assert entry["policy"]["source"] == "cgu-2026-05-19 11.3"


def test_a_dry_run_lists_what_would_go_and_changes_nothing(archived: Site) -> None:
    archived.turn("2027-03-01 00:00")
    before = archived.files()
    [report] = archived.run(dry_run=True).tenants
    assert report.would == ("jvb/2026/08/2026-08-31.log.zst",)
    assert report.deleted == 1
    assert archived.files() == before


def test_logs_of_a_tenant_that_is_gone_expire_by_the_terms_of_their_time(site: Site) -> None:
    site.tenant(since="2026-08-31", until="2026-08-31", retention="P9M")
    site.log([LINE], day="2026-08-31")
    site.turn("2026-09-01 00:15")
    site.run()
    site.tenants.clear()
    site.turn("2027-05-31 12:00")
    assert site.run_for().deleted == 0
    site.turn("2027-06-01 00:00")
    assert site.run_for().deleted == 1
    assert site.events() == [("Archived", "2026-08-31"), ("Deleted", "2026-08-31")]


def test_the_terms_in_force_decide_and_not_those_of_the_day(archived: Site) -> None:
    archived.tenant(since="2026-08-31", until="2026-08-31", retention="P1Y")
    archived.turn("2027-03-01 00:00")
    assert archived.run_for().deleted == 0


def test_a_class_of_logs_has_terms_of_its_own(site: Site) -> None:
    site.tenant(components=["jvb", "web"], since="2026-08-31", until="2026-08-31")
    policy = site.tenants["acme"]["policy"] | {"retention": "P1Y", "source": "LCEN 6 II"}
    site.tenants["acme"]["components"][1]["policy"] = policy
    for component in ("jvb", "web"):
        site.log([LINE], day="2026-08-31", component=component)
    site.turn("2026-09-01 00:15")
    site.run()
    site.turn("2027-03-01 00:00")
    assert site.run_for().deleted == 1
    assert site.archive("2026-08-31", component="web").exists()


def test_an_anonymised_log_keeps_its_lines_and_loses_its_people(site: Site) -> None:
    site.tenant(since="2026-08-31", until="2026-08-31", disposal="Anonymise")
    site.log([LINE, "", "2026-08-31T10:00:01Z jvb-0 stdout room=Budget"], day="2026-08-31")
    site.turn("2026-09-01 00:15")
    site.run()
    site.turn("2027-03-01 00:00")
    assert site.run_for().anonymised == 1
    assert not site.archive("2026-08-31").exists()
    assert site.content("2026-08-31", anonymised=True) == (
        b"2026-08-31T10:00:00Z jvb-0 stdout candidate 81.2.x.x:10000\n\n"
        b"2026-08-31T10:00:01Z jvb-0 stdout room=***\n"
    )
    assert site.entries()[-1]["archived"]["lines"] == 3
    before = site.files()
    site.turn("2029-03-01 00:00")
    assert site.run_for().anonymised == 0
    assert site.files() == before


def test_nothing_is_expired_while_holds_cannot_be_read(archived: Site) -> None:
    archived.turn("2027-03-01 00:00")
    archived.holds = None
    report = archived.run()
    assert [finding.trouble for finding in report.findings] == [Trouble.HOLDS_UNREADABLE]
    assert report.tenants[0].overdue == 1
    assert archived.archive("2026-08-31").exists()


@pytest.mark.parametrize(
    ("scope", "kept"),
    [
        ({}, True),
        ({"components": ["jvb"]}, True),
        ({"components": ["web"]}, False),
        ({"from": "2026-08-31", "until": "2026-08-31"}, True),
        ({"from": "2026-09-01"}, False),
        ({"until": "2026-08-30"}, False),
        ({"tenant": "globex"}, False),
    ],
)
def test_a_hold_keeps_its_scope_and_nothing_else(
    archived: Site, scope: dict[str, object], kept: bool
) -> None:
    archived.hold(**{"tenant": "acme", **scope})  # type: ignore[arg-type]
    archived.turn("2027-03-01 00:00")
    report = archived.run_for()
    assert archived.archive("2026-08-31").exists() is kept
    assert (report.held, report.deleted) == ((1, 0) if kept else (0, 1))


def test_a_release_deletes_nothing_in_the_same_run(archived: Site) -> None:
    archived.hold()
    archived.turn("2027-03-01 00:00")
    archived.run()
    archived.release()
    archived.turn("2027-03-02 00:15")
    report = archived.run_for()
    assert (report.held, report.deleted) == (1, 0)
    archived.turn("2027-03-03 00:15")
    assert archived.run_for().deleted == 1
    assert [event for event, _ in archived.events()] == [
        "Archived",
        "HoldPlaced",
        "HoldReleased",
        "Deleted",
    ]


def test_a_hold_that_was_narrowed_counts_as_released(archived: Site) -> None:
    archived.hold()
    archived.turn("2027-03-01 00:00")
    archived.run()
    archived.release()
    archived.hold(components=["web"])
    assert archived.run_for().deleted == 0
    assert archived.run_for().deleted == 1


def test_an_archive_that_was_altered_still_goes_and_is_told_of(archived: Site) -> None:
    archived.archive("2026-08-31").write_bytes(b"something else")
    archived.turn("2027-03-01 00:00")
    report = archived.run_for()
    assert [finding.trouble for finding in report.findings] == [Trouble.ARCHIVE_ALTERED]
    assert not archived.archive("2026-08-31").exists()
    assert archived.entries()[-1]["disposed"]["asArchived"] is False


def test_an_altered_archive_is_not_anonymised(site: Site) -> None:
    site.tenant(since="2026-08-31", until="2026-08-31", disposal="Anonymise")
    site.log([LINE], day="2026-08-31")
    site.turn("2026-09-01 00:15")
    site.run()
    archive = site.archive("2026-08-31")
    archive.write_bytes(archive.read_bytes()[:-5])
    site.turn("2027-03-01 00:00")
    report = site.run_for()
    assert [finding.trouble for finding in report.findings] == [Trouble.NOT_EXPIRED]
    assert (report.overdue, report.anonymised) == (1, 0)
    assert archive.exists()


def test_nothing_is_expired_by_a_manifest_that_was_altered(archived: Site) -> None:
    archived.turn("2026-09-02 00:15")
    archived.log(["later"], day="2026-09-01")
    archived.run()
    manifest = archived.layout.manifest("acme")
    manifest.write_bytes(manifest.read_bytes().replace(b'"lines":1', b'"lines":2', 1))
    archived.turn("2027-06-01 00:00")
    report = archived.run_for()
    assert [finding.trouble for finding in report.findings] == [Trouble.MANIFEST_BROKEN]
    assert archived.archive("2026-08-31").exists()
