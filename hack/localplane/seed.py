"""What a control plane holds from the start: simulated nodes, a storage and an Ingress class."""

from __future__ import annotations

from typing import Any

from localplane.connection import Connection
from localplane.options import PlaneOptions, SimulatedNode

STORAGE_CLASS = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {
        "name": "standard",
        "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
    },
    # Played by kwok, see stages.yaml.
    "provisioner": "localplane",
    "reclaimPolicy": "Delete",
    "volumeBindingMode": "Immediate",
    "allowVolumeExpansion": True,
}

INGRESS_CLASS = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "IngressClass",
    "metadata": {"name": "nginx"},
    # Nobody plays it: nothing reads the status of an Ingress.
    "spec": {"controller": "localplane/ingress"},
}


def seed(connection: Connection, options: PlaneOptions) -> None:
    """Create the nodes and the classes where they do not exist."""
    for node in options.nodes:
        _create(connection, "/api/v1/nodes", node_object(node))
    _create(connection, "/apis/storage.k8s.io/v1/storageclasses", STORAGE_CLASS)
    _create(connection, "/apis/networking.k8s.io/v1/ingressclasses", INGRESS_CLASS)


def seeded(connection: Connection, options: PlaneOptions) -> str:
    """What the controllers still have to do before pods can run; empty when nothing."""
    if options.controller_manager:
        for namespace in ("default", "kube-system"):
            path = f"/api/v1/namespaces/{namespace}/serviceaccounts/default"
            if not connection.exists(path):
                return f"ServiceAccount {namespace}/default"
    for node in options.nodes:
        obj = connection.request("GET", f"/api/v1/nodes/{node.name}")
        if not _is_ready(obj) or (options.controller_manager and _is_tainted(obj)):
            return f"Node {node.name} Ready"
    return ""


def node_object(node: SimulatedNode) -> dict[str, Any]:
    """The Node that kwok brings to life."""
    size = {"cpu": node.cpu, "memory": node.memory, "pods": node.pods}
    addresses = [
        {"type": "Hostname", "address": node.name},
        {"type": "InternalIP", "address": node.internal_ip},
    ]
    if node.external_ip:
        addresses.append({"type": "ExternalIP", "address": node.external_ip})
    labels = {"kubernetes.io/hostname": node.name, "kubernetes.io/os": "linux"} | dict(node.labels)
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": node.name, "labels": labels},
        "status": {"capacity": size, "allocatable": size, "addresses": addresses},
    }


def _create(connection: Connection, path: str, obj: dict[str, Any]) -> None:
    if not connection.exists(f"{path}/{obj['metadata']['name']}"):
        connection.request("POST", path, obj)


def _is_ready(node: dict[str, Any]) -> bool:
    conditions = node.get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _is_tainted(node: dict[str, Any]) -> bool:
    # A new node takes pods only once the controller manager has seen that it is ready.
    return any(
        taint["key"] == "node.kubernetes.io/not-ready" for taint in node["spec"].get("taints", [])
    )
