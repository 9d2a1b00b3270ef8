"""Conditions of a tenant: their types, their reasons, and how one set follows another.

Types and reasons are an interface: alerts, Argo CD and people match on them. Each reason has its
remedy in docs/reference/conditions.md, which a test holds against this module.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from jitsi_tenant_operator.api.conditions import Condition, ConditionStatus


class ConditionType(StrEnum):
    """The parts of a tenant's state; True is the good state."""

    READY = "Ready"
    """The sum of all parts: people can meet, and the spec as it stands is applied."""
    SPEC_VALID = "SpecValid"
    """The spec can be carried out."""
    TERMS_RESOLVED = "TermsResolved"
    """The documents of the contract yield one set of terms."""
    RESOURCES_APPLIED = "ResourcesApplied"
    """Everything that the spec asks for is in the cluster."""
    MEDIA_REACHABLE = "MediaReachable"
    """Each bridge has an address and a port that clients can be given."""
    AVAILABLE = "Available"
    """The entry is served, and the pods that meetings need run and are ready."""
    RECORDING_AVAILABLE = "RecordingAvailable"
    """Recorders run and are ready; absent where recording is not enabled."""
    UP_TO_DATE = "UpToDate"
    """No change waits until it can be made without cutting a meeting."""
    CONTRACT_IN_FORCE = "ContractInForce"
    """The contract has begun and has not ended."""
    CONTRACT_CONSISTENT = "ContractConsistent"
    """What is recorded of the contract goes together."""
    NOTICES_SENT = "NoticesSent"
    """Each notice that is due to the client has left."""
    LEDGER_INTACT = "LedgerIntact"
    """The ledger is as the operator wrote it, and has room for what happens."""
    NOTICE_TEMPLATES_VALID = "NoticeTemplatesValid"
    """Of the platform: its own templates of notices can be used."""
    LOGS_RETAINED = "LogsRetained"
    """Technical logs are archived, kept and expired as the terms say; absent without archiver."""
    BACKUPS_CURRENT = "BackupsCurrent"
    """Backups are made, copied, verified and deleted as promised."""
    ACCEPTED = "Accepted"
    """Of a maintenance window: it counts for all tenants that it concerns."""
    SENT = "Sent"
    """Of a notice: it has left."""
    RECEIVED = "Received"
    """Of a notice: its receipt is known."""
    COMPLETE = "Complete"
    """Of a backup or restore: it is done, and its evidence is in the status."""
    VERIFIED = "Verified"
    """Of a backup: it was read again and found sound."""


