"""What a local control plane consists of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

AuditPolicy = Mapping[str, Any]
"""An audit.k8s.io/v1 Policy."""

COMPONENT_USERS = (
    "system:apiserver",
    "system:kube-controller-manager",
    "system:kube-scheduler",
    "localplane:nodes",
)

AUDIT_CLIENTS: AuditPolicy = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    # One line for a finished request, one for a watch when it begins.
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "nonResourceURLs": ["/readyz*", "/livez*", "/healthz*"]},
        {"level": "None", "users": [*COMPONENT_USERS]},
        {"level": "None", "userGroups": ["system:serviceaccounts:kube-system"]},
        {"level": "Metadata"},
    ],
}
"""Who asked for what with which answer, of everyone but the control plane's own components."""


@dataclass(frozen=True, slots=True)
class SimulatedNode:
    """A node that kwok plays: it is Ready, has room, and runs nothing."""

    name: str
    internal_ip: str
    external_ip: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    cpu: str = "2000"
    memory: str = "8Ti"
    pods: str = "20000"


def _node(number: int, region: str, zone: str) -> SimulatedNode:
    labels = {"topology.kubernetes.io/region": region, "topology.kubernetes.io/zone": zone}
    # Addresses that are reserved for documentation: they lead nowhere.
    return SimulatedNode(
        f"node-{number}", f"192.0.2.{10 + number}", f"203.0.113.{10 + number}", labels
    )


DEFAULT_NODES = (
    _node(1, "fr-paris", "fr-paris-1"),
    _node(2, "fr-paris", "fr-paris-2"),
    _node(3, "fr-lyon", "fr-lyon-1"),
    _node(4, "de-frankfurt", "de-frankfurt-1"),
)
"""Three in France, one elsewhere; together they hold several thousand tenants."""


@dataclass(frozen=True, slots=True)
class PlaneOptions:
    """Which parts run, and how.

    Without the controller manager nothing is garbage-collected and no Deployment makes pods;
    without the scheduler pods stay Pending; without nodes there is nowhere to run.
    """

    controller_manager: bool = True
    scheduler: bool = True
    nodes: tuple[SimulatedNode, ...] = DEFAULT_NODES
    audit: AuditPolicy | None = None
    service_cidr: str = "10.96.0.0/16"
    node_port_range: str = "30000-32767"
    api_server_flags: tuple[str, ...] = ()
    """Further flags of kube-apiserver, such as --max-requests-inflight=1000."""
    start_seconds: float = 60.0
    """How long everything together may take until it is ready."""

    @property
    def programs(self) -> tuple[str, ...]:
        """The programs that this needs, in the order in which they start."""
        chosen = {
            "etcd": True,
            "kube-apiserver": True,
            "kube-controller-manager": self.controller_manager,
            "kube-scheduler": self.scheduler,
            "kwok": bool(self.nodes),
        }
        return tuple(name for name, wanted in chosen.items() if wanted)

    @property
    def components(self) -> tuple[str, ...]:
        """All that runs, in the order in which it starts: the programs, and what plays Jicofo."""
        return (*self.programs, "jicofo") if self.nodes else self.programs

    def to_json(self) -> str:
        """As `from_json` reads it."""
        return json.dumps(asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: str) -> PlaneOptions:
        """The options that `to_json` wrote; TypeError when a field is unknown."""
        fields = json.loads(text)
        fields["nodes"] = tuple(SimulatedNode(**node) for node in fields["nodes"])
        fields["api_server_flags"] = tuple(fields["api_server_flags"])
        return cls(**fields)
