"""The reconcile of JitsiNotice: writes its letter, sends it, and says what became of it.

The letter is stored before it is sent, with its Message-ID and its date, so that a repetition after
a crash is the same message to the byte, which the addressee's server takes once (RFC 5322, 3.6.4).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from jitsi_tenant_operator.api.conditions import Condition, ConditionStatus
from jitsi_tenant_operator.api.model import InvalidObjectError
from jitsi_tenant_operator.api.notice import Channel, JitsiNotice, JitsiNoticeStatus, Letter
from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef
from jitsi_tenant_operator.api.platform import JitsiPlatform, PlatformNotifications
from jitsi_tenant_operator.api.tenant import JitsiTenant
from jitsi_tenant_operator.contract.facts import Notice
from jitsi_tenant_operator.kube.client import KubeClient
from jitsi_tenant_operator.kube.errors import Conflict, NotFound
from jitsi_tenant_operator.reconcile.conditions import (
    ConditionType,
    Finding,
    Reason,
    conditions,
    found,
    lacking,
    unknown,
)
from jitsi_tenant_operator.reconcile.contract_objects import is_pending, is_sent_by_operator
from jitsi_tenant_operator.reconcile.course import ContractFollower, Course
from jitsi_tenant_operator.reconcile.queue import FailedError
from jitsi_tenant_operator.reconcile.resolve import Resolved, resolve
from jitsi_tenant_operator.reconcile.workers import Again
from jitsi_tenant_operator.reconcile.world import World

REFUSED_SECONDS = 6 * 3600.0
"""After how long a notice that was refused for good is tried again although nothing changed."""


UNRESOLVED_SECONDS = 300.0
"""After how long a notice is looked at again whose tenant could not be carried out."""
_TRIES = 5
"""How often it is tried to say that a notice has left, while others write it too."""


class NotSentError(Exception):
    """A notice did not leave. `permanent`: not before somebody changes something."""

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.message = message
        self.permanent = permanent


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
        if known is None or (not known.pending and known.told == _told(known.fact)):
            return None
        try:
            body = await self._client.get(ref)
        except NotFound:
            return None
        notice = JitsiNotice.parse(body)
        if is_pending(notice):
            return await self._send(body, notice)
        await self._publish(body, notice, _status(notice), _sent_by_hand(notice))
        return None

    async def _send(self, body: JsonObject, notice: JitsiNotice) -> Again | None:
        status = _status(notice)
        sending = self._sending(body, notice)
        if isinstance(sending, Finding):
            await self._publish(body, notice, status, sending)
            # Nobody tells of what the tenant refers to, such as a plan that is made after all.
            unresolved = sending.reason is Reason.TENANT_NOT_RESOLVED
            return Again(UNRESOLVED_SECONDS) if unresolved else None
        try:
            if status.letter is None or self._is_outdated(sending, status.letter):
                letter = await self._dispatch.write(sending)
                status = status.model_copy(update={"letter": letter})
                body = await self._publish(body, notice, status, _on_its_way())
            assert status.letter is not None
            reply = await self._dispatch.send(sending, status.letter)
        except NotSentError as error:
            await self._failed(body, notice, status, error)
            return Again(REFUSED_SECONDS)
        await self._record_sent(body, notice, status, reply)
        return None

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
            raise FailedError

    def _is_outdated(self, sending: Sending, letter: Letter) -> bool:
        return letter.recipient != addressee(sending)

    def _sending(self, body: JsonObject, notice: JitsiNotice) -> Sending | Finding:
        platform = self._world.platform()
        if not isinstance(platform, JitsiPlatform) or platform.spec.notifications is None:
            return lacking(
                ConditionType.SENT,
                Reason.NO_MAIL_SERVER,
                "set spec.notifications of the JitsiPlatform, or tell the client by other means"
                " and enter when",
            )
        resolved = self._tenant(notice.metadata.namespace)
        if resolved is None:
            return lacking(
                ConditionType.SENT,
                Reason.TENANT_NOT_RESOLVED,
                "mend the JitsiTenant of this namespace first: its contract cannot be told",
            )
        course = self._contracts.decided(resolved.bound)
        uid = body["metadata"]["uid"]
        return Sending(notice, uid, resolved, course, platform.spec.notifications)

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
            "status": after.to_json(),
        }
        answer = await self._client.merge_patch(notice.ref, patch, subresource="status")
        if self._world.around_contracts.notices.observe(None, answer):
            self._changed(notice.ref)
        return answer

    def _conditions(
        self, generation: int, notice: JitsiNotice, status: JitsiNoticeStatus, sent: Finding
    ) -> tuple[Condition, ...]:
        return conditions(
            [sent, _received(notice, status)],
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


def _on_its_way() -> Finding:
    return unknown(ConditionType.SENT, "it is being sent")


def _sent_by_hand(notice: JitsiNotice) -> Finding:
    """How a notice stands that the operator has not, or no more, to send."""
    letter, status = notice.spec.registered_letter, _status(notice)
    if status.sent_at is not None or letter is not None or is_sent_by_operator(notice):
        return found(ConditionType.SENT)
    text = "enter in spec.registeredLetter when it was sent and delivered"
    return Finding(ConditionType.SENT, ConditionStatus.UNKNOWN, Reason.BY_OTHER_MEANS, text)


def _received(notice: JitsiNotice, status: JitsiNoticeStatus) -> Finding:
    letter = notice.spec.registered_letter
    receipts = (
        notice.spec.acknowledged_at,
        status.acknowledged_at,
        letter.delivered_at if letter is not None else None,
    )
    if any(at is not None for at in receipts):
        return found(ConditionType.RECEIVED)
    text = "no receipt is known; one known by other means is entered in spec.acknowledgedAt"
    return Finding(ConditionType.RECEIVED, ConditionStatus.UNKNOWN, Reason.AWAITED, text)


def _told(fact: Notice) -> tuple[tuple[str, str], ...]:
    """The conditions that a notice should have that is not to be sent any more."""
    return (
        (ConditionType.RECEIVED, "Unknown" if fact.received is None else "True"),
        (ConditionType.SENT, "Unknown" if fact.sent is None else "True"),
    )
