"""Whether the platform's own templates of notices can be used, before a notice is due."""

from __future__ import annotations

import asyncio

from jitsi_tenant_operator.api.objects import ObjectRef
from jitsi_tenant_operator.api.platform import JitsiPlatform
from jitsi_tenant_operator.kube.client import KubeClient
from jitsi_tenant_operator.kube.errors import NotFound
from jitsi_tenant_operator.notify import letter
from jitsi_tenant_operator.notify.letter import TemplatesError
from jitsi_tenant_operator.reconcile.conditions import (
    ConditionType,
    Finding,
    Reason,
    found,
    lacking,
)

LOOK_SECONDS = 600.0
"""How often the ConfigMap with the templates is read, which nobody watches."""


class NoticeTemplates:
    """Looks at the templates of the platform; what it found of the same ones it does not repeat."""

    def __init__(self, client: KubeClient, namespace: str) -> None:
        self._client = client
        self._namespace = namespace
        self._known: tuple[dict[str, str], Finding] | None = None

    async def finding(self, platform: JitsiPlatform) -> Finding | None:
        """Whether they can be used; None where there are none. Raises KubeError."""
        notifications = platform.spec.notifications
        if notifications is None or notifications.templates is None:
            return None
        name = notifications.templates
        try:
            body = await self._client.get(ObjectRef("v1", "ConfigMap", self._namespace, name))
        except NotFound:
            return lacking(
                ConditionType.NOTICE_TEMPLATES_VALID,
                Reason.CONFIG_MAP_NOT_FOUND,
                f"ConfigMap {name} is not in the namespace {self._namespace}: create it, or correct"
                " spec.notifications.templates",
            )
        overrides = dict(body.get("data") or {})
        if self._known is None or self._known[0] != overrides:
            # Every letter is rendered, which takes up to a second.
            self._known = overrides, await asyncio.to_thread(_checked, overrides)
        return self._known[1]


def _checked(overrides: dict[str, str]) -> Finding:
    try:
        letter.check(overrides)
    except TemplatesError as error:
        return lacking(
            ConditionType.NOTICE_TEMPLATES_VALID, Reason.NOTICE_TEMPLATES_INVALID, str(error)
        )
    return found(ConditionType.NOTICE_TEMPLATES_VALID)
