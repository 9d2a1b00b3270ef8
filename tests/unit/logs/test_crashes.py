"""Killed at any operation that changes a file, the next run makes it good."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.unit.logs.conftest import Site as _Site
from tests.unit.logs.faults import FaultyStorage, KilledError

from jitsi_tenant_operator.logs.storage import LocalStorage

if TYPE_CHECKING:
    from tests.unit.logs.conftest import Site

MOST_OPERATIONS = 200
LINE = "2026-05-24T08:00:00Z jvb-0 stdout from 81.2.69.142"


def a_busy_night(root: Path, disposal: str) -> Site:
    """A site where one run has everything to do: archive, tell gaps, expire, note holds."""
    root.mkdir()
    site = _Site(root)
    site.tenant(components=["jvb", "web"], since="2026-05-24", until="2026-05-25")
    site.log([LINE], day="2026-05-24")
    site.turn("2026-05-26 00:30")
    site.hold("old", **{"from": "2026-05-25"})
    site.run()
    site.release()
    site.tenant(components=["jvb", "web"], since="2026-11-23", disposal=disposal)
    site.hold("new", components=["web"])
    site.log([LINE] * 3, day="2026-11-23")
    site.log([LINE] * 5, day="2026-11-24")
    # A crash before, in the middle of a line of the manifest and of an archive.
    with site.layout.manifest("acme").open("ab") as manifest:
        manifest.write(b'{"at":"2026-')
    unfinished = site.archive("2026-11-23").with_suffix(".zst.unfinished")
    unfinished.parent.mkdir(parents=True)
    unfinished.write_bytes(b"half")
    site.turn("2026-11-25 00:30")
    return site


def outcome(site: Site) -> tuple[object, ...]:
    """What must come out whatever happened on the way: contents, and what was entered of them."""
    contents = {
        name: content
        for name, content in site.files().items()
        if not name.endswith(("MANIFEST.jsonl", ".zst"))
    }
    entered = {
        (entry["event"], entry.get("component"), entry.get("day"), entry["part"])
        for entry in site.entries()
    }
    archives = {
        str(path.relative_to(site.root)): path.read_bytes() for path in site.root.rglob("*.zst")
    }
    return contents, archives, entered, len(site.entries())


@pytest.mark.parametrize("disposal", ["Delete", "Anonymise"])
@pytest.mark.parametrize("when", ["Before", "Halfway", "After"])
def test_a_run_that_is_killed_anywhere_is_made_good_by_the_next(
    tmp_path: Path, when: str, disposal: str
) -> None:
    whole = a_busy_night(tmp_path / "whole", disposal)
    report = whole.run_for()
    assert (report.archived, report.deleted + report.anonymised) == (2, 1)
    whole.run()
    expected = outcome(whole)

    for at in range(1, MOST_OPERATIONS):
        site = a_busy_night(tmp_path / "killed", disposal)
        site.storage = storage = FaultyStorage(at, when, KilledError)
        try:
            site.run()
        except KilledError:
            pass
        else:
            assert at > 20
            break
        site.storage = LocalStorage()
        # The first run after the release may not delete; so there are two, as on whole nights.
        site.run()
        site.run()
        assert outcome(site) == expected, f"killed {when} operation {at}"
        assert storage.struck
        shutil.rmtree(tmp_path / "killed")
    else:
        pytest.fail("it never came to an end")


def full() -> OSError:
    return OSError(errno.ENOSPC, "No space left on device")


def refused() -> OSError:
    return PermissionError(errno.EACCES, "Permission denied")


@pytest.mark.parametrize("error", [full, refused])
def test_an_operation_that_is_refused_is_told_of_and_loses_nothing(
    tmp_path: Path, error: Callable[[], OSError]
) -> None:
    whole = a_busy_night(tmp_path / "whole", "Anonymise")
    whole.run()
    whole.run()
    expected = outcome(whole)

    for at in range(1, MOST_OPERATIONS):
        site = a_busy_night(tmp_path / "refused", "Anonymise")
        site.storage = storage = FaultyStorage(at, "Halfway", error)
        report = site.run()
        if not storage.struck:
            assert report.good
            break
        assert not report.good, f"operation {at} was refused and nobody heard of it"
        site.storage = LocalStorage()
        site.run()
        site.run()
        assert outcome(site) == expected, f"refused operation {at}"
        shutil.rmtree(tmp_path / "refused")
    else:
        pytest.fail("it never came to an end")


def test_a_volume_that_can_only_be_read_is_told_of(site: Site) -> None:
    site.log([LINE], day="2026-11-24")
    site.layout.archives.rmdir()
    report = site.run()
    assert [finding.message for finding in report.findings] != []
    assert site.files() == {"current/acme/jvb-2026-11-24.log": f"{LINE}\n".encode()}
