"""From what is cached of a tenant's children to what rendering and status are given. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from jitsi_tenant_operator.api.objects import TenantKey
from jitsi_tenant_operator.kube.children import ChildRecord
from jitsi_tenant_operator.kube.facts import ClaimFacts, PodFacts, WorkloadFacts
from jitsi_tenant_operator.render import names
from jitsi_tenant_operator.render.context import VolumeClaim
from jitsi_tenant_operator.render.labels import Component

_ENDED = ("Failed", "Succeeded")


@dataclass(frozen=True, slots=True)
class Workload:
    """A Deployment or StatefulSet of a tenant: its name without the tenant's, and its facts."""

    name: str
    facts: WorkloadFacts


def volumes(records: Iterable[ChildRecord[TenantKey]]) -> dict[str, VolumeClaim]:
    """The volume claims of a tenant by name."""
    return {
        record.ref.name: VolumeClaim(
            record.facts.storage_class, record.facts.access_modes, record.facts.requested
        )
        for record in records
        if isinstance(record.facts, ClaimFacts)
    }


def workloads(tenant: str, records: Iterable[ChildRecord[TenantKey]]) -> list[Workload]:
    """The workloads among a tenant's children, by name."""
    prefix = f"{names.head(tenant)}-"
    return sorted(
        (
            Workload(record.ref.name.removeprefix(prefix), record.facts)
            for record in records
            if isinstance(record.facts, WorkloadFacts) and not record.deleting
        ),
        key=lambda workload: workload.name,
    )


def meeting_pods(
    tenant: str, records: Iterable[ChildRecord[TenantKey]]
) -> list[ChildRecord[TenantKey]]:
    """The pods that carry meetings or recordings: those of bridges and recorders."""
    prefixes = tuple(
        names.child(tenant, f"{component}-") for component in (Component.JVB, Component.JIBRI)
    )
    return [each for each in records if _is_running_pod(each, prefixes)]


def pods_of_meetings(
    tenant: str, records: Iterable[ChildRecord[TenantKey]]
) -> list[ChildRecord[TenantKey]]:
    """All pods that meetings need, that is all but the web pods."""
    prefixes = tuple(
        names.child(tenant, f"{component}-")
        for component in Component
        if component is not Component.WEB
    )
    return [each for each in records if _is_running_pod(each, prefixes)]


def _is_running_pod(record: ChildRecord[TenantKey], prefixes: tuple[str, ...]) -> bool:
    return (
        isinstance(record.facts, PodFacts)
        and record.facts.phase not in _ENDED
        and record.ref.name.startswith(prefixes)
    )
