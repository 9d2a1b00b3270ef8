"""A client, an owner with children of every kind, and an operator that can be restarted."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef
from jitsi_tenant_operator.clock import Clock, SystemClock
from jitsi_tenant_operator.kube.apply import Applier, Child, Owner
from jitsi_tenant_operator.kube.children import ChildCache, Marks
from jitsi_tenant_operator.kube.client import KubeClient
from jitsi_tenant_operator.kube.informer import ChangeType
from jitsi_tenant_operator.kube.metrics import KubeMetrics
from jitsi_tenant_operator.kube.resources import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    INGRESSES,
    LIMIT_RANGES,
    NETWORK_POLICIES,
    PERSISTENT_VOLUME_CLAIMS,
    POD_DISRUPTION_BUDGETS,
    RESOURCE_QUOTAS,
    SERVICE_ACCOUNTS,
    SERVICES,
    STATEFUL_SETS,
    Resource,
    ResourceRegistry,
)
from localplane import Connection

WIDGETS = Resource("kube-test.example", "v1", "widgets", "Widget")
MANAGED = "kube-test.example/managed"
OWNER = "kube-test.example/owner"
HASH = "kube-test.example/hash"
CHILD_KINDS = (
    CONFIG_MAPS,
    DEPLOYMENTS,
    INGRESSES,
    LIMIT_RANGES,
    NETWORK_POLICIES,
    PERSISTENT_VOLUME_CLAIMS,
    POD_DISRUPTION_BUDGETS,
    RESOURCE_QUOTAS,
    SERVICE_ACCOUNTS,
    SERVICES,
    STATEFUL_SETS,
    WIDGETS,
)

POD_TEMPLATE = {
    "metadata": {"labels": {"app": "a"}},
    "spec": {
        "automountServiceAccountToken": False,
        "containers": [
            {
                "name": "c",
                "image": "registry.example/c:1",
                "env": [{"name": "A", "value": "1"}, {"name": "EMPTY", "value": ""}],
                "ports": [{"name": "http", "containerPort": 80}],
                "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}},
            }
        ],
    },
}
PARTS: Mapping[str, JsonObject] = {
    "ConfigMap": {"data": {"a": "1", "b": "2"}},
    "Deployment": {
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "a"}},
            "template": POD_TEMPLATE,
        }
    },
    "Ingress": {
        "spec": {
            "rules": [
                {
                    "host": "a.example",
                    "http": {
                        "paths": [
                            {
                                "path": "/",
                                "pathType": "Prefix",
                                "backend": {"service": {"name": "a", "port": {"number": 80}}},
                            }
                        ]
                    },
                }
            ]
        }
    },
    "LimitRange": {"spec": {"limits": [{"type": "Container", "max": {"memory": "8Gi"}}]}},
    "NetworkPolicy": {
        "spec": {
            "podSelector": {},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [],
            "egress": [{"ports": [{"port": 53, "protocol": "UDP"}]}],
        }
    },
    "PersistentVolumeClaim": {
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
            "storageClassName": "none",
        }
    },
    "PodDisruptionBudget": {
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "a"}}}
    },
    "ResourceQuota": {"spec": {"hard": {"pods": "20"}}},
    "Secret": {"type": "Opaque", "data": {"a": "MQ=="}},
    "Service": {
        "spec": {
            "type": "NodePort",
            "selector": {"app": "a"},
            "ports": [{"name": "media", "port": 10000, "protocol": "UDP"}],
        }
    },
    "ServiceAccount": {"automountServiceAccountToken": False},
    "StatefulSet": {
        "spec": {
            "replicas": 1,
            "serviceName": "a",
            "selector": {"matchLabels": {"app": "a"}},
            "template": POD_TEMPLATE,
        }
    },
    "Widget": {"spec": {"size": 3, "parts": [{"name": "x"}]}},
}


def owner_key(namespace: str, labels: Mapping[str, str]) -> str | None:
    return f"{namespace}/{labels[OWNER]}" if OWNER in labels else None


@pytest.fixture(scope="session")
def widgets(plane: Connection) -> Resource:
    """A kind of our own, as any custom resource."""
    free: JsonObject = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": WIDGETS.version,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {**free, "properties": {"spec": free, "status": free}}},
        "subresources": {"status": {}},
    }
    names = {"plural": WIDGETS.plural, "kind": WIDGETS.kind}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{WIDGETS.plural}.{WIDGETS.group}"},
        "spec": {
            "group": WIDGETS.group,
            "scope": "Namespaced",
            "names": names,
            "versions": [version],
        },
    }
    plane.kubectl("apply", "--server-side", "-f", "-", stdin=_json(definition))
    name = definition["metadata"]["name"]  # type: ignore[index]
    plane.kubectl("wait", "--for=condition=Established", f"crd/{name}", "--timeout=30s")
    return WIDGETS


def _json(obj: JsonObject) -> str:
    return json.dumps(obj)


@pytest.fixture
def body(namespace: str) -> Callable[..., JsonObject]:
    """Makes the desired object of a kind, with the labels of the owner called "owner"."""

    def make(resource: Resource, name: str = "a", **parts: Any) -> JsonObject:
        metadata = {
            "namespace": namespace,
            "name": name,
            "labels": {MANAGED: "yes", OWNER: "owner"},
        }
        return {
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            "metadata": metadata,
            **copy.deepcopy(PARTS[resource.kind]),
            **parts,
        }

    return make


@pytest.fixture
async def new_client(plane: Connection) -> AsyncIterator[Callable[..., Awaitable[KubeClient]]]:
    """Connects clients, each with metrics of its own; closes them at the end of the test."""
    async with AsyncExitStack() as stack:

        async def connect(clock: Clock | None = None, **rest: Any) -> KubeClient:
            client = await KubeClient.connect(
                resources=ResourceRegistry([WIDGETS]),
                metrics=KubeMetrics(CollectorRegistry(), "test"),
                clock=clock or SystemClock(),
                user_agent="kube-test",
                field_manager="kube-test",
                **{"kubeconfig": str(plane.kubeconfig), **rest},
            )
            return await stack.enter_async_context(client)

        yield connect


@pytest.fixture
async def client(new_client: Callable[..., Awaitable[KubeClient]]) -> KubeClient:
    return await new_client()


@pytest.fixture
async def eventually() -> Callable[[Callable[[], Any]], Awaitable[Any]]:
    """Waits until a condition holds; what it gave then."""

    async def wait(condition: Callable[[], Any]) -> Any:
        async with asyncio.timeout(20):
            while not (value := condition()):
                await asyncio.sleep(0.01)
        return value

    return wait


@dataclass
class Operator:
    """What runs in the operator's process for one owner; `start` may be left out, or repeated."""

    client: KubeClient
    owner: Owner[str]
    kinds: tuple[Resource, ...] = CHILD_KINDS
    told: list[tuple[str, ChangeType]] = field(default_factory=list)

    def __post_init__(self) -> None:
        marks = Marks(f"{MANAGED}=yes", owner_key, HASH)
        self.cache: ChildCache[str] = ChildCache(
            self.client, self.kinds, marks=marks, on_change=self._tell
        )
        self.applier = Applier(self.client, self.cache)
        self.task: asyncio.Task[None] | None = None

    def _tell(self, owner: str, ref: ObjectRef, change: ChangeType) -> None:
        if owner == self.owner.key:  # other tests' children are in the same cluster
            self.told.append((ref.kind, change))

    async def start(self) -> Operator:
        self.task = asyncio.create_task(self.cache.run())
        async with asyncio.timeout(20):
            await self.cache.wait_synced()
        return self

    async def stop(self) -> None:
        if self.task is not None:
            self.task.cancel()
            await asyncio.wait({self.task})

    async def apply(self, *bodies: JsonObject, retained: bool = False) -> Any:
        return await self.applier.apply(self.owner, [Child(b, retained) for b in bodies])

    def sent(self) -> dict[str, int]:
        """The requests made so far, by verb, without lists and watches."""
        sums: dict[str, int] = {}
        for metric in self.client.metrics.requests.collect():
            for sample in metric.samples:
                verb = sample.labels["verb"]
                if sample.name.endswith("_total") and verb not in ("list", "watch"):
                    sums[verb] = sums.get(verb, 0) + int(sample.value)
        return sums

    def drifts(self) -> int:
        samples = next(iter(self.client.metrics.drift_corrections.collect())).samples
        return int(sum(s.value for s in samples if s.name.endswith("_total")))


