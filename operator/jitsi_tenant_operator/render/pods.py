"""Pod templates that meet Pod Security `restricted`, built from typed parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jitsi_tenant_operator.api.objects import JsonObject
from jitsi_tenant_operator.api.plan import ComponentSize
from jitsi_tenant_operator.render.configuration import File, configuration_hash
from jitsi_tenant_operator.render.context import Source, TenantContext
from jitsi_tenant_operator.render.environment import Environment
from jitsi_tenant_operator.render.labels import (
    CONFIGURATION_ANNOTATION,
    INDEX_LABEL,
    Component,
    labels,
    selector,
)
from jitsi_tenant_operator.render.quantities import canonical_cpu, canonical_memory, memory

USER = 1000
"""The user and group that the images run as."""
_READ, _RUN = 0o644, 0o755
_FILES = "files"


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume and where it is mounted; `sub_path` mounts one file of it."""

    name: str
    path: str
    source: JsonObject
    sub_path: str = ""
    read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sidecar:
    """A small container beside that of a component, with the image of another one."""

    name: str
    image_of: Component
    command: Sequence[str]
    size: ComponentSize
    ports: Sequence[JsonObject]
    probes: JsonObject
    files: Sequence[File]
    volumes: Sequence[Volume]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """The container of a Jitsi component and the pod around it.

    `probes` holds livenessProbe and readinessProbe, `scratch` the size in MiB of each of /run and
    /tmp, `grace` the seconds that the pod has to end, `pre_stop` a command that runs before the
    container is told to end. `index` tells bridges and recorders apart. With `spread`, the pods of
    the component are put on different nodes where that is possible. `sidecar` is another container
    beside it; with `stand_in`, that is all that runs.
    """

    component: Component
    size: ComponentSize
    environment: Environment
    ports: Sequence[JsonObject]
    probes: JsonObject
    priority_class: str
    files: Sequence[File] = ()
    volumes: Sequence[Volume] = ()
    sources: Sequence[Source] = ()
    scratch: int = 64
    grace: int = 30
    pre_stop: Sequence[str] = ()
    index: int | None = None
    spread: bool = False
    sidecar: Sidecar | None = None
    stand_in: bool = False

    def template(self, context: TenantContext) -> JsonObject:
        """The pod template; anything it reads at start is in its configuration hash."""
        found = labels(context.name, self.component)
        if self.index is not None:
            found[INDEX_LABEL] = str(self.index)
        read = (*self.environment.sources, *self.sources)
        digest = configuration_hash(context, self._all_files, read)
        return {
            "metadata": {"labels": found, "annotations": {CONFIGURATION_ANNOTATION: digest}},
            "spec": self._spec(context),
        }

    def workload(
        self, context: TenantContext, kind: str, name: str, replicas: int, **spec: object
    ) -> JsonObject:
        """A Deployment or StatefulSet of this pod, with further fields of its spec."""
        obj = context.object("apps/v1", kind, name, component=self.component)
        if self.index is not None:
            obj["metadata"]["labels"][INDEX_LABEL] = str(self.index)
        obj["spec"] = {
            "replicas": replicas,
            "revisionHistoryLimit": 2,
            "selector": {"matchLabels": selector(context.name, self.component, self.index)},
            "template": self.template(context),
            **spec,
        }
        return obj

    def configuration(self, context: TenantContext) -> JsonObject | None:
        """The ConfigMap with the files of this component, when it has any."""
        if not self._all_files:
            return None
        name = context.child(self.component.value)
        obj = context.object("v1", "ConfigMap", name, component=self.component)
        obj["data"] = {each.key: each.content for each in self._all_files}
        return obj

    @property
    def _all_files(self) -> Sequence[File]:
        return (*self.files, *(self.sidecar.files if self.sidecar is not None else ()))

    def _containers(self, context: TenantContext) -> Iterator[tuple[JsonObject, Sequence[Volume]]]:
        """The containers, each with what is mounted into it."""
        if not self.stand_in:
            own = (*self._scratch(), *self._file_volumes(context, self.files), *self.volumes)
            yield self._container(context, own), own
        if self.sidecar is not None:
            beside = (*self._file_volumes(context, self.sidecar.files), *self.sidecar.volumes)
            yield _beside(context, self.sidecar, beside), beside

    def _spec(self, context: TenantContext) -> JsonObject:
        containers = list(self._containers(context))
        mounted = [volume for _, volumes in containers for volume in volumes]
        spec: JsonObject = {
            "serviceAccountName": context.child(self.component.value),
            "automountServiceAccountToken": False,
            # Variables like JVB_PORT that Kubernetes makes of Services would configure Jitsi.
            "enableServiceLinks": False,
            "priorityClassName": self.priority_class,
            "terminationGracePeriodSeconds": self.grace,
            "securityContext": pod_security(),
            "containers": [container for container, _ in containers],
            "volumes": [
                {"name": name, **source}
                for name, source in {each.name: each.source for each in mounted}.items()
            ],
        }
        if self.spread:
            spec["topologySpreadConstraints"] = [_spread(context.name, self.component)]
        nodes = context.platform.location.node_selector
        if nodes is not None:
            spec["nodeSelector"] = dict(nodes)
        if context.platform.jitsi.pull_secrets:
            spec["imagePullSecrets"] = [
                {"name": name} for name in context.platform.jitsi.pull_secrets
            ]
        return spec

    def _container(self, context: TenantContext, mounted: Sequence[Volume]) -> JsonObject:
        container: JsonObject = {
            "name": self.component.value,
            "image": context.image(self.component),
            "imagePullPolicy": context.platform.jitsi.pull_policy.value,
            "env": list(self.environment),
            "ports": list(self.ports),
            "resources": _resources(self.size),
            "securityContext": container_security(),
            "volumeMounts": [mount(each) for each in mounted],
            **self.probes,
        }
        if self.pre_stop:
            container["lifecycle"] = {"preStop": {"exec": {"command": list(self.pre_stop)}}}
        return container

    def _scratch(self) -> tuple[Volume, ...]:
        size = {"emptyDir": {"sizeLimit": memory(self.scratch)}}
        return Volume("run", "/run", size), Volume("tmp", "/tmp", size)  # noqa: S108

    def _file_volumes(self, context: TenantContext, files: Sequence[File]) -> list[Volume]:
        items = [
            {"key": each.key, "path": each.key, "mode": _RUN if each.executable else _READ}
            for each in self._all_files
        ]
        name = context.child(self.component.value)
        source = {"configMap": {"name": name, "items": items, "defaultMode": _READ}}
        return [Volume(_FILES, each.path, source, each.key, read_only=True) for each in files]


