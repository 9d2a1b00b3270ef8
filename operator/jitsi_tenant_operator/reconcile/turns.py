"""Bounds how many tenants are interrupted at once: a change of them all must not stop them all."""

from __future__ import annotations

from jitsi_tenant_operator.api.objects import TenantKey
from jitsi_tenant_operator.clock import Clock

AT_ONCE = 20
"""How many tenants may be in the middle of a change that ends their meetings."""
LONGEST_SECONDS = 300.0
"""For how long a change counts whose pods do not become ready: it must not stop the others."""


class Turns:
    """Whose change is in progress. Kept in memory: after a restart all turns are free."""

    def __init__(
        self, clock: Clock, *, at_once: int = AT_ONCE, longest: float = LONGEST_SECONDS
    ) -> None:
        self._clock = clock
        self._at_once = at_once
        self._longest = longest
        self._since: dict[TenantKey, float] = {}

    def take(self, key: TenantKey) -> bool:
        """Whether it is this tenant's turn; if so, it is until it is given back, or too long."""
        now = self._clock.monotonic()
        for other, since in list(self._since.items()):
            if now - since >= self._longest:
                del self._since[other]
        if key not in self._since and len(self._since) >= self._at_once:
            return False
        # A further change of the same tenant begins anew.
        self._since[key] = now
        return True

    def give_back(self, key: TenantKey) -> None:
        """The change of this tenant is done, or there is nothing left of it."""
        self._since.pop(key, None)
