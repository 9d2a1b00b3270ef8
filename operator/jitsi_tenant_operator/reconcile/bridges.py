"""The bridges of a tenant: what is there of them, where they are to be, and what is left alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from jitsi_tenant_operator.api.objects import ObjectRef, TenantKey
from jitsi_tenant_operator.api.scalars import mebibytes
from jitsi_tenant_operator.api.tenant import BridgeStatus
from jitsi_tenant_operator.kube.children import ChildCache, ChildRecord
from jitsi_tenant_operator.kube.facts import PodFacts, WorkloadFacts
from jitsi_tenant_operator.reconcile.media import MediaAddresses, uses_host_ports
from jitsi_tenant_operator.reconcile.resolve import Problem
from jitsi_tenant_operator.reconcile.slots import Slot, choose
from jitsi_tenant_operator.render import bridge, media, names
from jitsi_tenant_operator.render.context import MediaAddress, Requests, TenantContext
from jitsi_tenant_operator.render.quantities import millicores

_ENDED = ("Failed", "Succeeded")
_POD = "-0"


@dataclass(slots=True)
class Bridge:
    """What the caches hold of the bridge in one slot."""

    workload: ChildRecord[TenantKey] | None = None
    service: ChildRecord[TenantKey] | None = None
    pod: ChildRecord[TenantKey] | None = None

    @property
    def facts(self) -> PodFacts | None:
        """Those of its pod, unless that has ended for good."""
        facts = self.pod.facts if self.pod is not None else None
        return facts if isinstance(facts, PodFacts) and facts.phase not in _ENDED else None

    @property
    def ready(self) -> bool:
        """Whether it takes meetings."""
        facts, pod = self.facts, self.pod
        return facts is not None and facts.ready and pod is not None and not pod.deleting

    @property
    def host_port(self) -> int | None:
        """The port of the node that its pod has."""
        return next(iter(self.facts.host_ports), None) if self.facts is not None else None

    def occupies(self, uid: str) -> bool:
        """Whether it is to go on: it has its StatefulSet, of the tenant with `uid`.

        Or had one that somebody deleted without its pod: the next one takes the pod over.
        """
        pod, workload = self.pod, self.workload
        if workload is not None:
            # One whose owner somebody took away is still the tenant's, and is given it back.
            return workload.owner_uid in (uid, None) and not workload.deleting
        return pod is not None and pod.owner_uid is None and not pod.deleting

    def leaves(self, uid: str) -> bool:
        """Whether something of it is still to go before another one can come."""
        pod, workload, service = self.pod, self.workload, self.service
        if pod is not None and (pod.deleting or not self.occupies(uid)):
            return True
        if workload is not None and pod is not None and pod.owner_uid is not None:
            return pod.owner_uid != workload.uid
        going = any(each is not None and each.deleting for each in (workload, service))
        return going and not self.occupies(uid)


class Bridges:
    """Finds out where the bridges of tenants are, and decides where they are to be."""

    def __init__(self, cache: ChildCache[TenantKey], addresses: MediaAddresses) -> None:
        self._cache = cache
        self._media = addresses

    def place(
        self,
        key: TenantKey,
        uid: str,
        context: TenantContext,
        *,
        wanted: int | None = None,
        reserve: int = 0,
    ) -> TenantContext:
        """The context with the slots for its bridges, and with those that are on their way out.

        `uid` is that of the tenant; `wanted` how many bridges are to run, as many as it asks for
        unless told otherwise; Services and ports are kept for `reserve` of them in any case. The
        context has the digests already: they are part of what a bridge is made from.
        """
        there = bridges(context.name, self._cache.children(key))
        self._media.restore(key, _ports(there))
        known = self._media.known(key, context, there)
        judged = self._media.forbidden(context) is None
        observed = [
            Slot(
                index=index,
                occupied=found.occupies(uid),
                outdated=judged and _is_outdated(context, index, found, known.get(index)),
                ready=found.ready,
                leaving=found.leaves(uid),
                reserved=found.service is not None or index in known,
            )
            for index, found in {**dict.fromkeys(known, Bridge()), **there}.items()
        ]
        number = context.bridges if wanted is None else wanted
        slots = choose(number, observed, reserve=reserve)
        outgoing = [
            _requests(context, found.facts)
            for index, found in sorted(there.items())
            if found.facts is not None and index not in slots.running
        ]
        return replace(
            context,
            observed=replace(context.observed, slots=slots, outgoing=tuple(outgoing)),
        )

    def address(
        self, key: TenantKey, context: TenantContext
    ) -> tuple[TenantContext, Problem | None]:
        """The context with what is known of the addresses of its bridges; and what forbids them."""
        there = bridges(context.name, self._cache.children(key))
        slots = context.slots
        others = [index for index in there if index not in (*slots.running, *slots.reserved)]
        found = self._media.known(key, context, others)
        wanted, problem = self._media.assign(
            key, context, (*slots.running, *slots.reserved), _ports(there)
        )
        observed = replace(context.observed, media={**found, **wanted})
        return replace(context, observed=observed), problem

    def release(self, key: TenantKey) -> None:
        """Give back the host ports of a tenant that is gone."""
        self._media.release(key)


def bridges(tenant: str, records: Iterable[ChildRecord[TenantKey]]) -> dict[int, Bridge]:
    """What there is of the bridges of `tenant`, by slot."""
    found: dict[int, Bridge] = {}
    for record in records:
        kind, name = record.ref.kind, record.ref.name
        if kind not in ("StatefulSet", "Service", "Pod"):
            continue
        if kind == "Pod" and not name.endswith(_POD):
            continue
        slot = names.slot(tenant, name.removesuffix(_POD) if kind == "Pod" else name)
        if slot is None:
            continue
        each = found.setdefault(slot, Bridge())
        if kind == "StatefulSet":
            each.workload = record
        elif kind == "Service":
            each.service = record
        else:
            each.pod = record
    return found


def left_as_they_are(
    context: TenantContext, records: Iterable[ChildRecord[TenantKey]]
) -> set[ObjectRef]:
    """The children of bridges that stay although they are not rendered.

    Bridges that are outdated serve until others do. One that lost its address may have people
    meeting on it. And while a pod is there, ending or not, meetings lose their media without its
    Service.
    """
    slots = context.slots
    kept = {_ref(context, "StatefulSet", slot) for slot in (*slots.running, *slots.left)}
    kept |= {_ref(context, "Service", slot) for slot in slots.left}
    return kept | {
        _ref(context, "Service", slot)
        for slot, found in bridges(context.name, records).items()
        if found.pod is not None
    }


def statuses(
    context: TenantContext, records: Iterable[ChildRecord[TenantKey]]
) -> tuple[BridgeStatus, ...]:
    """The bridges as clients reach them, also those that let their meetings end.

    It is also the record of who has which host port.
    """
    there = bridges(context.name, records)
    slots = context.slots
    shown = {*slots.running, *slots.left, *slots.reserved}
    shown |= {slot for slot, found in there.items() if found.facts is not None}
    return tuple(
        _status(context, slot, there.get(slot, Bridge()), context.observed.media.get(slot))
        for slot in sorted(shown)
    )


def _status(
    context: TenantContext, slot: int, found: Bridge, address: MediaAddress | None
) -> BridgeStatus:
    facts = found.facts
    host_ip = facts.host_ip if facts is not None else None
    port = address.port if address is not None else found.host_port
    return BridgeStatus(
        name=names.bridge(context.name, slot),
        addresses=()
        if address is None
        else media.public_addresses(context.platform.media, address, host_ip),
        port=port if isinstance(port, int) else None,
        ready=found.ready and found.workload is not None and not found.workload.deleting,
    )


def _ref(context: TenantContext, kind: str, slot: int) -> ObjectRef:
    version = "v1" if kind == "Service" else "apps/v1"
    return ObjectRef(version, kind, context.namespace, names.bridge(context.name, slot))


def _ports(there: Mapping[int, Bridge]) -> dict[int, int]:
    """The ports of nodes that pods have, by slot."""
    return {slot: found.host_port for slot, found in there.items() if found.host_port is not None}


def _is_outdated(
    context: TenantContext, index: int, found: Bridge, address: MediaAddress | None
) -> bool:
    """Whether the bridge of a slot runs with another configuration than the one that is wanted.

    No pod has none. Without an address nobody can say.
    """
    facts, workload = found.facts, found.workload
    if facts is None or workload is None:
        return False
    if bool(facts.host_ports) != uses_host_ports(context):
        return True
    if _is_behind(facts, workload):
        return True
    return address is not None and facts.template != bridge.template_hash(context, index, address)


def _is_behind(facts: PodFacts, workload: ChildRecord[TenantKey]) -> bool:
    """Whether somebody else changed the template, as `kubectl rollout restart` does."""
    wanted = workload.facts
    return (
        isinstance(wanted, WorkloadFacts)
        and wanted.observed_generation >= wanted.generation
        and bool(wanted.revision)
        and wanted.revision != facts.revision
    )


def _requests(context: TenantContext, facts: PodFacts) -> Requests:
    """What a pod requests; what the plan says where that cannot be read."""
    size = context.plan.sizes.bridge
    cpu, memory = facts.requests
    try:
        return Requests(millicores(cpu), mebibytes(memory))
    except (ValueError, KeyError):
        return Requests(millicores(size.cpu), mebibytes(size.memory))
