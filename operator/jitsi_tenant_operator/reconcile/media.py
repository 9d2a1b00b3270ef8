"""Where clients reach the bridges of a tenant, and what may stand in the way."""

from __future__ import annotations

from jitsi_tenant_operator.api.media import Exposure
from jitsi_tenant_operator.api.objects import TenantKey
from jitsi_tenant_operator.kube.children import ChildCache
from jitsi_tenant_operator.kube.informer import Informer
from jitsi_tenant_operator.kube.metadata import MetadataRecord
from jitsi_tenant_operator.reconcile import observe
from jitsi_tenant_operator.reconcile.conditions import Reason
from jitsi_tenant_operator.reconcile.ports import HostPorts
from jitsi_tenant_operator.reconcile.resolve import Problem
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

    def of(
        self, key: TenantKey, context: TenantContext
    ) -> tuple[dict[int, MediaAddress], Problem | None]:
        """The addresses by bridge index, without those still to come; and what forbids them."""
        if context.platform.media.exposure is not Exposure.HOST_PORT:
            self.release(key)
            return observe.media_addresses(context, self._cache, {}), None
        level = self._level(context.namespace)
        if level in _LEVELS_WITHOUT_HOST_PORTS:
            return {}, Problem(
                Reason.POD_SECURITY,
                f"the namespace {context.namespace} enforces Pod Security {level}, which forbids"
                f" host ports: label it {ENFORCE_LABEL}=privileged, or let the JitsiPlatform"
                " expose media by NodePort or LoadBalancer",
            )
        allowed = context.platform.media.host_ports
        ports = self._ports.assign(key, context.bridges, allowed)
        addresses = observe.media_addresses(context, self._cache, ports)
        if len(ports) < context.bridges:
            return addresses, Problem(
                Reason.NO_FREE_PORT,
                f"all host ports from {allowed.first} to {allowed.last} are taken: widen"
                " spec.media.hostPorts of the JitsiPlatform",
            )
        return addresses, None

    def release(self, key: TenantKey) -> None:
        """Give back the host ports of a tenant that is gone."""
        self._ports.release([key])

    def _level(self, namespace: str) -> str:
        record = self._namespaces.get("", namespace)
        return record.labels.get(ENFORCE_LABEL, "") if record is not None else ""
