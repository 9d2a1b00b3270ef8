"""The steps of the demonstration, the same in every cluster."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import installation
from demo import tenants
from demo.clusters import Cluster
from demo.errors import DemoError
from demo.operator_process import OperatorProcess
from toolbox.progress import Progress

READY_SECONDS = 180.0
POLL_SECONDS = 0.5

NAMESPACES = ("00-namespaces.yaml",)
SHARED = ("platform.yaml", "terms-*.yaml", "plan*.yaml")
TENANTS = ("tenant-*.yaml",)


class Scenario:
    """Runs the demonstration in `cluster`; what it must remember lies below `folder`."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self._cluster = cluster
        self._kubeconfig = folder / "operator.kubeconfig"
        self._operator = OperatorProcess(folder)
        self._progress = Progress(sys.stdout)

    def run(self) -> str:
        """Install, start, apply, wait; what there is to see in the end."""
        with self._step("kinds and rights"):
            installation.install(self._cluster.kubectl)
        if not self._operator.up_to_date:
            with self._step("operator"):
                self._operator.stop()
                self._cluster.operator_kubeconfig(self._kubeconfig)
                self._operator.start(self._kubeconfig)
        with self._step("samples"):
            self._apply((*NAMESPACES, *SHARED, *TENANTS))
        found = self._wait_until_ready()
        return tenants.summary(found, self._children(found))

    def remove_tenants(self) -> None:
        """Delete the sample tenants and their namespaces, while the operator still runs."""
        self._operator.check()
        with self._step("tenants removed"):
            for patterns in (TENANTS, NAMESPACES):
                files = sample_files(patterns)
                wait = f"--timeout={READY_SECONDS:.0f}s"
                self._cluster.kubectl("delete", "--ignore-not-found", wait, *files)

    def _apply(self, patterns: Sequence[str]) -> None:
        self._cluster.kubectl("apply", "--server-side", *sample_files(patterns))

    def _wait_until_ready(self) -> list[dict[str, Any]]:
        deadline = time.monotonic() + READY_SECONDS
        with self._step("tenants ready"):
            while True:
                found = self._get("get", *sample_files(TENANTS))
                if all(tenants.is_ready(tenant) for tenant in found):
                    return found
                self._operator.check()
                if time.monotonic() > deadline:
                    raise DemoError(
                        f"not ready after {READY_SECONDS:.0f} s: {tenants.progress(found)}\n"
                        f"{tenants.summary(found, [])}\n"
                        f"The operator's log: {self._operator.log}"
                    )
                self._progress.tick(tenants.progress(found))
                time.sleep(POLL_SECONDS)

    def _children(self, found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        kinds = ",".join(tenants.CHILDREN)
        children = []
        for namespace in sorted({tenant["metadata"]["namespace"] for tenant in found}):
            children += self._get("get", kinds, "-n", namespace, "-l", tenants.SELECTOR)
        return children

    def _get(self, *arguments: str) -> list[dict[str, Any]]:
        answer = json.loads(self._cluster.kubectl(*arguments, "-o", "json"))
        items: list[dict[str, Any]] = answer["items"] if answer["kind"] == "List" else [answer]
        return items

    def _step(self, label: str) -> AbstractContextManager[None]:
        return self._progress.step(label)


def sample_files(patterns: Sequence[str]) -> list[str]:
    """The sample files that `patterns` name, in that order, as options of kubectl."""
    options = []
    for pattern in patterns:
        files = sorted(installation.SAMPLES.glob(pattern))
        if not files:
            raise DemoError(f"{installation.SAMPLES / pattern}: no such file")
        for file in files:
            options += ["-f", str(file)]
    return options
