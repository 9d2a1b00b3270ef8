"""JitsiRestore: what is brought back from a backup, where to, and what became of it."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import StringConstraints

from jitsi_tenant_operator.api.backup import Count, SnapshotId
from jitsi_tenant_operator.api.conditions import Conditions, Generation
from jitsi_tenant_operator.api.constraints import Expected, Verified
from jitsi_tenant_operator.api.model import (
    CustomResource,
    Definition,
    Model,
    PrinterColumn,
    Rule,
)
from jitsi_tenant_operator.api.scalars import (
    CalendarDate,
    DnsLabel,
    Instant,
    ObjectName,
    ShortText,
)

_UPWARDS = r"(^|/)\.\.?(/|$)"

FilePath = Annotated[
    str,
    StringConstraints(pattern=r"^[^/\p{Cc}][^\p{Cc}]*$", min_length=1, max_length=1024),
    Verified(
        f"!self.matches({_UPWARDS!r})",
        "must lead downwards: no part of it can be . or ..",
        lambda path: re.search(_UPWARDS, path) is None,
    ),
    Expected("the path of a file in the backup, such as recordings/2026-06-01/standup.mp4"),
]
"""The path of a file in a backup, from its root."""


class RestoredPart(StrEnum):
    """What is brought back."""

    ALL = "All"
    RECORDINGS = "Recordings"
    ACCOUNTS = "Accounts"
    FILE = "File"


class JitsiRestoreSpec(Model):
    """What is brought back, from which backup, and where to."""

    rules: ClassVar = (
        Rule(
            "self.drill || has(self.backup) != has(self.date)",
            "set either backup, or date",
            lambda self: self.drill or (self.backup is not None) != (self.date is not None),
        ),
        Rule(
            "(self.what == 'File') == has(self.path)",
            "path is set with what: File, and with nothing else",
            lambda self: (self.what is RestoredPart.FILE) == (self.path is not None),
        ),
        Rule(
            "!self.drill || (self.what == 'All' && !self.overwrite && !has(self.claim)"
            " && !has(self.backup) && !has(self.date))",
            "a drill tries the newest backup in a place of its own: leave out backup, date, what,"
            " claim and overwrite",
            lambda self: (
                not self.drill
                or (
                    self.what is RestoredPart.ALL
                    and not self.overwrite
                    and (self.claim, self.backup, self.date) == (None, None, None)
                )
            ),
        ),
        Rule("self == oldSelf", "a restore is what it is: make another one"),
    )

    tenant: DnsLabel
    """The JitsiTenant of this namespace."""
    backup: ObjectName | None = None
    """The JitsiBackup of this namespace that is restored."""
    date: CalendarDate | None = None
    """Or a day in the platform's zone: the newest backup of that day or before is restored."""
    what: RestoredPart = RestoredPart.ALL
    """What is brought back."""
    path: FilePath | None = None
    """For a File: which one, from its part on: recordings, accounts or configuration."""
    claim: ObjectName | None = None
    """The PersistentVolumeClaim of this namespace that it is written to, each part into a folder of
    its name; the tenant's own volumes when not set."""
    overwrite: bool = False
    """Whether files that are there are replaced. Without it, a restore that would meet any of them
    does nothing, and says so."""
    drill: bool = False
    """Whether this is an exercise: a sample of the newest backup is restored into a place of its
    own, compared, opened and removed again."""
    reason: ShortText | None = None
    """Why, for people."""


class RestoreOutcome(Model):
    """What was brought back."""

    snapshot: SnapshotId
    """The snapshot that it came from."""
    started_at: Instant
    """When the run began."""
    completed_at: Instant
    """When it was complete."""
    files: Count
    """How many files were written."""
    size: Count
    """How many bytes these have."""
    identical: bool
    """Whether all of them have the digests that the backup recorded."""


class JitsiRestoreStatus(Model):
    """What became of a restore."""

    observed_generation: Generation | None = None
    """The generation that was acted upon."""
    conditions: Conditions | None = None
    """Complete says whether it was brought back, and compared."""
    outcome: RestoreOutcome | None = None
    """What was brought back, once it was."""


_COMPLETE = '.status.conditions[?(@.type=="Complete")]'


class JitsiRestore(CustomResource):
    """One restore of the tenant in this namespace, or an exercise of one."""

    definition: ClassVar = Definition(
        kind="JitsiRestore",
        plural="jitsirestores",
        short_names=("jrestore",),
        namespaced=True,
        columns=(
            PrinterColumn("What", ".spec.what"),
            PrinterColumn("Drill", ".spec.drill", "boolean"),
            PrinterColumn("Complete", f"{_COMPLETE}.status"),
            PrinterColumn("Reason", f"{_COMPLETE}.reason"),
            PrinterColumn("Files", ".status.outcome.files", "integer"),
            PrinterColumn("Backup", ".spec.backup", wide=True),
            PrinterColumn("Date", ".spec.date", wide=True),
            PrinterColumn("Message", f"{_COMPLETE}.message", wide=True),
        ),
    )

    spec: JitsiRestoreSpec
    """What is brought back."""
    status: JitsiRestoreStatus | None = None
    """What became of it."""
