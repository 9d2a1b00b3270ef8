"""The reconcile of JitsiPlatform and JitsiTerms: says whether they can be used."""

from __future__ import annotations

from collections.abc import Callable

from jitsi_tenant_operator.api.conditions import Condition
from jitsi_tenant_operator.api.model import CustomResource, InvalidObjectError
from jitsi_tenant_operator.api.objects import API_VERSION, JsonObject, ObjectRef
from jitsi_tenant_operator.api.platform import JitsiPlatform
from jitsi_tenant_operator.api.terms import JitsiTerms
from jitsi_tenant_operator.contract.terms import TermsError, document_terms
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
from jitsi_tenant_operator.reconcile.world import World


class SharedReconciler:
    """Writes the status of cluster-scoped objects, when it changes."""

    def __init__(self, world: World, client: KubeClient) -> None:
        self._client = client
        self._shelves: dict[str, Callable[[str], CustomResource | InvalidObjectError | None]] = {
            JitsiPlatform.definition.kind: world.platforms.get,
            JitsiTerms.definition.kind: world.terms.get,
        }

    async def reconcile(self, ref: ObjectRef) -> None:
        """Bring the status of one object up to date; raises KubeError."""
        known = self._shelves[ref.kind](ref.name)
        # What the schema of an older version let in has no status that could be trusted.
        if not isinstance(known, (JitsiPlatform, JitsiTerms)):
            return
        before = known.status
        after = conditions(
            [_validity(known)],
            before.conditions or () if before is not None else (),
            generation=known.metadata.generation,
            now=self._client.clock.now(),
        )
        if before is not None and before.conditions == after:
            return
        try:
            await self._client.apply(_with_status(known, after), subresource="status")
        except NotFound:
            return


def _validity(obj: JitsiPlatform | JitsiTerms) -> Finding:
    if isinstance(obj, JitsiTerms):
        try:
            document_terms(obj)
        except TermsError as error:
            return lacking(ConditionType.SPEC_VALID, Reason.TERMS_INVALID, str(error))
    return found(ConditionType.SPEC_VALID)


def _with_status(obj: JitsiPlatform | JitsiTerms, after: tuple[Condition, ...]) -> JsonObject:
    return {
        "apiVersion": API_VERSION,
        "kind": obj.definition.kind,
        "metadata": {"name": obj.metadata.name, "uid": obj.metadata.uid},
        "status": {
            "observedGeneration": obj.metadata.generation,
            "conditions": [condition.to_json() for condition in after],
        },
    }
