"""Puts the operator's kinds and rights into a cluster: everything but the operator itself."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

ROOT = Path(__file__).resolve().parent.parent
CRDS = ROOT / "crds"
RIGHTS = ROOT / "manifests" / "base" / "rbac"
SAMPLES = ROOT / "manifests" / "samples"

NAMESPACE = "jitsi-tenant-operator"
SERVICE_ACCOUNT = "jitsi-tenant-operator"
WAIT_SECONDS = 60


class Kubectl(Protocol):
    """Runs kubectl against one cluster; what it prints. Raises when it fails."""

    def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        """Run `kubectl ARGUMENTS`."""


def install(kubectl: Kubectl) -> None:
    """Apply the CRDs, wait until the server serves them, then namespace and rights.

    What is there already stays as it is; a folder without files is passed over.
    """
    if any(CRDS.glob("*.yaml")):
        kubectl("apply", "--server-side", "-f", str(CRDS))
        wait = f"--timeout={WAIT_SECONDS}s"
        kubectl("wait", "--for=condition=Established", wait, "-f", str(CRDS))
    if RIGHTS.is_dir():
        kubectl("apply", "--server-side", "-k", str(RIGHTS))
