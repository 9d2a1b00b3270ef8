"""Steady state: what the operator asks of the API server while nothing happens."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass

from bench.cluster import OPERATOR_USER, Cluster
from bench.operator_process import OperatorProcess


@dataclass(frozen=True, slots=True)
class Idle:
    """Requests within so many seconds, but watches and those for the Lease, by verb and resource:
    as the API server logged them, and as the operator counts them itself.
    """

    seconds: float
    logged: dict[str, int]
    counted: dict[str, int]
    cpu_seconds: float

    @property
    def requests(self) -> int:
        """The larger of the two sums."""
        return max(sum(self.logged.values()), sum(self.counted.values()))


async def measure(cluster: Cluster, operator: OperatorProcess, seconds: float) -> Idle:
    """Look on for `seconds`."""
    log = cluster.audit()
    before, used = await operator.requests(), operator.cpu_seconds()
    await asyncio.sleep(seconds)
    after, used = await operator.requests(), operator.cpu_seconds() - used
    counted = {
        f"{verb} {resource}": int(after[verb, resource] - before.get((verb, resource), 0.0))
        for verb, resource in after
        if verb != "watch" and resource != "leases"
    }
    logged = Counter(
        f"{call.verb} {call.resource}"
        for call in log.new()
        if call.user == OPERATOR_USER and call.verb != "watch" and call.resource != "leases"
    )
    log.close()
    return Idle(
        seconds=seconds,
        logged=dict(logged),
        counted={request: number for request, number in counted.items() if number},
        cpu_seconds=used,
    )
