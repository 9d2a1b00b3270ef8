"""Cuts the wire of one tenant after a number of its requests, as a crash would."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from jitsi_tenant_operator.kube.errors import KubeError
from jitsi_tenant_operator.kube.transport import Request
from trial.operating import InterceptedClient


@dataclass(slots=True)
class Cuts:
    """Lets pass as many requests about objects in each namespace as `after` says, then no more.

    It makes no difference to the next operator whether the last answer was still heard.
    """

    after: Mapping[str, int]
    seen: Counter[str] = field(default_factory=Counter)

    def attach(self, client: InterceptedClient) -> None:
        """Stand between `client` and the API server."""
        client.wire.before = self._before

    def reached(self, namespace: str) -> bool:
        """Whether a request was lost in that namespace."""
        return self.seen[namespace] > self.after[namespace]

    async def _before(self, request: Request) -> None:
        namespace = namespace_of(request)
        self.seen[namespace] += 1
        if self.seen[namespace] > self.after.get(namespace, math.inf):
            raise KubeError("the wire is cut")


def namespace_of(request: Request) -> str:
    """The namespace of the object that a request is about, empty for none."""
    _, _, rest = request.path.partition("/namespaces/")
    return rest.partition("/")[0]
