"""Ends meetings at once, where a suspension or the end of the contract does not let them go on."""

from __future__ import annotations

from jitsi_tenant_operator.api.objects import TenantKey
from jitsi_tenant_operator.contract.decision import ServiceState
from jitsi_tenant_operator.kube.children import ChildCache, ChildRecord
from jitsi_tenant_operator.kube.client import KubeClient
from jitsi_tenant_operator.kube.errors import Conflict, Invalid, KubeError, NotFound
from jitsi_tenant_operator.kube.facts import PodFacts, WorkloadFacts
from jitsi_tenant_operator.reconcile import observe, service
from jitsi_tenant_operator.reconcile.course import Course
from jitsi_tenant_operator.render import names
from jitsi_tenant_operator.render.context import Operation
from jitsi_tenant_operator.render.labels import Component

_CARRY = (Component.JVB, Component.JIBRI)
_CONDUCT = (Component.PROSODY, Component.JICOFO)
GRACE_SECONDS = 30
"""What a pod has to write down what it holds, once nobody may wait for its meetings."""


class MeetingEndings:
    """Ends what meetings need, where the spec cannot be carried out or would take its time."""

    def __init__(self, client: KubeClient, cache: ChildCache[TenantKey]) -> None:
        self._client = client
        self._cache = cache

    async def close(self, key: TenantKey, uid: str, operation: Operation) -> list[KubeError]:
        """Scale to zero what must not run, whatever else keeps the tenant from being carried out.

        Nothing that is wrong of a tenant keeps its service open beyond its contract. What could not
        be done is returned.
        """
        if operation is Operation.SERVING:
            return []
        failed = []
        for record in self._cache.children(key):
            if record.owner_uid == uid and _is_to_stop(key.name, record, operation):
                patch = {"metadata": {"uid": record.uid}, "spec": {"replicas": 0}}
                try:
                    await self._client.merge_patch(record.ref, patch)
                except (NotFound, Invalid):
                    continue  # it is gone, or another one has the name
                except KubeError as error:
                    failed.append(error)
        return failed

    async def cut(self, key: TenantKey, course: Course) -> list[KubeError]:
        """End the meetings of a tenant if they may not go on; what could not be done."""
        if course.decision.service.state is ServiceState.SERVING or not service.ends_at_once(
            course
        ):
            return []
        failed = []
        for pod in observe.pods_of_meetings(key.name, self._cache.children(key)):
            if _takes_its_time(pod):
                try:
                    await self._client.delete(pod.ref, uid=pod.uid, grace_seconds=GRACE_SECONDS)
                except (NotFound, Conflict):
                    continue
                except KubeError as error:
                    failed.append(error)
        return failed


def _is_to_stop(tenant: str, record: ChildRecord[TenantKey], operation: Operation) -> bool:
    facts = record.facts
    components = _CARRY if operation is Operation.CLOSING else (*_CARRY, *_CONDUCT)
    prefixes = tuple(names.child(tenant, component.value) for component in components)
    return (
        isinstance(facts, WorkloadFacts)
        and facts.desired > 0
        and record.ref.name.startswith(prefixes)
    )


def _takes_its_time(pod: ChildRecord[TenantKey]) -> bool:
    facts = pod.facts
    return not pod.deleting or (
        isinstance(facts, PodFacts) and facts.grace is not None and facts.grace > GRACE_SECONDS
    )
