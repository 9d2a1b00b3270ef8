"""The informers of the archiver of logs: its ConfigMap, and the pods that it runs in."""

from __future__ import annotations

from jitsi_tenant_operator.kube.client import KubeClient, Selection
from jitsi_tenant_operator.kube.informer import Change, Informer
from jitsi_tenant_operator.kube.resources import CONFIG_MAPS, PODS
from jitsi_tenant_operator.reconcile.log_reports import ARCHIVER, EndedRun, ended_run
from jitsi_tenant_operator.reconcile.log_terms import Told, told
from jitsi_tenant_operator.reconcile.logs import LogKeeping


def informers(client: KubeClient, keeping: LogKeeping) -> tuple[Informer[Told], Informer[EndedRun]]:
    """Watches the ConfigMap, so that what somebody changes in it is put right, and the pods."""

    def seen(change: Change[Told]) -> None:
        keeping.see(change.new)

    ref = keeping.ref
    one = Selection(ref.namespace, field_selector=f"metadata.name={ref.name}")
    runs = Selection(ref.namespace, label_selector=f"app.kubernetes.io/name={ARCHIVER}")
    return (
        Informer(client, CONFIG_MAPS, transform=told, selection=one, on_change=seen),
        Informer(client, PODS, transform=ended_run, selection=runs, on_change=keeping.hear),
    )
