"""When a log is closed and when its time is up: pure, by the terms that it is kept by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from jitsi_tenant_operator.contract.calendar import Calendar, Span
from jitsi_tenant_operator.logs.configuration import Configuration, LogPolicy, TenantLogs
from jitsi_tenant_operator.logs.manifest import Kept

_DAY = "P1D"
_SLACK = "P4D"
"""Of the last days of a month several may end on the same day: there is no 30 February."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """The rules of one configuration."""

    configuration: Configuration
    calendar: Calendar
    tenants: Mapping[str, TenantLogs]
    """What the configuration says of each tenant, by name."""

    @classmethod
    def of(cls, configuration: Configuration) -> Keeping:
        """The rules of a configuration."""
        tenants = {tenant.name: tenant for tenant in configuration.tenants}
        return cls(configuration, Calendar.of(configuration.time_zone), tenants)

    def policy(self, tenant: str, component: str) -> LogPolicy | None:
        """What the configuration says of logs of a component; None when it does not know it."""
        said = self.tenants.get(tenant)
        if said is None:
            return None
        of_component = said.component(component)
        return (of_component.policy if of_component else None) or said.policy

    def policy_of_new(self, tenant: str, component: str) -> LogPolicy:
        """The terms for a log that is not archived yet."""
        return self.policy(tenant, component) or self.configuration.policy

    def policy_of_kept(self, tenant: str, kept: Kept) -> LogPolicy:
        """The terms for an archive: where nothing is said any more, those of its time."""
        return self.policy(tenant, kept.archive.component) or kept.policy

    def closes_at(self, day: date, policy: LogPolicy) -> datetime:
        """When the log of `day` is closed at the earliest: never kept longer than its time."""
        after = policy.compress_after
        if Span.parse(after).in_days:
            begins = self.calendar.start_of(self.calendar.plus(day, after))
        else:
            begins = self.calendar.kept_until(day, after)
        begins = min(begins, self.expires_at(day, policy))
        return self.calendar.due(begins, self.configuration.closing_delay, extend=False).at

    def expires_at(self, day: date, policy: LogPolicy) -> datetime:
        """When the time of the log of `day` is up (clause 11.3)."""
        return _kept_until(self.calendar, day, policy.retention)

    def is_quiet(self, changed: datetime, now: datetime) -> bool:
        """Whether nobody has written to a log, last changed at an instant, for long enough."""
        late = self.configuration.late_writers
        return self.calendar.due(changed, late, extend=False).at <= now

    def expected_days(
        self, tenant: str, component: str, now: datetime
    ) -> Iterator[tuple[date, LogPolicy]]:
        """The days of a component of which the manifest must have a log or a gap, from the first.

        These are the days that are closed by now and whose time is not up.
        """
        said = self.tenants.get(tenant)
        known = said.component(component) if said else None
        policy = self.policy(tenant, component)
        if known is None or policy is None:
            return
        day = max(known.since, self._oldest_kept(policy, now))
        while known.expected_on(day) and self.closes_at(day, policy) <= now:
            if now < self.expires_at(day, policy):
                yield day, policy
            day = self.calendar.plus(day, _DAY)

    def _oldest_kept(self, policy: LogPolicy, now: datetime) -> date:
        """A day at or before the oldest one whose time is not up; close to it."""
        same_day = self.calendar.day_of(self.calendar.before(now, policy.retention))
        return self.calendar.minus(same_day, _SLACK)


@lru_cache(maxsize=16384)
def _kept_until(calendar: Calendar, day: date, retention: str) -> datetime:
    """Tenants share their days and most of them their terms."""
    return calendar.kept_until(day, retention)
