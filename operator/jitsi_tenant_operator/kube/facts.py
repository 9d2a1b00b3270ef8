"""What is kept of the status of a child: small, comparable summaries per kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from jitsi_tenant_operator.api.objects import TEMPLATE_ANNOTATION, JsonObject

_REVISION_LABEL = "controller-revision-hash"
_ENDED = ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True)
class WorkloadFacts:
    """A Deployment or StatefulSet. Counts are of pods; `why_not` is one line, empty if all is well.

    `generation` is that of the spec, `observed_generation` the one that the counts speak of.
    `revision` is what the pods of a StatefulSet should be, in the words of its controller.
    """

    generation: int
    observed_generation: int
    desired: int
    total: int
    updated: int
    ready: int
    available: int
    why_not: str
    revision: str = ""

    @property
    def complete(self) -> bool:
        """Whether the roll-out of the present spec is over, as `kubectl rollout status` says."""
        return (
            self.observed_generation >= self.generation
            and self.updated == self.desired == self.total
            and self.ready >= self.desired
            and self.available >= self.desired
        )


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """What the cluster gave a Service: node ports by port name, IPs, load-balancer addresses."""

    node_ports: tuple[tuple[str, int], ...]
    cluster_ip: str
    addresses: tuple[str, ...]

    def node_port(self, name: str) -> int | None:
        """The node port of the port with that name ("" for the only, unnamed one)."""
        return next((number for port, number in self.node_ports if port == name), None)


@dataclass(frozen=True, slots=True)
class PodFacts:
    """Where a pod runs, whether its readiness condition holds, and what it was made from.

    `template` is the value of TEMPLATE_ANNOTATION, `revision` that of the controller's own label;
    empty for pods without. `requests` are the CPU and memory of its first container. `grace` is
    how many seconds it was given to end; None while it is not being deleted. `last_words` are the
    termination messages of its containers, once it has ended: those of init containers first.
    """

    phase: str
    ready: bool
    node: str
    host_ip: str
    pod_ip: str
    template: str = ""
    revision: str = ""
    host_ports: tuple[int, ...] = ()
    requests: tuple[str, str] = ("", "")
    grace: int | None = None
    last_words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class JobFacts:
    """A Job: whether it ended, and how. `why_not` is one line, empty unless it failed.

    `started` is when it was first acted upon, in RFC 3339; empty before that.
    """

    succeeded: bool
    failed: bool
    why_not: str
    started: str


@dataclass(frozen=True, slots=True)
class ClaimFacts:
    """A PersistentVolumeClaim: Pending, Bound or Lost, and the capacity it got ("10Gi").

    Class and access modes are what it was made with, which nobody can change.
    """

    phase: str
    capacity: str
    storage_class: str | None
    access_modes: tuple[str, ...]
    requested: str


@dataclass(frozen=True, slots=True)
class IngressFacts:
    """The addresses (IPs or host names) at which the Ingress is served."""

    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RouteFacts:
    """An HTTPRoute: whether all its Gateways accepted it as it is (None: nobody answered yet)."""

    accepted: bool | None
    why_not: str


Facts: TypeAlias = (
    WorkloadFacts | ServiceFacts | PodFacts | JobFacts | ClaimFacts | IngressFacts | RouteFacts
)


def facts_of(obj: JsonObject) -> Facts | None:
    """The facts of an object of a kind that has any."""
    read = _READERS.get((obj["apiVersion"], obj["kind"]))
    return read(obj) if read is not None else None


def _workload(obj: JsonObject) -> WorkloadFacts:
    status = obj.get("status") or {}
    ready = int(status.get("readyReplicas") or 0)
    return WorkloadFacts(
        generation=int(obj["metadata"].get("generation") or 0),
        observed_generation=int(status.get("observedGeneration") or 0),
        desired=int(obj["spec"].get("replicas", 1)),
        total=int(status.get("replicas") or 0),
        updated=int(status.get("updatedReplicas") or 0),
        ready=ready,
        available=int(status.get("availableReplicas") or 0),
        why_not=_why_not(status.get("conditions") or ()),
        revision=status.get("updateRevision", ""),
    )


def _why_not(conditions: Iterable[JsonObject]) -> str:
    """Deployments say what is wrong in conditions; a failure to make pods comes first."""
    by_type = {c.get("type"): c for c in conditions}
    failure = by_type.get("ReplicaFailure")
    if failure is not None and failure.get("status") == "True":
        return _line(failure)
    for name in ("Progressing", "Available"):
        condition = by_type.get(name)
        if condition is not None and condition.get("status") == "False":
            return _line(condition)
    return ""


def _line(condition: JsonObject) -> str:
    text = f"{condition.get('reason', '')}: {condition.get('message', '')}"
    return " ".join(text.split())[:200]


def _service(obj: JsonObject) -> ServiceFacts:
    spec = obj["spec"]
    ports = ((p.get("name", ""), p.get("nodePort")) for p in spec.get("ports") or ())
    return ServiceFacts(
        node_ports=tuple((name, int(number)) for name, number in ports if number),
        cluster_ip=spec.get("clusterIP", ""),
        addresses=_addresses(obj),
    )


def _addresses(obj: JsonObject) -> tuple[str, ...]:
    balancer = (obj.get("status") or {}).get("loadBalancer") or {}
    entries = balancer.get("ingress") or ()
    return tuple(e.get("ip") or e.get("hostname") or "" for e in entries)


def _pod(obj: JsonObject) -> PodFacts:
    status = obj.get("status") or {}
    conditions = status.get("conditions") or ()
    metadata = obj["metadata"]
    containers = obj["spec"].get("containers") or [{}]
    requests = (containers[0].get("resources") or {}).get("requests") or {}
    return PodFacts(
        phase=status.get("phase", ""),
        ready=any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions),
        node=obj["spec"].get("nodeName", ""),
        host_ip=status.get("hostIP", ""),
        pod_ip=status.get("podIP", ""),
        grace=obj["metadata"].get("deletionGracePeriodSeconds"),
        template=(metadata.get("annotations") or {}).get(TEMPLATE_ANNOTATION, ""),
        revision=(metadata.get("labels") or {}).get(_REVISION_LABEL, ""),
        host_ports=tuple(
            port["hostPort"]
            for container in containers
            for port in container.get("ports") or ()
            if "hostPort" in port
        ),
        requests=(requests.get("cpu", ""), requests.get("memory", "")),
        last_words=_last_words(status) if status.get("phase") in _ENDED else (),
    )


def _last_words(status: JsonObject) -> tuple[str, ...]:
    """The termination messages: at most 4 KiB each, the kubelet cuts the rest."""
    ended = [
        (each.get("state") or {}).get("terminated") or {}
        for name in ("initContainerStatuses", "containerStatuses")
        for each in status.get(name) or ()
    ]
    return tuple(each["message"] for each in ended if each.get("message"))


def _job(obj: JsonObject) -> JobFacts:
    status = obj.get("status") or {}
    holding = {
        c.get("type"): c for c in status.get("conditions") or () if c.get("status") == "True"
    }
    failure = holding.get("Failed")
    return JobFacts(
        succeeded="Complete" in holding,
        failed=failure is not None,
        why_not=_line(failure) if failure is not None else "",
        started=status.get("startTime") or "",
    )


def _claim(obj: JsonObject) -> ClaimFacts:
    status = obj.get("status") or {}
    spec = obj["spec"]
    return ClaimFacts(
        phase=status.get("phase", ""),
        capacity=(status.get("capacity") or {}).get("storage", ""),
        storage_class=spec.get("storageClassName"),
        access_modes=tuple(spec.get("accessModes") or ()),
        requested=((spec.get("resources") or {}).get("requests") or {}).get("storage", ""),
    )


def _ingress(obj: JsonObject) -> IngressFacts:
    return IngressFacts(_addresses(obj))


def _route(obj: JsonObject) -> RouteFacts:
    generation = int(obj["metadata"].get("generation") or 0)
    wanted = [_parent(ref) for ref in (obj.get("spec") or {}).get("parentRefs") or ()]
    # What a Gateway said that it was taken from, or of an earlier spec, may still stand there.
    accepted: list[JsonObject] = [
        condition
        for parent in (obj.get("status") or {}).get("parents") or ()
        if _parent(parent.get("parentRef") or {}) in wanted
        for condition in parent.get("conditions") or ()
        if condition.get("type") == "Accepted"
        and int(condition.get("observedGeneration") or generation) >= generation
    ]
    refusal: Any = next((c for c in accepted if c.get("status") != "True"), None)
    if refusal is not None:
        return RouteFacts(accepted=False, why_not=_line(refusal))
    return RouteFacts(accepted=True if accepted else None, why_not="")


def _parent(ref: JsonObject) -> tuple[str | None, ...]:
    return ref.get("namespace"), ref.get("name"), ref.get("sectionName")


_READERS: dict[tuple[str, str], Callable[[JsonObject], Facts]] = {
    ("apps/v1", "Deployment"): _workload,
    ("apps/v1", "StatefulSet"): _workload,
    ("v1", "Service"): _service,
    ("v1", "Pod"): _pod,
    ("batch/v1", "Job"): _job,
    ("v1", "PersistentVolumeClaim"): _claim,
    ("networking.k8s.io/v1", "Ingress"): _ingress,
    ("gateway.networking.k8s.io/v1", "HTTPRoute"): _route,
}
