"""Probes that tell the truth and cannot cause restart loops.

Liveness looks only at the process itself and is slow: a restart cuts meetings. Nothing is probed
for liveness that depends on another component.
"""

from __future__ import annotations

from jitsi_tenant_operator.api.objects import JsonObject


def http(path: str, port: str) -> JsonObject:
    """Ask `path` on the container port of this name."""
    return {"httpGet": {"path": path, "port": port}}


def tcp(port: str) -> JsonObject:
    """Connect to the container port of this name."""
    return {"tcpSocket": {"port": port}}


def command(*words: str) -> JsonObject:
    """Run a command in the container; exit status 0 is success."""
    return {"exec": {"command": list(words)}}


def readiness(action: JsonObject) -> JsonObject:
    """Taken out of its Service after half a minute without success."""
    return {**action, "periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 3}


def liveness(action: JsonObject) -> JsonObject:
    """Restarted after five minutes without success, the first of which are for starting.

    At once, whatever time the pod has for ending its meetings: what does not answer ends none.
    """
    return {
        **action,
        "periodSeconds": 30,
        "timeoutSeconds": 10,
        "failureThreshold": 10,
        "terminationGracePeriodSeconds": 30,
    }