def _beside(context: TenantContext, sidecar: Sidecar, mounted: Sequence[Volume]) -> JsonObject:
    return {
        "name": sidecar.name,
        "image": context.image(sidecar.image_of),
        "imagePullPolicy": context.platform.jitsi.pull_policy.value,
        "command": list(sidecar.command),
        "ports": list(sidecar.ports),
        "resources": _resources(sidecar.size),
        "securityContext": container_security(),
        "volumeMounts": [mount(each) for each in mounted],
        **sidecar.probes,
    }


def _resources(size: ComponentSize) -> JsonObject:
    limit = canonical_memory(size.memory)
    return {
        "requests": {"cpu": canonical_cpu(size.cpu), "memory": limit},
        "limits": {"memory": limit},
    }


def config_map_file(path: str, source: Source) -> Volume:
    """One file out of a ConfigMap that someone else wrote."""
    items = [{"key": source.key, "path": source.key}]
    volume = {"configMap": {"name": source.name, "items": items, "defaultMode": _READ}}
    name = path.rsplit("/", 1)[-1].split(".", maxsplit=1)[0]
    return Volume(name, path, volume, source.key, read_only=True)


def port(name: str, number: int, protocol: str = "TCP", host_port: int | None = None) -> JsonObject:
    """A container port, or a port of the node itself with `host_port`."""
    found: JsonObject = {"name": name, "containerPort": number, "protocol": protocol}
    if host_port is not None:
        found["hostPort"] = host_port
    return found


def service_port(name: str, number: int, protocol: str = "TCP") -> JsonObject:
    """A port of a Service that leads to the container port of the same name."""
    return {"name": name, "port": number, "targetPort": name, "protocol": protocol}


def service(context: TenantContext, component: Component, ports: list[JsonObject]) -> JsonObject:
    """The Service inside the cluster of a component that is reached by name."""
    name = context.child(component.value)
    obj = context.object("v1", "Service", name, component=component)
    obj["spec"] = {
        "type": "ClusterIP",
        "selector": selector(context.name, component),
        "ports": ports,
    }
    return obj


def pod_security() -> JsonObject:
    """The security context of a pod: the user that the images run as, whose files volumes hold."""
    return {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "fsGroup": USER,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security() -> JsonObject:
    """The security context of a container."""
    # Privilege escalation must stay off: with it, the init system switches users and fails.
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def _spread(tenant: str, component: Component) -> JsonObject:
    return {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": selector(tenant, component)},
    }


def mount(volume: Volume) -> JsonObject:
    """The mount of a volume in a container."""
    found: JsonObject = {"name": volume.name, "mountPath": volume.path}
    if volume.sub_path:
        found["subPath"] = volume.sub_path
    if volume.read_only:
        found["readOnly"] = True
    return found
