"""The reconcile of cluster-scoped objects: says whether they can be used, and for whom."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from jitsi_tenant_operator.api.conditions import Condition
from jitsi_tenant_operator.api.maintenance import JitsiMaintenance
from jitsi_tenant_operator.api.model import CustomResource, InvalidObjectError
from jitsi_tenant_operator.api.objects import API_VERSION, JsonObject, ObjectRef
from jitsi_tenant_operator.api.platform import JitsiPlatform
from jitsi_tenant_operator.api.terms import JitsiTerms
from jitsi_tenant_operator.contract.terms import TermsError, check
from jitsi_tenant_operator.kube.client import KubeClient
from jitsi_tenant_operator.kube.errors import NotFound
from jitsi_tenant_operator.reconcile.conditions import (
    ConditionType,
    Finding,
    Reason,
    conditions,
    found,
    lacking,
)
from jitsi_tenant_operator.reconcile.maintenance import MaintenanceReconciler
from jitsi_tenant_operator.reconcile.notice_templates import LOOK_SECONDS, NoticeTemplates
from jitsi_tenant_operator.reconcile.workers import Again
from jitsi_tenant_operator.reconcile.world import SharedObject, World

Known: TypeAlias = SharedObject[JitsiPlatform] | SharedObject[JitsiTerms]


class SharedReconciler:
    """Writes the status of cluster-scoped objects, when it changes."""

    def __init__(self, world: World, client: KubeClient, namespace: str) -> None:
        """`namespace` is the operator's own, in which the platform's templates are."""
        self._client = client
        self._templates = NoticeTemplates(client, namespace)
        self._maintenances = MaintenanceReconciler(world, client)
        self._shelves: dict[str, Callable[[str], Known | None]] = {
            JitsiPlatform.definition.kind: world.platforms.held,
            JitsiTerms.definition.kind: world.terms.held,
        }

    async def reconcile(self, ref: ObjectRef) -> Again | None:
        """Bring the status of one object up to date, and say when to look again; raises KubeError.

        What an object names, and nobody watches, is looked at every ten minutes.
        """
        if ref.kind == JitsiMaintenance.definition.kind:
            await self._maintenances.reconcile(ref)
            return None
        known = self._shelves[ref.kind](ref.name)
        if known is None:
            return None
        templates = None
        if isinstance(known.read, JitsiPlatform):
            templates = await self._templates.finding(known.read)
        await self._publish(ref, known, templates)
        return None if templates is None else Again(LOOK_SECONDS)

    async def _publish(self, ref: ObjectRef, known: Known, templates: Finding | None) -> None:
        findings = [_validity(known.read), *([] if templates is None else [templates])]
        after = conditions(
            findings,
            known.conditions,
            generation=known.generation,
            now=self._client.clock.now(),
        )
        if known.conditions == after:
            return
        try:
            await self._client.apply(_with_status(ref, known, after), subresource="status")
        except NotFound:
            return


def _validity(read: CustomResource | InvalidObjectError) -> Finding:
    if isinstance(read, InvalidObjectError):
        text = "; ".join(str(problem) for problem in read.problems)
        return lacking(ConditionType.SPEC_VALID, Reason.INVALID_SPEC, text)
    if isinstance(read, JitsiTerms):
        try:
            check(read)
        except TermsError as error:
            return lacking(ConditionType.SPEC_VALID, Reason.TERMS_INVALID, str(error))
    return found(ConditionType.SPEC_VALID)


def _with_status(ref: ObjectRef, known: Known, after: tuple[Condition, ...]) -> JsonObject:
    return {
        "apiVersion": API_VERSION,
        "kind": ref.kind,
        "metadata": {"name": ref.name, "uid": known.uid},
        "status": {
            "observedGeneration": known.generation,
            "conditions": [condition.to_json() for condition in after],
        },
    }
