"""What the archiver is told: whose logs there are, by which terms they are kept, what is held.

Both files are JSON, written by the operator. Holds are a file of their own because they fail
closed: whoever cannot read them deletes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, ClassVar, Self, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, ValidationError, model_validator

from jitsi_tenant_operator.api.model import Model, Rule
from jitsi_tenant_operator.api.scalars import CalendarDate, DnsLabel, Duration, ShortText
from jitsi_tenant_operator.api.terms import LogDisposal

MOST_BYTES = 64 * 1024 * 1024
"""The largest file that is read as configuration or holds."""


class ConfigurationError(Exception):
    """A file that the archiver is told to follow cannot be used; the message says why."""


class LineFormat(StrEnum):
    """How the collector writes current logs."""

    OTLP = "Otlp"
    """Each line is an OTLP logs request in JSON, as the Collector's file exporter writes it."""
    PLAIN = "Plain"
    """Each line is a line of the log."""


class LogPolicy(Model):
    """By which terms logs are kept (clause 11.3)."""

    retention: Duration
    """How long after its day a log is kept."""
    compress_after: Duration
    """How old a day is, counted from it, when it is compressed: with P1D, the next day."""
    disposal: LogDisposal
    """Whether an expired log is deleted or anonymised."""
    source: ShortText
    """The document and clause that say so; kept as evidence with what is archived and expired."""


class ComponentLogs(Model):
    """A component of a tenant that has logs."""

    rules: ClassVar = (
        Rule(
            "!has(self.until) || self.since <= self.until",
            "until lies before since",
            lambda self: self.until is None or self.since <= self.until,
        ),
    )

    name: DnsLabel
    """The component, such as jvb."""
    since: CalendarDate
    """The first day of which there is a log, or a gap to explain."""
    until: CalendarDate | None = None
    """The last such day; None while the component runs."""
    policy: LogPolicy | None = None
    """The terms of this class of log; those of the tenant when None."""

    def expected_on(self, day: date) -> bool:
        """Whether a log of `day` is to be there, or a gap to be told of."""
        return self.since <= day and (self.until is None or day <= self.until)


class TenantLogs(Model):
    """A tenant, also one that has ended, as long as anything of it is archived."""

    name: DnsLabel
    """The name of its folders."""
    policy: LogPolicy
    """Its effective terms."""
    components: Annotated[tuple[ComponentLogs, ...], Field(max_length=32)] = ()
    """The components that log."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        _refuse_twice("component", (component.name for component in self.components))
        return self

    def component(self, name: str) -> ComponentLogs | None:
        """What is said of one component."""
        return next((each for each in self.components if each.name == name), None)


class Configuration(Model):
    """What one run of the archiver follows."""

    time_zone: ShortText
    """The zone in which days begin and end, such as Europe/Paris."""
    line_format: LineFormat
    """How current logs are written."""
    closing_delay: Duration = "PT15M"
    """How long after midnight the day before is closed at the earliest."""
    late_writers: Duration = "PT10M"
    """How long nobody must have written to a log before it is closed, and before it is removed."""
    policy: LogPolicy
    """The terms for logs of whom `tenants` says nothing and no manifest either."""
    tenants: Annotated[tuple[TenantLogs, ...], Field(max_length=100_000)] = ()
    """The tenants."""

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"there is no zone {self.time_zone!r}") from None
        _refuse_twice("tenant", (tenant.name for tenant in self.tenants))
        return self


class LogHold(Model):
    """Logs of a tenant that must not be deleted or anonymised, from a JitsiLegalHold."""

    rules: ClassVar = (
        Rule(
            "!has(self.from) || !has(self.until) || self.from <= self.until",
            "until lies before from",
            lambda self: self.from_ is None or self.until is None or self.from_ <= self.until,
        ),
    )

    name: ShortText
    """Which hold it is; the manifest names it."""
    tenant: DnsLabel
    """The tenant."""
    components: Annotated[tuple[DnsLabel, ...], Field(max_length=32)] = ()
    """The components; all when empty."""
    from_: CalendarDate | None = Field(default=None, alias="from")
    """The first day; from the beginning when None."""
    until: CalendarDate | None = None
    """The last day; without end when None."""

    def covers(self, component: str, day: date) -> bool:
        """Whether it holds the log of a component of its tenant and a day."""
        return (
            (not self.components or component in self.components)
            and (self.from_ is None or self.from_ <= day)
            and (self.until is None or day <= self.until)
        )


class Holds(Model):
    """Every hold that is in force on logs."""

    holds: Annotated[tuple[LogHold, ...], Field(max_length=100_000)]
    """The holds."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        _refuse_twice("hold", (f"{hold.name} of {hold.tenant}" for hold in self.holds))
        return self

    def of(self, tenant: str) -> tuple[LogHold, ...]:
        """The holds on logs of one tenant."""
        return tuple(hold for hold in self.holds if hold.tenant == tenant)


def read_configuration(path: Path) -> Configuration:
    """The configuration in a file; ConfigurationError when there is none that can be used."""
    return _read(path, Configuration)


def read_holds(path: Path) -> Holds:
    """The holds in a file; ConfigurationError when it is not certain what is held.

    A file that is not there is no list of holds: nothing held is an empty list.
    """
    return _read(path, Holds)


M = TypeVar("M", bound=Model)


def _read(path: Path, model: type[M]) -> M:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > MOST_BYTES:
        raise ConfigurationError(f"{path} is larger than {MOST_BYTES} bytes")
    try:
        return model.model_validate_json(content, strict=True, extra="forbid")
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(f"{path}: {where or 'it'}: {first['msg']}") from None


def _refuse_twice(what: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{what} {name} is there twice")
        seen.add(name)
