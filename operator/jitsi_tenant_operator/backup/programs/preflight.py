"""The program `preflight`: are the repositories usable, before any tenant depends on them?

It takes the configuration of any tenant, with the operator's own login, and changes no backup.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jitsi_tenant_operator.backup.configuration import Configuration, ProxmoxRepository, Repository
from jitsi_tenant_operator.backup.pbs.configured import namespace_of
from jitsi_tenant_operator.backup.pbs.preflight import Expected, check_server
from jitsi_tenant_operator.backup.preflight import (
    Check,
    Result,
    failed,
    passed,
    skipped,
    usable,
)
from jitsi_tenant_operator.backup.retention import Terms
from jitsi_tenant_operator.backup.store import Copy, StoreError, StoreReason
from jitsi_tenant_operator.backup.stores import open_store
from jitsi_tenant_operator.clock import Clock
from jitsi_tenant_operator.contract.calendar import Calendar


@dataclass(frozen=True, slots=True)
class Preflight:
    """What was found of each copy's repository."""

    results: Sequence[tuple[Copy, Result]]

    @property
    def usable(self) -> bool:
        """Whether every repository is usable."""
        copies = {copy for copy, _ in self.results}
        return all(usable(self._of(copy)) for copy in copies)

    def table(self) -> str:
        """A line for each check, for people."""
        rows = [("COPY", "CHECK", "STATE", "MESSAGE")]
        rows += [(copy, each.check, each.state, each.message) for copy, each in self.results]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        return "".join(
            "  ".join([*(row[at].ljust(widths[at]) for at in range(3)), row[3]]).rstrip() + "\n"
            for row in rows
        )

    def json(self) -> str:
        """The same as a list in JSON."""
        found = [
            {"copy": copy, "check": each.check, "state": each.state, "message": each.message}
            for copy, each in self.results
        ]
        return json.dumps(found, indent=2) + "\n"

    def _of(self, copy: Copy) -> Iterable[Result]:
        return [each for found, each in self.results if found is copy]


async def preflight(configuration: Configuration, clock: Clock) -> Preflight:
    """Check each repository of `configuration`. Raises ConfigurationError."""
    named = {Copy.PRIMARY: configuration.primary, Copy.OFFSITE: configuration.offsite}
    results = [
        (copy, result)
        for copy, repository in named.items()
        if repository is not None
        for result in await _check(copy, repository, configuration, clock)
    ]
    return Preflight(results)


async def _check(
    copy: Copy, repository: Repository, configuration: Configuration, clock: Clock
) -> Sequence[Result]:
    if not isinstance(repository, ProxmoxRepository):
        return await _check_repository(copy, configuration, clock)
    namespace, primary = namespace_of(repository), None
    if copy is Copy.OFFSITE and isinstance(configuration.primary, ProxmoxRepository):
        primary = namespace_of(configuration.primary)
    expected = Expected(
        parent=namespace.name.rpartition("/")[0],
        terms=Terms(configuration.backup.daily, configuration.backup.weekly),
        calendar=Calendar.of(configuration.time_zone),
        primary=primary,
    )
    try:
        async with namespace.client(clock) as client:
            return await check_server(client, expected, clock)
    except StoreError as error:
        return [failed(Check.REACHABLE, str(error))]


async def _check_repository(
    copy: Copy, configuration: Configuration, clock: Clock
) -> Sequence[Result]:
    """Of restic: that it answers and opens; writing shows only where something is written."""
    try:
        await open_store(configuration, clock=clock).snapshots(copy)
    except StoreError as error:
        if error.reason is not StoreReason.MISSING:
            return [failed(Check.REACHABLE, str(error))]
    return [passed(Check.REACHABLE), skipped(Check.WRITABLE, "the first backup shows it")]
