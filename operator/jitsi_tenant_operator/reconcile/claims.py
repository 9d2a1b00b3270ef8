"""Which tenant has what only one tenant can have: a host, a namespace."""

from __future__ import annotations

from collections.abc import Mapping

from jitsi_tenant_operator.api.objects import TenantKey

Rank = tuple[bool, str]
"""What decides between claims, the smallest first: not in use yet, and when it was made."""


class Claims:
    """The claims on each name. Who uses it already has it, else who came first.

    So nobody loses what it runs with to one who asks for the same later, however old that one is.
    """

    def __init__(self) -> None:
        self._claims: dict[str, dict[TenantKey, Rank]] = {}

    def replace(
        self, key: TenantKey, before: Mapping[str, Rank], after: Mapping[str, Rank]
    ) -> set[TenantKey]:
        """Exchange the claims of one tenant; return who has claims on a name that was touched."""
        touched = {
            name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
        }
        concerned: set[TenantKey] = set()
        for name in touched:
            claims = self._claims.setdefault(name, {})
            claims.pop(key, None)
            concerned |= claims.keys()
            if name in after:
                claims[key] = after[name]
            if not claims:
                del self._claims[name]
        return concerned

    def take(self, name: str, key: TenantKey, rank: Rank) -> None:
        """Change the rank of a claim that there is."""
        claims = self._claims.get(name, {})
        if key in claims:
            claims[key] = rank

    def holder(self, name: str) -> TenantKey | None:
        """The tenant that has `name`; between equal claims the names of the tenants decide."""
        claims = self._claims.get(name, {})
        return min(claims, key=lambda key: (claims[key], key), default=None)

    def claimants(self, name: str) -> list[TenantKey]:
        """All tenants that claim `name`."""
        return list(self._claims.get(name, ()))

    def clear(self) -> None:
        """Forget all claims."""
        self._claims.clear()
