"""Which tenant has what only one tenant can have: a host, a namespace."""

from __future__ import annotations

from collections.abc import Mapping

from jitsi_tenant_operator.api.objects import TenantKey

Rank = tuple[bool, str]
"""What decides between contenders, the smallest first: not in use yet, and when it was made."""


class Holders:
    """Who asks for each name, and who has it: whoever uses it already, else whoever came first.

    So nobody loses what it runs with to one who asks for the same later, however old that one is.
    """

    def __init__(self) -> None:
        self._ranks: dict[str, dict[TenantKey, Rank]] = {}

    def replace(
        self, key: TenantKey, before: Mapping[str, Rank], after: Mapping[str, Rank]
    ) -> set[TenantKey]:
        """Exchange what one tenant asks for; return who contends for a name that was touched."""
        touched = {
            name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
        }
        concerned: set[TenantKey] = set()
        for name in touched:
            ranks = self._ranks.setdefault(name, {})
            ranks.pop(key, None)
            concerned |= ranks.keys()
            if name in after:
                ranks[key] = after[name]
            if not ranks:
                del self._ranks[name]
        return concerned

    def take(self, name: str, key: TenantKey, rank: Rank) -> None:
        """Change the rank of one who asks for `name`."""
        ranks = self._ranks.get(name, {})
        if key in ranks:
            ranks[key] = rank

    def holder(self, name: str) -> TenantKey | None:
        """The tenant that has `name`; between equal ranks the names of the tenants decide."""
        ranks = self._ranks.get(name, {})
        return min(ranks, key=lambda key: (ranks[key], key), default=None)

    def contenders(self, name: str) -> list[TenantKey]:
        """All tenants that ask for `name`, its holder among them."""
        return list(self._ranks.get(name, ()))

    def clear(self) -> None:
        """Forget all."""
        self._ranks.clear()
