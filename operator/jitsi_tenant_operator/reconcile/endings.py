"""Ends meetings at once, where a suspension or the end of the contract does not let them go on."""

from __future__ import annotations

from jitsi_tenant_operator.api.objects import TenantKey
from jitsi_tenant_operator.contract.decision import ServiceState
from jitsi_tenant_operator.kube.children import ChildCache, ChildRecord
from jitsi_tenant_operator.kube.client import KubeClient
from jitsi_tenant_operator.kube.errors import Conflict, KubeError, NotFound
from jitsi_tenant_operator.kube.facts import PodFacts
from jitsi_tenant_operator.reconcile import observe, service
from jitsi_tenant_operator.reconcile.course import Course

GRACE_SECONDS = 30
"""What a pod has to write down what it holds, once nobody may wait for its meetings."""


class MeetingEndings:
    """Deletes the pods that would otherwise go on until their last meeting has ended."""

    def __init__(self, client: KubeClient, cache: ChildCache[TenantKey]) -> None:
        self._client = client
        self._cache = cache

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


def _takes_its_time(pod: ChildRecord[TenantKey]) -> bool:
    facts = pod.facts
    return not pod.deleting or (
        isinstance(facts, PodFacts) and facts.grace is not None and facts.grace > GRACE_SECONDS
    )
