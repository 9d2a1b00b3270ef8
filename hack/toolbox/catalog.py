"""Which programs there are, and from which pinned Go module each is built."""

from __future__ import annotations

import hashlib
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from toolbox.errors import ToolError

MODULES = Path(__file__).resolve().parent.parent / "tools"


@dataclass(frozen=True, slots=True)
class Tool:
    """One program: `package` of the Go module `source`, pinned by `folder`/go.mod."""

    name: str
    folder: Path
    source: str
    package: str
    cold_seconds: int
    """How long the first build takes on two cores with nothing cached."""
    stamps_kubernetes_version: bool = False
    """Whether the version must be linked in; a server without it says it is 0.0.0."""
    embeds_time_zones: bool = False
    """Whether it must know time zones where no files describe them, as in an empty image."""

    @property
    def version(self) -> str:
        """The pinned version of the module, such as v1.37.2; ToolError when it is not pinned."""
        found = re.search(rf"\b{re.escape(self.source)} (v\S+)", self._file("go.mod"))
        if found is None:
            raise ToolError(f"{self.folder / 'go.mod'} does not pin {self.source}.")
        return found[1]

    @property
    def go_version(self) -> tuple[int, ...]:
        """The oldest Go that the module file accepts, such as (1, 26, 0)."""
        found = re.search(r"^go (\S+)$", self._file("go.mod"), re.MULTILINE)
        if found is None:
            raise ToolError(f"{self.folder / 'go.mod'} names no Go version.")
        return tuple(int(part) for part in found[1].split("."))

    @property
    def build_arguments(self) -> tuple[str, ...]:
        """The arguments of `go build`, but for the place of the result."""
        link = ["-s", "-w"]
        if self.stamps_kubernetes_version:
            major, minor, _ = self.version.removeprefix("v").split(".", 2)
            stamps = {"gitVersion": self.version, "gitMajor": major, "gitMinor": minor}
            for key, value in stamps.items():
                link += ["-X", f"k8s.io/component-base/version.{key}={value}"]
        tags = ("-tags", "timetzdata") if self.embeds_time_zones else ()
        flags = ("-trimpath", "-buildvcs=false", "-mod=readonly")
        return (*flags, *tags, "-ldflags", " ".join(link))

    @property
    def cache_name(self) -> str:
        """The folder of the built program in a cache: another for anything that changes it."""
        parts = (
            self._file("go.mod"),
            self._file("go.sum"),
            *(path.read_text(encoding="utf-8") for path in sorted(self.folder.glob("*.go"))),
            self.package,
            *self.build_arguments,
            platform.system(),
            platform.machine(),
        )
        digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()
        return f"{self.name}-{self.version}-{digest[:16]}"

    def _file(self, name: str) -> str:
        try:
            return (self.folder / name).read_text(encoding="utf-8")
        except FileNotFoundError as error:
            raise ToolError(f"{self.folder / name} is missing; the checkout is damaged.") from error


def _kubernetes(name: str, cold_seconds: int) -> Tool:
    package = f"k8s.io/kubernetes/cmd/{name}"
    return Tool(
        name, MODULES / "kubernetes", "k8s.io/kubernetes", package, cold_seconds,
        stamps_kubernetes_version=True,
    )  # fmt: skip


TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (
        Tool(
            "etcd", MODULES / "etcd", "go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3", 30
        ),
        _kubernetes("kube-apiserver", 330),
        _kubernetes("kube-controller-manager", 100),
        _kubernetes("kube-scheduler", 15),
        Tool("kwok", MODULES / "kwok", "sigs.k8s.io/kwok", "sigs.k8s.io/kwok/cmd/kwok", 85),
        Tool("helm", MODULES / "helm", "helm.sh/helm/v3", "helm.sh/helm/v3/cmd/helm", 170),
        Tool(
            "kubeconform",
            MODULES / "kubeconform",
            "github.com/yannh/kubeconform",
            "github.com/yannh/kubeconform/cmd/kubeconform",
            5,
        ),
        Tool(
            "opentelemetry-collector",
            MODULES / "opentelemetry-collector",
            "go.opentelemetry.io/collector/otelcol",
            ".",
            120,
            embeds_time_zones=True,
        ),
    )
}

CONTROL_PLANE: Sequence[str] = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kwok",
)
