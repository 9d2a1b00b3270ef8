"""Checks of a Proxmox Backup Server before tenants depend on it, as the operator's token.

What is made for it is removed again; no snapshot is touched, and what could remove some is asked
only what it would do.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from jitsi_tenant_operator.api.objects import JsonObject
from jitsi_tenant_operator.backup.pbs.access import (
    ensure_namespace,
    namespaces,
    remove_namespace,
    version,
)
from jitsi_tenant_operator.backup.pbs.client import PbsClient, text_of
from jitsi_tenant_operator.backup.pbs.namespace import Namespace, remote_of
from jitsi_tenant_operator.backup.pbs.pruning import keep_options
from jitsi_tenant_operator.backup.pbs.snapshots import BACKUP_TYPE, read_snapshots
from jitsi_tenant_operator.backup.preflight import Check, Result, failed, passed, skipped
from jitsi_tenant_operator.backup.retention import Terms, plan
from jitsi_tenant_operator.backup.store import Group, StoreError, StoreReason
from jitsi_tenant_operator.clock import Clock
from jitsi_tenant_operator.contract.calendar import Calendar

OLDEST_VERSION = (3, 4)
MOST_DRIFT = timedelta(minutes=2)
"""By how much the clocks may differ."""
COMPARED = 20
"""How many namespaces of tenants retention is compared in."""
PROBE = "preflight-probe"
"""The namespace that is made and removed again."""

_NEEDED = ("Audit", "Modify", "Read", "Verify", "Prune", "Backup")
_FOREIGN = frozenset(
    {"Permissions.Modify", "Sys.Modify", "Sys.PowerManagement", "Datastore.Allocate"}
    | {"Remote.Modify", "Realm.Allocate"}
)
"""What the operator's token must hold nowhere: with it, it could give itself everything."""
_LAST_SECOND = 253_402_300_800
"""The end of the year 9999, in seconds of Unix time."""
_CHANGING = frozenset(f"Datastore.{name}" for name in ("Modify", "Prune", "Backup"))


@dataclass(frozen=True, slots=True)
class Expected:
    """What the server is held against: `parent` is the namespace that those of tenants are in.

    `primary` is given for an off-site server only: the one that it fetches from.
    """

    parent: str
    terms: Terms
    calendar: Calendar
    primary: Namespace | None = None


async def check_server(client: PbsClient, expected: Expected, clock: Clock) -> list[Result]:
    """Every check and what came of it; where the server is not reached, that alone."""
    try:
        found = await version(client)
    except StoreError as error:
        return [failed(Check.REACHABLE, str(error))]
    results = [passed(Check.REACHABLE), _of_version(found)]
    checks: Sequence[tuple[Check, Callable[[], Awaitable[Sequence[Result]]]]] = (
        (Check.TIME, lambda: _time(client, expected.calendar, clock)),
        (Check.SUFFICIENT_RIGHTS, lambda: _rights(client, expected)),
        (Check.WRITABLE, lambda: _writable(client, expected.parent)),
        (Check.RETENTION, lambda: _retention(client, expected, clock)),
        (Check.COPIES, lambda: _copies(client, expected.primary)),
    )
    for check, run in checks:
        try:
            results.extend(await run())
        except StoreError as error:
            results.append(failed(check, str(error)))
    return results


def _of_version(found: tuple[int, ...]) -> Result:
    shown = ".".join(map(str, found))
    if found < OLDEST_VERSION:
        oldest = ".".join(map(str, OLDEST_VERSION))
        return failed(Check.VERSION, f"version {shown}, at least {oldest} is needed")
    return passed(Check.VERSION, shown)


async def _time(client: PbsClient, calendar: Calendar, clock: Clock) -> list[Result]:
    """The server tells days and weeks by its own zone, and when a backup was made by a clock."""
    found = await client.fields("nodes/localhost/time")
    zone, seconds = text_of(found, "timezone"), found.get("time")
    if not isinstance(seconds, int) or not 0 < seconds < _LAST_SECOND:
        return [failed(Check.TIME, "it does not say what time it is")]
    there = datetime.fromtimestamp(seconds, UTC)
    if zone != calendar.zone.key:
        return [failed(Check.TIME, f"its zone is {zone}, that of the platform {calendar.zone.key}")]
    drift = abs(there - clock.now())
    if drift > MOST_DRIFT:
        return [failed(Check.TIME, f"its clock differs by {drift.total_seconds():.0f} s")]
    return [passed(Check.TIME, zone)]


