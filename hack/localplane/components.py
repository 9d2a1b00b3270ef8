"""The components of a control plane: their command lines, and how one sees that they are ready."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from localplane.jicofo import PORT as JICOFO_PORT
from localplane.layout import HOST, Layout, PodBlock, Ports
from localplane.options import PlaneOptions

STAGES = Path(__file__).with_name("stages.yaml")
JICOFO = Path(__file__).with_name("jicofo.py")
ISSUER = "https://kubernetes.default.svc"
LEASE_SECONDS = 40


@dataclass(frozen=True, slots=True)
class Component:
    """One process: its name, command line, and the address that answers 200 once it is ready."""

    name: str
    command: tuple[str, ...]
    ready_url: str


def components(
    programs: Mapping[str, Path],
    options: PlaneOptions,
    layout: Layout,
    ports: Ports,
    pods: PodBlock,
) -> list[Component]:
    """Those that `options` ask for, in the order in which they start."""
    made: dict[str, Callable[[], tuple[tuple[str, ...], str]]] = {
        "etcd": lambda: _etcd(layout, ports),
        "kube-apiserver": lambda: _api_server(options, layout, ports),
        "kube-controller-manager": lambda: _controller_manager(layout, ports),
        "kube-scheduler": lambda: _scheduler(layout, ports),
        "kwok": lambda: _kwok(layout, ports, pods),
        "jicofo": lambda: _jicofo(layout, ports, pods),
    }
    result = []
    for name in options.components:
        arguments, ready_url = made[name]()
        program = programs.get(name, Path(sys.executable))
        result.append(Component(name, (str(program), *arguments), ready_url))
    return result


def _etcd(layout: Layout, ports: Ports) -> tuple[tuple[str, ...], str]:
    client = f"http://{HOST}:{ports.etcd}"
    peer = f"http://{HOST}:{ports.etcd_peer}"
    arguments = (
        "--name=local",
        f"--data-dir={layout.etcd}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=local={peer}",
        # The data are thrown away: nothing is gained by waiting for the disk.
        "--unsafe-no-fsync",
        f"--quota-backend-bytes={8 * 1024**3}",
        "--log-level=warn",
    )
    return arguments, f"{client}/readyz"


def _api_server(options: PlaneOptions, layout: Layout, ports: Ports) -> tuple[tuple[str, ...], str]:
    arguments: tuple[str, ...] = (
        f"--etcd-servers=http://{HOST}:{ports.etcd}",
        f"--bind-address={HOST}",
        f"--secure-port={ports.api_server}",
        f"--advertise-address={HOST}",
        # Nothing in here reaches the API server through the Service "kubernetes".
        "--endpoint-reconciler-type=none",
        f"--tls-cert-file={layout.certificate}",
        f"--tls-private-key-file={layout.certificate_key}",
        f"--token-auth-file={layout.tokens}",
        f"--service-account-key-file={layout.verification_key}",
        f"--service-account-signing-key-file={layout.signing_key}",
        f"--service-account-issuer={ISSUER}",
        f"--service-cluster-ip-range={options.service_cidr}",
        f"--service-node-port-range={options.node_port_range}",
        "--authorization-mode=RBAC",
        # OpenShift has it on: whoever writes owner references needs rights that no call shows.
        "--enable-admission-plugins=OwnerReferencesPermissionEnforcement",
        "--allow-privileged",
        "--shutdown-delay-duration=0s",
    )
    if options.audit is not None:
        arguments += (
            f"--audit-policy-file={layout.audit_policy}",
            f"--audit-log-path={layout.audit_log}",
            # One file, whatever its size: a check at the end of a run needs every line.
            "--audit-log-maxsize=100000",
            # Written before the answer, so that whoever has the answer finds the line.
            "--audit-log-mode=blocking",
        )
    arguments += options.api_server_flags
    return arguments, f"https://{HOST}:{ports.api_server}/readyz"


def _controller_manager(layout: Layout, ports: Ports) -> tuple[tuple[str, ...], str]:
    arguments = (
        f"--kubeconfig={layout.kubeconfig('controller-manager')}",
        f"--service-account-private-key-file={layout.signing_key}",
        f"--root-ca-file={layout.authority}",
        "--use-service-account-credentials",
        "--leader-elect=false",
        # Nobody routes to a Service in here, and endpoints may have no loopback addresses.
        "--controllers=*,-endpoints-controller,-endpointslice-controller",
        f"--bind-address={HOST}",
        f"--secure-port={ports.controller_manager}",
        # Simulated pods are many and cheap; the usual 20 requests a second are for real clusters.
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
    )
    return arguments, f"https://{HOST}:{ports.controller_manager}/healthz"


def _scheduler(layout: Layout, ports: Ports) -> tuple[tuple[str, ...], str]:
    arguments = (
        f"--kubeconfig={layout.kubeconfig('scheduler')}",
        "--leader-elect=false",
        f"--bind-address={HOST}",
        f"--secure-port={ports.scheduler}",
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
    )
    return arguments, f"https://{HOST}:{ports.scheduler}/healthz"


def _kwok(layout: Layout, ports: Ports, pods: PodBlock) -> tuple[tuple[str, ...], str]:
    arguments = (
        f"--kubeconfig={layout.kubeconfig('nodes')}",
        f"--config={STAGES}",
        "--manage-all-nodes=true",
        f"--cidr={pods.cidr}",
        f"--node-lease-duration-seconds={LEASE_SECONDS}",
        f"--server-address={HOST}:{ports.kwok}",
    )
    return arguments, f"http://{HOST}:{ports.kwok}/healthz"


def _jicofo(layout: Layout, ports: Ports, pods: PodBlock) -> tuple[tuple[str, ...], str]:
    arguments = (
        # Without the folder of the file on the path: its neighbours are no top-level modules.
        "-P",
        str(JICOFO),
        f"--server=https://{HOST}:{ports.api_server}",
        f"--authority={layout.authority}",
        f"--kubeconfig={layout.kubeconfig('nodes')}",
        f"--address={pods.jicofo}",
    )
    return arguments, f"http://{pods.jicofo}:{JICOFO_PORT}/healthz"
