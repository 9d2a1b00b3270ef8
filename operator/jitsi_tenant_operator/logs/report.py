"""What a run of the archiver says of itself, whole as JSON and cut to a termination message."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import orjson

from jitsi_tenant_operator.api.model import Model
from jitsi_tenant_operator.api.scalars import CalendarDate, DnsLabel, Instant, Sha256

TERMINATION_MESSAGE_BYTES = 4096
"""What Kubernetes keeps of the termination message of a container."""


class Trouble(StrEnum):
    """Why something was not done, or is not as it must be."""

    HOLDS_UNREADABLE = "HoldsUnreadable"
    """It is not certain what is held, so nothing was expired."""
    MANIFEST_BROKEN = "ManifestBroken"
    """The chain of the manifest does not hold, so nothing was expired or archived."""
    CLOCK_BEHIND = "ClockBehind"
    """It is earlier than the manifest says, so nothing was done."""
    BUSY = "Busy"
    """Another run is at work on this tenant."""
    NOT_ARCHIVED = "NotArchived"
    """A log could not be archived; it is kept as it was."""
    NOT_EXPIRED = "NotExpired"
    """A log whose time is up could not be deleted or anonymised."""
    ARCHIVE_MISSING = "ArchiveMissing"
    """An archive that the manifest lists is not there."""
    ARCHIVE_ALTERED = "ArchiveAltered"
    """An archive is not what was written."""
    UNKNOWN_FILE = "UnknownFile"
    """A file is there that is no log, or that the manifest does not list."""
    STORAGE = "Storage"
    """A volume cannot be read or written."""


class Finding(Model):
    """One trouble: where it is, and what it is about, in words without personal data."""

    trouble: Trouble
    """What kind it is."""
    component: DnsLabel | None = None
    """The component concerned."""
    day: CalendarDate | None = None
    """The day concerned."""
    message: str = ""
    """What was found."""


class Head(Model):
    """The last entry of a manifest; whoever keeps it notices when one is cut or altered."""

    number: int
    """The number of the entry, from 1."""
    digest: Sha256
    """Its digest."""


class TenantReport(Model):
    """What was done for one tenant, and how its logs stand after it."""

    tenant: DnsLabel
    """The tenant."""
    head: Head | None = None
    """The last entry of its manifest; None while there is none."""
    archived: int = 0
    """How many archives were made."""
    gaps: int = 0
    """How many days without a log were entered as such."""
    deleted: int = 0
    """How many archives were deleted, or with a dry run would be."""
    anonymised: int = 0
    """How many archives were anonymised, or with a dry run would be."""
    waiting: int = 0
    """How many closed days wait for late writers."""
    held: int = 0
    """How many archives are kept beyond their time by a hold."""
    overdue: int = 0
    """How many archives are kept beyond their time without a hold."""
    oldest: CalendarDate | None = None
    """The oldest day of which there is an archive that names people."""
    findings: tuple[Finding, ...] = ()
    """What is wrong."""
    would: tuple[str, ...] = ()
    """With a dry run: the archives that would be expired, as path below the tenant's folder."""


class RunReport(Model):
    """What one run did."""

    at: Instant
    """When it began."""
    version: str
    """The version of the program."""
    dry_run: bool = False
    """Whether it changed nothing and only listed."""
    findings: tuple[Finding, ...] = ()
    """What is wrong that concerns no single tenant."""
    tenants: tuple[TenantReport, ...] = ()
    """What was done for each tenant."""

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings and not any(tenant.findings for tenant in self.tenants)


def termination_message(report: RunReport, limit: int = TERMINATION_MESSAGE_BYTES) -> bytes:
    """`report` as JSON of at most `limit` bytes.

    What does not fit goes in this order: words of findings, all findings but the first of each
    tenant, tenants with nothing wrong from the last one, then any. `left` counts the tenants that
    are not there; a reader that sees it takes what it needs from the report itself.
    """
    tenants = list(report.tenants)
    for shorter in (lambda each: each, _wordless, _terse):
        message = _message(report, [shorter(each) for each in tenants])
        if len(message) <= limit:
            return message
    tenants = sorted((_terse(each) for each in tenants), key=lambda each: not each.findings)
    fewest, most = 0, len(tenants)
    while fewest < most:
        middle = (fewest + most + 1) // 2
        if len(_message(report, tenants[:middle])) <= limit:
            fewest = middle
        else:
            most = middle - 1
    return _message(report, tenants[:fewest])


def _message(report: RunReport, tenants: Sequence[TenantReport]) -> bytes:
    content = report.model_copy(update={"tenants": tuple(tenants)}).model_dump(
        mode="json", by_alias=True, exclude_defaults=True
    )
    left = len(report.tenants) - len(tenants)
    return orjson.dumps(content | ({"left": left} if left else {}))


def _wordless(tenant: TenantReport) -> TenantReport:
    findings = tuple(each.model_copy(update={"message": ""}) for each in tenant.findings)
    return tenant.model_copy(update={"findings": findings, "would": ()})


def _terse(tenant: TenantReport) -> TenantReport:
    short = _wordless(tenant)
    return short.model_copy(update={"findings": short.findings[:1]})
