"""What is known of the backups and restores of all tenants, as JitsiBackup and JitsiRestore say.

Of each only what decisions need is kept: there are some twenty of a tenant.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from jitsi_tenant_operator.api.backup import BackupGroup, JitsiBackup
from jitsi_tenant_operator.api.conditions import Condition
from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef
from jitsi_tenant_operator.api.restore import JitsiRestore, JitsiRestoreSpec
from jitsi_tenant_operator.reconcile.contract_objects import LONG_AGO
from jitsi_tenant_operator.reconcile.shelf import Shelf


@dataclass(frozen=True, slots=True)
class Told:
    """One condition of an object, as far as it decides anything."""

    type: str
    status: str
    reason: str


@dataclass(frozen=True, slots=True)
class KnownBackup:
    """A backup and its evidence so far; what is None is not known yet.

    `snapshot` and `copy` are its ids in the two repositories.
    """

    ref: ObjectRef
    resource_version: int
    uid: str
    generation: int
    tenant: str
    group: BackupGroup
    day: date | None
    snapshot: str | None
    started: datetime | None
    completed: datetime | None
    copy: str | None
    copied: datetime | None
    verified: datetime | None
    expires: datetime | None
    told: tuple[Told, ...]

    def is_told(self, type_: str, status: str) -> bool:
        """Whether a condition was written with that status."""
        return any(each.type == type_ and each.status == status for each in self.told)


@dataclass(frozen=True, slots=True)
class KnownRestore:
    """A restore, and how it stands."""

    ref: ObjectRef
    resource_version: int
    uid: str
    generation: int
    spec: JitsiRestoreSpec
    completed: datetime | None
    told: tuple[Told, ...]

    @property
    def ended(self) -> bool:
        """Whether it was brought back, or was given up."""
        return any(each.type == "Complete" and each.status != "Unknown" for each in self.told)


class BackupObjects:
    """All backups and restores of the cluster, by namespace."""

    def __init__(self) -> None:
        self.backups = Shelf(JitsiBackup, _backup, LONG_AGO)
        self.restores = Shelf(JitsiRestore, _restore, LONG_AGO)
        self._shelves: dict[str, Shelf[Any, Any]] = {
            JitsiBackup.definition.kind: self.backups,
            JitsiRestore.definition.kind: self.restores,
        }

    def holds(self, kind: str) -> bool:
        """Whether objects of a kind are kept here."""
        return kind in self._shelves

    def observe(self, kind: str, event: str | None, body: JsonObject) -> bool:
        """Take in one event; whether anything is known now that was not before."""
        return self._shelves[kind].observe(event, body)

    def bodies(self, kind: str) -> list[JsonObject]:
        """The names and versions of all objects of a kind, as objects."""
        return self._shelves[kind].bodies(kind)


def _backup(backup: JitsiBackup, _unknown: datetime) -> KnownBackup:
    metadata, spec, status = backup.metadata, backup.spec, backup.status
    evidence = status.evidence if status is not None else None
    copy = status.offsite if status is not None else None
    verified = status.verified if status is not None else None
    expiry = status.expiry if status is not None else None
    return KnownBackup(
        ref=backup.ref,
        resource_version=int(metadata.resource_version or 0),
        uid=metadata.uid,
        generation=metadata.generation,
        tenant=spec.tenant,
        group=spec.group,
        day=spec.day,
        snapshot=evidence.snapshot if evidence is not None else None,
        started=evidence.started_at if evidence is not None else None,
        completed=evidence.completed_at if evidence is not None else None,
        copy=copy.snapshot if copy is not None else None,
        copied=copy.copied_at if copy is not None else None,
        verified=verified.at if verified is not None else None,
        expires=expiry.at if expiry is not None else None,
        told=_told(status.conditions if status is not None else None),
    )


def _restore(restore: JitsiRestore, _unknown: datetime) -> KnownRestore:
    metadata, status = restore.metadata, restore.status
    outcome = status.outcome if status is not None else None
    return KnownRestore(
        ref=restore.ref,
        resource_version=int(metadata.resource_version or 0),
        uid=metadata.uid,
        generation=metadata.generation,
        spec=restore.spec,
        completed=outcome.completed_at if outcome is not None else None,
        told=_told(status.conditions if status is not None else None),
    )


def _told(conditions: tuple[Condition, ...] | None) -> tuple[Told, ...]:
    return tuple(Told(each.type, each.status.value, each.reason) for each in conditions or ())