async def _rights(client: PbsClient, expected: Expected) -> list[Result]:
    root = f"/datastore/{client.address.datastore}"
    parent = f"{root}/{expected.parent}"
    held = await client.fields("access/permissions")
    # Not every path is listed of itself.
    for path in (parent, root):
        held |= await client.fields("access/permissions", {"path": path})
    needed = [(f"Datastore.{name}", parent) for name in _NEEDED] + [("Datastore.Audit", root)]
    missing = [f"{name} on {path}" for name, path in needed if name not in _at(held, path)]
    return [
        failed(Check.SUFFICIENT_RIGHTS, f"missing: {', '.join(missing)}")
        if missing
        else passed(Check.SUFFICIENT_RIGHTS),
        _further_rights(held, parent),
    ]


def _at(held: JsonObject, path: str) -> list[str]:
    """The privileges at a path."""
    found = held.get(path)
    return sorted(found) if isinstance(found, dict) else []


def _further_rights(held: JsonObject, parent: str) -> Result:
    further = [
        f"{privilege} on {path}"
        for path in sorted(held)
        for privilege in _at(held, path)
        if privilege in _FOREIGN
        or (privilege in _CHANGING and path != parent and not path.startswith(f"{parent}/"))
    ]
    if further:
        more = f" and {len(further) - 5} more" if len(further) > 5 else ""  # noqa: PLR2004
        return failed(Check.NO_FURTHER_RIGHTS, f"take away {', '.join(further[:5])}{more}")
    return passed(Check.NO_FURTHER_RIGHTS)


async def _writable(client: PbsClient, parent: str) -> list[Result]:
    namespace = f"{parent}/{PROBE}"
    await ensure_namespace(client, namespace)
    await remove_namespace(client, namespace)
    if namespace in await namespaces(client, parent):
        return [failed(Check.WRITABLE, f"the namespace {namespace} cannot be removed")]
    return [passed(Check.WRITABLE, parent)]


async def _retention(client: PbsClient, expected: Expected, clock: Clock) -> list[Result]:
    jobs = await client.rows("admin/prune", {"store": client.address.datastore})
    pruning = [text_of(job, "id") for job in jobs if _prunes(job, expected.parent)]
    if pruning:
        message = (
            f"prune jobs count where the terms count days, take {', '.join(pruning)} off"
            f" {expected.parent}"
        )
        return [failed(Check.RETENTION, message)]
    try:
        options = keep_options(expected.terms)
    except ValueError:
        return [skipped(Check.RETENTION, "the terms count hours, which a server cannot")]
    compared = short = 0
    for namespace in sorted(await namespaces(client, expected.parent))[:COMPARED]:
        async for promised, removed in _compared(client, namespace, expected, clock):
            compared += 1
            short += bool(promised & removed)
    if short:
        return [failed(Check.RETENTION, f"it would remove what is promised in {short} groups")]
    if not compared:
        return [skipped(Check.RETENTION, "there is no backup yet to compare with")]
    shown = ", ".join(f"{name} {count}" for name, count in options.items())
    return [passed(Check.RETENTION, f"{compared} groups, with {shown}")]


def _prunes(job: JsonObject, parent: str) -> bool:
    """Whether a job removes from the namespaces of tenants: they are one level below `parent`."""
    namespace = str(job.get("ns") or "")
    levels = len(parent.split("/")) + 1
    above = not namespace or f"{parent}/".startswith(f"{namespace}/")
    own_levels = len(namespace.split("/")) if namespace else 0
    depth = job.get("max-depth")
    deep_enough = not isinstance(depth, int) or depth >= levels - own_levels
    within = namespace.startswith(f"{parent}/")
    return not job.get("disable") and (within or (above and deep_enough))


async def _compared(
    client: PbsClient, namespace: str, expected: Expected, clock: Clock
) -> AsyncIterator[tuple[set[int], set[int]]]:
    """Of each group what the plan keeps, and what the server would remove, by their times."""
    found = await client.get(client.datastore("snapshots"), {"ns": namespace})
    snapshots = [each.snapshot for each in read_snapshots(found)]
    verdicts = plan(snapshots, expected.terms, clock.now(), expected.calendar)
    for group in Group:
        promised = {
            int(each.snapshot.time.timestamp())
            for each in verdicts
            if each.keep and each.snapshot.group is group
        }
        if not promised:
            continue
        answer = await client.post(
            client.datastore("prune"),
            {
                "ns": namespace,
                "backup-type": BACKUP_TYPE,
                "backup-id": group.value,
                "dry-run": True,
                **keep_options(expected.terms),
            },
        )
        yield promised, _removed(answer)


def _removed(answer: Any) -> set[int]:
    try:
        return {int(each["backup-time"]) for each in answer if not each["keep"]}
    except (KeyError, TypeError, ValueError):
        raise StoreError(
            StoreReason.FAILED, "the server did not say what it would remove"
        ) from None


async def _copies(client: PbsClient, primary: Namespace | None) -> list[Result]:
    if primary is None:
        return []
    return [passed(Check.COPIES, f"from {await remote_of(client, primary)}")]
