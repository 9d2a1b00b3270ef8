"""From what is cached of a tenant's children to what rendering and status are given. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

from jitsi_tenant_operator.api.media import Exposure
from jitsi_tenant_operator.api.objects import ObjectRef, TenantKey
from jitsi_tenant_operator.api.tenant import BridgeStatus
from jitsi_tenant_operator.kube.children import ChildCache, ChildRecord
from jitsi_tenant_operator.kube.facts import (
    ClaimFacts,
    PodFacts,
    ServiceFacts,
    WorkloadFacts,
)
from jitsi_tenant_operator.render import media, names
from jitsi_tenant_operator.render.context import MediaAddress, TenantContext, VolumeClaim
from jitsi_tenant_operator.render.labels import Component

_ENDED = ("Failed", "Succeeded")


@dataclass(frozen=True, slots=True)
class Workload:
    """A Deployment or StatefulSet of a tenant: its name without the tenant's, and its facts."""

    name: str
    facts: WorkloadFacts


def bridge_deployment(context: TenantContext, index: int) -> ObjectRef:
    """The Deployment of one bridge."""
    return ObjectRef("apps/v1", "Deployment", context.namespace, names.bridge(context.name, index))


def media_addresses(
    context: TenantContext, cache: ChildCache[TenantKey], host_ports: Mapping[int, int]
) -> dict[int, MediaAddress]:
    """Where clients reach each bridge, by index; one that has no address or port yet is missing."""
    platform = context.platform.media
    found: dict[int, MediaAddress] = {}
    for index in range(context.bridges):
        service = ObjectRef("v1", "Service", context.namespace, names.bridge(context.name, index))
        facts = cache.facts(service, ServiceFacts)
        address = media.address(
            platform,
            node_port=facts.node_port(media.PORT_NAME) if facts is not None else None,
            addresses=facts.addresses if facts is not None else (),
            host_port=host_ports.get(index) if platform.exposure is Exposure.HOST_PORT else None,
        )
        if address is not None:
            found[index] = address
    return found


def volumes(records: Iterable[ChildRecord[TenantKey]]) -> dict[str, VolumeClaim]:
    """The volume claims of a tenant by name."""
    return {
        record.ref.name: VolumeClaim(
            record.facts.storage_class, record.facts.access_modes, record.facts.requested
        )
        for record in records
        if isinstance(record.facts, ClaimFacts)
    }


def still_serving(
    tenant: str, records: Iterable[ChildRecord[TenantKey]], wanted: Container[ObjectRef]
) -> set[ObjectRef]:
    """The Services of bridges that are not wanted any more, but whose pods are still there.

    A bridge goes on until its meetings have ended or been moved; without the Service they lose
    their media.
    """
    known = list(records)
    prefix = names.child(tenant, f"{Component.JVB}-")
    return {
        record.ref
        for record in known
        if record.ref.kind == "Service"
        and record.ref.name.startswith(prefix)
        and record.ref not in wanted
        and _has_pod(record.ref.name, known)
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


def bridges(
    context: TenantContext, records: Iterable[ChildRecord[TenantKey]]
) -> tuple[BridgeStatus, ...]:
    """The bridges as clients reach them."""
    found = list(records)
    result = []
    for index in range(context.bridges):
        name = names.bridge(context.name, index)
        pod = _pod_of(name, found)
        address = context.observed.media.get(index)
        result.append(
            BridgeStatus(
                name=name,
                addresses=()
                if address is None
                else media.public_addresses(
                    context.platform.media, address, pod.host_ip if pod is not None else None
                ),
                port=address.port
                if address is not None and isinstance(address.port, int)
                else None,
                ready=pod is not None and pod.ready,
            )
        )
    return tuple(result)


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


def _has_pod(workload: str, records: Iterable[ChildRecord[TenantKey]]) -> bool:
    return any(
        isinstance(record.facts, PodFacts) and record.ref.name.startswith(f"{workload}-")
        for record in records
    )


def _pod_of(workload: str, records: Iterable[ChildRecord[TenantKey]]) -> PodFacts | None:
    """The pod of a workload that has one; the ready one while it is being replaced."""
    pods = [
        record.facts
        for record in records
        if isinstance(record.facts, PodFacts)
        and record.facts.phase not in _ENDED
        and record.ref.name.startswith(f"{workload}-")
        and not record.deleting
    ]
    return max(pods, key=lambda pod: pod.ready, default=None)
