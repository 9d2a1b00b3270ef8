"""New tenants: how fast the operator makes their children, and how fast a bare client would.

Both work on control planes of their own, in turns: what else happens on the machine meets one as
it meets the other. Nothing but the API server and its store works meanwhile; controllers, which
would take most of the machine, are at a stand. In both cases the same program makes the tenants, at
the same pace, so that the time runs from the first tenant to its last child for both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from bench import tenants
from bench.audit import AuditLog
from bench.cluster import OPERATOR_USER, Cluster
from bench.floor_process import bare_applier
from bench.operator_process import OperatorProcess
from bench.tenants import ChildTemplate
from jitsi_tenant_operator.kube.client import MAX_IN_FLIGHT

_POLL_SECONDS = 0.1
_LONGEST_SECONDS = 1800.0
_DONE = (200, 201)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two, in one round."""

    seconds: float
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
    children: int
    operator: Side
    floor: Side


@dataclass(frozen=True, slots=True)
class Span:
    """From the first tenant that was made to the last child that was applied, as the API server
    saw it: instants in seconds since the epoch, and the requests of the operator's user between.
    """

    started: float
    ended: float
    requests: int


async def measure(
    own: Cluster,
    operator: OperatorProcess,
    bare: Cluster,
    names: Sequence[str],
    *,
    floor_first: bool,
) -> Round:
    """One round with the tenants of these names; neither control plane may run controllers."""
    templates = tenants.child_templates()
    for each in (own, bare):
        await each.make_namespaces(names)
        await each.rest()
    floor = await _floor(bare, names, templates) if floor_first else None
    done = await _operator(own, operator, names, templates)
    return Round(
        tenants=len(names),
        children=len(names) * len(templates),
        operator=done,
        floor=floor or await _floor(bare, names, templates),
    )


async def until_applied(
    log: AuditLog, names: Sequence[str], templates: Sequence[ChildTemplate]
) -> Span:
    """Wait until all children of these tenants have been applied. Raises TimeoutError."""
    missing = tenants.children(names, templates)
    started, ended, requests = float("inf"), 0.0, 0
    async with asyncio.timeout(_LONGEST_SECONDS):
        while missing:
            await asyncio.sleep(_POLL_SECONDS)
            for call in log.new():
                if call.verb == "create" and call.resource == "jitsitenants":
                    started = min(started, call.received)
                if call.user != OPERATOR_USER or call.verb == "watch":
                    continue
                requests += 1
                child = (call.resource, call.namespace, call.name)
                if call.code in _DONE and child in missing:
                    missing.discard(child)
                    ended = max(ended, call.answered)
    return Span(started, ended, requests)


async def _operator(
    cluster: Cluster,
    operator: OperatorProcess,
    names: Sequence[str],
    templates: Sequence[ChildTemplate],
) -> Side:
    log = cluster.audit()
    before, served = operator.cpu_seconds(), cluster.cpu_seconds()
    await cluster.make_tenants(names)
    span = await until_applied(log, names, templates)
    used, served = operator.cpu_seconds() - before, cluster.cpu_seconds() - served
    log.close()
    await cluster.rest()
    return Side(span.ended - span.started, used, served, span.requests)


async def _floor(
    cluster: Cluster, names: Sequence[str], templates: Sequence[ChildTemplate]
) -> Side:
    log = cluster.audit()
    async with bare_applier(
        cluster.connection, cluster.token, templates, in_flight=MAX_IN_FLIGHT
    ) as client:
        before, served = client.cpu_seconds(), cluster.cpu_seconds()
        await cluster.make_tenants(names, client.apply)
        span = await until_applied(log, names, templates)
        used, served = client.cpu_seconds() - before, cluster.cpu_seconds() - served
    log.close()
    await cluster.rest()
    return Side(span.ended - span.started, used, served, span.requests)
