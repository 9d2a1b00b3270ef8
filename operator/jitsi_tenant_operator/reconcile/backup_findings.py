"""Whether the backups of a tenant are as its contract promises. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from jitsi_tenant_operator.api.backup import BackupGroup
from jitsi_tenant_operator.api.platform import JitsiPlatformSpec
from jitsi_tenant_operator.api.tenant import BackupSummary
from jitsi_tenant_operator.contract.calendar import Calendar
from jitsi_tenant_operator.reconcile.backup_objects import KnownBackup
from jitsi_tenant_operator.reconcile.conditions import (
    ConditionType,
    Finding,
    Reason,
    found,
    lacking,
    unknown,
)
from jitsi_tenant_operator.render.backup_configuration import is_supported

COPIED_WITHIN = timedelta(hours=36)
"""How long after a backup its copy must be on the other site: two keepings have run by then."""
VERIFIED_WITHIN = timedelta(days=9)
"""How old the newest verified backup may be: the word of a verification is renewed in a week."""
DELETED_WITHIN = timedelta(hours=36)
"""How long after its expiry a backup must be gone: two keepings have run by then."""
_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that says how the backups of a tenant stand.

    `backups` are the complete ones; `failure` is why the newest run failed, `lost` are those that
    a repository lacks before their time; `since` is the day from which backups are due.
    """

    backups: Sequence[KnownBackup]
    offsite: bool
    held: bool
    since: date
    failure: str = ""
    lost: Sequence[str] = ()


def impossible(platform: JitsiPlatformSpec, image: str) -> Finding | None:
    """Why no backup can be made at all; None where some can."""
    if platform.backup is None:
        return lacking(
            ConditionType.BACKUPS_CURRENT,
            Reason.NO_BACKUP_REPOSITORY,
            "no backup is made: set spec.backup of the JitsiPlatform",
        )
    if not is_supported(platform.backup):
        return lacking(
            ConditionType.BACKUPS_CURRENT,
            Reason.BACKUP_DRIVER,
            "no backup is made: spec.backup of the JitsiPlatform must name Restic repositories",
        )
    if not image:
        return lacking(
            ConditionType.BACKUPS_CURRENT,
            Reason.NO_BACKUP_PROGRAM,
            "no backup is made: run the operator with --image, the name of its own image",
        )
    return None


def of_backups(situation: Situation, now: datetime, calendar: Calendar) -> Finding:
    """Whether backups are made, copied, verified and deleted as promised, what is worst first."""
    problems = (
        _lost(situation),
        _failed(situation),
        _overdue(situation, now, calendar),
        _expired(situation, now),
        _uncopied(situation, now),
        _unverified(situation, now),
    )
    for problem in problems:
        if problem is not None:
            return problem
    newest = _newest(situation.backups)
    return found(
        ConditionType.BACKUPS_CURRENT, f"the newest is {newest.ref.name}" if newest else ""
    )


def summary(situation: Situation) -> BackupSummary | None:
    """How they stand, for people and dashboards; None while there are none."""
    newest = _newest(situation.backups)
    if newest is None or newest.started is None:
        return None
    begun = [each.started for each in situation.backups if each.started is not None]
    good = [
        each.started
        for each in situation.backups
        if each.started is not None
        and each.verified is not None
        and (each.copied is not None or not situation.offsite)
    ]
    return BackupSummary(
        count=len(situation.backups),
        newest=newest.ref.name,
        newest_at=newest.started.astimezone(UTC),
        oldest_at=min(begun).astimezone(UTC),
        verified_at=max(good).astimezone(UTC) if good else None,
    )


def due_since(created: str, now: datetime, calendar: Calendar) -> date:
    """The day from which backups are due: that on which the tenant was made."""
    return calendar.day_of(datetime.fromisoformat(created) if created else now)


def seconds_to_next(now: datetime, calendar: Calendar) -> float:
    """Seconds until the next day begins, with which a backup may become overdue."""
    tomorrow = calendar.day_of(now) + timedelta(days=1)
    return max(1.0, (calendar.start_of(tomorrow) - now).total_seconds())


def _newest(backups: Sequence[KnownBackup]) -> KnownBackup | None:
    begun = [each for each in backups if each.started is not None]
    return max(begun, key=lambda each: (each.started, each.ref.name), default=None)


def _lost(situation: Situation) -> Finding | None:
    if not situation.lost:
        return None
    return lacking(
        ConditionType.BACKUPS_CURRENT,
        Reason.BACKUP_LOST,
        f"the repositories no longer hold {_names(situation.lost)}, which is still promised",
    )


def _failed(situation: Situation) -> Finding | None:
    if not situation.failure:
        return None
    return lacking(ConditionType.BACKUPS_CURRENT, Reason.BACKUP_FAILED, situation.failure)


def _overdue(situation: Situation, now: datetime, calendar: Calendar) -> Finding | None:
    """Overdue from the second midnight after the day of the last one."""
    days = [
        each.day
        for each in situation.backups
        if each.group is BackupGroup.SCHEDULED and each.day is not None
    ]
    last = max(days, default=None)
    today = calendar.day_of(now)
    if (today - max(last or situation.since, situation.since)).days > 1:
        text = f"the last one is that of {last:%Y-%m-%d}" if last else "none was made yet"
        return lacking(ConditionType.BACKUPS_CURRENT, Reason.BACKUP_OVERDUE, text)
    if last is None:
        return Finding(
            ConditionType.BACKUPS_CURRENT,
            unknown(ConditionType.BACKUPS_CURRENT, "").status,
            Reason.AWAITED,
            "the first backup is made in the coming night",
        )
    return None


def _expired(situation: Situation, now: datetime) -> Finding | None:
    if situation.held:
        return None
    late = [
        each.ref.name
        for each in situation.backups
        if each.expires is not None and now - each.expires > DELETED_WITHIN
    ]
    if not late:
        return None
    return lacking(
        ConditionType.BACKUPS_CURRENT,
        Reason.EXPIRED_BACKUPS_PRESENT,
        f"their time is over, but they are not known to be deleted: {_names(late)}",
    )


def _uncopied(situation: Situation, now: datetime) -> Finding | None:
    late = [
        each.ref.name
        for each in situation.backups
        if each.copied is None
        and each.completed is not None
        and now - each.completed > COPIED_WITHIN
    ]
    if not situation.offsite or not late:
        return None
    return lacking(
        ConditionType.BACKUPS_CURRENT,
        Reason.OFFSITE_COPY_OVERDUE,
        f"not copied to the other site yet: {_names(late)}",
    )


def _unverified(situation: Situation, now: datetime) -> Finding | None:
    verified = [each.verified for each in situation.backups if each.verified is not None]
    begun = [each.completed for each in situation.backups if each.completed is not None]
    since = max(verified, default=min(begun, default=now))
    if now - since <= VERIFIED_WITHIN:
        return None
    return lacking(
        ConditionType.BACKUPS_CURRENT,
        Reason.VERIFICATION_OVERDUE,
        f"no repository was verified since {since:%Y-%m-%d}",
    )


def _names(names: Sequence[str]) -> str:
    shown = sorted(names)
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return ", ".join(shown[:_SHOWN]) + more