class Reason(StrEnum):
    """Why a condition is as it is."""

    AS_WANTED = "AsWanted"
    """Nothing is missing."""
    INVALID_SPEC = "InvalidSpec"
    """A field cannot be used; the message says which and what is expected."""
    NAMESPACE_TAKEN = "NamespaceTaken"
    """Another tenant has this namespace already."""
    NAME_TAKEN = "NameTaken"
    """The ledger of another contract has the tenant's name."""
    HOST_TAKEN = "HostTaken"
    """Another tenant has this host already."""
    PLATFORM_NOT_FOUND = "PlatformNotFound"
    """There is no JitsiPlatform named default."""
    PLATFORM_INVALID = "PlatformInvalid"
    """The JitsiPlatform cannot be used."""
    PLAN_NOT_FOUND = "PlanNotFound"
    """The JitsiPlan that spec.plan names is not there."""
    PLAN_INVALID = "PlanInvalid"
    """The JitsiPlan cannot be used."""
    BEYOND_PLAN = "BeyondPlan"
    """The spec asks for more than the plan holds."""
    CHANNEL_NOT_FOUND = "ChannelNotFound"
    """The platform has no release channel of that name."""
    RELEASE_NOT_SUPPORTED = "ReleaseNotSupported"
    """This version of the operator cannot run that Jitsi release."""
    FEATURE_NOT_SUBSCRIBED = "FeatureNotSubscribed"
    """The spec enables what the contract does not hold."""
    STORAGE_ACCESS_MODE = "StorageAccessMode"
    """Several recorders need a volume that several pods can write."""
    LOCATION_NOT_ALLOWED = "LocationNotAllowed"
    """Pods or data would be where the terms do not allow them."""
    TERMS_NOT_FOUND = "TermsNotFound"
    """A JitsiTerms that the contract names is not there."""
    TERMS_INVALID = "TermsInvalid"
    """A JitsiTerms cannot be used, or the documents contradict each other or are incomplete."""
    SECRET_NOT_FOUND = "SecretNotFound"  # noqa: S105
    """A Secret that the spec names, or a key of it, is not there."""
    CONFIG_MAP_NOT_FOUND = "ConfigMapNotFound"
    """A ConfigMap that the spec names, or a key of it, is not there."""
    SECRET_INVALID = "SecretInvalid"  # noqa: S105
    """A value in a Secret cannot be written into Jitsi's configuration."""
    POD_SECURITY = "PodSecurity"
    """The namespace's Pod Security level forbids what the platform's exposure needs."""
    NO_FREE_PORT = "NoFreePort"
    """All host ports of the platform are taken."""
    NAME_CONFLICT = "NameConflict"
    """An object that is not this tenant's has a name that is needed."""
    IMMUTABLE_FIELD = "ImmutableField"
    """An object differs in a field that cannot be changed, and must be made anew by hand."""
    APPLY_FAILED = "ApplyFailed"
    """The API server refused an object or did not answer."""
    NOT_EVALUATED = "NotEvaluated"
    """Nothing is known, since something before it stands in the way."""
    MEDIA_ADDRESS_PENDING = "MediaAddressPending"
    """A bridge waits for its address from the load balancer, or for its port."""
    INGRESS_CLASS_NOT_FOUND = "IngressClassNotFound"
    """The platform's IngressClass is not there, so nobody gets in."""
    ROUTE_NOT_ACCEPTED = "RouteNotAccepted"
    """The Gateway does not take the tenant's route, so nobody gets in."""
    PROGRESSING = "Progressing"
    """Pods are starting or being replaced, or the Gateway has not looked at the route yet."""
    WAITING_FOR_IDLE = "WaitingForIdle"
    """A change that would cut meetings waits until nobody meets."""
    WAITING_FOR_WINDOW = "WaitingForWindow"
    """A change that would cut meetings waits for a maintenance window."""
    WAITING_FOR_TURN = "WaitingForTurn"
    """A change that interrupts the service waits for those of other tenants to be done."""
    MEETINGS_UNKNOWN = "MeetingsUnknown"
    """A change that would cut meetings waits, since it cannot be told whether people meet."""
    SUSPENDED = "Suspended"
    """The service, or recording alone, is suspended; the message says why and until when."""
    NOT_IN_FORCE = "NotInForce"
    """The contract is not signed, or has not begun."""
    CONTRACT_ENDED = "ContractEnded"
    """The contract has ended, so that nobody is served."""
    CONTRADICTORY_FACTS = "ContradictoryFacts"
    """Facts about the contract contradict each other, and have no effect until they are mended."""
    NOTICE_NOT_SENT = "NoticeNotSent"
    """A notice could not be sent; it is tried again."""
    NO_MAIL_SERVER = "NoMailServer"
    """The platform says nothing of how notices leave."""
    TENANT_NOT_RESOLVED = "TenantNotResolved"
    """The tenant that a notice is about cannot be carried out, so that its contract is unclear."""
    NOT_DELIVERED = "NotDelivered"
    """The mail server, or the other system, did not take the notice; it is tried again."""
    NOTICE_TEMPLATES_INVALID = "NoticeTemplatesInvalid"
    """A template of the platform's own cannot be rendered, or is none that there is."""
    REFUSED = "Refused"
    """The notice was refused for good; somebody has to change what the message says."""
    BY_OTHER_MEANS = "ByOtherMeans"
    """The notice does not travel by the operator: a person enters when it was sent."""
    WITHDRAWN = "Withdrawn"
    """What the notice would have told is not so any more, so that it is not sent."""
    AWAITED = "Awaited"
    """It has not happened yet, or nobody has said so."""
    NOTICE_TOO_LATE = "NoticeTooLate"
    """Tenants could not be told of a maintenance window in time."""
    LEDGER_CHANGED = "LedgerChanged"
    """Somebody changed the ledger: nothing is recorded, told or ended until it is restored."""
    LEDGER_MISSING = "LedgerMissing"
    """The ledger, or its end, is gone: nothing is recorded, told or ended until it is restored."""
    LEDGER_FULL = "LedgerFull"
    """The ledger has no room left: nothing is recorded or told any more, the service goes on."""
    LOGS_NOT_ARCHIVED = "LogsNotArchived"
    """The archiver did not run, or could not archive a day; what it could not is kept as it was."""
    LOGS_OVERDUE = "LogsOverdue"
    """Archives whose time is up could not be deleted or anonymised."""
    ARCHIVES_ALTERED = "ArchivesAltered"
    """Archives or their manifest are not as the archiver wrote them."""
    HOLDS_UNREADABLE = "HoldsUnreadable"
    """It is not certain what is held, so that no log is expired."""
    NO_BACKUP_REPOSITORY = "NoBackupRepository"
    """The platform names no repositories, so that no backup is made."""
    BACKUP_DRIVER = "BackupDriver"
    """This version of the operator makes no backups in repositories of the platform's kind."""
    NO_BACKUP_PROGRAM = "NoBackupProgram"
    """The operator does not know its own image, which holds the backup programs."""
    BACKUP_FAILED = "BackupFailed"
    """The last run of a backup, or of what copies, deletes and verifies them, failed."""
    BACKUP_OVERDUE = "BackupOverdue"
    """A day has gone by without a backup."""
    BACKUP_LOST = "BackupLost"
    """A repository no longer holds a backup that is still promised."""
    OFFSITE_COPY_OVERDUE = "OffsiteCopyOverdue"
    """A backup has not been copied to the other site in time."""
    VERIFICATION_OVERDUE = "VerificationOverdue"
    """No backup was read again for longer than should be."""
    BACKUP_NOT_FOUND = "BackupNotFound"
    """There is no complete backup that a restore could bring back."""
    RESTORE_FAILED = "RestoreFailed"
    """The run of a restore failed, or it met data that it was not to replace."""
    EXPIRED_BACKUPS_PRESENT = "ExpiredBackupsPresent"
    """Backups are still there that should have been deleted."""
    PAUSED = "Paused"
    """Reconciliation is paused by annotation."""
    DELETING = "Deleting"
    """The tenant is being deleted."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one aspect."""

    type: ConditionType
    status: ConditionStatus
    reason: Reason
    message: str = ""

    @property
    def good(self) -> bool:
        """Whether the aspect is as it should be."""
        return self.status is ConditionStatus.TRUE


