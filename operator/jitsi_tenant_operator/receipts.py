"""Where the page for acknowledging notices finds them, and records their receipt.

Each replica serves the page, whichever of them leads: it only reads and writes JitsiNotices.
"""

from __future__ import annotations

from contextlib import aclosing, suppress
from datetime import UTC, datetime

from aiohttp import web

from jitsi_tenant_operator.api.model import InvalidObjectError
from jitsi_tenant_operator.api.notice import JitsiNotice
from jitsi_tenant_operator.api.objects import API_VERSION, JsonObject, ObjectRef
from jitsi_tenant_operator.api.platform import JitsiPlatform, JitsiPlatformSpec
from jitsi_tenant_operator.contract.calendar import Calendar
from jitsi_tenant_operator.kube.client import KubeClient, Selection
from jitsi_tenant_operator.kube.errors import Conflict, KubeError, NotFound
from jitsi_tenant_operator.notify import acknowledgement
from jitsi_tenant_operator.notify.acknowledgement import Pending, StoreUnavailableError
from jitsi_tenant_operator.post_office import acknowledgement_key
from jitsi_tenant_operator.reconcile.world import PLATFORM_NAME

_TRIES = 3


class NoticeReceipts:
    """The JitsiNotices as the page for acknowledging them sees them."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client

    async def find(self, namespace: str, name: str) -> Pending | None:
        """The notice as it is now; None where there is none that was written."""
        found = await self._read(namespace, name)
        if found is None:
            return None
        body, notice = found
        letter = notice.status.letter if notice.status is not None else None
        if letter is None:
            return None
        return Pending(
            uid=body["metadata"]["uid"],
            subject=letter.subject,
            reference=letter.contract,
            language=letter.language,
            acknowledged=notice.status.acknowledged_at if notice.status is not None else None,
        )

    async def acknowledge(self, namespace: str, name: str, uid: str, at: datetime) -> None:
        """Record the receipt of a notice, unless it is recorded already."""
        for _ in range(_TRIES):
            found = await self._read(namespace, name)
            if found is None or found[0]["metadata"]["uid"] != uid:
                raise StoreUnavailableError
            body, notice = found
            if notice.status is not None and notice.status.acknowledged_at is not None:
                return
            version = body["metadata"]["resourceVersion"]
            instant = at.astimezone(UTC).isoformat().replace("+00:00", "Z")
            patch = {
                "metadata": {"resourceVersion": version},
                "status": {"acknowledgedAt": instant},
            }
            try:
                await self._client.merge_patch(notice.ref, patch, subresource="status")
            except Conflict:
                continue
            except KubeError as error:
                raise StoreUnavailableError from error
            return
        raise StoreUnavailableError

    async def _read(self, namespace: str, name: str) -> tuple[JsonObject, JitsiNotice] | None:
        ref = ObjectRef(API_VERSION, JitsiNotice.definition.kind, namespace, name)
        try:
            body = await self._client.get(ref)
            return body, JitsiNotice.parse(body)
        except (NotFound, InvalidObjectError):
            return None
        except KubeError as error:
            raise StoreUnavailableError from error


async def acknowledgement_page(client: KubeClient, namespace: str) -> web.Application:
    """The page, with the key in the operator's namespace; raises KubeError."""
    return acknowledgement.application(
        NoticeReceipts(client),
        key=await acknowledgement_key(client, namespace),
        clock=client.clock,
        calendar=await _calendar(client),
    )


async def _calendar(client: KubeClient) -> Calendar:
    """The calendar of the platform's zone, in which the page tells when a receipt was recorded."""
    zone = str(JitsiPlatformSpec.model_fields["time_zone"].default)
    resource = client.resources.of(API_VERSION, JitsiPlatform.definition.kind)
    pages = client.list_pages(resource, Selection(field_selector=f"metadata.name={PLATFORM_NAME}"))
    async with aclosing(pages):
        async for page in pages:
            for body in page.items:
                with suppress(InvalidObjectError):
                    zone = JitsiPlatform.parse(body).spec.time_zone
    return Calendar.of(zone)
