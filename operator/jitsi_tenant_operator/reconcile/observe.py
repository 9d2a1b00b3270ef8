"""From what is cached of a tenant's children to what rendering and status are given. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from jitsi_tenant_operator.api.objects import TenantKey
from jitsi_tenant_operator.kube.children import ChildRecord
from jitsi_tenant_operator.kube.facts import ClaimFacts, RouteFacts, WorkloadFacts
from jitsi_tenant_operator.render import names
from jitsi_tenant_operator.render.context import Volume


@dataclass(frozen=True, slots=True)
class Workload:
    """A Deployment or StatefulSet of a tenant: its name without the tenant's, and its facts."""

    name: str
    facts: WorkloadFacts


def volumes(records: Iterable[ChildRecord[TenantKey]]) -> dict[str, Volume]:
    """The volume claims of a tenant by name."""
    return {
        record.ref.name: Volume(
            record.facts.storage_class, record.facts.access_modes, record.facts.requested
        )
        for record in records
        if isinstance(record.facts, ClaimFacts)
    }


def refused_route(records: Iterable[ChildRecord[TenantKey]]) -> str | None:
    """Why a Gateway does not take the tenant's route; None when it does, or has not said yet."""
    for record in records:
        if isinstance(record.facts, RouteFacts) and record.facts.accepted is False:
            return record.facts.why_not
    return None


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
