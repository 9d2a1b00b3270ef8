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
from jitsi_tenant_operator.reconcile.world import Held, World

Known: TypeAlias = Held[JitsiPlatform] | Held[JitsiTerms]


class SharedReconciler:
    """Writes the status of cluster-scoped objects, when it changes."""

    def __init__(self, world: World, client: KubeClient) -> None:
        self._client = client
        self._maintenances = MaintenanceReconciler(world, client)
        self._shelves: dict[str, Callable[[str], Known | None]] = {
            JitsiPlatform.definition.kind: world.platforms.held,
            JitsiTerms.definition.kind: world.terms.held,
        }

    async def reconcile(self, ref: ObjectRef) -> None:
        """Bring the status of one object up to date; raises KubeError."""
        if ref.kind == JitsiMaintenance.definition.kind:
            await self._maintenances.reconcile(ref)
            return
        known = self._shelves[ref.kind](ref.name)
        if known is None:
            return
        after = conditions(
            [_validity(known.read)],
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
