"""An original goes only when what was made of it has passed the check."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jitsi_tenant_operator.logs import anonymised
from jitsi_tenant_operator.logs.report import Trouble

if TYPE_CHECKING:
    from tests.unit.logs.conftest import Site

LINES = [
    "2026-08-31T10:00:00.5Z jvb-0 stdout from 81.2.69.142",
    "2026-08-31T10:00:01Z jvb-0 stdout nobody",
    "no time, but joe@example.org",
]


@pytest.fixture
def expired(site: Site) -> Site:
    site.tenant(since="2026-08-31", until="2026-08-31", disposal="Anonymise")
    site.log(LINES, day="2026-08-31")
    site.turn("2026-09-01 00:15")
    site.run()
    site.turn("2027-03-01 00:00")
    return site


def test_a_line_in_which_people_might_be_left_is_withheld_but_for_its_time(
    expired: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anonymised, "without_people", lambda lines: lines)
    assert expired.run_for().anonymised == 1
    assert expired.content("2026-08-31", anonymised=True).decode().splitlines() == [
        "2026-08-31T10:00:00.5Z *** withheld ***",
        LINES[1],
        "*** withheld ***",
    ]
    assert expired.entries()[-1]["disposed"]["withheld"] == 2


@pytest.mark.parametrize(
    "bad",
    [
        lambda lines: lines,
        lambda lines: lines.replace(b"81.2.69.142", b"").replace(b"joe@example.org", b"\n"),
        lambda lines: b"2026-08-31T10:00:00.6Z x\n2026-08-31T10:00:01Z x\nx\n",
    ],
)
def test_what_does_not_pass_the_check_replaces_nothing(
    expired: Site, monkeypatch: pytest.MonkeyPatch, bad: object
) -> None:
    monkeypatch.setattr(anonymised._Withheld, "lines", lambda _, lines: bad(lines))  # type: ignore[operator]
    report = expired.run_for()
    assert [finding.trouble for finding in report.findings] == [Trouble.NOT_EXPIRED]
    assert (report.anonymised, report.overdue) == (0, 1)
    assert expired.content("2026-08-31").decode().splitlines() == LINES
    assert not expired.archive("2026-08-31", anonymised=True).exists()


def test_a_line_that_does_not_fit_into_memory_is_withheld(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anonymised, "LONGEST_LINE", 1000)
    site.tenant(since="2026-08-31", until="2026-08-31", disposal="Anonymise")
    long = LINES[0] + " and on" * 500_000
    site.log([LINES[1], long, LINES[1], long], day="2026-08-31")
    site.turn("2026-09-01 00:15")
    site.run()
    site.turn("2027-03-01 00:00")
    assert site.run_for().anonymised == 1
    withheld = "2026-08-31T10:00:00.5Z *** withheld ***"
    made = site.content("2026-08-31", anonymised=True).decode().splitlines()
    assert made == [LINES[1], withheld, LINES[1], withheld]
