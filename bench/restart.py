"""A restart while nothing has changed: how long until the operator is ready, and what it writes.

Ready is the operator's own word: it leads, its caches are complete, and every tenant that was there
has been looked at. The floor reads and parses the same objects in the same pages, all kinds at
once, and does nothing with them. Both are processes that are new, timed from before they are made.
"""

from __future__ import annotations

from dataclasses import dataclass

from bench.cluster import OPERATOR_USER, Cluster
from bench.floor_process import bare_list
from bench.operator_process import OperatorProcess

READING = frozenset(("get", "list", "watch"))


@dataclass(frozen=True, slots=True)
class Restart:
    """One restart. Writes are those until all had come to rest, but for the Lease."""

    seconds: float
    cpu_seconds: float
    floor_seconds: float
    objects: int
    writes: int
    resident_bytes: int


async def measure(
    cluster: Cluster, operator: OperatorProcess, number: int
) -> tuple[list[Restart], OperatorProcess]:
    """So many restarts; also the operator that runs after the last one."""
    found = []
    for _ in range(number):
        await operator.stop()
        await cluster.rest()
        floor_seconds, objects = await bare_list(cluster.connection)
        await cluster.rest()
        log = cluster.audit()
        operator = await OperatorProcess.start(cluster)
        used = operator.cpu_seconds()
        await cluster.rest()
        writes = sum(
            call.user == OPERATOR_USER and call.verb not in READING and call.resource != "leases"
            for call in log.new()
        )
        log.close()
        found.append(
            Restart(
                seconds=operator.seconds_to_ready,
                cpu_seconds=used,
                floor_seconds=floor_seconds,
                objects=objects,
                writes=writes,
                resident_bytes=operator.resident_bytes(),
            )
        )
    return found, operator
