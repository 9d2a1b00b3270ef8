"""Every kopf decorator of the project, and nothing else.

kopf logs in, watches our own kinds and runs the event loop. It keeps no state on objects: there
are no change handlers, no timers and no daemons, so it writes nothing to them.
"""

from __future__ import annotations

from typing import Any, Protocol, cast

import kopf

from jitsi_tenant_operator.api.kinds import KINDS
from jitsi_tenant_operator.api.objects import GROUP, VERSION, JsonObject
from jitsi_tenant_operator.stateless import NoDiffBase, NoProgress


class Operator(Protocol):
    """What the handlers tell the rest of the operator."""

    def observe(self, kind: str, event: str | None, body: JsonObject) -> None:
        """Something was seen of an object of ours; `event` is None in a first listing."""

    def connection(self) -> kopf.ConnectionInfo:
        """How to reach the API server, with the credentials of this moment."""


def registry(operator: Operator) -> kopf.OperatorRegistry:
    """The handlers, bound to `operator`."""
    handlers = kopf.OperatorRegistry()

    @kopf.on.startup(registry=handlers)
    async def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
        settings.scanning.disabled = True
        settings.posting.enabled = False
        # kopf takes its finalizer off objects for which no handler needs one, that is off all of
        # ours; so that must not be the finalizer which the operator sets itself.
        settings.persistence.finalizer = f"{GROUP}/unused"
        settings.persistence.diffbase_storage = NoDiffBase()
        settings.persistence.progress_storage = NoProgress()
        settings.watching.chunk_size = 100
        settings.watching.server_timeout = 300
        settings.watching.client_timeout = 310
        settings.networking.request_timeout = 30
        settings.networking.connect_timeout = 10

    @kopf.on.login(registry=handlers)
    async def login(**_: Any) -> kopf.ConnectionInfo:
        return operator.connection()

    for model in KINDS:

        @kopf.on.event(
            GROUP, VERSION, model.definition.plural, id=model.definition.plural, registry=handlers
        )
        async def observe(event: kopf.RawEvent, **_: Any) -> None:
            body: JsonObject = dict(event["object"])
            operator.observe(body["kind"], event["type"], body)
            _shrink(cast("JsonObject", event["object"]))

    return handlers


def _shrink(seen: JsonObject) -> None:
    """Take out what kopf has no more use for.

    For some seconds it keeps each object that it has shown, after a listing all of them at once.
    """
    for part in ("spec", "status"):
        seen.pop(part, None)
    seen["metadata"].pop("managedFields", None)
