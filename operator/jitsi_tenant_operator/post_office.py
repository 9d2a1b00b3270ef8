"""The post office: what of the platform is needed to write notices and to hand them over.

Passwords and keys are Secrets of the operator's own namespace, read when a notice is sent and not
kept. A notice in another system's hands is JSON with the same words.
"""

from __future__ import annotations

import base64
import binascii
import secrets

import aiohttp

from jitsi_tenant_operator.api.notice import Channel
from jitsi_tenant_operator.api.notice import Letter as StoredLetter
from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef
from jitsi_tenant_operator.api.platform import (
    ConfigMapKeyReference,
    PlatformNotifications,
    SecretKeyReference,
)
from jitsi_tenant_operator.kube.client import KubeClient
from jitsi_tenant_operator.kube.errors import AlreadyExists, KubeError, NotFound
from jitsi_tenant_operator.notify import acknowledgement, letter, message, webhook
from jitsi_tenant_operator.notify.delivery import Deferred, Refused
from jitsi_tenant_operator.notify.letter import Letter
from jitsi_tenant_operator.notify.mail import SmtpMailer
from jitsi_tenant_operator.notify.matter import IncompleteError
from jitsi_tenant_operator.notify.sandbox import TemplateError
from jitsi_tenant_operator.reconcile.matter import matter_of
from jitsi_tenant_operator.reconcile.notices import NotSentError, Sending, addressee

ACKNOWLEDGEMENT_KEY = "jitsi-tenant-operator-acknowledgement"
"""The Secret with the key that the links in notices are made with; made once by the operator."""
_KEY = "key"
_TOKEN = "put-in-when-it-is-sent"  # noqa: S105
"""Stands in the stored letter for the token of its link, which only the addressee may know."""


class PostOffice:
    """Writes notices with the platform's templates, and sends them by its mail server."""

    def __init__(self, client: KubeClient, namespace: str) -> None:
        self._client = client
        self._namespace = namespace

    async def write(self, sending: Sending) -> StoredLetter:
        """The letter of a notice. Raises NotSentError where it cannot be written, KubeError."""
        notifications = sending.notifications
        tenant = sending.resolved.tenant
        language = tenant.spec.contract.client.language
        matter = matter_of(
            sending.notice, sending.resolved, sending.course, _provider(notifications)
        )
        try:
            written = letter.write(
                sending.notice.spec.about,
                language,
                matter,
                acknowledge_url=_acknowledge_url(sending),
                overrides=await self._templates(notifications),
            )
            identity = message.message_id(sending.uid, notifications.sender.rpartition("@")[2])
        except (IncompleteError, TemplateError, ValueError) as error:
            raise NotSentError(str(error), permanent=True) from error
        return StoredLetter(
            recipient=addressee(sending),
            contract=tenant.spec.contract.reference,
            language=language,
            written_at=sending.course.now.replace(microsecond=0),
            message_id=identity,
            subject=written.subject,
            text=written.text,
            html=written.html,
        )

    async def send(self, sending: Sending, stored: StoredLetter) -> str:
        """Hand a letter over; what was answered. Raises NotSentError, KubeError."""
        try:
            if sending.notice.spec.channel is Channel.WEBHOOK:
                return await self._post(sending, stored)
            return await self._mail(sending.notifications, await self._with_token(sending, stored))
        except Refused as error:
            raise NotSentError(error.reason, permanent=True) from None
        except Deferred as error:
            retry_after = error.retry_after or 0.0
            raise NotSentError(error.reason, permanent=False, retry_after=retry_after) from None

    async def _mail(self, notifications: PlatformNotifications, stored: StoredLetter) -> str:
        try:
            mailer = SmtpMailer(
                notifications.smtp_host,
                notifications.smtp_port,
                clock=self._client.clock,
                credentials=await self._credentials(notifications),
                certificate_authority=await self._authority(notifications),
            )
            composed = message.compose(
                Letter(stored.subject, stored.text, stored.html),
                sender=notifications.sender,
                sender_name=_provider(notifications),
                recipient=stored.recipient,
                message_id=stored.message_id,
                date=stored.written_at,
                language=stored.language,
            )
        except ValueError as error:
            raise NotSentError(str(error), permanent=True) from None
        return (await mailer.send(composed)).reply

    async def _post(self, sending: Sending, stored: StoredLetter) -> str:
        target = sending.notifications.webhook
        if target is None:
            raise NotSentError(
                "set spec.notifications.webhook of the JitsiPlatform", permanent=True
            )
        secret = await self._value("Secret", target.secret)
        body = _as_json(sending, stored)
        try:
            async with aiohttp.ClientSession() as session:
                accepted = await webhook.post(
                    target.url,
                    body,
                    uid=sending.uid,
                    secret=secret,
                    clock=self._client.clock,
                    session=session,
                )
        except ValueError as error:
            raise NotSentError(str(error), permanent=True) from None
        return accepted.reply

    async def _with_token(self, sending: Sending, stored: StoredLetter) -> StoredLetter:
        if _TOKEN not in stored.text:
            return stored
        key = await acknowledgement_key(self._client, self._namespace)
        token = acknowledgement.token(key, sending.uid)
        parts = {name: getattr(stored, name).replace(_TOKEN, token) for name in ("text", "html")}
        return stored.model_copy(update=parts)

    async def _templates(self, notifications: PlatformNotifications) -> dict[str, str]:
        if notifications.templates is None:
            return {}
        found = await self._read("ConfigMap", notifications.templates)
        return dict(found.get("data") or {})

    async def _credentials(self, notifications: PlatformNotifications) -> tuple[str, str] | None:
        if notifications.credentials is None:
            return None
        values = []
        for key in ("username", "password"):
            reference = SecretKeyReference(name=notifications.credentials, key=key)
            values.append((await self._value("Secret", reference)).decode(errors="replace"))
        return values[0], values[1]

    async def _authority(self, notifications: PlatformNotifications) -> bytes | None:
        reference = notifications.certificate_authority
        return None if reference is None else await self._value("ConfigMap", reference)

    async def _value(
        self, kind: str, reference: SecretKeyReference | ConfigMapKeyReference
    ) -> bytes:
        data = (await self._read(kind, reference.name)).get("data") or {}
        try:
            value: str = data[reference.key]
            return value.encode() if kind == "ConfigMap" else base64.b64decode(value)
        except (KeyError, binascii.Error):
            raise NotSentError(
                f"{kind} {reference.name} of the namespace {self._namespace} has no usable key"
                f" {reference.key}",
                permanent=False,
            ) from None

    async def _read(self, kind: str, name: str) -> JsonObject:
        try:
            return await self._client.get(ObjectRef("v1", kind, self._namespace, name))
        except NotFound:
            raise NotSentError(
                f"{kind} {name} is not in the namespace {self._namespace}: create it, or correct"
                " spec.notifications of the JitsiPlatform",
                permanent=False,
            ) from None


