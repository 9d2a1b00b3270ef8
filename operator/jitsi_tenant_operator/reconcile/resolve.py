"""From a tenant's spec and what surrounds it to what can be rendered, or to why it cannot.

Pure. What the schema can refuse never gets here; what only the whole picture shows is found here,
all of it at once, each with a stable reason and what to change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from jitsi_tenant_operator.api.model import InvalidObjectError
from jitsi_tenant_operator.api.objects import TenantKey
from jitsi_tenant_operator.api.plan import Feature, JitsiPlan
from jitsi_tenant_operator.api.platform import AccessMode, JitsiPlatform, Location
from jitsi_tenant_operator.api.tenant import JitsiTenant
from jitsi_tenant_operator.api.terms import JitsiTerms
from jitsi_tenant_operator.contract.entitlements import subscribed, why_not_subscribed
from jitsi_tenant_operator.contract.terms import EffectiveTerms, TermsError, effective_terms
from jitsi_tenant_operator.reconcile.conditions import Reason
from jitsi_tenant_operator.render import releases
from jitsi_tenant_operator.render.closed import Closed
from jitsi_tenant_operator.render.context import Observed, Operation, TenantContext


class Surroundings(Protocol):
    """What a tenant refers to and competes with."""

    def platform(self) -> JitsiPlatform | InvalidObjectError | None:
        """The platform, what is wrong of it, or None."""

    def plan(self, name: str) -> JitsiPlan | InvalidObjectError | None:
        """A plan, what is wrong of it, or None."""

    def document(self, name: str) -> JitsiTerms | InvalidObjectError | None:
        """A contractual document, what is wrong of it, or None."""

    def namespace_holder(self, namespace: str) -> TenantKey | None:
        """The tenant that has a namespace."""

    def host_holder(self, host: str) -> TenantKey | None:
        """The tenant that has a host."""

    def recorded(self, key: TenantKey) -> Recorded | None:
        """What the ledger of a tenant's name is about; None where there is none."""


class Recorded(Protocol):
    """What the ledger under a tenant's name is about."""

    @property
    def contract(self) -> str:
        """The reference of the commercial document."""

    @property
    def documents(self) -> tuple[str, ...]:
        """The documents that were in force when the contract began."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a tenant cannot be carried out as it is."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Bound:
    """A contract with its terms in force, whatever else is wrong of its tenant."""

    tenant: JitsiTenant
    platform: JitsiPlatform
    documents: tuple[str, ...]
    terms: EffectiveTerms
    host: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """A tenant with everything that it refers to."""

    tenant: JitsiTenant
    plan: JitsiPlan
    platform: JitsiPlatform
    documents: tuple[str, ...]
    terms: EffectiveTerms
    features: frozenset[Feature]
    host: str
    release: str

    @property
    def bound(self) -> Bound:
        """The contract alone."""
        return Bound(self.tenant, self.platform, self.documents, self.terms, self.host)


@dataclass(frozen=True, slots=True)
class Unresolved:
    """What is wrong: with the spec, and with the terms (None where they are in order)."""

    spec: tuple[Problem, ...]
    terms: Problem | None
    effective: EffectiveTerms | None = None
    bound: Bound | None = None
    """The contract, which goes on; None when it cannot be told."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All of it."""
        return self.spec if self.terms is None else (*self.spec, self.terms)


def resolve(tenant: JitsiTenant, around: Surroundings) -> Resolved | Unresolved:
    """Everything that `tenant` refers to, or everything that is wrong."""
    key = TenantKey(tenant.metadata.namespace, tenant.metadata.name)
    platform = around.platform()
    plan = around.plan(tenant.spec.plan)
    problems = [*_namespace(key, around), *_name(key, tenant, around)]
    if not isinstance(platform, JitsiPlatform):
        problems.append(_no_platform(platform))
    if not isinstance(plan, JitsiPlan):
        problems.append(_no_plan(tenant.spec.plan, plan))
    documents = _documents(key, tenant, platform, around)
    terms = None if documents is None else _terms(tenant, *documents, around)
    effective = terms if isinstance(terms, EffectiveTerms) else None
    if isinstance(platform, JitsiPlatform):
        problems += _host(key, host(tenant, platform), around)
        problems += _release(tenant, platform)
        problems += _volumes(tenant, platform)
        if effective is not None:
            problems += _locations(platform, effective)
    if isinstance(plan, JitsiPlan):
        problems += _capacity(tenant, plan)
        problems += _features(tenant, plan)
    if (
        problems
        or not isinstance(terms, EffectiveTerms)
        or not isinstance(platform, JitsiPlatform)
        or not isinstance(plan, JitsiPlan)
    ):
        return Unresolved(
            tuple(problems),
            terms if isinstance(terms, Problem) else None,
            effective,
            _bound(tenant, platform, documents, effective),
        )
    return Resolved(
        tenant=tenant,
        plan=plan,
        platform=platform,
        documents=documents[0] if documents is not None else (),
        terms=terms,
        features=subscribed(tenant.spec.contract, plan.spec),
        host=host(tenant, platform),
        release=_wanted_release(tenant, platform) or "",
    )


