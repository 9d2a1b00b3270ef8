"""Kubernetes Events, sent on the side: they inform people, nothing depends on them."""

from __future__ import annotations

import asyncio
import uuid
from typing import Literal

from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef
from jitsi_tenant_operator.kube.client import KubeClient
from jitsi_tenant_operator.kube.errors import KubeError
from jitsi_tenant_operator.kube.resources import EVENTS
from jitsi_tenant_operator.kube.timestamps import micro_time

_LONGEST_NOTE = 1024  # limits of the API, events.k8s.io/v1
_LONGEST_ACTION = 128
_LONGEST_NAME = 253
_NAMESPACE_FOR_CLUSTER_SCOPED = "default"


class EventRecorder:
    """Records Events of one reporting controller, in the order they were recorded.

    The caller records transitions, not states: nothing is counted or merged here. At most
    `capacity` Events wait to be sent; more are dropped and counted, as are those that the API
    server refuses. `controller` is a qualified name such as "example.com/operator", `instance`
    the name of the pod.
    """

    def __init__(
        self, client: KubeClient, *, controller: str, instance: str, capacity: int = 1000
    ) -> None:
        self._client = client
        self._controller = controller
        self._instance = instance
        self._waiting: asyncio.Queue[JsonObject] = asyncio.Queue(capacity)

    def record(
        self,
        regarding: ObjectRef,
        uid: str,
        *,
        type: Literal["Normal", "Warning"],  # noqa: A002 - the API's word
        reason: str,
        action: str,
        note: str,
    ) -> None:
        """Send an Event about an object as soon as may be. Never waits, never raises.

        `reason` and `action` are CamelCase words for machines, `note` a sentence for people.
        """
        event: JsonObject = {
            "apiVersion": EVENTS.api_version,
            "kind": EVENTS.kind,
            "metadata": {
                "namespace": regarding.namespace or _NAMESPACE_FOR_CLUSTER_SCOPED,
                "name": f"{regarding.name[: _LONGEST_NAME - 33]}.{uuid.uuid4().hex}",
            },
            "eventTime": micro_time(self._client.clock.now()),
            "type": type,
            "reason": reason[:_LONGEST_ACTION],
            "action": action[:_LONGEST_ACTION],
            "note": _shortened(note),
            "reportingController": self._controller,
            "reportingInstance": self._instance[:_LONGEST_ACTION],
            "regarding": {
                "apiVersion": regarding.api_version,
                "kind": regarding.kind,
                "namespace": regarding.namespace or None,
                "name": regarding.name,
                "uid": uid,
            },
        }
        try:
            self._waiting.put_nowait(event)
        except asyncio.QueueFull:
            self._count("dropped")

    async def run(self) -> None:
        """Send what was recorded, for ever, until cancelled."""
        while True:
            event = await self._waiting.get()
            try:
                await self._client.create(event)
            except KubeError:
                self._count("failed")
            else:
                self._count("sent")
            finally:
                self._waiting.task_done()

    async def drain(self) -> None:
        """Return when everything that was recorded has been sent or given up (`run` must run)."""
        await self._waiting.join()

    def _count(self, result: str) -> None:
        self._client.metrics.events.labels(result).inc()


def _shortened(note: str) -> str:
    """At most 1,024 bytes, which is what the API allows, cut between characters."""
    return note.encode()[:_LONGEST_NOTE].decode(errors="ignore")
