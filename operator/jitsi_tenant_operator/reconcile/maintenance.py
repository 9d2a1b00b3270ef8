"""The reconcile of JitsiMaintenance: says for whom a window counts, and by when it must be told."""

from __future__ import annotations

from collections.abc import Mapping

from jitsi_tenant_operator.api.maintenance import MAX_SHOWN, JitsiMaintenanceStatus, Refusal
from jitsi_tenant_operator.api.objects import API_VERSION, ObjectRef, TenantKey
from jitsi_tenant_operator.contract.decision import Window, WindowState
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
from jitsi_tenant_operator.reconcile.contract_objects import KnownMaintenance
from jitsi_tenant_operator.reconcile.world import World


class MaintenanceReconciler:
    """Writes the status of maintenance windows, when it changes."""

    def __init__(self, world: World, client: KubeClient) -> None:
        self._world = world
        self._client = client

    async def reconcile(self, ref: ObjectRef) -> None:
        """Bring the status of one window up to date; raises KubeError."""
        known = self._world.around_contracts.maintenances.get(ref)
        if known is None:
            return
        before = known.window.status or JitsiMaintenanceStatus()
        windows = self._world.windows(ref.name)
        finding = _accepted(windows)
        after = _status(known, windows).model_copy(
            update={
                "conditions": conditions(
                    [finding],
                    before.conditions or (),
                    generation=known.generation,
                    now=self._client.clock.now(),
                )
            }
        )
        if after == before:
            return
        body = {
            "apiVersion": API_VERSION,
            "kind": ref.kind,
            "metadata": {"name": ref.name, "uid": known.uid},
            "status": after.to_json(),
        }
        try:
            await self._client.apply(body, subresource="status")
        except NotFound:
            return


def _status(known: KnownMaintenance, windows: Mapping[TenantKey, Window]) -> JitsiMaintenanceStatus:
    latest = None
    if known.spec.incident is None:
        latest = min((each.latest_notice for each in windows.values()), default=None)
    return JitsiMaintenanceStatus(
        observed_generation=known.generation,
        latest_notice=latest,
        tenants=len(windows),
        notified=sum(each.notified is not None for each in windows.values()),
        refused=tuple(
            Refusal(tenant=str(key), reason=window.why[:512])
            for key, window in sorted(windows.items())
            if window.state is WindowState.REFUSED
        )[:MAX_SHOWN],
    )


def _accepted(windows: Mapping[TenantKey, Window]) -> Finding:
    refused = [key for key, window in windows.items() if window.state is WindowState.REFUSED]
    if not refused:
        return found(ConditionType.ACCEPTED)
    return lacking(
        ConditionType.ACCEPTED,
        Reason.NOTICE_TOO_LATE,
        f"it does not count for {len(refused)} of {len(windows)} tenants, since they could not be"
        " told in time: move it, or declare an emergency with its reason",
    )
