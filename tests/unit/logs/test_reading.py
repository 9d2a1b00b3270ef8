"""The engineer on call sees the lines that were asked for, and reading archives is recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest
from tests.unit.logs.conftest import paris, utc
from tests.unit.logs.faults import FaultyStorage

from jitsi_tenant_operator.logs.reading import Reading, Request

if TYPE_CHECKING:
    from tests.unit.logs.conftest import Site


def shown(site: Site, first: str, last: str, **other: Any) -> list[str]:
    request = Request(
        "acme",
        tuple(other.get("components", ())),
        utc(first),
        utc(last),
        by="alex",
        why="incident 12",
    )
    reading = Reading(site.layout, site.storage, site.configuration, site.clock.now())
    return [f"{line.component} {line.text.decode().rstrip()}" for line in reading.lines(request)]


@pytest.fixture
def logged(site: Site) -> Site:
    """Two components on two days; the first day is archived."""
    for day in ("2026-11-24", "2026-11-25"):
        for component in ("jvb", "web"):
            minutes = (10, 30) if component == "jvb" else (20, 40)
            lines = [f"{day}T08:{minute}:00Z {component} stdout" for minute in minutes]
            site.log(lines, day=day, component=component)
    site.run()
    return site


def test_lines_come_by_time_through_archives_and_current_logs(logged: Site) -> None:
    assert shown(logged, "2026-11-24T08:30", "2026-11-25T08:30") == [
        "jvb 2026-11-24T08:30:00Z jvb stdout",
        "web 2026-11-24T08:40:00Z web stdout",
        "jvb 2026-11-25T08:10:00Z jvb stdout",
        "web 2026-11-25T08:20:00Z web stdout",
    ]


def test_one_component_can_be_asked_for(logged: Site) -> None:
    assert shown(logged, "2026-11-24T00:00", "2026-11-25T00:00", components=["web"]) == [
        "web 2026-11-24T08:20:00Z web stdout",
        "web 2026-11-24T08:40:00Z web stdout",
    ]


def test_a_line_without_a_time_stays_with_the_one_before_it(site: Site) -> None:
    site.log(["no time yet", "2026-11-24T08:00:00Z error", "  at one", "2026-11-24T09:00:00Z fine"])
    assert shown(site, "2026-11-24T08:00", "2026-11-24T09:00") == [
        "jvb 2026-11-24T08:00:00Z error",
        "jvb   at one",
    ]


def test_reading_archives_is_recorded_before_any_line(logged: Site) -> None:
    shown(logged, "2026-11-24T08:00", "2026-11-24T09:00")
    shown(logged, "2026-11-24T08:00", "2026-11-24T09:00", components=["jvb"])
    first, second = map(orjson.loads, logged.layout.access("acme").read_bytes().splitlines())
    assert (first["by"], first["why"], first["components"]) == (
        "alex",
        "incident 12",
        ["jvb", "web"],
    )
    assert (second["number"], second["components"]) == (2, ["jvb"])
    assert logged.prove().proved


def test_reading_current_logs_is_not_recorded(logged: Site) -> None:
    assert shown(logged, "2026-11-25T23:00", "2026-11-26T00:00") == []
    shown(logged, "2026-11-25T08:00", "2026-11-25T09:00", components=["prosody"])
    site = logged.layout.access("acme")
    before = site.read_bytes() if site.exists() else b""
    shown(logged, "2026-11-26T08:00", "2026-11-26T09:00")
    assert (site.read_bytes() if site.exists() else b"") == before


def test_no_archive_is_read_when_that_cannot_be_recorded(logged: Site) -> None:
    logged.storage = FaultyStorage(1, "Before", lambda: PermissionError(13, "Permission denied"))
    with pytest.raises(PermissionError):
        shown(logged, "2026-11-24T08:00", "2026-11-24T09:00")


def test_what_is_anonymised_can_still_be_read(site: Site) -> None:
    site.tenant(since="2026-11-24", until="2026-11-24", disposal="Anonymise")
    site.log(["2026-11-24T08:00:00Z from 81.2.69.142"])
    site.run()
    site.clock.at = paris("2027-06-01 00:15")
    site.run()
    assert shown(site, "2026-11-24T00:00", "2026-11-25T00:00") == [
        "jvb 2026-11-24T08:00:00Z from 81.2.x.x"
    ]
