"""Where clients reach the bridges of a tenant, and what may stand in the way."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from jitsi_tenant_operator.api.media import Exposure
from jitsi_tenant_operator.api.objects import ObjectRef, TenantKey
from jitsi_tenant_operator.kube.children import ChildCache
from jitsi_tenant_operator.kube.facts import ServiceFacts
from jitsi_tenant_operator.kube.informer import Informer
from jitsi_tenant_operator.kube.metadata import MetadataRecord
from jitsi_tenant_operator.reconcile.conditions import Reason
from jitsi_tenant_operator.reconcile.ports import HostPorts
from jitsi_tenant_operator.reconcile.resolve import Problem
from jitsi_tenant_operator.render import media, names
from jitsi_tenant_operator.render.context import MediaAddress, TenantContext

ENFORCE_LABEL = "pod-security.kubernetes.io/enforce"
_LEVELS_WITHOUT_HOST_PORTS = ("baseline", "restricted")


class MediaAddresses:
    """Finds the addresses and ports of bridges, and hands out host ports where they are used."""

    def __init__(
        self,
        cache: ChildCache[TenantKey],
        namespaces: Informer[MetadataRecord],
        ports: HostPorts,
    ) -> None:
        self._cache = cache
        self._namespaces = namespaces
        self._ports = ports

    def forbidden(self, context: TenantContext) -> Problem | None:
        """What keeps bridges from having the ports that the platform wants for them."""
        level = self._level(context.namespace)
        if not uses_host_ports(context) or level not in _LEVELS_WITHOUT_HOST_PORTS:
            return None
        return Problem(
            Reason.POD_SECURITY,
            f"the namespace {context.namespace} enforces Pod Security {level}, which forbids"
            f" host ports: label it {ENFORCE_LABEL}=privileged, or let the JitsiPlatform"
            " expose media by NodePort or LoadBalancer",
        )

    def known(
        self, key: TenantKey, context: TenantContext, slots: Iterable[int]
    ) -> dict[int, MediaAddress]:
        """Where the bridges in `slots`, and those with a host port, are reached as things stand."""
        ports = self._ports.held(key) if uses_host_ports(context) else {}
        return self._addresses(context, {*slots, *ports}, ports)

    def assign(
        self,
        key: TenantKey,
        context: TenantContext,
        slots: Collection[int],
        in_use: Mapping[int, int],
    ) -> tuple[dict[int, MediaAddress], Problem | None]:
        """The addresses by slot, without those still to come; and what forbids them.

        `in_use` are the host ports that pods have, by slot: nobody else gets them before these are
        gone.
        """
        if not uses_host_ports(context):
            self._ports.keep(key, in_use.keys())
            return self._addresses(context, slots, {}), None
        problem = self.forbidden(context)
        if problem is not None:
            return {}, problem
        allowed = context.platform.media.host_ports
        ports = self._ports.assign(key, slots, allowed, in_use.keys())
        if len(ports) < len(slots):
            problem = Problem(
                Reason.NO_FREE_PORT,
                f"all host ports from {allowed.first} to {allowed.last} are taken: widen"
                " spec.media.hostPorts of the JitsiPlatform",
            )
        return self._addresses(context, slots, ports), problem

    def restore(self, key: TenantKey, in_use: Mapping[int, int]) -> None:
        """Take note of the host ports that pods have, by slot."""
        self._ports.restore(key, in_use)

    def _addresses(
        self, context: TenantContext, slots: Iterable[int], ports: Mapping[int, int]
    ) -> dict[int, MediaAddress]:
        found: dict[int, MediaAddress] = {}
        for slot in slots:
            name = names.bridge(context.name, slot)
            service = ObjectRef("v1", "Service", context.namespace, name)
            facts = self._cache.facts(service, ServiceFacts)
            address = media.address(
                context.platform.media,
                node_port=facts.node_port(media.PORT_NAME) if facts is not None else None,
                addresses=facts.addresses if facts is not None else (),
                host_port=ports.get(slot),
            )
            if address is not None:
                found[slot] = address
        return found

    def release(self, key: TenantKey) -> None:
        """Give back the host ports of a tenant that is gone."""
        self._ports.release([key])

    def _level(self, namespace: str) -> str:
        record = self._namespaces.get("", namespace)
        return record.labels.get(ENFORCE_LABEL, "") if record is not None else ""


def uses_host_ports(context: TenantContext) -> bool:
    """Whether bridges listen on ports of their nodes, without Services."""
    return context.platform.media.exposure is Exposure.HOST_PORT
