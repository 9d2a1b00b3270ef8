"""The recorders: Jibri, one recording or stream at a time each, only where subscribed to."""

from __future__ import annotations

from collections.abc import Iterator

from jitsi_tenant_operator.api.objects import JsonObject
from jitsi_tenant_operator.render import (
    credentials,
    names,
    pods,
    probes,
    storage,
    volume_claims,
)
from jitsi_tenant_operator.render.configuration import File, file
from jitsi_tenant_operator.render.context import TenantContext
from jitsi_tenant_operator.render.durations import seconds
from jitsi_tenant_operator.render.environment import Environment
from jitsi_tenant_operator.render.labels import Component

PORT = 2222
"""The HTTP port: state and metrics, but start and stop as well, without authentication."""
RECORDINGS = "/storage/recordings"
DRAIN_SECONDS = 4 * 3600
"""How long a recorder that is told to end may go on recording, when nothing limits recordings."""
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - the browser's, in memory
_FINALIZE_SECONDS = 600
_STAND_IN_SECONDS = 30
_FINALIZE = "/opt/recording/finalize-recording.sh"
_DRAIN = "/opt/recording/drain-recorder.sh"
_HEALTH = f"curl --silent --fail --max-time 5 http://127.0.0.1:{PORT}/jibri/api/v1.0/health"

_CHROMIUM_FLAGS = (
    # Those that Jibri starts its browser with:
    "--use-fake-ui-for-media-stream",
    "--start-maximized",
    "--kiosk",
    "--enabled",
    "--autoplay-policy=no-user-gesture-required",
    # and those that keep the browser from calling its vendor:
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-pings",
)


def children(context: TenantContext) -> Iterator[JsonObject]:
    """A Deployment for each recorder and the ConfigMap that they share; nothing without them.

    While the volume is watched alone, the first Deployment holds who measures it and no recorder.
    Being the same Deployment, it waits until the recorder before it has let go of the volume.
    """
    if not context.records and not context.watching:
        return
    configuration = _pod(context, 0).configuration(context)
    if configuration is not None:
        yield configuration
    for index in range(context.recorders or 1):
        yield _pod(context, index).workload(
            context,
            "Deployment",
            names.recorder(context.name, index),
            1,
            strategy={"type": "Recreate"},
        )


def _pod(context: TenantContext, index: int) -> pods.Pod:
    longest = _longest_recording(context) or DRAIN_SECONDS
    claim = {"persistentVolumeClaim": {"claimName": volume_claims.recordings_name(context)}}
    recordings = pods.Volume("recordings", RECORDINGS, claim)
    stands_in = not context.records
    return pods.Pod(
        component=Component.JIBRI,
        size=context.plan.sizes.recorder,
        environment=_environment(context),
        ports=[pods.port("http", PORT)],
        probes={
            "readinessProbe": probes.readiness(_healthy('.status.health.healthStatus=="HEALTHY"')),
            # A failed recorder stays failed until it is restarted; one that records is left alone.
            "livenessProbe": probes.liveness(
                _healthy('.status.health.healthStatus=="HEALTHY" or .status.busyStatus=="BUSY"')
            ),
        },
        priority_class=context.platform.priority_classes.recording,
        files=_files(context),
        volumes=[
            # Logs and whatever else the image writes beside the recordings, which are on their own.
            pods.Volume("storage", "/storage", {"emptyDir": {"sizeLimit": "1Gi"}}),
            recordings,
            pods.Volume("shm", _SHARED_MEMORY, _shared_memory()),
        ],
        scratch=256,
        grace=_STAND_IN_SECONDS if stands_in else longest + _FINALIZE_SECONDS,
        pre_stop=[_DRAIN],
        index=index,
        spread=True,
        sidecar=storage.sidecar(recordings),
        stand_in=stands_in,
    )


def _shared_memory() -> JsonObject:
    # The image refuses to start with less; it counts against the memory limit of the pod.
    return {"emptyDir": {"medium": "Memory", "sizeLimit": "2Gi"}}


def _healthy(test: str) -> JsonObject:
    return probes.command("/bin/sh", "-c", f"{_HEALTH} | jq --exit-status '{test}'")


def _files(context: TenantContext) -> list[File]:
    return [
        # The image copies plain files only, so that each is mounted by itself.
        file(
            "/config/custom-jibri.conf",
            "custom-jibri.conf.j2",
            livestreaming=context.streams,
        ),
        file("/defaults/logging.properties", "jibri-logging.properties.j2"),
        file(_FINALIZE, "finalize-recording.sh.j2", executable=True),
        file(_DRAIN, "drain-recorder.sh.j2", executable=True),
    ]


def _environment(context: TenantContext) -> Environment:
    found = (
        Environment()
        .text("DISPLAY", ":0")
        .text("PUBLIC_URL", context.public_url)
        .text("XMPP_SERVER", context.service_name(Component.PROSODY))
        .text("XMPP_ENV_NAME", context.name)
        .secret("JIBRI_XMPP_PASSWORD", names.CREDENTIALS, credentials.RECORDER_CONTROL)
        .secret("JIBRI_RECORDER_PASSWORD", names.CREDENTIALS, credentials.RECORDER_CALL)
        .field("JIBRI_INSTANCE_ID", "metadata.name")
        .text("JIBRI_RECORDING_DIR", RECORDINGS)
        .text("JIBRI_FINALIZE_RECORDING_SCRIPT_PATH", _FINALIZE)
        .text("JIBRI_RECORDING_RESOLUTION", context.spec.recording.resolution.value)
        .text("CHROMIUM_FLAGS", ",".join(_CHROMIUM_FLAGS))
        .switch("JIBRI_ENABLE_PROMETHEUS", True)
    )
    longest = _longest_recording(context)
    if longest is not None:
        found.text("JIBRI_USAGE_TIMEOUT", f"{max(1, longest // 60)} minutes")
    return found


def _longest_recording(context: TenantContext) -> int | None:
    limit = context.spec.recording.max_duration
    return None if limit is None else seconds(limit)
