"""JitsiMaintenance: work on the service, told ahead but for an emergency (clause 8.1).

Or an incident, which its clients are told of as soon as possible (clause 15.1).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from jitsi_tenant_operator.api.conditions import Conditions, Generation
from jitsi_tenant_operator.api.constraints import AtomicList, SetList
from jitsi_tenant_operator.api.model import (
    CustomResource,
    Definition,
    Model,
    PrinterColumn,
    Rule,
)
from jitsi_tenant_operator.api.scalars import (
    MAX_LABEL,
    DnsLabel,
    Instant,
    Labels,
    LongText,
    ObjectName,
    ShortText,
)

MAX_SHOWN = 64
"""How many tenants the status of a window names; it counts all of them."""


class Affected(StrEnum):
    """What a window may interrupt."""

    MEETINGS = "Meetings"
    RECORDING = "Recording"
    SERVICE = "Service"


class TenantSelection(Model):
    """Which tenants are meant: those to which everything that is set applies."""

    namespaces: Annotated[tuple[DnsLabel, ...], Field(max_length=256), SetList()] = ()
    """The namespaces of the tenants; of all tenants when empty."""
    plans: Annotated[tuple[ObjectName, ...], Field(max_length=64), SetList()] = ()
    """The plans of the tenants; whatever plan when empty."""
    match_labels: Labels = Field(default={})
    """Labels that the JitsiTenants bear."""


class Emergency(Model):
    """That the work cannot wait for a notice in time."""

    reason: LongText
    """Why it cannot wait."""


class Incident(Model):
    """That it is no work on the service, but something that affects it against the host's will."""

    force_majeure: bool = False
    """Whether the host holds it to be a case of force majeure."""
    expected_end: Instant | None = None
    """When normal service is expected again, as the clients are told."""


class JitsiMaintenanceSpec(Model):
    """A window of time, for whom, and what happens in it."""

    rules: ClassVar = (
        Rule(
            "!has(self.end) || timestamp(self.end) > timestamp(self.start)",
            "end must lie after start",
            lambda self: self.end is None or self.end > self.start,
        ),
        Rule(
            "has(self.end) || has(self.incident)",
            "set end; only an incident has none as long as it goes on",
            lambda self: self.end is not None or self.incident is not None,
        ),
        Rule(
            "!has(self.emergency) || !has(self.incident)",
            "set either emergency, for work that cannot wait, or incident",
            lambda self: self.emergency is None or self.incident is None,
        ),
    )

    tenants: TenantSelection = TenantSelection()
    """Whom it concerns; all tenants when nothing is set."""
    start: Instant
    """When it begins."""
    end: Instant | None = None
    """When it is over. For an incident: when it was over, to be set then; the clients are told."""
    affects: Annotated[tuple[Affected, ...], Field(max_length=3), SetList()] = (Affected.MEETINGS,)
    """What may be interrupted. Recording is suspended in the window where it is named; where the
    whole Service is, nobody can meet, and visitors are shown a page. Because of an incident nothing
    is suspended or closed: order that in the tenants' suspension."""
    description: LongText
    """What is done, as the clients are told."""
    contact: ShortText | None = None
    """Whom the platform's own people ask."""
    emergency: Emergency | None = None
    """Set where the work cannot wait for a notice in time."""
    incident: Incident | None = None
    """Set where it is an incident: its clients are told at once, and again when it is over."""


class Refusal(Model):
    """A tenant for which a window does not count, and why."""

    tenant: Annotated[str, Field(max_length=127)]
    """Its namespace and name."""
    reason: Annotated[str, Field(max_length=512)]
    """Why."""


class JitsiMaintenanceStatus(Model):
    """How a window stands."""

    observed_generation: Generation | None = None
    """The generation that was read."""
    conditions: Conditions | None = None
    """Accepted says whether it counts for all tenants that it concerns."""
    latest_notice: Instant | None = None
    """By when its notices must have been sent: the earliest of the instants of its tenants."""
    tenants: Annotated[int, Field(ge=0, le=100_000)] | None = None
    """How many tenants it concerns."""
    notified: Annotated[int, Field(ge=0, le=100_000)] | None = None
    """To how many of them the notice was sent."""
    refused: Annotated[tuple[Refusal, ...], Field(max_length=MAX_SHOWN), AtomicList()] | None = None
    """For whom it does not count; at most 64 are named."""


class JitsiMaintenance(CustomResource):
    """A maintenance window over a selection of tenants, or an incident that affects them."""

    definition: ClassVar = Definition(
        kind="JitsiMaintenance",
        plural="jitsimaintenances",
        short_names=("jmaint",),
        namespaced=False,
        columns=(
            PrinterColumn("Start", ".spec.start"),
            PrinterColumn("End", ".spec.end"),
            PrinterColumn("Latest-Notice", ".status.latestNotice"),
            PrinterColumn("Tenants", ".status.tenants", "integer"),
            PrinterColumn("Notified", ".status.notified", "integer"),
            PrinterColumn("Accepted", '.status.conditions[?(@.type=="Accepted")].status'),
        ),
    )

    rules: ClassVar = (
        Rule(
            "self.metadata.name.size() <= 63 && !self.metadata.name.contains('.')",
            "the name of a window is a DNS label: at most 63 characters, no dots",
            lambda self: len(self.metadata.name) <= MAX_LABEL and "." not in self.metadata.name,
        ),
    )

    spec: JitsiMaintenanceSpec
    """The window."""
    status: JitsiMaintenanceStatus | None = None
    """How it stands."""
