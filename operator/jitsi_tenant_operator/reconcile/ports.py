"""Host ports: where bridges use ports of their nodes, the operator hands them out.

A port is handed out once in the cluster, so that the scheduler is free to place any bridge on any
node. What was handed out is recorded in the status of the tenants.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice

from jitsi_tenant_operator.api.media import PortRange
from jitsi_tenant_operator.api.objects import TenantKey


class HostPorts:
    """Which bridge of which tenant has which port."""

    def __init__(self) -> None:
        self._holders: dict[int, TenantKey] = {}
        self._ports: dict[TenantKey, dict[int, int]] = {}

    def restore(self, key: TenantKey, ports: Mapping[int, int]) -> None:
        """Take over what was handed out before a restart, by bridge index.

        What was handed out since then stands.
        """
        held = self._ports.get(key, {})
        for index, port in ports.items():
            if port not in self._holders and index not in held:
                self._hold(key, index, port)

    def assign(self, key: TenantKey, bridges: int, allowed: PortRange) -> dict[int, int]:
        """The ports of the bridges by index: those they have, new ones for the others.

        A bridge for which none is free is missing. Ports beyond `bridges` become free, as do
        those that the platform no longer allows.
        """
        held = self._ports.get(key, {})
        for index, port in list(held.items()):
            if index >= bridges or not allowed.first <= port <= allowed.last:
                del held[index]
                del self._holders[port]
        free = (
            port for port in range(allowed.first, allowed.last + 1) if port not in self._holders
        )
        missing = [index for index in range(bridges) if index not in held]
        for index, port in zip(missing, list(islice(free, len(missing))), strict=False):
            self._hold(key, index, port)
        return dict(self._ports.get(key, {}))

    def release(self, keys: Iterable[TenantKey]) -> None:
        """Give back all ports of these tenants."""
        for key in keys:
            for port in self._ports.pop(key, {}).values():
                del self._holders[port]

    def _hold(self, key: TenantKey, index: int, port: int) -> None:
        self._holders[port] = key
        self._ports.setdefault(key, {})[index] = port
