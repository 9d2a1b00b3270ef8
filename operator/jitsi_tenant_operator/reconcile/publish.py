"""What the operator writes on a JitsiTenant itself: its finalizer, its status, its Events.

The spec, labels and annotations are the client's; nothing here touches them.
"""

from __future__ import annotations

from contextlib import aclosing
from datetime import datetime
from functools import partial
from typing import Protocol

from pydantic import ValidationError

from jitsi_tenant_operator.api.conditions import Condition, ConditionStatus
from jitsi_tenant_operator.api.objects import GROUP, JsonObject, ObjectRef
from jitsi_tenant_operator.api.tenant import JitsiTenantStatus
from jitsi_tenant_operator.kube.client import KubeClient, Selection
from jitsi_tenant_operator.kube.events import EventRecorder
from jitsi_tenant_operator.reconcile.conditions import ConditionType, Finding, Reason
from jitsi_tenant_operator.reconcile.known_tenant import FINALIZER
from jitsi_tenant_operator.reconcile.status import (
    Report,
    next_status,
    status_patch,
    with_finding,
)
from jitsi_tenant_operator.reconcile.world import World

PAUSED_ANNOTATION = f"{GROUP}/paused"


class _Follow(Protocol):
    """How one status follows another."""

    def __call__(
        self, before: JitsiTenantStatus | None, *, generation: int, now: datetime
    ) -> JitsiTenantStatus: ...


class Publisher:
    """Writes on tenants, and only when there is something new to write."""

    def __init__(self, world: World, client: KubeClient, events: EventRecorder) -> None:
        self._world = world
        self._client = client
        self._events = events

    async def hold(self, body: JsonObject) -> None:
        """See that the tenant cannot go without the operator; raises KubeError."""
        if FINALIZER not in body["metadata"].get("finalizers", ()):
            metadata = {name: body["metadata"][name] for name in ("name", "namespace", "uid")}
            intent = {**_type(body), "metadata": {**metadata, "finalizers": [FINALIZER]}}
            self._world.learn(await self._client.apply(intent))

    async def let_go(self, body: JsonObject) -> None:
        """Let a tenant that is being deleted go; what it owns is garbage-collected after it.

        Data and keys have no owner and stay. Raises KubeError, also when the tenant has changed
        since.
        """
        metadata = body["metadata"]
        if FINALIZER not in metadata.get("finalizers", ()):
            return
        others = [each for each in metadata["finalizers"] if each != FINALIZER]
        version = metadata["resourceVersion"]
        # No apply: that would leave the finalizer to others who set it too, as a restored backup
        # does, and the tenant could never go.
        await self._client.merge_patch(
            ObjectRef.of(body), {"metadata": {"resourceVersion": version, "finalizers": others}}
        )
        self._record(body, "Normal", Reason.DELETING, "volumes and passwords are kept")

    async def exists(self, body: JsonObject) -> bool:
        """Whether the tenant is still there, this one and no namesake; raises KubeError."""
        ref, uid = ObjectRef.of(body), body["metadata"]["uid"]
        selection = Selection(ref.namespace, field_selector=f"metadata.name={ref.name}")
        pages = self._client.list_pages(self._client.resources.of_ref(ref), selection)
        async with aclosing(pages):
            async for page in pages:
                return any(item["metadata"]["uid"] == uid for item in page.items)
        return False

    @staticmethod
    def is_paused(body: JsonObject) -> bool:
        """Whether a person has paused the reconciliation of this tenant."""
        annotations = body["metadata"].get("annotations") or {}
        return bool(annotations.get(PAUSED_ANNOTATION) == "true")

    async def paused(self, body: JsonObject) -> None:
        """Say that nothing is done, and leave everything else that was said."""
        ready = Finding(
            ConditionType.READY,
            ConditionStatus.UNKNOWN,
            Reason.PAUSED,
            f"remove the annotation {PAUSED_ANNOTATION} to go on",
        )
        await self._write(body, partial(with_finding, finding=ready))

    async def publish(self, body: JsonObject, report: Report) -> None:
        """Write the status if it says anything new; raises KubeError."""
        await self._write(body, partial(next_status, report=report))

    async def _write(self, body: JsonObject, follow: _Follow) -> None:
        before = _status(body)
        after = follow(
            before, generation=body["metadata"]["generation"], now=self._client.clock.now()
        )
        if after == before:
            return
        answer = await self._client.apply(status_patch(body, after), subresource="status")
        self._world.learn(answer)
        self._tell(body, before, after)

    def _tell(
        self, body: JsonObject, before: JitsiTenantStatus | None, after: JitsiTenantStatus
    ) -> None:
        old, new = _ready(before), _ready(after)
        if new is None or (
            old is not None and (old.status, old.reason) == (new.status, new.reason)
        ):
            return
        if new.reason == Reason.PROGRESSING:
            return
        warning = new.status is ConditionStatus.FALSE
        self._record(body, "Warning" if warning else "Normal", Reason(new.reason), new.message)

    def _record(self, body: JsonObject, type_: str, reason: Reason, note: str) -> None:
        self._events.record(
            ObjectRef.of(body),
            body["metadata"]["uid"],
            type="Warning" if type_ == "Warning" else "Normal",
            reason=reason.value,
            action="Reconcile",
            note=note,
        )


def _type(body: JsonObject) -> JsonObject:
    return {"apiVersion": body["apiVersion"], "kind": body["kind"]}


def _status(body: JsonObject) -> JitsiTenantStatus | None:
    """The status as it is; None when there is none, or one that nobody could have written."""
    try:
        return JitsiTenantStatus.model_validate(body["status"]) if body.get("status") else None
    except ValidationError:
        return None


def _ready(status: JitsiTenantStatus | None) -> Condition | None:
    conditions = (status.conditions if status is not None else None) or ()
    return next((c for c in conditions if c.type == ConditionType.READY), None)
