"""The one reconcile of a tenant: it reads the world and makes it as the spec says.

Level-triggered: it knows nothing of what happened, only of how things are. Run twice it changes
nothing, and whatever an interruption left undone the next run does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from jitsi_tenant_operator import render
from jitsi_tenant_operator.api.contract import RecordingSuspensionReason
from jitsi_tenant_operator.api.model import InvalidObjectError
from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef, TenantKey
from jitsi_tenant_operator.api.tenant import JitsiTenant
from jitsi_tenant_operator.clock import Clock
from jitsi_tenant_operator.contract.decision import ServiceState, Window
from jitsi_tenant_operator.kube.apply import Applier, ApplyOutcome, Child, Owner
from jitsi_tenant_operator.kube.children import ChildCache
from jitsi_tenant_operator.kube.errors import Conflict, KubeError, NameTaken, NotFound
from jitsi_tenant_operator.kube.informer import Informer
from jitsi_tenant_operator.kube.metadata import MetadataRecord
from jitsi_tenant_operator.reconcile import (
    log_terms,
    observe,
    service,
)
from jitsi_tenant_operator.reconcile.backups import BackupFollower, is_held, with_backups
from jitsi_tenant_operator.reconcile.bridges import Bridges, left_as_they_are
from jitsi_tenant_operator.reconcile.conditions import Reason
from jitsi_tenant_operator.reconcile.course import ContractFollower, Course
from jitsi_tenant_operator.reconcile.endings import MeetingEndings
from jitsi_tenant_operator.reconcile.interruptions import LOOK_SECONDS, Interruptions
from jitsi_tenant_operator.reconcile.known_tenant import KnownTenant
from jitsi_tenant_operator.reconcile.logs import LogKeeping
from jitsi_tenant_operator.reconcile.publish import Publisher
from jitsi_tenant_operator.reconcile.reports import Reports, Work
from jitsi_tenant_operator.reconcile.resolve import (
    Problem,
    Resolved,
    Unresolved,
    resolve,
    tenant_context,
)
from jitsi_tenant_operator.reconcile.secrets import TenantSecrets
from jitsi_tenant_operator.reconcile.workers import Again
from jitsi_tenant_operator.reconcile.world import World
from jitsi_tenant_operator.render.context import Observed, Operation, TenantContext
from jitsi_tenant_operator.render.labels import is_retained
from jitsi_tenant_operator.render.names import CREDENTIALS

RESYNC_SECONDS = 36_000.0
"""How often a tenant is looked at again although nothing is known to have changed."""
NAMED_SOURCES_SECONDS = 600.0
"""The same for a tenant that names Secrets or ConfigMaps of its own, which nobody watches."""
LACKING_SECONDS = 30.0
"""The same while one of these is missing or unusable, or no host port is free: somebody waits."""


@dataclass(frozen=True, slots=True)
class Collaborators:
    """What the reconcile of tenants works with."""

    world: World
    cache: ChildCache[TenantKey]
    applier: Applier[TenantKey]
    secrets: TenantSecrets
    bridges: Bridges
    ingress_classes: Informer[MetadataRecord]
    publisher: Publisher
    contracts: ContractFollower
    logs: LogKeeping
    endings: MeetingEndings
    interruptions: Interruptions
    backups: BackupFollower
    windows: Callable[[TenantKey, tuple[Window, ...]], None]
    """Called with how each maintenance window stands towards a tenant."""
    gone: Callable[[JsonObject], None]
    """Called with a tenant that turned out to exist no longer."""
    operator_namespace: str
    clock: Clock


class TenantReconciler:
    """Reconciles a tenant; several may be under way at once for different tenants."""

    def __init__(self, collaborators: Collaborators) -> None:
        self._c = collaborators
        self._reports = Reports(
            collaborators.world, collaborators.cache, collaborators.ingress_classes
        )

    async def reconcile(self, key: TenantKey) -> Again | None:
        """Make the tenant as its spec and its contract say; when it is to be looked at again.

        None for a tenant that is gone. Raises KubeError when something is to be tried again; by
        then the status says what.
        """
        known = self._c.world.tenant(key)
        if known is None:
            self._c.bridges.release(key)
            self._c.interruptions.forget(key)
            self._c.logs.learn(key, None)
            return None
        body = known.body()
        try:
            return await self._reconcile(known, body)
        except (NotFound, Conflict):
            # The event that tells of a deletion may be lost; kopf does not notice that.
            if await self._c.publisher.exists(body):
                raise
            self._c.gone(body)
            return None

    async def _reconcile(self, known: KnownTenant, body: JsonObject) -> Again | None:
        if known.deleting:
            await self._c.publisher.let_go(body)
            return None
        if self._c.publisher.is_paused(body):
            await self._c.publisher.paused(body)
            return Again(RESYNC_SECONDS)
        wanted = self._wanted(body)
        owner = Owner(ObjectRef.of(body), known.uid, known.key)
        if isinstance(wanted, Unresolved):
            return await self._leave(known, body, owner, wanted)
        self._c.world.settle(known.key)
        await self._c.publisher.hold(body)
        course = await self._c.contracts.follow(wanted.bound, owner.reference())
        self._c.logs.learn(known.key, log_terms.tenant_logs(wanted.bound, course))
        context = self._context(known, wanted, course)
        work = await self._work(body, owner, context, course)
        failed = list(work.outcome.failed.values())
        if not work.applied:
            failed += await self._c.endings.close(owner.key, owner.uid, context.operation)
        failed += await self._c.endings.cut(known.key, course)
        backups = await self._c.backups.follow(wanted.bound, course, context)
        failed += backups.failed
        report = self._reports.of_work(known, wanted, course, work)
        await self._c.publisher.publish(body, with_backups(report, backups))
        self._follow_up(known.key, course, failed)
        return self._again(_patience(work), course, backups.again)

    async def _leave(
        self, known: KnownTenant, body: JsonObject, owner: Owner[TenantKey], wanted: Unresolved
    ) -> Again:
        """Leave what runs as it is; but the contract goes on, and ends what it ends."""
        course, backups = None, None
        failed: list[KubeError] = []
        # A tenant that never had anything is not one's own to begin with: it may be a namesake.
        if wanted.bound is not None and known.held and not _is_anothers(wanted):
            course = await self._c.contracts.follow(wanted.bound, owner.reference())
            self._c.logs.learn(known.key, log_terms.tenant_logs(wanted.bound, course))
            operation = self._operation(known.key, course)
            failed += await self._c.endings.close(owner.key, owner.uid, operation)
            failed += await self._c.endings.cut(known.key, course)
            backups = await self._c.backups.follow(wanted.bound, course, None)
            failed += backups.failed
        report = self._reports.of_unresolved(known, wanted, course)
        await self._c.publisher.publish(body, with_backups(report, backups))
        if course is None or backups is None:
            return Again(RESYNC_SECONDS)
        self._follow_up(known.key, course, failed)
        return self._again(RESYNC_SECONDS, course, backups.again)

    def _again(self, within: float, course: Course, backups: float) -> Again:
        """When to look again: by when the contract or the backups change, counted from now.

        They were looked at when the reconcile began, and it may have taken a while.
        """
        soonest = _sooner(course.seconds_to_next, backups)
        passed = (self._c.clock.now() - course.now).total_seconds()
        return Again(within, soonest - max(0.0, passed))

    def _follow_up(self, key: TenantKey, course: Course, failed: list[KubeError]) -> None:
        """Tell of the windows; raises KubeError when something is to be tried again."""
        self._c.windows(key, course.decision.windows)
        if course.failed is not None:
            failed.append(course.failed)
        if failed:
            raise max(failed, key=lambda error: error.retry_after or 0.0)

    def _operation(self, key: TenantKey, course: Course) -> Operation:
        meeting = bool(observe.meeting_pods(key.name, self._c.cache.children(key)))
        return service.operation(course, meeting=meeting)

    def _context(self, known: KnownTenant, wanted: Resolved, course: Course) -> TenantContext:
        context = tenant_context(
            wanted,
            self._c.operator_namespace,
            operation=self._operation(known.key, course),
            closed=service.closed(course, wanted),
            recording=course.decision.recording.state is ServiceState.SERVING,
            saturated=RecordingSuspensionReason.STORAGE_SATURATED
            in course.decision.recording.reasons,
        )
        image = self._c.backups.image
        return replace(context, operator_image=image, backups_held=is_held(course))

    def _wanted(self, body: JsonObject) -> Resolved | Unresolved:
        try:
            tenant = JitsiTenant.parse(body)
        except InvalidObjectError as error:
            text = "; ".join(str(problem) for problem in error.problems)
            return Unresolved((Problem(Reason.INVALID_SPEC, text),), None)
        return resolve(tenant, self._c.world)

    async def _work(
        self,
        body: JsonObject,
        owner: Owner[TenantKey],
        context: TenantContext,
        course: Course,
    ) -> Work:
        try:
            generated = await self._c.secrets.ensure(context)
            digests, problems = await self._c.secrets.digests(context, generated)
        except KubeError as error:
            secret = ObjectRef("v1", "Secret", context.namespace, CREDENTIALS)
            return Work(context, ApplyOutcome(failed={secret: error}))
        if problems:
            return Work(context, ApplyOutcome(), tuple(problems))
        seen = self._c.cache.children(owner.key)
        volumes = observe.volumes(seen)
        context = replace(context, observed=Observed({}, digests, volumes))
        context = self._place(owner, context)
        context, obstacle = self._c.bridges.address(owner.key, context)
        children = render.tenant(context)
        outcome = await self._apply(owner, children, _PREPARATION)
        # The answers may hold the ports that a bridge was waiting for.
        before = context
        context, obstacle = self._c.bridges.address(owner.key, before)
        if context != before:
            children = render.tenant(context)
        held = None
        if outcome.complete:
            held = await self._c.interruptions.hold(owner, body, context, course, children)
            free = {ref: child for ref, child in children.items() if held.may_apply(ref)}
            outcome.failed.update(held.failed)
            outcome.add(await self._apply(owner, free, (_is_workload,)))
        if outcome.complete:
            records = self._c.cache.children(owner.key)
            # Also by what the slots were chosen by: a pod may be gone by now, its port is kept.
            kept = left_as_they_are(context, seen) | left_as_they_are(context, records)
            kept |= held.needs(records) if held is not None else set()
            pruned = await self._c.applier.prune(owner, children.keys() | kept)
            outcome.failed.update(pruned.failed)
        return Work(context, outcome, obstacle=obstacle, held=held)

    def _place(self, owner: Owner[TenantKey], context: TenantContext) -> TenantContext:
        """Choose the slots of the bridges; while nobody can meet, those that come back are kept."""
        if context.open:
            return self._c.bridges.place(owner.key, owner.uid, context)
        return self._c.bridges.place(
            owner.key, owner.uid, context, wanted=0, reserve=context.bridges
        )

    async def _apply(
        self,
        owner: Owner[TenantKey],
        children: Mapping[ObjectRef, JsonObject],
        steps: Sequence[Callable[[ObjectRef, bool], bool]],
    ) -> ApplyOutcome:
        """Bring about what each step holds, as long as the names of all are free or ours."""
        outcome = ApplyOutcome()
        for belongs in steps:
            step = [
                Child(body, is_retained(body))
                for ref, body in children.items()
                if belongs(ref, self._c.cache.get(ref) is not None)
            ]
            outcome.add(await self._c.applier.apply(owner, step))
            if any(isinstance(error, NameTaken) for error in outcome.failed.values()):
                break
        return outcome


def _is_anothers(unresolved: Unresolved) -> bool:
    """Whether the namespace, or the ledger under its name, is that of another tenant."""
    return any(
        problem.reason in (Reason.NAMESPACE_TAKEN, Reason.NAME_TAKEN)
        for problem in unresolved.problems
    )


def _is_workload(ref: ObjectRef, _known: bool) -> bool:  # noqa: FBT001
    """Pods read what is there when they start, so all of that comes before them."""
    return ref.kind in ("Deployment", "StatefulSet")


_PREPARATION: tuple[Callable[[ObjectRef, bool], bool], ...] = (
    # The quota first, so that it has room for what is new; then what is new, so that what is there
    # stays as it is when someone else has a name that is needed.
    lambda ref, known: known and ref.kind == "ResourceQuota",
    lambda ref, known: not known and not _is_workload(ref, known),
    lambda ref, known: known and ref.kind != "ResourceQuota" and not _is_workload(ref, known),
)
"""The steps before the pods: which objects belong to each, by name and whether they are there."""


def _patience(work: Work) -> float:
    """Within how many seconds the tenant is looked at again although nothing is known to change."""
    if work.problems or work.obstacle is not None:
        return LACKING_SECONDS
    if work.held is not None and work.held.waits is not None and work.held.waits.looks_again:
        return LOOK_SECONDS
    return NAMED_SOURCES_SECONDS if _names_sources(work.context) else RESYNC_SECONDS


def _names_sources(context: TenantContext) -> bool:
    return any(source.name != CREDENTIALS for source in render.sources(context))


def _sooner(first: float | None, second: float) -> float:
    """The smaller of two; None is never."""
    return second if first is None else min(first, second)
