"""The video bridges: each its own StatefulSet with its own Service, port and address.

One Service per bridge, since media that reaches another bridge than the one that was advertised
is lost. A StatefulSet, since its pod has one name: while a pod that is told to end lets its
meetings go on, for hours, no second one comes up behind the same port. OnDelete, since a change
is made by another bridge that takes over, never by ending this one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

from jitsi_tenant_operator.api.media import Exposure
from jitsi_tenant_operator.api.objects import TEMPLATE_ANNOTATION, JsonObject
from jitsi_tenant_operator.render import credentials, heap, jicofo, media, names, pods, probes
from jitsi_tenant_operator.render.configuration import file
from jitsi_tenant_operator.render.context import MediaAddress, TenantContext
from jitsi_tenant_operator.render.environment import Environment
from jitsi_tenant_operator.render.labels import INDEX_LABEL, Component, selector

PORT = 8080
"""The private HTTP port: state, drain and shutdown, without authentication."""
DRAIN_SECONDS = 4 * 3600
"""How long a bridge that is told to end lets its meetings go on."""
MOVE_SECONDS = 60
"""How long Jicofo then has to move whoever is left to another bridge."""


def children(context: TenantContext) -> Iterator[JsonObject]:
    """For each bridge its Service, and its StatefulSet once its address is known."""
    configuration = _pod(context, 0, MediaAddress(0)).configuration(context)
    if configuration is not None:
        yield configuration
    slots = context.slots
    if context.platform.media.exposure is not Exposure.HOST_PORT:
        for index in sorted({*slots.running, *slots.reserved}):
            yield _service(context, index)
    for index in slots.running:
        found = context.observed.media.get(index)
        if found is not None:
            yield _workload(context, index, found)


def template_hash(context: TenantContext, index: int, found: MediaAddress) -> str:
    """What TEMPLATE_ANNOTATION says on the pod of a bridge that is as it should be."""
    return _digest(_pod(context, index, found).template(context))


def _digest(template: JsonObject) -> str:
    return hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:32]


def _workload(context: TenantContext, index: int, found: MediaAddress) -> JsonObject:
    name = names.bridge(context.name, index)
    obj = _pod(context, index, found).workload(
        context,
        "StatefulSet",
        name,
        1,
        serviceName=name,
        podManagementPolicy="Parallel",
        updateStrategy={"type": "OnDelete"},
    )
    template = obj["spec"]["template"]
    template["metadata"]["annotations"][TEMPLATE_ANNOTATION] = _digest(template)
    return obj


def _service(context: TenantContext, index: int) -> JsonObject:
    exposed = context.platform.media
    balanced = exposed.exposure is Exposure.LOAD_BALANCER
    obj = context.object(
        "v1",
        "Service",
        names.bridge(context.name, index),
        component=Component.JVB,
        extra_annotations=exposed.load_balancer.annotations if balanced else None,
    )
    obj["metadata"]["labels"][INDEX_LABEL] = str(index)
    obj["spec"] = {
        "type": exposed.exposure.value,
        "externalTrafficPolicy": exposed.external_traffic_policy.value,
        "selector": selector(context.name, Component.JVB, index),
        "ports": [pods.service_port(media.PORT_NAME, media.PORT, "UDP")],
    }
    if balanced and exposed.load_balancer.class_name is not None:
        obj["spec"]["loadBalancerClass"] = exposed.load_balancer.class_name
    return obj


def _pod(context: TenantContext, index: int, found: MediaAddress) -> pods.Pod:
    on_host = context.platform.media.exposure is Exposure.HOST_PORT
    host_port = found.port if on_host and isinstance(found.port, int) else None
    action = probes.http("/about/health", "http")
    return pods.Pod(
        component=Component.JVB,
        size=context.plan.sizes.bridge,
        environment=_environment(context, found),
        ports=[
            pods.port(media.PORT_NAME, media.PORT, "UDP", host_port),
            pods.port("http", PORT),
        ],
        probes={
            "readinessProbe": probes.readiness(action),
            "livenessProbe": probes.liveness(action),
        },
        priority_class=context.platform.priority_classes.media,
        files=[
            file(
                "/config/custom-jvb.conf",
                "custom-jvb.conf.j2",
                drain_seconds=DRAIN_SECONDS,
                move_seconds=MOVE_SECONDS,
            )
        ],
        # The init system ends a container within seconds; meetings end before it is told to.
        grace=DRAIN_SECONDS + 2 * MOVE_SECONDS,
        pre_stop=["/usr/share/jitsi-videobridge/graceful_shutdown.sh", "-s"],
        index=index,
        spread=True,
    )


def _environment(context: TenantContext, found: MediaAddress) -> Environment:
    advertised = media.advertised(context.platform.media, found)
    environment = Environment()
    if media.HOST_ADDRESS in advertised:
        environment.field("HOST_IP", "status.hostIP")
    return (
        environment.expanded("JVB_ADVERTISE_IPS", advertised)
        .number("JVB_PORT", media.PORT)
        # The recorder and other bridges reach a bridge at its pod's address.
        .switch("JVB_ADVERTISE_PRIVATE_CANDIDATES", True)
        .switch("JVB_DISABLE_STUN", True)
        .text("XMPP_SERVER", context.service_name(Component.PROSODY))
        .secret("JVB_AUTH_PASSWORD", names.CREDENTIALS, credentials.BRIDGE)
        .text("VIDEOBRIDGE_MAX_MEMORY", heap.limit(context.plan.sizes.bridge.memory))
        .switch("ENABLE_OCTO", True)
        .text("JVB_OCTO_REGION", jicofo.REGION)
        .field("JVB_OCTO_RELAY_ID", "metadata.name")
        # Both are needed for a graceful end.
        .switch("COLIBRI_REST_ENABLED", True)
        .switch("SHUTDOWN_REST_ENABLED", True)
    )
