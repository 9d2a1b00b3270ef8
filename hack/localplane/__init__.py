"""A real Kubernetes control plane on this machine, without containers.

etcd, kube-apiserver, kube-controller-manager, kube-scheduler, and kwok, which simulates nodes: real
validation, admission, RBAC, garbage collection and schedules; pods that are Ready and run nothing.
Pods have loopback addresses of this control plane alone. At those of Jicofo pods a program answers
that nobody meets, or what `localplane.meetings` lets it answer. Nothing routes to Services.
"""

from localplane.background import attach, start_in_background, stop
from localplane.connection import Connection
from localplane.errors import PlaneError
from localplane.options import (
    AUDIT_CLIENTS,
    DEFAULT_NODES,
    AuditPolicy,
    PlaneOptions,
    SimulatedNode,
)
from localplane.plane import LocalPlane, start

__all__ = [
    "AUDIT_CLIENTS",
    "DEFAULT_NODES",
    "AuditPolicy",
    "Connection",
    "LocalPlane",
    "PlaneError",
    "PlaneOptions",
    "SimulatedNode",
    "attach",
    "start",
    "start_in_background",
    "stop",
]