def _bound(
    tenant: JitsiTenant,
    platform: JitsiPlatform | InvalidObjectError | None,
    documents: tuple[tuple[str, ...], str] | None,
    terms: EffectiveTerms | None,
) -> Bound | None:
    if not isinstance(platform, JitsiPlatform) or documents is None or terms is None:
        return None
    return Bound(tenant, platform, documents[0], terms, host(tenant, platform))


def tenant_context(
    resolved: Resolved,
    operator_namespace: str,
    observed: Observed | None = None,
    *,
    operation: Operation = Operation.SERVING,
    closed: Closed | None = None,
    recording: bool = True,
    saturated: bool = False,
) -> TenantContext:
    """What the rendering of a resolved tenant is given.

    `recording` says whether nothing suspends recording, `saturated` whether a full volume does;
    `closed` what visitors are told while the service is not open.
    """
    wish = resolved.tenant.spec.recording
    wanted = wish.enabled and Feature.RECORDING in resolved.features
    return TenantContext(
        tenant=resolved.tenant,
        plan=resolved.plan.spec,
        platform=resolved.platform.spec,
        terms=resolved.terms.terms,
        release=resolved.release,
        features=resolved.features,
        recording=recording and wanted,
        livestreaming=wish.livestreaming and Feature.LIVESTREAMING in resolved.features,
        operator_namespace=operator_namespace,
        watching=saturated and wanted and operation is Operation.SERVING,
        operation=operation,
        closed=closed,
        observed=observed or Observed(),
    )


def host(tenant: JitsiTenant, platform: JitsiPlatform) -> str:
    """The host name under which a tenant is reached."""
    return tenant.spec.host or f"{tenant.metadata.name}.{platform.spec.domain}"


def _namespace(key: TenantKey, around: Surroundings) -> Iterator[Problem]:
    holder = around.namespace_holder(key.namespace)
    if holder is not None and holder != key:
        yield Problem(
            Reason.NAMESPACE_TAKEN,
            f"the namespace {key.namespace} is that of tenant {holder.name}:"
            " give this tenant a namespace of its own",
        )


def _name(key: TenantKey, tenant: JitsiTenant, around: Surroundings) -> Iterator[Problem]:
    record = around.recorded(key)
    if record is not None and record.contract != tenant.spec.contract.reference:
        yield Problem(
            Reason.NAME_TAKEN,
            f"the name {key.name} in {key.namespace} has the ledger of the contract"
            f" {record.contract}, not of {tenant.spec.contract.reference}: give this tenant"
            " another name, or correct spec.contract.reference",
        )


def _host(key: TenantKey, name: str, around: Surroundings) -> Iterator[Problem]:
    holder = around.host_holder(name)
    if holder is not None and holder != key:
        yield Problem(
            Reason.HOST_TAKEN,
            f"the host {name} is that of tenant {holder}: choose another in spec.host",
        )


def _no_platform(found: InvalidObjectError | None) -> Problem:
    if found is None:
        return Problem(
            Reason.PLATFORM_NOT_FOUND, "there is no JitsiPlatform named default: create it"
        )
    return Problem(Reason.PLATFORM_INVALID, f"correct the platform: {found}")


def _no_plan(name: str, found: InvalidObjectError | None) -> Problem:
    if found is None:
        return Problem(
            Reason.PLAN_NOT_FOUND,
            f"there is no JitsiPlan {name}: create it, or name another in spec.plan",
        )
    return Problem(Reason.PLAN_INVALID, f"correct the plan: {found}")


def _documents(
    key: TenantKey,
    tenant: JitsiTenant,
    platform: JitsiPlatform | InvalidObjectError | None,
    around: Surroundings,
) -> tuple[tuple[str, ...], str] | None:
    """The documents that the contract is bound to, and where they are named.

    A contract that names none is bound to those of the platform when it began, which its ledger
    has. None when they are not known for lack of a platform.
    """
    if tenant.spec.contract.documents:
        return tenant.spec.contract.documents, "spec.contract.documents"
    record = around.recorded(key)
    if record is not None and record.documents:
        return record.documents, "spec.contract.documents, since the ledger binds to it"
    if not isinstance(platform, JitsiPlatform):
        return None
    return platform.spec.documents, "spec.documents of the JitsiPlatform"


