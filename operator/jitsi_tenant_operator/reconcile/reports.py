"""From what one reconcile did, and what the caches say by then, to what the status tells."""

from __future__ import annotations

from dataclasses import dataclass

from jitsi_tenant_operator.api.objects import TenantKey
from jitsi_tenant_operator.kube.apply import ApplyOutcome
from jitsi_tenant_operator.kube.children import ChildCache
from jitsi_tenant_operator.kube.errors import NameTaken
from jitsi_tenant_operator.kube.informer import Informer
from jitsi_tenant_operator.kube.metadata import MetadataRecord
from jitsi_tenant_operator.reconcile import (
    contract_findings,
    entry,
    findings,
    log_reports,
    observe,
    updates,
)
from jitsi_tenant_operator.reconcile.bridges import statuses
from jitsi_tenant_operator.reconcile.conditions import ConditionType, found
from jitsi_tenant_operator.reconcile.course import Course
from jitsi_tenant_operator.reconcile.interruptions import HeldBack
from jitsi_tenant_operator.reconcile.known_tenant import KnownTenant
from jitsi_tenant_operator.reconcile.resolve import Problem, Resolved, Unresolved
from jitsi_tenant_operator.reconcile.status import Report, Running
from jitsi_tenant_operator.reconcile.world import World
from jitsi_tenant_operator.render.context import TenantContext
from jitsi_tenant_operator.render.labels import Component, bridge_selector

ENTRY_KINDS = frozenset({"Ingress", "HTTPRoute"})


@dataclass(frozen=True, slots=True)
class Work:
    """What was done, and with what."""

    context: TenantContext
    outcome: ApplyOutcome
    problems: tuple[Problem, ...] = ()
    obstacle: Problem | None = None
    held: HeldBack | None = None

    @property
    def waiting(self) -> bool:
        """Whether a change waits until it cuts no meeting."""
        return self.held is not None and self.held.waits is not None

    @property
    def applied(self) -> bool:
        """Whether everything that the spec asks for is in the cluster."""
        return self.outcome.complete and not self.problems and not self.waiting

    @property
    def entered(self) -> bool:
        """Whether the entry leads people to the host that the spec asks for."""
        held_up = (*self.outcome.failed, *self.outcome.waiting)
        # A name that is taken keeps what comes after it from being applied at all.
        stopped = any(isinstance(error, NameTaken) for error in self.outcome.failed.values())
        return (
            bool(self.context.observed.digests)
            and not stopped
            and not any(ref.kind in ENTRY_KINDS for ref in held_up)
        )


class Reports:
    """Reports on tenants."""

    def __init__(
        self,
        world: World,
        cache: ChildCache[TenantKey],
        ingress_classes: Informer[MetadataRecord],
    ) -> None:
        self._world = world
        self._cache = cache
        self._ingress_classes = ingress_classes

    def of_work(self, known: KnownTenant, resolved: Resolved, course: Course, work: Work) -> Report:
        """How a tenant stands that was worked on."""
        context = work.context
        records = self._cache.children(known.key)
        workloads = observe.workloads(context.name, records)
        notices = self._world.around_contracts.notices.within(known.key.namespace)
        parts = [
            findings.of_spec(work.problems),
            found(ConditionType.TERMS_RESOLVED),
            findings.of_resources(work.outcome.failed, work.outcome.waiting)
            if not work.problems
            else findings.untouched(ConditionType.RESOURCES_APPLIED),
            *findings.of_workloads(
                workloads,
                recording=context.recording,
                obstacle=entry.obstacle(context, records, self._ingress_classes),
            ),
            *contract_findings.of_contract(course, notices),
            *log_reports.findings(course.logs, known.logs_checked, course.now),
            updates.finding(work.held.waits)
            if work.held is not None
            else findings.untouched(ConditionType.UP_TO_DATE),
        ]
        observed = bool(context.observed.digests)
        if observed:
            pending = [
                f"bridge {index}"
                for index in context.slots.running
                if index not in context.observed.media
            ]
            parts.append(findings.of_media(pending, work.obstacle))
        else:
            parts.append(findings.untouched(ConditionType.MEDIA_REACHABLE))
        parts = contract_findings.overlaid(parts, course)
        return Report(
            findings=[*parts, findings.summary(parts)],
            applied=work.applied,
            waiting=work.held.change if work.held is not None else None,
            running=Running(
                url=context.public_url if work.entered else None,
                release=context.release if work.applied else None,
                bridges=statuses(context, records) if observed else None,
                bridge_replicas=sum(
                    each.name.startswith(f"{Component.JVB}-") for each in workloads
                ),
                bridge_selector=bridge_selector(context.name),
                terms=resolved.terms,
                course=course,
            ),
        )

    def of_unresolved(
        self, known: KnownTenant, unresolved: Unresolved, course: Course | None
    ) -> Report:
        """How a tenant stands whose spec cannot be carried out; what runs goes on."""
        workloads = observe.workloads(known.key.name, self._cache.children(known.key))
        parts = findings.of_unresolved(unresolved)
        if workloads:
            recorders = any(each.name.startswith(f"{Component.JIBRI}-") for each in workloads)
            parts += findings.of_workloads(workloads, recording=recorders)
        if course is not None:
            notices = self._world.around_contracts.notices.within(known.key.namespace)
            parts += contract_findings.of_contract(course, notices)
            parts += log_reports.findings(course.logs, known.logs_checked, course.now)
            parts = contract_findings.overlaid(parts, course)
        return Report(
            findings=[*parts, findings.summary(parts)],
            running=Running(terms=unresolved.effective, course=course),
        )
