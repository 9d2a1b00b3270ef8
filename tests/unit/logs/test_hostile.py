"""Names and content that try to break out reach nothing but their own archive."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jitsi_tenant_operator.logs.layout import Archive, CurrentLog
from jitsi_tenant_operator.logs.report import Trouble
from jitsi_tenant_operator.logs.text import harmless, of_run

if TYPE_CHECKING:
    from tests.unit.logs.conftest import Site


@pytest.mark.parametrize(
    "name",
    [
        "jvb-2026-11-24.log\n",
        "..-2026-11-24.log",
        "jvb\x1b[2J-2026-11-24.log",
        "jvb-2026-11-31.log",
        "jvb-\uff12\uff10\uff12\uff16-11-24.log",
        "JVB-2026-11-24.log",
        "jvb-2026-11-24.log.zst",
        "-2026-11-24.log",
        f"{'j' * 64}-2026-11-24.log",
    ],
)
def test_a_file_with_another_name_is_told_of_and_left_alone(site: Site, name: str) -> None:
    site.log(["fine"])
    path = site.layout.current / "acme" / name
    path.write_text("not mine")
    report = site.run_for()
    assert report.archived == 1
    assert [finding.trouble for finding in report.findings] == [Trouble.UNKNOWN_FILE]
    assert path.read_text() == "not mine"
    assert of_run(site.run()).isprintable() is False
    assert "\x1b" not in of_run(site.run())
    assert len(of_run(site.run()).splitlines()) == 1


@pytest.mark.parametrize(
    "path",
    [
        "../jvb/2026/11/2026-11-24.log.zst",
        "jvb/2026/12/2026-11-24.log.zst",
        "jvb/2026/11/2026-11-24.0.log.zst",
        "jvb/2026/11/2026-11-24.01.log.zst",
        "jvb/2026/11/2026-11-24.log.zst\n",
    ],
)
def test_an_archive_has_one_path_only(path: str) -> None:
    assert Archive.parse(path) is None


def test_links_are_not_followed(site: Site) -> None:
    secret = site.root / "secret"
    secret.write_text("of somebody else")
    folder = site.layout.current / "acme"
    folder.mkdir()
    (folder / "jvb-2026-11-24.log").symlink_to(secret)
    (folder / "web-2026-11-24.log").mkdir()
    os.mkfifo(folder / "jicofo-2026-11-24.log")
    (site.layout.current / "globex").symlink_to(folder)
    report = site.run()
    assert all(tenant.archived == 0 for tenant in report.tenants)
    assert not list(site.layout.archives.rglob("*.zst"))
    assert secret.read_text() == "of somebody else"


def test_an_archive_is_not_written_through_a_link(site: Site) -> None:
    target = site.root / "target"
    target.write_text("untouched")
    unfinished = site.archive().with_name(site.archive().name + ".unfinished")
    unfinished.parent.mkdir(parents=True)
    unfinished.symlink_to(target)
    site.log(["fine"])
    assert site.run_for().archived == 1
    assert target.read_text() == "untouched"
    assert not site.archive().is_symlink()


def test_a_folder_of_archives_that_is_a_link_is_refused(site: Site) -> None:
    elsewhere = site.root / "elsewhere"
    elsewhere.mkdir()
    (site.layout.archives / "acme").mkdir()
    (site.layout.archives / "acme" / "jvb").symlink_to(elsewhere)
    site.log(["fine"])
    assert next(each.trouble for each in site.run_for().findings) is Trouble.NOT_ARCHIVED
    assert list(elsewhere.iterdir()) == []


HOSTILE = [
    b"\x00" * 100 + b"\n",
    b"\xff\xfe invalid \xc3\x28\n",
    b"x" * 1_100_000 + b"\n",
    b"\x1b]0;title\x07\x1b[2J\x1b[1;1H\n",
    b"\r\rover\rwritten\x0b\x0c\x85\n",
    "\u2028line\u2029paragraph\u0085\n".encode(),
    b"no line break at the end",
]


@pytest.mark.parametrize("content", [*HOSTILE, b"".join(HOSTILE), b"\n\n\n"])
def test_whatever_a_line_holds_it_is_archived_as_it_was(site: Site, content: bytes) -> None:
    site.log(content)
    site.run()
    assert site.content() == content
    [entry] = site.entries()
    assert entry["archived"]["lines"] == content.count(b"\n") + (not content.endswith(b"\n"))
    assert site.prove().proved


@pytest.mark.parametrize("content", [*HOSTILE, b"".join(HOSTILE)])
def test_whatever_a_line_holds_it_can_be_anonymised(site: Site, content: bytes) -> None:
    site.tenant(since="2026-11-24", until="2026-11-24", disposal="Anonymise")
    site.log(content)
    site.run()
    site.turn("2027-06-01 00:00")
    assert site.run_for().anonymised == 1
    assert site.content(anonymised=True).count(b"\n") == content.count(b"\n")


def test_a_terminal_is_shown_no_escapes() -> None:
    line = "a\tb \x1b[31mred\x07 \x9b2J \u202eesrever\u2066 \x00".encode() + b"\xff"
    shown = harmless(line).decode()
    assert shown == r"a	b \x1b[31mred\x07 \x9b2J \u202eesrever\u2066 \x00\xff"


def test_a_component_may_have_a_name_that_looks_like_a_day() -> None:
    log = CurrentLog.parse("jvb-2026-11-23-2026-11-24.log")
    assert log is not None
    assert (log.component, log.day.day) == ("jvb-2026-11-23", 24)


def test_a_manifest_that_is_a_link_is_not_written_to(site: Site) -> None:
    target = site.root / "target"
    target.touch()
    site.layout.manifest("acme").parent.mkdir()
    site.layout.manifest("acme").symlink_to(target)
    site.log(["fine"])
    assert site.run_for().findings
    assert target.read_bytes() == b""


def test_a_path_is_no_way_to_another_tenant(site: Site, tmp_path: Path) -> None:
    (site.layout.current / "..acme").mkdir()
    report = site.run()
    assert [finding.trouble for finding in report.findings] == [Trouble.UNKNOWN_FILE]
    assert report.tenants == ()
