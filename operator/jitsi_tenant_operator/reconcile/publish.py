"""What the operator writes on a JitsiTenant itself: its finalizer, its status, its Events.

The spec, labels and annotations are the client's; nothing here touches them.
"""

from __future__ import annotations

from pydantic import ValidationError

from jitsi_tenant_operator.api.conditions import Condition, ConditionStatus
from jitsi_tenant_operator.api.objects import GROUP, JsonObject, ObjectRef
from jitsi_tenant_operator.api.tenant import JitsiTenantStatus
from jitsi_tenant_operator.kube.client import KubeClient
from jitsi_tenant_operator.kube.errors import Conflict, NotFound
from jitsi_tenant_operator.kube.events import EventRecorder
from jitsi_tenant_operator.reconcile.conditions import ConditionType, Finding, Reason
from jitsi_tenant_operator.reconcile.status import Report, next_status, status_patch
from jitsi_tenant_operator.reconcile.world import FINALIZER, World

PAUSED_ANNOTATION = f"{GROUP}/paused"


class Publisher:
    """Writes on tenants, and only when there is something new to write."""

    def __init__(self, world: World, client: KubeClient, events: EventRecorder) -> None:
        self._world = world
        self._client = client
        self._events = events

    async def hold(self, body: JsonObject) -> None:
        """See that the tenant cannot go without the operator; raises KubeError."""
        if FINALIZER not in body["metadata"].get("finalizers", ()):
            self._world.learn(await self._client.apply(_with_finalizers(body, [FINALIZER])))

    async def let_go(self, body: JsonObject) -> None:
        """Let a tenant that is being deleted go; what it owns is garbage-collected after it.

        Data and keys have no owner and stay.
        """
        if FINALIZER not in body["metadata"].get("finalizers", ()):
            return
        self._record(body, "Normal", Reason.DELETING, "volumes and passwords are kept")
        try:
            await self._client.apply(_with_finalizers(body, []))
        except (NotFound, Conflict):
            return

    @staticmethod
    def is_paused(body: JsonObject) -> bool:
        """Whether a person has paused the reconciliation of this tenant."""
        annotations = body["metadata"].get("annotations") or {}
        return bool(annotations.get(PAUSED_ANNOTATION) == "true")

    async def paused(self, body: JsonObject) -> None:
        """Say that nothing is done, and leave everything else that was said."""
        before = _status(body) or JitsiTenantStatus()
        kept = [
            _finding(condition)
            for condition in before.conditions or ()
            if condition.type in list(ConditionType) and condition.type != ConditionType.READY
        ]
        ready = Finding(
            ConditionType.READY,
            ConditionStatus.UNKNOWN,
            Reason.PAUSED,
            f"remove the annotation {PAUSED_ANNOTATION} to go on",
        )
        await self.publish(body, Report([*kept, ready]))

    async def publish(self, body: JsonObject, report: Report) -> None:
        """Write the status if it says anything new; raises KubeError."""
        before = _status(body)
        after = next_status(
            before, report, generation=body["metadata"]["generation"], now=self._client.clock.now()
        )
        if after == before:
            return
        try:
            answer = await self._client.apply(status_patch(body, after), subresource="status")
        except (NotFound, Conflict):
            return  # it was deleted meanwhile
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


def _with_finalizers(body: JsonObject, finalizers: list[str]) -> JsonObject:
    metadata = {name: body["metadata"][name] for name in ("name", "namespace", "uid")}
    if finalizers:
        metadata["finalizers"] = finalizers
    return {"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": metadata}


def _status(body: JsonObject) -> JitsiTenantStatus | None:
    """The status as it is; None when there is none, or one that nobody could have written."""
    try:
        return JitsiTenantStatus.model_validate(body["status"]) if body.get("status") else None
    except ValidationError:
        return None


def _finding(condition: Condition) -> Finding:
    known = condition.reason in list(Reason)
    return Finding(
        ConditionType(condition.type),
        condition.status,
        Reason(condition.reason) if known else Reason.NOT_EVALUATED,
        condition.message,
    )


def _ready(status: JitsiTenantStatus | None) -> Condition | None:
    conditions = (status.conditions if status is not None else None) or ()
    return next((c for c in conditions if c.type == ConditionType.READY), None)
