"""How full the volume of recordings is: a small container that tells the operator (clause 6.4).

It stands beside each recorder, since a volume is measured where it is mounted. While recording is
suspended because the volume is full it stands alone in the place of the first recorder: nobody
else could tell that there is space again.
"""

from __future__ import annotations

from jitsi_tenant_operator.api.plan import ComponentSize
from jitsi_tenant_operator.render import pods, probes
from jitsi_tenant_operator.render.configuration import File, file
from jitsi_tenant_operator.render.labels import Component

PORT = 2223
"""Where it answers, without credentials: `GET /storage`."""
SIZE = ComponentSize(cpu="10m", memory="32Mi")
"""What it takes: nginx with one worker, and a shell."""
VOLUME = "/recordings"
_FOLDER = "/tmp"  # noqa: S108 - a volume of the container's own
_CONFIGURATION = "/opt/storage/report-storage.conf"
_SCRIPT = "/opt/storage/report-storage.sh"
_NAME = "storage"


def sidecar(recordings: pods.Volume) -> pods.Sidecar:
    """The container beside a recorder; `recordings` is the volume as the recorder mounts it."""
    return pods.Sidecar(
        name=_NAME,
        # The one image of Jitsi with a web server, and the tenant's nodes have it anyway.
        image_of=Component.WEB,
        command=["/bin/sh", _SCRIPT],
        size=SIZE,
        ports=[pods.port(_NAME, PORT)],
        probes={"livenessProbe": probes.liveness(probes.http("/health", _NAME))},
        files=files(),
        volumes=[
            pods.Volume(recordings.name, VOLUME, recordings.source, read_only=True),
            pods.Volume("storage-report", _FOLDER, {"emptyDir": {"sizeLimit": "16Mi"}}),
        ],
    )


def files(
    volume: str = VOLUME,
    folder: str = _FOLDER,
    configuration: str = _CONFIGURATION,
    port: int | str = PORT,
) -> list[File]:
    """The program that measures, and the configuration of the web server that tells."""
    return [
        file(
            _SCRIPT,
            "report-storage.sh.j2",
            executable=True,
            volume=volume,
            folder=folder,
            configuration=configuration,
        ),
        file(_CONFIGURATION, "report-storage.conf.j2", folder=folder, port=port),
    ]
