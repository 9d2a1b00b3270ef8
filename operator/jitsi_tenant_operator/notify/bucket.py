"""How often something may happen: a token bucket on the operator's clock."""

from __future__ import annotations

from jitsi_tenant_operator.clock import Clock


class TokenBucket:
    """Lets `burst` events pass at once, and `rate` a second in the long run."""

    __slots__ = ("_burst", "_clock", "_filled", "_rate", "_tokens")

    def __init__(self, clock: Clock, *, rate: float, burst: int) -> None:
        self._clock, self._rate, self._burst = clock, rate, burst
        self._tokens, self._filled = float(burst), clock.monotonic()

    def take(self) -> bool:
        """Whether one more may pass now."""
        now = self._clock.monotonic()
        grown = self._tokens + (now - self._filled) * self._rate
        self._tokens, self._filled = min(float(self._burst), grown), now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True
