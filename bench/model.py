"""What the operator writes for one tenant, recorded once: the floor sends the same.

The model tenant is the sample tenant itself. The audit log has the bodies of what is written for
it, as they were sent; names are put in by replacing the sample's, as long as each other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from bench import tenants
from bench.audit import Call
from bench.cluster import OPERATOR_USER, Cluster

_STATUS = "jitsitenants/status"
"""What the operator writes last."""
_POLL_SECONDS = 0.1
_LONGEST_SECONDS = 60.0

Key = tuple[str, str, str, str]
"""Verb, resource, namespace and name of a write."""


@dataclass(frozen=True, slots=True)
class Write:
    """One write for the model tenant: a creation, or a server-side apply."""

    key: Key
    path: str
    """With its query."""
    body: str

    @property
    def is_child(self) -> bool:
        """Whether it is one of the objects that are rendered from the tenant."""
        verb, resource, *_ = self.key
        return verb == "patch" and resource.partition("/")[0] != "jitsitenants"

    def key_for(self, name: str) -> Key:
        """The key of the same write for the tenant of this name."""
        verb, resource, *names = self.key
        namespace, own = (each.replace(tenants.SAMPLE_NAME, name) for each in names)
        return verb, resource, namespace, own


@dataclass(frozen=True, slots=True)
class Model:
    """All writes for the model tenant, in their order, each once; `uid` is the tenant's."""

    uid: str
    writes: tuple[Write, ...]

    def children(self) -> Model:
        """The children alone."""
        return Model(self.uid, tuple(write for write in self.writes if write.is_child))

    def keys(self, names: Iterable[str]) -> set[Key]:
        """The keys of all writes for these tenants."""
        return {write.key_for(name) for name in names for write in self.writes}


async def record(cluster: Cluster) -> Model:
    """Make the model tenant, and see what the operator writes.

    Raises TimeoutError.
    """
    log = cluster.audit()
    uids: dict[str, str] = {}
    await cluster.make_namespaces([tenants.SAMPLE_NAME])
    await cluster.make_tenants([tenants.SAMPLE_NAME], uids.__setitem__)
    calls: list[Call] = []
    async with asyncio.timeout(_LONGEST_SECONDS):
        while not any(call.resource == _STATUS and call.succeeded for call in calls):
            await asyncio.sleep(_POLL_SECONDS)
            calls += log.new()
    await cluster.rest()
    calls += log.new()
    log.close()
    written: dict[Key, Write] = {}
    for call in sorted(calls, key=lambda call: call.received):
        if call.user == OPERATOR_USER and call.succeeded and _is_sent_alike(call):
            write = Write(call.key, call.uri, orjson.dumps(call.body).decode())
            written.setdefault(call.key, write)
    return Model(uids[tenants.SAMPLE_NAME], tuple(written.values()))


def _is_sent_alike(call: Call) -> bool:
    """Whether a bare client can send it: a patch that is no apply depends on what is there."""
    return call.body is not None and (call.verb == "create" or "force=true" in call.uri)
