"""Real Helm on the charts, without anything of the user's own configuration."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

import chart
from localplane import Connection, PlaneOptions, start
from toolbox import provide

KUBERNETES = "1.37.0"
"""What templates are made for where no cluster is asked."""
NAMESPACE = "jitsi-tenant-operator"


class HelmError(Exception):
    """Helm refused; its words."""


@dataclass(frozen=True, slots=True)
class Helm:
    """Runs Helm, on the cluster of `kubeconfig` if there is one."""

    program: Path
    home: Path
    kubeconfig: Path | None = None
    environ: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: str, values: Mapping[str, Any] | None = None) -> str:
        """What `helm ARGUMENTS` prints; HelmError when it fails."""
        command = [str(self.program), *arguments]
        if values is not None:
            command += ["--values", "-"]
        done = subprocess.run(
            command,
            input=None if values is None else yaml.safe_dump(dict(values)),
            capture_output=True,
            text=True,
            check=False,
            env=os.environ
            | {name: str(self.home) for name in ("HELM_CACHE_HOME", "HELM_CONFIG_HOME")}
            | {"HELM_DATA_HOME": str(self.home), "KUBECONFIG": str(self.kubeconfig or os.devnull)},
        )
        if done.returncode:
            raise HelmError(done.stderr)
        return done.stdout

    def template(self, folder: Path, values: Mapping[str, Any] | None = None) -> list[Any]:
        """The objects that the chart in `folder` makes."""
        text = self(
            "template",
            "jitsi-tenant-operator",
            str(folder),
            f"--namespace={NAMESPACE}",
            f"--kube-version={KUBERNETES}",
            values=values or {},
        )
        return [body for body in yaml.load_all(text, yaml.CSafeLoader) if body]


@pytest.fixture(scope="session")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """Helm without a cluster."""
    return Helm(provide(("helm",))["helm"], tmp_path_factory.mktemp("helm"))


@pytest.fixture(scope="session")
def operator_chart() -> Path:
    """The chart of the operator."""
    return chart.CHARTS / "jitsi-tenant-operator"


@pytest.fixture(scope="session")
def crds_chart() -> Path:
    """The chart of the kinds."""
    return chart.CHARTS / "jitsi-tenant-operator-crds"


@pytest.fixture(scope="module")
def empty_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """A control plane on which nothing of the project is installed."""
    with start(tmp_path_factory.mktemp("chart-plane"), PlaneOptions()) as plane:
        yield plane.connection


@pytest.fixture(scope="module")
def helm_there(helm: Helm, empty_plane: Connection) -> Helm:
    """Helm on that control plane."""
    return Helm(helm.program, helm.home, empty_plane.kubeconfig)
