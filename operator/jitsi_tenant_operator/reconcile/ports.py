"""Host ports: where bridges use ports of their nodes, the operator hands them out.

A port is handed out once in the cluster, so that the scheduler is free to place any bridge on any
node. What was handed out is recorded in the status of the tenants.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import islice

from jitsi_tenant_operator.api.media import PortRange
from jitsi_tenant_operator.api.objects import TenantKey


class HostPorts:
    """Which bridge of which tenant has which port; a bridge is told by its slot."""

    def __init__(self) -> None:
        self._holders: dict[int, TenantKey] = {}
        self._ports: dict[TenantKey, dict[int, int]] = {}

    def restore(self, key: TenantKey, ports: Mapping[int, int]) -> None:
        """Take over what was handed out before a restart, by slot.

        What was handed out since then stands.
        """
        held = self._ports.get(key, {})
        for index, port in ports.items():
            if port not in self._holders and index not in held:
                self._hold(key, index, port)

    def held(self, key: TenantKey) -> dict[int, int]:
        """The ports that a tenant has, by slot."""
        return dict(self._ports.get(key, {}))

    def assign(
        self,
        key: TenantKey,
        wanted: Iterable[int],
        allowed: PortRange,
        in_use: Collection[int] = (),
    ) -> dict[int, int]:
        """The ports of the slots that are `wanted`: those they have, new ones for the others.

        A slot for which none is free is missing. Ports of other slots become free, but for those
        that pods still have `in_use`; so do those that the platform no longer allows.
        """
        slots = sorted(wanted)
        for index, port in self.held(key).items():
            usable = index in slots and allowed.first <= port <= allowed.last
            if not usable and index not in in_use:
                self._give_back(key, index)
        free = (
            port for port in range(allowed.first, allowed.last + 1) if port not in self._holders
        )
        held = self.held(key)
        missing = [index for index in slots if index not in held]
        for index, port in zip(missing, list(islice(free, len(missing))), strict=False):
            self._hold(key, index, port)
        return {index: port for index, port in self.held(key).items() if index in slots}

    def keep(self, key: TenantKey, in_use: Collection[int]) -> None:
        """Give back the ports of a tenant, but for the slots whose pods still have them."""
        for index in self.held(key):
            if index not in in_use:
                self._give_back(key, index)

    def release(self, keys: Iterable[TenantKey]) -> None:
        """Give back all ports of these tenants."""
        for key in keys:
            for port in self._ports.pop(key, {}).values():
                del self._holders[port]

    def _give_back(self, key: TenantKey, index: int) -> None:
        del self._holders[self._ports[key].pop(index)]

    def _hold(self, key: TenantKey, index: int, port: int) -> None:
        self._holders[port] = key
        self._ports.setdefault(key, {})[index] = port
