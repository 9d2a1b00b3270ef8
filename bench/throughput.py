"""New tenants: how fast the operator writes all there is of them, and how fast a bare client would.

Both work on control planes of their own, in turns: what else happens on the machine meets one as
it meets the other. Nothing but the API server and its store works meanwhile; controllers, which
would take most of the machine, are at a stand. In both cases the same program makes the tenants, at
the same pace, so that the time runs from the first tenant to the last write for both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from bench.audit import AuditLog
from bench.cluster import OPERATOR_USER, Cluster
from bench.floor_process import bare_writer
from bench.model import Model
from bench.operator_process import OperatorProcess
from jitsi_tenant_operator.kube.client import MAX_IN_FLIGHT

_POLL_SECONDS = 0.1
_LONGEST_SECONDS = 1800.0


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two, in one round."""

    seconds: float
    children_seconds: float
    """Until the last child; `seconds` are until the last write of any kind."""
    cpu_seconds: float
    """CPU time of the client."""
    server_cpu_seconds: float
    """CPU time of API server and store."""
    requests: int
    """All of its requests in that time, watches left out."""


@dataclass(frozen=True, slots=True)
class Round:
    """So many new tenants at once, on both sides."""

    tenants: int
    writes: int
    children: int
    """How many of the writes are children of tenants."""
    operator: Side
    floor: Side


@dataclass(frozen=True, slots=True)
class Span:
    """From the first tenant that was made to the last write, as the API server saw it: instants
    in seconds since the epoch, and the requests of the operator's user between.
    """

    started: float
    children_ended: float
    ended: float
    requests: int


async def measure(
    own: Cluster,
    operator: OperatorProcess,
    bare: Cluster,
    names: Sequence[str],
    model: Model,
    *,
    floor_first: bool,
) -> Round:
    """One round with the tenants of these names; neither control plane may run controllers."""
    for each in (own, bare):
        await each.make_namespaces(names)
        await each.rest()
    floor = await _floor(bare, names, model) if floor_first else None
    done = await _operator(own, operator, names, model)
    return Round(
        tenants=len(names),
        writes=len(names) * len(model.writes),
        children=len(names) * len(model.children().writes),
        operator=done,
        floor=floor or await _floor(bare, names, model),
    )


async def children_alone(bare: Cluster, names: Sequence[str], model: Model) -> Side:
    """What the bare client needs when it sends nothing but the children of these tenants."""
    await bare.make_namespaces(names)
    await bare.rest()
    return await _floor(bare, names, model.children())


async def until_written(log: AuditLog, names: Sequence[str], model: Model) -> Span:
    """Wait until everything of the model is there for these tenants. Raises TimeoutError."""
    missing, children = model.keys(names), model.children().keys(names)
    started, children_ended, ended, requests = float("inf"), 0.0, 0.0, 0
    async with asyncio.timeout(_LONGEST_SECONDS):
        while missing:
            await asyncio.sleep(_POLL_SECONDS)
            for call in log.new():
                if call.verb == "create" and call.resource == "jitsitenants":
                    started = min(started, call.received)
                if call.user != OPERATOR_USER or call.verb == "watch":
                    continue
                requests += 1
                if call.succeeded and call.key in missing:
                    missing.discard(call.key)
                    ended = max(ended, call.answered)
                    if call.key in children:
                        children_ended = max(children_ended, call.answered)
    return Span(started, children_ended, ended, requests)


async def _operator(
    cluster: Cluster, operator: OperatorProcess, names: Sequence[str], model: Model
) -> Side:
    log = cluster.audit()
    before, served = operator.cpu_seconds(), cluster.cpu_seconds()
    await cluster.make_tenants(names)
    span = await until_written(log, names, model)
    used, served = operator.cpu_seconds() - before, cluster.cpu_seconds() - served
    log.close()
    await cluster.rest()
    return _side(span, used, served)


async def _floor(cluster: Cluster, names: Sequence[str], model: Model) -> Side:
    log = cluster.audit()
    async with bare_writer(
        cluster.connection, cluster.token, model, in_flight=MAX_IN_FLIGHT
    ) as client:
        before, served = client.cpu_seconds(), cluster.cpu_seconds()
        await cluster.make_tenants(names, client.write)
        span = await until_written(log, names, model)
        used, served = client.cpu_seconds() - before, cluster.cpu_seconds() - served
    log.close()
    await cluster.rest()
    return _side(span, used, served)


def _side(span: Span, used: float, served: float) -> Side:
    return Side(
        seconds=span.ended - span.started,
        children_seconds=span.children_ended - span.started,
        cpu_seconds=used,
        server_cpu_seconds=served,
        requests=span.requests,
    )
