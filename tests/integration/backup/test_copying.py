"""Backups are made where the other site is not known, and brought there from where it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from jitsi_tenant_operator.backup.programs.copying import copy
from jitsi_tenant_operator.backup.report import Outcome, Program, Report
from jitsi_tenant_operator.backup.store import Copy

from .site import Site


async def copied(site: Site) -> Report:
    return await site.run(Program.COPY, copy)


@pytest.fixture
async def alone(site: Site) -> Site:
    """A tenant with one backup, which knows the first site only."""
    fields = {name: field for name, field in site.fields.items() if name != "offsite"}
    found = replace(site, fields=fields)
    report = await found.back_up()
    assert (report.outcome, report.offsite) == (Outcome.SUCCEEDED, None)
    return found


async def test_what_the_terms_keep_is_brought_to_the_other_site_once(
    alone: Site, operators: Site
) -> None:
    assert await operators.snapshots(Copy.OFFSITE) == []
    operators.clock = alone.clock
    for _ in range(2):
        report = await copied(operators)
        assert (report.outcome, report.problems) == (Outcome.SUCCEEDED, ())
        assert [each.count for each in report.copies] == [1, 1]
    (there,) = await operators.snapshots(Copy.OFFSITE)
    (here,) = await operators.snapshots(Copy.PRIMARY)
    assert (there.origin, there.time, there.group) == (here.id, here.time, here.group)


async def test_what_is_over_is_not_copied_any_more(alone: Site, operators: Site) -> None:
    alone.clock.at += timedelta(days=400)
    operators.clock = alone.clock
    assert (await copied(operators)).problems == ()
    assert await operators.snapshots(Copy.OFFSITE) == []


async def test_without_another_site_there_is_nothing_to_do(alone: Site) -> None:
    assert (await copied(alone)).outcome is Outcome.UNCHANGED
