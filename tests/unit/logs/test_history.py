"""Months of nights for many tenants, against a second reckoning of what must be there.

`make simulate-logs` makes it 400 days of 100 tenants.
"""

from __future__ import annotations

import calendar
import os
import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from tests.unit.logs.conftest import PARIS

if TYPE_CHECKING:
    from tests.unit.logs.conftest import Site

TENANTS = int(os.environ.get("SIMULATED_LOG_TENANTS", "3"))
DAYS = int(os.environ.get("SIMULATED_LOG_DAYS", "50"))
FIRST = date(2026, 11, 20)
DAY = timedelta(days=1)
MONTHS = {"P1M": 1, "P2M": 2, "P6M": 6}


@dataclass
class Tenant:
    """What a tenant is told to do, and what is known of it outside of the archiver."""

    name: str
    retention: str
    disposal: str
    last: date | None = None
    logged: set[date] = field(default_factory=set)
    archived: set[date] = field(default_factory=set)
    gone: set[date] = field(default_factory=set)
    hold: tuple[date, date] | None = None
    released: tuple[date, date] | None = None

    def kept_to(self, day: date) -> date:
        """The last day on which the log of `day` is kept, reckoned without the project's help."""
        month = day.month - 1 + MONTHS[self.retention]
        year, month = day.year + month // 12, month % 12 + 1
        return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))

    def is_held(self, day: date) -> bool:
        return any(
            hold is not None and hold[0] <= day <= hold[1] for hold in (self.hold, self.released)
        )

    def after_night(self, today: date) -> None:
        """What a run early on `today` must have done."""
        self.archived |= {day for day in self.logged if day < today}
        self.gone |= {
            day for day in self.archived if self.kept_to(day) < today and not self.is_held(day)
        }
        self.released = None


def some_tenants(chance: random.Random) -> list[Tenant]:
    return [
        Tenant(
            f"tenant-{number}",
            chance.choice(["P1M", "P1M", "P2M"] if DAYS < 200 else list(MONTHS)),
            chance.choice(["Delete", "Anonymise"]),
            FIRST + timedelta(days=DAYS // 2) if number % 3 == 2 else None,
        )
        for number in range(TENANTS)
    ]


def live_a_day(site: Site, tenant: Tenant, day: date, chance: random.Random) -> None:
    """Log, or not; place a hold, or release it."""
    if chance.random() < 0.85 and (tenant.last is None or day <= tenant.last):
        line = f"{day}T08:00:00Z jvb-0 stdout from 81.2.69.{chance.randrange(256)}"
        site.log([line] * chance.randrange(1, 4), day=day.isoformat(), tenant=tenant.name)
        tenant.logged.add(day)
    if tenant.hold is None and chance.random() < 0.05:
        begin = FIRST + timedelta(days=chance.randrange(DAYS))
        tenant.hold = (begin, begin + timedelta(days=chance.randrange(30)))
    elif tenant.hold is not None and chance.random() < 0.05:
        # A run must see a hold to see its release.
        tenant.released, tenant.hold = tenant.hold, None


def tell_holds(site: Site, tenants: list[Tenant]) -> None:
    site.release()
    for tenant in tenants:
        if tenant.hold is not None:
            begin, end = tenant.hold
            scope = {"from": begin.isoformat(), "until": end.isoformat()}
            site.hold(tenant=tenant.name, **scope)


def test_what_is_there_after_each_night_is_what_the_terms_say(site: Site) -> None:
    chance = random.Random(f"{TENANTS} {DAYS}")
    tenants = some_tenants(chance)
    for tenant in tenants:
        site.tenant(
            tenant.name,
            since=FIRST.isoformat(),
            until=tenant.last.isoformat() if tenant.last else None,
            retention=tenant.retention,
            disposal=tenant.disposal,
        )
    for passed in range(DAYS):
        day = FIRST + passed * DAY
        for tenant in tenants:
            live_a_day(site, tenant, day, chance)
        today = day + DAY
        # Nights are missed, and some runs come late in the day; two in a row change nothing.
        hour = chance.choice([0, 0, 5, 23])
        site.clock.at = datetime(today.year, today.month, today.day, hour, 30, tzinfo=PARIS)
        tell_holds(site, tenants)
        missed = chance.random() < 0.1 and passed + 1 < DAYS
        if missed and not any(tenant.released for tenant in tenants):
            continue
        report = site.run()
        assert report.good, report.model_dump_json()
        for tenant in tenants:
            tenant.after_night(today)
            check(site, tenant)
    for tenant in tenants:
        assert site.prove(tenant.name).proved
    assert any(tenant.gone for tenant in tenants)


def check(site: Site, tenant: Tenant) -> None:
    there = {
        path.name.partition(".")[0] + ("*" if ".anonymised." in path.name else "")
        for path in (site.layout.archives / tenant.name).rglob("*.log.zst")
    }
    expected = {day.isoformat() for day in tenant.archived - tenant.gone}
    if tenant.disposal == "Anonymise":
        expected |= {f"{day.isoformat()}*" for day in tenant.gone}
    assert there == expected, tenant
