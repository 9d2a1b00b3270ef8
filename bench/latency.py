"""One new tenant while nothing else happens: how long until the last of it is written.

The operator learns of the tenant by its watch, makes what it must in two steps (a bridge is told
the port that the API server chose) and sends what does not depend on each other at once. The bare
client on the other control plane is told of the tenant and sends one write after the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from bench.cluster import Cluster
from bench.floor_process import bare_writer
from bench.model import Model
from bench.throughput import until_written


@dataclass(frozen=True, slots=True)
class Sample:
    """Seconds from the tenant's creation to the last write, on both sides."""

    operator: float
    floor: float


async def measure(own: Cluster, bare: Cluster, names: Sequence[str], model: Model) -> list[Sample]:
    """One sample for each name, one after the other."""
    await asyncio.gather(*(each.make_namespaces(names) for each in (own, bare)))
    await _rest(own, bare)
    samples = []
    async with AsyncExitStack() as stack:
        logs = [each.audit() for each in (own, bare)]
        for log in logs:
            stack.callback(log.close)
        client = await stack.enter_async_context(
            bare_writer(bare.connection, bare.token, model, in_flight=1)
        )
        for name in names:
            await bare.make_tenants([name], client.write)
            floor = await until_written(logs[1], [name], model)
            await _rest(own, bare)
            await own.make_tenants([name])
            operator = await until_written(logs[0], [name], model)
            await _rest(own, bare)
            samples.append(Sample(operator.ended - operator.started, floor.ended - floor.started))
    return samples


async def _rest(*clusters: Cluster) -> None:
    await asyncio.gather(*(each.rest() for each in clusters))
