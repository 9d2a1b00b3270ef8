"""The pods of the backup programs, on both sides: they meet Pod Security `restricted`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from jitsi_tenant_operator.api.objects import JsonObject
from jitsi_tenant_operator.render import backup_configuration as told
from jitsi_tenant_operator.render import pods
from jitsi_tenant_operator.render.context import TenantContext
from jitsi_tenant_operator.render.quantities import cpu, memory

COMPONENT = "backup"
"""The component of all that belongs to backups."""
MILLICORES, MEBIBYTES = 50, 256
MOST_MILLICORES, MOST_MEBIBYTES = 1000, 1024
"""What a pod asks for, and the most that it may take: meetings on its node come first."""
LONGEST_SECONDS = 4 * 3600
"""How long a Job may take, with all its attempts."""
LATEST_SECONDS = 4 * 3600
"""How late a run may still begin."""
KEPT_RUNS = 3
"""How many ended Jobs stay, so that what they reported survives nights without the operator."""
DRILL_MEBIBYTES = 20_480
"""Room for the few recordings that a drill restores."""
SCRATCH_MEBIBYTES = 2048
"""Room for the copies of small files, and what restic keeps of its repository."""
_TERMINATION_MESSAGE = "/dev/termination-log"
"""Where Kubernetes reads what a container says at its end."""
_READ = 0o440


@dataclass(frozen=True, slots=True)
class Step:
    """One program of a pod: they run one after the other, and the first that fails ends the pod."""

    name: str
    arguments: Sequence[str]

    @property
    def command(self) -> list[str]:
        """The arguments of the operator's image."""
        files = ["--configuration", f"{told.FOLDER}/{told.FILE}", "--report", _TERMINATION_MESSAGE]
        return [*self.arguments, *files]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramPod:
    """A pod of backup programs.

    `configuration` is the ConfigMap with their files; `labels` are those of Job and pod;
    `affinity` leads it to the node that its volumes are at, `scratch` is the room for its own files
    in MiB, `attempts` how often a Job tries again.
    """

    steps: Sequence[Step]
    configuration: str
    service_account: str
    labels: Mapping[str, str]
    volumes: Sequence[pods.Volume] = ()
    affinity: JsonObject = field(default_factory=dict)
    scratch: int = SCRATCH_MEBIBYTES
    attempts: int = 2

    def cron_job(self, context: TenantContext, obj: JsonObject, schedule: str) -> JsonObject:
        """`obj` as a CronJob of this pod, in the platform's zone."""
        obj["spec"] = {
            "schedule": schedule,
            "timeZone": context.platform.time_zone,
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": LATEST_SECONDS,
            "successfulJobsHistoryLimit": KEPT_RUNS,
            "failedJobsHistoryLimit": KEPT_RUNS,
            "jobTemplate": {
                "metadata": {"labels": dict(self.labels)},
                "spec": self.job_spec(context),
            },
        }
        return obj

    def job_spec(self, context: TenantContext) -> JsonObject:
        """The spec of a Job of this pod."""
        return {
            "backoffLimit": self.attempts,
            "activeDeadlineSeconds": LONGEST_SECONDS,
            "template": {"metadata": {"labels": dict(self.labels)}, "spec": self._spec(context)},
        }

    def _spec(self, context: TenantContext) -> JsonObject:
        mounted = (*self._own_volumes(), *self.volumes)
        containers = [self._container(context, step, mounted) for step in self.steps]
        spec: JsonObject = {
            "restartPolicy": "Never",
            "serviceAccountName": self.service_account,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "priorityClassName": context.platform.priority_classes.backup,
            "securityContext": pods.pod_security(),
            "containers": containers[-1:],
            "volumes": [
                {"name": name, **source}
                for name, source in {each.name: each.source for each in mounted}.items()
            ],
        }
        if len(containers) > 1:
            spec["initContainers"] = containers[:-1]
        if self.affinity:
            spec["affinity"] = self.affinity
        nodes = context.platform.location.node_selector
        if nodes is not None:
            spec["nodeSelector"] = dict(nodes)
        if context.platform.jitsi.pull_secrets:
            spec["imagePullSecrets"] = [
                {"name": name} for name in context.platform.jitsi.pull_secrets
            ]
        return spec

    def _container(
        self, context: TenantContext, step: Step, mounted: Sequence[pods.Volume]
    ) -> JsonObject:
        return {
            "name": step.name,
            "image": context.operator_image,
            "imagePullPolicy": context.platform.jitsi.pull_policy.value,
            "args": step.command,
            "resources": {
                "requests": {"cpu": cpu(MILLICORES), "memory": memory(MEBIBYTES)},
                "limits": {"cpu": cpu(MOST_MILLICORES), "memory": memory(MOST_MEBIBYTES)},
            },
            "securityContext": pods.container_security(),
            "volumeMounts": [pods.mount(each) for each in mounted],
        }

    def _own_volumes(self) -> tuple[pods.Volume, ...]:
        scratch = {"emptyDir": {"sizeLimit": memory(self.scratch)}}
        files = {"configMap": {"name": self.configuration, "defaultMode": _READ}}
        return (
            pods.Volume("tmp", "/tmp", scratch),  # noqa: S108 - an emptyDir
            pods.Volume("configuration", told.FOLDER, files, read_only=True),
        )


def secret_files(name: str, path: str, secret: str, items: Mapping[str, str]) -> pods.Volume:
    """Keys of a Secret as files in a folder; `items` gives for each key the name of its file."""
    source: JsonObject = {"secretName": secret, "defaultMode": _READ}
    if items:
        source["items"] = [{"key": key, "path": file} for key, file in items.items()]
    return pods.Volume(name, path, {"secret": source}, read_only=True)
