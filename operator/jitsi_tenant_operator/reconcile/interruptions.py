"""Holds back the changes of a tenant that would cut meetings, for as long as the tenant says.

What signals and conducts meetings is Prosody and Jicofo: when their pods are replaced, all meetings
of the tenant end. Bridges and recorders end their own first, web pods are replaced one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef, TenantKey
from jitsi_tenant_operator.kube.apply import Applier, Child, Owner
from jitsi_tenant_operator.kube.children import ChildCache, ChildRecord
from jitsi_tenant_operator.kube.errors import KubeError
from jitsi_tenant_operator.kube.facts import PodFacts, WorkloadFacts
from jitsi_tenant_operator.media.meetings import Media, Meetings, Unknown
from jitsi_tenant_operator.reconcile import updates
from jitsi_tenant_operator.reconcile.course import Course
from jitsi_tenant_operator.reconcile.turns import Turns
from jitsi_tenant_operator.reconcile.updates import Question, Waiting
from jitsi_tenant_operator.render.context import TenantContext
from jitsi_tenant_operator.render.labels import Component

LOOK_SECONDS = 30.0
"""How often it is looked whether people still meet while a change waits for that."""
_TEMPLATE = ("spec", "template")
_KINDS = {Component.PROSODY: "StatefulSet", Component.JICOFO: "Deployment"}


@dataclass(frozen=True, slots=True)
class HeldBack:
    """What is left as it is for now: which workloads, and what they wait for.

    `failed` are those of which it could not be found out whether they would change, `change` is
    the name of what waits.
    """

    refs: frozenset[ObjectRef] = frozenset()
    waits: Waiting | None = None
    failed: Mapping[ObjectRef, KubeError] = field(default_factory=dict)
    change: str | None = None

    def may_apply(self, ref: ObjectRef) -> bool:
        """Whether an object is not held back."""
        return ref not in self.refs and ref not in self.failed

    def needs(self, records: Iterable[ChildRecord[TenantKey]]) -> set[ObjectRef]:
        """What must not be deleted yet: the files of pods that may start anew meanwhile."""
        if not self.refs:
            return set()
        return {record.ref for record in records if record.ref.kind == "ConfigMap"}


class Interruptions:
    """Decides for each tenant whether what would cut its meetings is done now."""

    def __init__(
        self,
        cache: ChildCache[TenantKey],
        applier: Applier[TenantKey],
        media: Media,
        turns: Turns,
    ) -> None:
        self._cache = cache
        self._applier = applier
        self._media = media
        self._turns = turns

    async def hold(
        self,
        owner: Owner[TenantKey],
        body: JsonObject,
        context: TenantContext,
        course: Course,
        children: Mapping[ObjectRef, JsonObject],
    ) -> HeldBack:
        """What of `children` must wait. `body` is the tenant's own object."""
        self._end_turn(owner.key, context)
        changing, failed = await self._changing(owner, context, children)
        if not changing:
            return HeldBack(failed=failed)
        change = updates.name_of_change(_templates(context, children))
        question = Question(
            changes=tuple(component.name.capitalize() for component in changing),
            policy=context.spec.updates.policy,
            windows=updates.meeting_windows(course.decision.windows, course.facts.maintenances),
            told=updates.is_told(body, change),
        )
        meetings = await self._meetings(context) if question.depends_on_meetings else None
        waits = updates.waiting(question, meetings)
        if waits is None and not self._turns.take(owner.key) and not question.told:
            waits = updates.turn_awaited(question.changes)
        if waits is None:
            return HeldBack(failed=failed)
        return HeldBack(frozenset(changing.values()), waits, failed, change)

    def forget(self, key: TenantKey) -> None:
        """A tenant is gone."""
        self._turns.give_back(key)

    async def _changing(
        self,
        owner: Owner[TenantKey],
        context: TenantContext,
        children: Mapping[ObjectRef, JsonObject],
    ) -> tuple[dict[Component, ObjectRef], dict[ObjectRef, KubeError]]:
        """The workloads whose running pods would be replaced although meetings may go on."""
        changing: dict[Component, ObjectRef] = {}
        failed: dict[ObjectRef, KubeError] = {}
        if not context.conducting:
            return changing, failed
        for component in _KINDS:
            ref = workload(context, component)
            wanted = children.get(ref)
            if wanted is None or not any(self._ready_pods(context, component)):
                continue
            try:
                if await self._applier.would_change(owner, Child(wanted), _TEMPLATE):
                    changing[component] = ref
            except KubeError as error:
                failed[ref] = error
        return changing, failed

    async def _meetings(self, context: TenantContext) -> Meetings | Unknown:
        addresses = [pod.pod_ip for pod in self._ready_pods(context, Component.JICOFO)]
        if not any(addresses):
            return Unknown("no pod of Jicofo is ready")
        found = [await self._media.meetings(each) for each in addresses if each]
        return next((each for each in found if not _is_idle(each)), found[0])

    def _ready_pods(self, context: TenantContext, component: Component) -> Iterable[PodFacts]:
        prefix = f"{context.child(component.value)}-"
        key = TenantKey(context.namespace, context.name)
        for record in self._cache.children(key):
            if _is_ready_pod(record) and record.ref.name.startswith(prefix):
                assert isinstance(record.facts, PodFacts)
                yield record.facts

    def _end_turn(self, key: TenantKey, context: TenantContext) -> None:
        """Give the turn back once the pods of the change are ready, or there are to be none.

        A workload that is not there is being made anew: its pods are anything but ready.
        """
        facts = [
            self._cache.facts(workload(context, component), WorkloadFacts) for component in _KINDS
        ]
        if not context.conducting or all(each is not None and each.complete for each in facts):
            self._turns.give_back(key)


def workload(context: TenantContext, component: Component) -> ObjectRef:
    """The workload of Prosody or Jicofo."""
    return ObjectRef(
        "apps/v1", _KINDS[component], context.namespace, context.child(component.value)
    )


def _templates(
    context: TenantContext, children: Mapping[ObjectRef, JsonObject]
) -> dict[str, JsonObject]:
    """The pod templates of all that conducts meetings, as they are wanted."""
    refs = {component.value: workload(context, component) for component in _KINDS}
    return {
        name: children[ref]["spec"]["template"] for name, ref in refs.items() if ref in children
    }


def _is_ready_pod(record: ChildRecord[TenantKey]) -> bool:
    return isinstance(record.facts, PodFacts) and record.facts.ready and not record.deleting


def _is_idle(meetings: Meetings | Unknown) -> bool:
    return isinstance(meetings, Meetings) and meetings.idle
