"""Whether backups are as promised: what is wrong is told, the worst of it first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from jitsi_tenant_operator.api.backup import BackupGroup, JitsiBackup
from jitsi_tenant_operator.api.objects import API_VERSION, ObjectRef
from jitsi_tenant_operator.contract.calendar import Calendar
from jitsi_tenant_operator.reconcile import backup_findings
from jitsi_tenant_operator.reconcile.backup_findings import Situation
from jitsi_tenant_operator.reconcile.backup_objects import KnownBackup

PARIS = Calendar.of("Europe/Paris")
NOW = datetime(2026, 6, 20, 12, tzinfo=UTC)
Known = Callable[..., KnownBackup]


def night(day: date, **more: Any) -> KnownBackup:
    """A backup that is all that it should be."""
    begun = datetime(day.year, day.month, day.day, 1, 15, tzinfo=ZoneInfo("Europe/Paris"))
    known = KnownBackup(
        ref=ObjectRef(
            API_VERSION, JitsiBackup.definition.kind, "tenant-acme", f"scheduled-{day.isoformat()}"
        ),
        resource_version=1,
        uid=day.isoformat(),
        generation=1,
        tenant="acme",
        group=BackupGroup.SCHEDULED,
        day=day,
        snapshot="0f1e2d3c4b5a",
        started=begun,
        completed=begun + timedelta(minutes=5),
        copy="aabbccddeeff",
        copied=begun + timedelta(hours=4),
        verified=begun + timedelta(hours=4),
        expires=begun + timedelta(days=71),
        told=(),
    )
    return replace(known, **more)


def nights(number: int = 5, last: date = date(2026, 6, 20)) -> list[KnownBackup]:
    return [night(last - timedelta(days=index)) for index in range(number)]


def situation(*backups: KnownBackup, **more: Any) -> Situation:
    given = {"offsite": True, "held": False, "since": date(2026, 6, 1), **more}
    return Situation(backups=backups, **given)


def found(given: Situation, now: datetime = NOW) -> tuple[str, str]:
    finding = backup_findings.of_backups(given, now, PARIS)
    return finding.status.value, finding.reason.value


def test_all_is_well() -> None:
    assert found(situation(*nights())) == ("True", "AsWanted")


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        # In Paris, the second midnight after 18 June is that of 19 to 20 June, 22:00 UTC.
        (datetime(2026, 6, 19, 21, 59, 59, tzinfo=UTC), ("True", "AsWanted")),
        (datetime(2026, 6, 19, 22, tzinfo=UTC), ("False", "BackupOverdue")),
    ],
)
def test_a_backup_is_overdue_when_a_day_has_gone_by_without(
    now: datetime, expected: tuple[str, str]
) -> None:
    assert found(situation(*nights(last=date(2026, 6, 18))), now) == expected
    assert backup_findings.seconds_to_next(now, PARIS) == (1 if now.second else 86400)


def test_backups_on_demand_do_not_stand_for_those_of_the_night() -> None:
    by_hand = replace(night(date(2026, 6, 20)), group=BackupGroup.ON_DEMAND, day=None)
    assert found(situation(by_hand, *nights(last=date(2026, 6, 18)))) == ("False", "BackupOverdue")


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        (date(2026, 6, 20), ("Unknown", "Awaited")),
        (date(2026, 6, 19), ("Unknown", "Awaited")),
        (date(2026, 6, 18), ("False", "BackupOverdue")),
    ],
)
def test_a_new_tenant_waits_for_its_first_night(since: date, expected: tuple[str, str]) -> None:
    assert found(situation(since=since)) == expected


def test_a_failure_is_told_at_once_and_until_a_run_succeeds() -> None:
    given = situation(*nights(), failure="acme-backup-1: RepositoryFull: no space left")
    assert found(given) == ("False", "BackupFailed")
    assert "RepositoryFull" in backup_findings.of_backups(given, NOW, PARIS).message


def test_what_is_lost_is_worse_than_a_failure() -> None:
    given = situation(*nights(), failure="x", lost=["scheduled-2026-06-18"])
    assert found(given) == ("False", "BackupLost")


@pytest.mark.parametrize(("hours", "late"), [(35, False), (37, True)])
def test_a_copy_off_site_is_awaited_for_two_keepings(hours: int, late: bool) -> None:
    done = NOW - timedelta(hours=hours)
    given = situation(night(date(2026, 6, 19), completed=done, copied=None), *nights(1))
    assert found(given) == (("False", "OffsiteCopyOverdue") if late else ("True", "AsWanted"))
    assert found(replace(given, offsite=False)) == ("True", "AsWanted")


@pytest.mark.parametrize(("days", "late"), [(8, False), (10, True)])
def test_repositories_are_verified_within_days(days: int, late: bool) -> None:
    at = NOW - timedelta(days=days)
    given = situation(*(replace(each, verified=at) for each in nights()))
    assert found(given) == (("False", "VerificationOverdue") if late else ("True", "AsWanted"))


def test_repositories_that_were_never_verified_are_told_of_in_time() -> None:
    given = situation(*(replace(each, verified=None) for each in nights(3)))
    assert found(given) == ("True", "AsWanted")
    given = situation(*(replace(each, verified=None) for each in nights(12)))
    assert found(given) == ("False", "VerificationOverdue")


@pytest.mark.parametrize(("hours", "late"), [(35, False), (37, True)])
def test_what_has_expired_must_be_gone_after_two_keepings(hours: int, late: bool) -> None:
    over = night(date(2026, 4, 1), expires=NOW - timedelta(hours=hours))
    given = situation(over, *nights())
    assert found(given) == (("False", "ExpiredBackupsPresent") if late else ("True", "AsWanted"))
    assert found(replace(given, held=True)) == ("True", "AsWanted")


def test_the_summary_names_the_newest_and_the_newest_that_is_proved() -> None:
    unproved = replace(nights(1)[0], verified=None)
    uncopied = replace(night(date(2026, 6, 19)), copied=None)
    proved = night(date(2026, 6, 18))
    summary = backup_findings.summary(situation(unproved, uncopied, proved))
    assert summary is not None
    assert (summary.count, summary.newest) == (3, "scheduled-2026-06-20")
    assert summary.verified_at == proved.started
    assert summary.oldest_at == proved.started
    assert backup_findings.summary(situation()) is None