@pytest.fixture
async def owner(namespace: str, admin: aiohttp.ClientSession) -> Owner[str]:
    """An owner that exists, so that garbage collection leaves its children alone."""
    obj = {"metadata": {"name": "owner"}}
    async with admin.post(f"/api/v1/namespaces/{namespace}/configmaps", json=obj) as response:
        uid = (await response.json())["metadata"]["uid"]
    return Owner(ObjectRef("v1", "ConfigMap", namespace, "owner"), uid, f"{namespace}/owner")


@pytest.fixture
async def new_operator(
    new_client: Callable[..., Awaitable[KubeClient]], owner: Owner[str], widgets: Resource
) -> AsyncIterator[Callable[..., Awaitable[Operator]]]:
    """Starts operators for the owner; `running=False` leaves their caches empty."""
    made: list[Operator] = []

    async def make(*kinds: Resource, running: bool = True) -> Operator:
        made.append(Operator(await new_client(), owner, kinds or CHILD_KINDS))
        return await made[-1].start() if running else made[-1]

    yield make
    for operator in made:
        await operator.stop()


@pytest.fixture
def read(plane: Connection) -> Callable[[JsonObject], JsonObject]:
    """The object of that name as it is on the server."""

    def get(obj: JsonObject) -> JsonObject:
        resource = ResourceRegistry([WIDGETS]).of(obj["apiVersion"], obj["kind"])
        metadata = obj["metadata"]
        path = resource.path(metadata["namespace"], metadata["name"])
        return dict(plane.request("GET", path))

    return get


@pytest.fixture
def someone(plane: Connection) -> Callable[..., JsonObject]:
    """Someone else who makes, patches or deletes an object."""

    def act(verb: str, obj: JsonObject, patch: JsonObject | None = None) -> JsonObject:
        resource = ResourceRegistry([WIDGETS]).of(obj["apiVersion"], obj["kind"])
        namespace, name = obj["metadata"]["namespace"], obj["metadata"]["name"]
        match verb:
            case "create":
                return dict(plane.request("POST", resource.path(namespace), obj))
            case "delete":
                return dict(plane.request("DELETE", resource.path(namespace, name)))
            case _:
                target = f"{resource.plural}.{resource.group}".rstrip(".")
                plane.kubectl(
                    "-n", namespace, "patch", target, name, "--type=merge", "-p", _json(patch or {})
                )
                return {}

    return act
