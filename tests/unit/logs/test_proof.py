"""What became of each day can be proved, and a proof fails where something is not so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

import pytest

from jitsi_tenant_operator.logs.report import Head, Trouble
from jitsi_tenant_operator.logs.storage import locked
from jitsi_tenant_operator.logs.text import of_proof

if TYPE_CHECKING:
    from tests.unit.logs.conftest import Site


@pytest.fixture
def kept(site: Site) -> Site:
    """Three days of two components, with a gap, proved on the fourth."""
    site.tenant(components=["jvb", "web"], since="2026-11-22")
    for day in ("2026-11-22", "2026-11-23", "2026-11-24"):
        site.log([f"{day}T10:00:00Z jvb-0 stdout {day}"], day=day)
    site.log(["2026-11-23T10:00:00Z web stdout GET"], day="2026-11-23", component="web")
    site.run()
    return site


def test_every_day_of_every_component_is_accounted_for(kept: Site) -> None:
    proof = kept.prove()
    assert proof.proved
    assert (proof.first, proof.last) == (date(2026, 11, 22), date(2026, 11, 24))
    assert [(each.component, each.day.day, each.coverage.value) for each in proof.days] == [
        ("jvb", 22, "Archived"),
        ("jvb", 23, "Archived"),
        ("jvb", 24, "Archived"),
        ("web", 22, "Gap"),
        ("web", 23, "Archived"),
        ("web", 24, "Gap"),
    ]
    assert proof.days[3].reason == "NoFile"
    assert (proof.archives, proof.oldest, proof.overdue) == (4, date(2026, 11, 22), 0)


def test_a_proof_changes_nothing(kept: Site) -> None:
    before = kept.files()
    kept.prove()
    assert kept.files() == before


def test_a_period_can_be_asked_for(kept: Site) -> None:
    proof = kept.prove(first=date(2026, 11, 23), last=date(2026, 11, 23))
    assert [each.day.day for each in proof.days] == [23, 23]
    assert proof.archives == 2


def remove_archive(site: Site) -> None:
    site.archive("2026-11-23").unlink()


def alter_archive(site: Site) -> None:
    path = site.archive("2026-11-23")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut_archive(site: Site) -> None:
    path = site.archive("2026-11-23")
    path.write_bytes(path.read_bytes()[:-9])


def link_archive(site: Site) -> None:
    path = site.archive("2026-11-23")
    path.rename(site.root / "elsewhere")
    path.symlink_to(site.root / "elsewhere")


def alter_entry(site: Site) -> None:
    path = site.layout.manifest("acme")
    path.write_bytes(path.read_bytes().replace(b'"lines":1', b'"lines":9', 1))


def drop_entry(site: Site) -> None:
    path = site.layout.manifest("acme")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:1], *lines[2:]]))


def remove_manifest(site: Site) -> None:
    site.layout.manifest("acme").unlink()


def cut_manifest(site: Site) -> None:
    path = site.layout.manifest("acme")
    path.write_bytes(path.read_bytes()[:-4])


def add_file(site: Site) -> None:
    site.archive("2026-11-23", component="prosody").parent.mkdir(parents=True)
    site.archive("2026-11-23", component="prosody").write_bytes(b"")


@pytest.mark.parametrize("thorough", [True, False])
@pytest.mark.parametrize(
    ("harm", "trouble"),
    [
        (remove_archive, Trouble.ARCHIVE_MISSING),
        (alter_archive, Trouble.ARCHIVE_ALTERED),
        (cut_archive, Trouble.ARCHIVE_ALTERED),
        (link_archive, Trouble.ARCHIVE_ALTERED),
        (alter_entry, Trouble.MANIFEST_BROKEN),
        (drop_entry, Trouble.MANIFEST_BROKEN),
        (cut_manifest, Trouble.MANIFEST_BROKEN),
        (remove_manifest, Trouble.UNKNOWN_FILE),
        (add_file, Trouble.UNKNOWN_FILE),
    ],
)
def test_whatever_is_not_as_it_was_written_is_no_proof(
    kept: Site, harm: Callable[[Site], None], trouble: Trouble, thorough: bool
) -> None:
    harm(kept)
    proof = kept.prove(thorough=thorough)
    assert not proof.proved
    assert trouble in {finding.trouble for finding in proof.findings}


def test_a_manifest_cut_short_shows_by_an_entry_that_was_kept(kept: Site) -> None:
    head = kept.prove().head
    assert head is not None
    assert kept.prove(head=head).proved
    path = kept.layout.manifest("acme")
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    assert Trouble.MANIFEST_BROKEN in {each.trouble for each in kept.prove(head=head).findings}


def test_another_entry_in_the_place_of_one_that_was_kept_is_noticed(kept: Site) -> None:
    assert not kept.prove(head=Head(number=1, digest="a" * 64)).proved


def test_a_day_of_which_nobody_knows_is_no_proof(kept: Site) -> None:
    kept.turn("2026-11-27 12:00")
    proof = kept.prove()
    assert not proof.proved
    assert {each.day.day for each in proof.days if each.coverage == "Unaccounted"} == {25}


def test_a_log_that_should_be_archived_is_overdue(kept: Site) -> None:
    kept.log(["late"], day="2026-11-25")
    kept.turn("2026-11-26 12:00")
    assert kept.prove().overdue == 0
    kept.turn("2026-11-27 00:15")
    proof = kept.prove()
    assert proof.overdue == 1
    assert Trouble.NOT_ARCHIVED in {finding.trouble for finding in proof.findings}


def test_an_archive_beyond_its_time_is_overdue_unless_it_is_held(kept: Site) -> None:
    kept.turn("2027-05-24 12:00")
    proof = kept.prove(first=date(2026, 11, 22), last=date(2026, 11, 22))
    assert (proof.proved, proof.overdue, proof.held) == (False, 1, 0)
    kept.hold()
    proof = kept.prove(first=date(2026, 11, 22), last=date(2026, 11, 22))
    assert (proof.proved, proof.overdue, proof.held) == (True, 0, 3)


def test_days_whose_time_was_up_are_accounted_for(kept: Site) -> None:
    kept.tenant(components=["jvb", "web"], since="2026-11-22", until="2026-11-24")
    kept.turn("2027-05-23 00:15")
    kept.run()
    proof = kept.prove(first=date(2026, 11, 22), last=date(2026, 11, 24))
    assert proof.proved
    assert [each.coverage.value for each in proof.days[:2]] == ["Deleted", "Archived"]
    assert kept.prove().first == date(2026, 11, 23)


def test_what_is_found_while_a_run_is_at_work_says_so(kept: Site) -> None:
    remove_archive(kept)
    with locked(kept.layout.lock("acme")):
        assert Trouble.BUSY in {finding.trouble for finding in kept.prove().findings}


def test_a_proof_reads_as_a_table(kept: Site) -> None:
    head = kept.prove().head
    assert head is not None
    assert (
        of_proof(kept.prove())
        == f"""\
tenant    acme
period    2026-11-22 to 2026-11-24
manifest  6 entries, head 6:{head.digest}
archives  4 read, oldest 2026-11-22
overdue   0
held      0

COMPONENT  FROM        TO          DAYS  COVERAGE  LINES  REASON
jvb        2026-11-22  2026-11-24  3     Archived  3
web        2026-11-22  2026-11-22  1     Gap       0      NoFile
web        2026-11-23  2026-11-23  1     Archived  1
web        2026-11-24  2026-11-24  1     Gap       0      NoFile

PROVED
"""
    )