def found(type_: ConditionType, message: str = "") -> Finding:
    """That an aspect is as wanted."""
    return Finding(type_, ConditionStatus.TRUE, Reason.AS_WANTED, message)


def lacking(type_: ConditionType, reason: Reason, message: str) -> Finding:
    """That an aspect is not as wanted, why, and what to change."""
    return Finding(type_, ConditionStatus.FALSE, reason, message)


def unknown(type_: ConditionType, message: str) -> Finding:
    """That nothing is known of an aspect, because of what `message` says."""
    return Finding(type_, ConditionStatus.UNKNOWN, Reason.NOT_EVALUATED, message)


def conditions(
    findings: Iterable[Finding],
    before: Iterable[Condition],
    *,
    generation: int,
    now: datetime,
) -> tuple[Condition, ...]:
    """The findings as conditions, ordered by type; what stays keeps its transition time."""
    earlier = {condition.type: condition for condition in before}
    result = []
    for finding in sorted(findings, key=lambda finding: finding.type):
        known = earlier.get(finding.type)
        since = (
            known.last_transition_time
            if known is not None and known.status is finding.status
            else now.strftime("%Y-%m-%dT%H:%M:%SZ")
        )
        result.append(
            Condition(
                type=finding.type,
                status=finding.status,
                reason=finding.reason,
                message=finding.message[:4096],
                last_transition_time=since,
                observed_generation=generation,
            )
        )
    return tuple(result)


def with_findings(
    findings: Iterable[Finding],
    before: Iterable[Condition],
    *,
    generation: int,
    now: datetime,
) -> tuple[Condition, ...]:
    """The conditions of before, but for those that the findings speak of; ordered by type."""
    known = tuple(before)
    found_now = conditions(findings, known, generation=generation, now=now)
    spoken_of = {condition.type for condition in found_now}
    others = [condition for condition in known if condition.type not in spoken_of]
    return tuple(sorted([*others, *found_now], key=lambda condition: condition.type))
