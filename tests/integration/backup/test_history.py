"""The life of a tenant's backups against clause 6.3, day by day, on both copies.

BACKUP_HISTORY=full runs the programs on each of its days; otherwise most nights are written by the
driver alone, and sweeps are some days apart.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from jitsi_tenant_operator.backup.report import Outcome
from jitsi_tenant_operator.backup.store import BackupRequest, Copy, Group, Snapshot
from trial.clause_backups import PARIS, Taken, last_day_at_all, owed
from trial.restic_servers import Server

from .conftest import Servers
from .site import TENANT, Site

FULL = os.environ.get("BACKUP_HISTORY") == "full"
SWEPT_EVERY = 1 if FULL else 9

DAYS = 120
"""The clocks change on the 28th of them."""
OUTAGE = range(20, 27)
OFFSITE_OUTAGE = range(34, 44)
SUSPENDED = range(55, 85)
ENDED = 100
ON_DEMAND = (10, 58)
COPIED = (OUTAGE.start - 1, OFFSITE_OUTAGE.start - 1, SUSPENDED.start - 1, 58, ENDED - 1, ENDED)


class History:
    """A tenant's own Job, the operator's sweeps, and what was taken and copied so far."""

    def __init__(self, site: Site, operators: Site) -> None:
        self.site, self.operators = site, operators
        operators.clock = self.clock = site.clock
        self.taken: list[Taken] = []
        self.copied: set[str] = set()

    async def back_up(self, group: Group, day: int) -> None:
        """By the program, or by the driver alone."""
        copying = day not in OFFSITE_OUTAGE
        if FULL or day % 20 == 0:
            fields = self.site.fields
            if not copying:
                self.site.fields = {key: fields[key] for key in fields if key != "offsite"}
            report = await self.site.back_up(group)
            self.site.fields = fields
            assert report.outcome is Outcome.SUCCEEDED, report
            written = report.primary or ""
        else:
            store, folders = self.site.store(), [self.site.folder / "accounts"]
            now = self.clock.at
            request = BackupRequest(group, now.astimezone(PARIS).date(), now, folders, [], "")
            written = (await store.back_up(request)).snapshot.id
            copying = copying and (day % 3 == 2 or day in COPIED)
            if copying:
                await store.copy_offsite(await store.snapshots(Copy.PRIMARY))
        self.taken.append(Taken(written, self.clock.at, group))
        if copying:
            self.copied = {each.name for each in self.taken}

    async def sweep(self, *, offsite_in_step: bool = True) -> None:
        """After a sweep each copy holds what the clause says of what was brought to it."""
        report = await self.operators.sweep()
        assert report.outcome is not Outcome.FAILED, report
        wanted = owed(self.taken, self.clock.at)
        assert names(await self.operators.snapshots(Copy.PRIMARY)) == wanted
        offsite = names(await self.operators.snapshots(Copy.OFFSITE))
        if offsite_in_step:
            assert offsite == wanted & self.copied
        else:
            # The last of a week that has arrived stands for it until a later one does.
            assert offsite >= wanted & self.copied
            today = self.clock.at.astimezone(PARIS).date()
            by_name = {each.name: each for each in self.taken}
            assert all(last_day_at_all(by_name[name]) >= today for name in offsite)


async def test_120_days_and_until_the_last_backup_has_gone(site: Site, operators: Site) -> None:
    history, clock = History(site, operators), site.clock
    for day in range(DAYS):
        clock.at = datetime(2027, 3, 1, 0, 31, tzinfo=PARIS) + timedelta(days=day)
        clock.at = clock.at.astimezone(UTC)
        if day < ENDED and day not in OUTAGE and day not in SUSPENDED:
            await history.back_up(Group.SCHEDULED, day)
        if day in ON_DEMAND or day == ENDED:
            clock.at += timedelta(hours=9)
            await history.back_up(Group.FINAL if day == ENDED else Group.ON_DEMAND, day)
        if day % SWEPT_EVERY == 0:
            clock.at += timedelta(hours=1)
            await history.sweep(offsite_in_step=day not in OFFSITE_OUTAGE)
    last = max(map(last_day_at_all, history.taken))
    for date in (last - timedelta(days=40), last, last + timedelta(days=1)):
        clock.at = datetime(date.year, date.month, date.day, 12, tzinfo=PARIS).astimezone(UTC)
        await history.sweep()
    for copy in Copy:
        assert await operators.snapshots(copy) == []


async def test_a_hold_keeps_everything_on_both_copies(
    site: Site, operators: Site, append_only: Servers
) -> None:
    await site.back_up()
    left = site.record("left by an interrupted sweep", os.urandom(100_000))
    unlisted = await site.back_up(Group.ON_DEMAND)
    left.unlink()
    await operators.store()._locking(Copy.PRIMARY, ["forget", unlisted.primary or ""])
    before = stored(append_only.primary)
    site.clock.at += timedelta(days=400)
    operators.clock = site.clock
    operators.fields["held"] = True
    report = await operators.sweep()
    assert report.outcome is Outcome.UNCHANGED
    assert [(each.count, each.expired) for each in report.copies] == [(1, 0), (2, 0)]
    assert stored(append_only.primary) == before
    operators.fields["held"] = False
    report = await operators.sweep(dry_run=True)
    assert [(each.count, each.expired) for each in report.copies] == [(1, 1), (2, 2)]
    assert stored(append_only.primary) == before
    report = await operators.sweep()
    assert (report.removed, [each.count for each in report.copies]) == (3, [0, 0])
    assert stored(append_only.primary) == 0


async def test_what_was_swept_is_gone_from_the_store(
    site: Site, operators: Site, append_only: Servers
) -> None:
    """Not the list alone: nothing that only an expired backup used stays in a pack."""
    content = b"".join(os.urandom(1024) for _ in range(2048))
    passing = site.record("passing.mp4", content)
    await site.back_up()
    passing.unlink()
    site.clock.at += timedelta(days=80)
    operators.clock = site.clock
    assert (await site.back_up()).files == 3
    assert min(map(stored, append_only)) > len(content)
    assert (await operators.sweep()).removed == 2
    assert max(map(stored, append_only)) < len(content) // 10


def stored(server: Server) -> int:
    """The bytes of the tenant's data in a store."""
    data = server.store / TENANT / "data"
    return sum(file.stat().st_size for file in data.rglob("*") if file.is_file())


def names(snapshots: list[Snapshot]) -> set[str]:
    """The ids that they have, or are copies of, in the primary."""
    return {each.origin for each in snapshots}
