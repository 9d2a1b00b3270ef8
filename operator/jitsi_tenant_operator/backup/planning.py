"""The command `retention plan`: the verdicts on the snapshots in a file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfoNotFoundError

from pydantic import ConfigDict, TypeAdapter, ValidationError

from jitsi_tenant_operator.api.model import Model
from jitsi_tenant_operator.api.problems import path_of
from jitsi_tenant_operator.api.scalars import Instant, ShortText
from jitsi_tenant_operator.api.terms import OperationalTerms
from jitsi_tenant_operator.backup.configuration import ConfigurationError, read_bytes, read_document
from jitsi_tenant_operator.backup.retention import Terms, Verdict, plan
from jitsi_tenant_operator.backup.store import Group, Snapshot
from jitsi_tenant_operator.contract.calendar import Calendar

MAX_BYTES = 16 * 1024 * 1024
"""More than the snapshots of a thousand tenants."""


class _Given(Model):
    """A snapshot as the file has it."""

    model_config = ConfigDict(extra="forbid")

    id: ShortText
    time: Instant
    group: Group = Group.SCHEDULED
    protected: bool = False


_LIST = TypeAdapter(tuple[_Given, ...])


def calendar_of(time_zone: str) -> Calendar:
    """The calendar of a zone; ConfigurationError when there is none of that name."""
    try:
        return Calendar.of(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigurationError(
            f"there is no zone {time_zone}; expected one such as Europe/Paris"
        ) from None


def plan_of_files(
    snapshots: Path, terms: Path, at: datetime, calendar: Calendar, *, as_json: bool
) -> str:
    """The verdicts at `at`, as a table or as a list in JSON, in order of time.

    Raises ConfigurationError when a file cannot be used.
    """
    verdicts = plan(_snapshots(snapshots), _terms(terms), at, calendar)
    if as_json:
        return json.dumps([_as_json(each) for each in verdicts], indent=2) + "\n"
    return _table(verdicts, calendar)


def _snapshots(path: Path) -> list[Snapshot]:
    try:
        given = _LIST.validate_json(read_bytes(path, MAX_BYTES), strict=True)
    except ValidationError as error:
        lines = [
            f"{path}: {path_of(each['loc'])}: {each['msg'].removeprefix('Value error, ')}"
            for each in error.errors(include_url=False, include_input=False)
        ]
        raise ConfigurationError("\n".join(lines[:20])) from None
    found = {each.id: each for each in given}
    if len(found) != len(given):
        raise ConfigurationError(f"{path}: an id is given twice")
    return [
        Snapshot(each.id, each.time.astimezone(UTC), each.group, each.protected) for each in given
    ]


def _terms(path: Path) -> Terms:
    backup = read_document(path, OperationalTerms).backup
    if backup is None or backup.daily is None or backup.weekly is None:
        raise ConfigurationError(
            f"{path}: expected both terms, such as backup: {{daily: P10D, weekly: P2M}}"
        )
    return Terms(backup.daily, backup.weekly)


def _as_json(verdict: Verdict) -> dict[str, object]:
    until = verdict.until
    return {
        "id": verdict.snapshot.id,
        "keep": verdict.keep,
        "rule": verdict.rule.value,
        "until": None if until is None else f"{until:%Y-%m-%dT%H:%M:%SZ}",
    }


def _table(verdicts: Iterable[Verdict], calendar: Calendar) -> str:
    rows = [("SNAPSHOT", "TIME", "GROUP", "VERDICT", "RULE", "UNTIL")]
    for each in verdicts:
        until = "-" if each.until is None else _local(each.until, calendar)
        verdict = "keep" if each.keep else "remove"
        snapshot = each.snapshot
        time = _local(snapshot.time, calendar)
        rows.append((snapshot.id, time, snapshot.group, verdict, each.rule, until))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        + "\n"
        for row in rows
    )


def _local(instant: datetime, calendar: Calendar) -> str:
    return f"{instant.astimezone(calendar.zone):%Y-%m-%d %H:%M %Z}"