def _terms(
    tenant: JitsiTenant, names: Sequence[str], path: str, around: Surroundings
) -> EffectiveTerms | Problem:
    """The terms in force, or why they cannot be told."""
    found = {name: around.document(name) for name in names}
    missing = ", ".join(name for name, document in found.items() if document is None)
    if missing:
        return Problem(
            Reason.TERMS_NOT_FOUND,
            f"there is no JitsiTerms {missing}: create it, or correct {path}",
        )
    broken = [document for document in found.values() if isinstance(document, InvalidObjectError)]
    if broken:
        return Problem(Reason.TERMS_INVALID, "; ".join(map(str, broken)))
    documents = [document for document in found.values() if isinstance(document, JitsiTerms)]
    try:
        return effective_terms(tenant.spec.contract, documents)
    except TermsError as error:
        return Problem(Reason.TERMS_INVALID, str(error))


def _wanted_release(tenant: JitsiTenant, platform: JitsiPlatform) -> str | None:
    updates = tenant.spec.updates
    channels = {channel.name: channel.release for channel in platform.spec.jitsi.channels}
    return updates.release or channels.get(updates.channel)


def _release(tenant: JitsiTenant, platform: JitsiPlatform) -> Iterator[Problem]:
    release = _wanted_release(tenant, platform)
    if release is None:
        names = ", ".join(channel.name for channel in platform.spec.jitsi.channels)
        yield Problem(
            Reason.CHANNEL_NOT_FOUND,
            f"spec.updates.channel: the JitsiPlatform has no channel"
            f" {tenant.spec.updates.channel}, only {names}: name one of these",
        )
    elif not releases.is_supported(release):
        yield Problem(
            Reason.RELEASE_NOT_SUPPORTED,
            f"Jitsi {release} is older than {releases.MINIMUM}, the first that can be run:"
            " name a newer one in spec.updates.release or in the platform's channel",
        )


def _volumes(tenant: JitsiTenant, platform: JitsiPlatform) -> Iterator[Problem]:
    recording = tenant.spec.recording
    mode = platform.spec.storage.recordings.access_mode
    if recording.enabled and recording.recorders > 1 and mode is not AccessMode.READ_WRITE_MANY:
        yield Problem(
            Reason.STORAGE_ACCESS_MODE,
            "spec.recording.recorders: several recorders write one volume, which needs"
            " spec.storage.recordings.accessMode ReadWriteMany in the JitsiPlatform",
        )


def _stores(platform: JitsiPlatform) -> Iterator[tuple[str, Location | None]]:
    spec = platform.spec
    yield "spec.location", spec.location
    yield "spec.storage.recordings.location", spec.storage.recordings.location
    yield "spec.storage.accounts.location", spec.storage.accounts.location
    yield "spec.logs.store.location", spec.logs.store.location
    if spec.backup is not None:
        yield "spec.backup.primary.location", spec.backup.primary.location
        yield "spec.backup.offsite.location", spec.backup.offsite.location


def _locations(platform: JitsiPlatform, terms: EffectiveTerms) -> Iterator[Problem]:
    allowed = terms.terms.location.countries if terms.terms.location is not None else None
    source = terms.sources["location.countries"]
    clause = f", clause {source.clause}" if source.clause else ""
    for path, place in _stores(platform):
        if place is not None and place.country not in (allowed or ()):
            yield Problem(
                Reason.LOCATION_NOT_ALLOWED,
                f"{path}.country of the JitsiPlatform is {place.country}, but {source.document}"
                f"{clause} allows {', '.join(allowed or ())} only: move it there, or agree on it"
                " with the client in spec.contract.terms.location.countries",
            )


def _capacity(tenant: JitsiTenant, plan: JitsiPlan) -> Iterator[Problem]:
    capacity, spec = plan.spec.capacity, tenant.spec
    wishes = (
        ("spec.meetings.maxParticipants", spec.meetings.max_participants, capacity.participants),
        ("spec.media.bridges", spec.media.bridges, capacity.bridges.maximum),
        (
            "spec.recording.recorders",
            spec.recording.recorders if spec.recording.enabled else None,
            capacity.recorders,
        ),
    )
    for path, wish, limit in wishes:
        if wish is not None and wish > limit:
            yield Problem(
                Reason.BEYOND_PLAN,
                f"{path} is {wish}, but the plan {plan.metadata.name} holds {limit}:"
                " lower it, or choose a larger plan in spec.plan",
            )


def _features(tenant: JitsiTenant, plan: JitsiPlan) -> Iterator[Problem]:
    recording = tenant.spec.recording
    for path, wanted, feature in (
        ("spec.recording.enabled", recording.enabled, Feature.RECORDING),
        ("spec.recording.livestreaming", recording.livestreaming, Feature.LIVESTREAMING),
    ):
        why = why_not_subscribed(feature, tenant.spec.contract, plan.spec) if wanted else None
        if why is not None:
            yield Problem(Reason.FEATURE_NOT_SUBSCRIBED, f"{path}: {why}")
