"""The reconcile of JitsiNotice: writes its letter, sends it, and says what became of it.

The letter is stored before it is sent, with its Message-ID and its date, so that a repetition after
a crash is the same message to the byte, which the addressee's server takes once (RFC 5322, 3.6.4).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from jitsi_tenant_operator.api.conditions import Condition
from jitsi_tenant_operator.api.model import InvalidObjectError
from jitsi_tenant_operator.api.notice import Channel, JitsiNotice, JitsiNoticeStatus, Letter
from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef
from jitsi_tenant_operator.api.platform import JitsiPlatform, PlatformNotifications
from jitsi_tenant_operator.api.tenant import JitsiTenant
from jitsi_tenant_operator.kube.client import KubeClient
from jitsi_tenant_operator.kube.errors import Conflict, NotFound
from jitsi_tenant_operator.reconcile.causes import why_withdrawn
from jitsi_tenant_operator.reconcile.conditions import (
    ConditionType,
    Finding,
    Reason,
    conditions,
    found,
    lacking,
)
from jitsi_tenant_operator.reconcile.contract_objects import is_pending
from jitsi_tenant_operator.reconcile.course import ContractFollower, Course
from jitsi_tenant_operator.reconcile.notice_findings import (
    NO_MAIL_SERVER,
    NO_WEBHOOK,
    ON_ITS_WAY,
    TENANT_NOT_RESOLVED,
    expected,
    not_sent_by_operator,
    received,
    withdrawn,
)
from jitsi_tenant_operator.reconcile.notice_keys import key_of
from jitsi_tenant_operator.reconcile.queue import FailedError
from jitsi_tenant_operator.reconcile.resolve import Resolved, resolve
from jitsi_tenant_operator.reconcile.workers import Again
from jitsi_tenant_operator.reconcile.world import World

REFUSED_SECONDS = 6 * 3600.0
"""After how long a notice that was refused for good is tried again although nothing changed."""


UNRESOLVED_SECONDS = 300.0
"""After how long a notice is looked at again whose tenant could not be carried out."""
_MENDED_ELSEWHERE = frozenset(
    {Reason.TENANT_NOT_RESOLVED, Reason.LEDGER_CHANGED, Reason.LEDGER_MISSING}
)
"""What may be mended without anything being said of the notice."""
_TRIES = 5
"""How often it is tried to say that a notice has left, while others write it too."""


class NotSentError(Exception):
    """A notice did not leave. `permanent`: not before somebody changes something.

    `retry_after` is in how many seconds the other side asks to be tried again, 0 where it does not.
    """

    def __init__(self, message: str, *, permanent: bool, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.message = message
        self.permanent = permanent
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Sending:
    """All that a dispatch needs of a notice, and of the platform that sends it."""

    notice: JitsiNotice
    uid: str
    resolved: Resolved
    course: Course
    notifications: PlatformNotifications


class Dispatch(Protocol):
    """Writes and sends notices."""

    async def write(self, sending: Sending) -> Letter:
        """The letter of a notice. Raises NotSentError where it cannot be written."""

    async def send(self, sending: Sending, letter: Letter) -> str:
        """Hand the letter over; what was answered. Raises NotSentError."""


class NoticeReconciler:
    """Sends each notice once, and tells how it stands in its status."""

    def __init__(
        self,
        world: World,
        client: KubeClient,
        contracts: ContractFollower,
        dispatch: Dispatch,
        changed: Callable[[ObjectRef], None],
    ) -> None:
        """`changed` is told of each notice that stands otherwise: the echo of that is no news."""
        self._changed = changed
        self._world = world
        self._client = client
        self._contracts = contracts
        self._dispatch = dispatch

    async def reconcile(self, ref: ObjectRef) -> Again | None:
        """Send a notice that is still to be sent; raises KubeError, FailedError to try again."""
        known = self._world.around_contracts.notices.get(ref)
        if known is None or (not known.pending and known.told == expected(known.fact)):
            return None
        try:
            body = await self._client.get(ref)
        except NotFound:
            return None
        notice = JitsiNotice.parse(body)
        if is_pending(notice):
            return await self._send(body, notice)
        await self._publish(body, notice, _status(notice), not_sent_by_operator(notice))
        return None

    async def _send(self, body: JsonObject, notice: JitsiNotice) -> Again | None:
        status = _status(notice)
        sending = self._sending(body, notice)
        if isinstance(sending, Finding):
            await self._keep(body, notice, status, sending)
            # Nobody tells of what the tenant refers to, such as a plan that is made after all.
            return Again(UNRESOLVED_SECONDS) if sending.reason in _MENDED_ELSEWHERE else None
        recorded = _recorded(notice, sending.course)
        if recorded is not None:
            known = {"sent_at": recorded, "reply": "as the ledger has it"}
            after = status.model_copy(update=known)
            await self._publish(body, notice, after, found(ConditionType.SENT))
            return None
        status = status.model_copy(update={"withdrawn_at": None})
        try:
            if status.letter is None or self._is_outdated(sending, status.letter):
                letter = await self._dispatch.write(sending)
                status = status.model_copy(update={"letter": letter})
                body = await self._publish(body, notice, status, ON_ITS_WAY)
            assert status.letter is not None
            reply = await self._dispatch.send(sending, status.letter)
        except NotSentError as error:
            await self._failed(body, notice, status, error)
            return Again(REFUSED_SECONDS)
        await self._record_sent(body, notice, status, reply)
        return None

    async def _keep(
        self, body: JsonObject, notice: JitsiNotice, status: JitsiNoticeStatus, why: Finding
    ) -> None:
        """Say why a notice is not sent now, and since when it is withdrawn, if it is."""
        withdrawn_at = status.withdrawn_at if why.reason in _MENDED_ELSEWHERE else None
        if why.reason is Reason.WITHDRAWN:
            withdrawn_at = status.withdrawn_at or self._client.clock.now()
        after = status.model_copy(update={"withdrawn_at": withdrawn_at})
        await self._publish(body, notice, after, why)

    async def _record_sent(
        self, body: JsonObject, notice: JitsiNotice, status: JitsiNoticeStatus, reply: str
    ) -> None:
        """Say that it has left. What others wrote meanwhile is kept, and nothing is sent again."""
        sent = {"sent_at": self._client.clock.now(), "reply": reply[:512]}
        for left in reversed(range(_TRIES)):
            after = status.model_copy(update=sent)
            try:
                await self._publish(body, notice, after, found(ConditionType.SENT))
            except Conflict:
                if not left:
                    raise
            else:
                return
            try:
                body = await self._client.get(notice.ref)
            except NotFound:
                return
            notice = JitsiNotice.parse(body)
            status = _status(notice)

    async def _failed(
        self, body: JsonObject, notice: JitsiNotice, status: JitsiNoticeStatus, error: NotSentError
    ) -> None:
        """Say why it did not leave. Raises FailedError when that may mend itself."""
        status = status.model_copy(update={"attempts": status.attempts + 1})
        reason = Reason.REFUSED if error.permanent else Reason.NOT_DELIVERED
        finding = lacking(ConditionType.SENT, reason, error.message)
        await self._publish(body, notice, status, finding)
        if not error.permanent:
            raise FailedError(error.retry_after)

    def _is_outdated(self, sending: Sending, letter: Letter) -> bool:
        return letter.recipient != addressee(sending)

    def _sending(self, body: JsonObject, notice: JitsiNotice) -> Sending | Finding:
        """All that the sending needs, or why the notice is not to be sent now."""
        platform = self._world.platform()
        resolved = self._tenant(notice.metadata.namespace)
        if not isinstance(platform, JitsiPlatform) or resolved is None:
            return TENANT_NOT_RESOLVED
        course = self._contracts.decided(resolved.bound)
        if course.ledger_problem is not None:
            # Only the ledger knows whether it was sent before.
            return lacking(
                ConditionType.SENT, course.ledger_problem.reason, course.ledger_problem.message
            )
        why = why_withdrawn(notice, course)
        if why is not None and _recorded(notice, course) is None:
            return withdrawn(why)
        notifications = platform.spec.notifications
        by_webhook = notice.spec.channel is Channel.WEBHOOK
        if notifications is None or (by_webhook and notifications.webhook is None):
            return NO_WEBHOOK if by_webhook else NO_MAIL_SERVER
        return Sending(notice, body["metadata"]["uid"], resolved, course, notifications)

    def _tenant(self, namespace: str) -> Resolved | None:
        holder = self._world.namespace_holder(namespace)
        known = self._world.tenant(holder) if holder is not None else None
        if known is None:
            return None
        try:
            resolved = resolve(JitsiTenant.parse(known.body()), self._world)
        except InvalidObjectError:
            return None
        return resolved if isinstance(resolved, Resolved) else None

    async def _publish(
        self, body: JsonObject, notice: JitsiNotice, status: JitsiNoticeStatus, sent: Finding
    ) -> JsonObject:
        """Write the status if it says anything new; the object as it is then stored."""
        metadata = body["metadata"]
        after = status.model_copy(
            update={
                "observed_generation": metadata["generation"],
                "conditions": self._conditions(metadata["generation"], notice, status, sent),
            }
        )
        if after == notice.status:
            return body
        patch = {
            "metadata": {"resourceVersion": metadata["resourceVersion"]},
            # What is not so any more has to be taken out by name.
            "status": {"withdrawnAt": None, **after.to_json()},
        }
        answer = await self._client.merge_patch(notice.ref, patch, subresource="status")
        if self._world.around_contracts.notices.observe(None, answer):
            self._changed(notice.ref)
        return answer

    def _conditions(
        self, generation: int, notice: JitsiNotice, status: JitsiNoticeStatus, sent: Finding
    ) -> tuple[Condition, ...]:
        return conditions(
            [sent, received(notice, status)],
            (notice.status.conditions if notice.status is not None else None) or (),
            generation=generation,
            now=self._client.clock.now(),
        )


def addressee(sending: Sending) -> str:
    """Where a notice goes: where it says itself, else to the client, or to the other system."""
    if sending.notice.spec.channel is Channel.WEBHOOK:
        webhook = sending.notifications.webhook
        return webhook.url if webhook is not None else ""
    client = sending.resolved.tenant.spec.contract.client
    return sending.notice.spec.recipient or client.email


def _status(notice: JitsiNotice) -> JitsiNoticeStatus:
    return notice.status or JitsiNoticeStatus()


def _recorded(notice: JitsiNotice, course: Course) -> datetime | None:
    """When the client was sent a notice, as the ledger has it though the notice does not."""
    if notice.spec.channel is Channel.WEBHOOK:
        return None
    key = key_of(notice)
    return next((each.sent for each in course.facts.notices if each.key == key), None)
