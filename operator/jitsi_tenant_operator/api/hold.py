"""JitsiLegalHold: what of a tenant must not be deleted, by whose order, and on what basis."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from jitsi_tenant_operator.api.constraints import SetList
from jitsi_tenant_operator.api.model import (
    CustomResource,
    Definition,
    Model,
    PrinterColumn,
    Rule,
)
from jitsi_tenant_operator.api.scalars import CalendarDate, DnsLabel, LongText, ShortText


class HoldScope(StrEnum):
    """A store whose content a hold keeps from being deleted."""

    RECORDINGS = "Recordings"
    ACCOUNTS = "Accounts"
    KEYS = "Keys"
    BACKUPS = "Backups"
    LOGS = "Logs"


class HeldLogs(Model):
    """Of the logs, what is held."""

    rules: ClassVar = (
        Rule(
            "!has(self.from) || !has(self.until) || self.from <= self.until",
            "until lies before from",
            lambda self: self.from_ is None or self.until is None or self.from_ <= self.until,
        ),
    )

    components: Annotated[tuple[DnsLabel, ...], Field(max_length=8), SetList()] = ()
    """The components, such as jvb; all when empty."""
    from_: CalendarDate | None = Field(default=None, alias="from")
    """The first day; from the beginning when not set."""
    until: CalendarDate | None = None
    """The last day; without end when not set."""


class Release(Model):
    """That a hold holds no longer."""

    released_by: ShortText
    """Who released it."""
    released_on: CalendarDate
    """From which day it holds no longer."""
    reason: LongText
    """Why."""


class JitsiLegalHoldSpec(Model):
    """What is held, and why."""

    rules: ClassVar = (
        Rule(
            "!has(self.logs) || self.scope.size() == 0 || 'Logs' in self.scope",
            "logs is set where scope holds Logs only",
            lambda self: self.logs is None or not self.scope or HoldScope.LOGS in self.scope,
        ),
        Rule(
            "!has(oldSelf.release) || (has(self.release) && self.release == oldSelf.release)",
            "a hold that was released stays so: make another one",
        ),
    )

    scope: Annotated[tuple[HoldScope, ...], Field(max_length=5), SetList()] = ()
    """The stores that are held; everything when empty."""
    logs: HeldLogs | None = None
    """Of the logs, what is held; all when not set."""
    basis: LongText
    """On what basis: a law, an order of a court, a claim."""
    requested_by: ShortText
    """Who asked for it."""
    review_on: CalendarDate | None = None
    """The day by which somebody looks whether it is still needed."""
    release: Release | None = None
    """That it holds no longer."""


class JitsiLegalHold(CustomResource):
    """What must not be deleted of the tenant in this namespace."""

    definition: ClassVar = Definition(
        kind="JitsiLegalHold",
        plural="jitsilegalholds",
        short_names=("jhold",),
        namespaced=True,
        columns=(
            PrinterColumn("Scope", ".spec.scope"),
            PrinterColumn("Review", ".spec.reviewOn"),
            PrinterColumn("Released", ".spec.release.releasedOn"),
            PrinterColumn("Requested-By", ".spec.requestedBy", wide=True),
        ),
    )

    spec: JitsiLegalHoldSpec
    """What is held."""