async def acknowledgement_key(client: KubeClient, namespace: str) -> bytes:
    """The key of the links in notices, made when there is none; raises KubeError."""
    ref = ObjectRef("v1", "Secret", namespace, ACKNOWLEDGEMENT_KEY)
    try:
        found = await client.get(ref)
    except NotFound:
        key = base64.b64encode(secrets.token_bytes(acknowledgement.MIN_KEY)).decode()
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": ref.name, "namespace": namespace},
            "data": {_KEY: key},
        }
        try:
            found = await client.create(body)
        except AlreadyExists:
            found = await client.get(ref)
    try:
        return base64.b64decode(found["data"][_KEY])
    except (KeyError, binascii.Error):
        raise KubeError(f"{ref} has no usable key {_KEY}: delete it, and it is made anew") from None


def _acknowledge_url(sending: Sending) -> str | None:
    """The link by which a receipt is acknowledged; none for what another system is told."""
    address = sending.notifications.acknowledgement_address
    if address is None or sending.notice.spec.channel is Channel.WEBHOOK:
        return None
    ref = sending.notice.ref
    return f"{address.rstrip('/')}/acknowledge/{ref.namespace}/{ref.name}/{_TOKEN}"


def _provider(notifications: PlatformNotifications) -> str:
    return notifications.sender_name or notifications.sender.rpartition("@")[2]


def _as_json(sending: Sending, stored: StoredLetter) -> JsonObject:
    ref, spec = sending.notice.ref, sending.notice.spec
    return {
        "namespace": ref.namespace,
        "notice": ref.name,
        "about": spec.about.value,
        "contract": sending.resolved.tenant.spec.contract.reference,
        "regarding": spec.regarding,
        "reason": spec.reason,
        "clause": spec.clause,
        "document": spec.document,
        "writtenAt": stored.written_at.isoformat().replace("+00:00", "Z"),
        "subject": stored.subject,
        "text": stored.text,
    }
