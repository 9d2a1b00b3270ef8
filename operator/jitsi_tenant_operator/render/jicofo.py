"""Jicofo, the focus of conferences: exactly one, replaced and never doubled."""

from __future__ import annotations

from collections.abc import Iterator

from jitsi_tenant_operator.api.objects import JsonObject
from jitsi_tenant_operator.render import credentials, heap, names, pods, probes, prosody
from jitsi_tenant_operator.render.configuration import file
from jitsi_tenant_operator.render.context import TenantContext
from jitsi_tenant_operator.render.environment import Environment
from jitsi_tenant_operator.render.labels import Component

PORT = 8888
REGION = "local"
"""The region of Jicofo and all bridges of a tenant, so that it uses any bridge for any room."""


def children(context: TenantContext) -> Iterator[JsonObject]:
    """The Deployment, the Service for its statistics and its ConfigMap."""
    pod = _pod(context)
    configuration = pod.configuration(context)
    if configuration is not None:
        yield configuration
    name = context.child(Component.JICOFO.value)
    replicas = int(context.conducting)
    yield pod.workload(context, "Deployment", name, replicas, strategy={"type": "Recreate"})
    yield pods.service(context, Component.JICOFO, [pods.service_port("http", PORT)])


def _pod(context: TenantContext) -> pods.Pod:
    # /about/health fails while no bridge is there; /about/version only says that Jicofo answers.
    alive = probes.tcp("http")
    return pods.Pod(
        component=Component.JICOFO,
        size=context.plan.sizes.jicofo,
        environment=_environment(context),
        ports=[pods.port("http", PORT)],
        probes={
            "readinessProbe": probes.readiness(alive),
            "livenessProbe": probes.liveness(alive),
        },
        priority_class=context.platform.priority_classes.media,
        files=[file("/config/custom-jicofo.conf", "custom-jicofo.conf.j2")],
    )


def _environment(context: TenantContext) -> Environment:
    found = (
        Environment()
        .text("XMPP_SERVER", context.service_name(Component.PROSODY))
        .secret("JICOFO_AUTH_PASSWORD", names.CREDENTIALS, credentials.JICOFO)
        .text("JICOFO_MAX_MEMORY", heap.limit(context.plan.sizes.jicofo.memory))
        # Without it, statistics and probes reach the pod itself alone.
        .switch("JICOFO_ENABLE_REST", True)
        # On from the first bridge, so that a second one does not restart the first.
        .switch("ENABLE_OCTO", True)
        .text("OCTO_BRIDGE_SELECTION_STRATEGY", "RegionBasedBridgeSelectionStrategy")
        .text("JICOFO_OCTO_REGION", REGION)
        .switch("ENABLE_RECORDING", context.may_record)
        .switch("ENABLE_AUTO_OWNER", context.spec.meetings.moderation.first_participant_moderates)
    )
    return prosody.authentication(context, found)
