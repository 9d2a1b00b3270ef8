"""Where the demonstration takes place: a control plane of its own, or the current cluster."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import localplane
from demo.errors import DemoError
from installation import NAMESPACE, SERVICE_ACCOUNT
from localplane.credentials import write_private
from toolbox import provide
from toolbox.places import kubectl as kubectl_program
from toolbox.progress import Progress

LOCAL_TOKEN_SECONDS = 365 * 24 * 3600
CURRENT_TOKEN_SECONDS = 7 * 24 * 3600


class Cluster(Protocol):
    """A cluster to demonstrate in."""

    @property
    def look_around(self) -> str:
        """The line to type so that kubectl shows this cluster; empty when it does already."""

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """What `kubectl ARGUMENTS` prints, with the rights of whoever runs the demonstration."""

    def operator_kubeconfig(self, path: Path) -> None:
        """Write a kubeconfig with the operator's own rights to `path`."""


class LocalCluster:
    """A control plane below a folder, started when it does not run."""

    def __init__(self, connection: localplane.Connection) -> None:
        self._connection = connection

    @classmethod
    def start(cls, folder: Path) -> LocalCluster:
        """Find it or start it; PlaneError or ToolError when it cannot be had."""
        connection = localplane.attach(folder)
        if connection is None:
            # Here, not in the background: building shows its progress.
            provide()
            with Progress(sys.stdout).step("control plane"):
                shutil.rmtree(folder, ignore_errors=True)
                connection = localplane.start_in_background(folder)
        return cls(connection)

    @property
    def look_around(self) -> str:
        """The line to type so that kubectl shows this cluster."""
        return f"export KUBECONFIG={self._connection.kubeconfig}"

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """What `kubectl ARGUMENTS` prints, as administrator."""
        return self._connection.kubectl(*arguments, stdin=stdin)

    def operator_kubeconfig(self, path: Path) -> None:
        """Write a kubeconfig with the operator's own rights to `path`."""
        self._connection.service_account_kubeconfig(
            NAMESPACE, SERVICE_ACCOUNT, path, LOCAL_TOKEN_SECONDS
        )


class CurrentCluster:
    """The cluster of a kubeconfig context, which is named in every call."""

    def __init__(self, context: str) -> None:
        self.context = context

    @classmethod
    def current(cls) -> CurrentCluster:
        """The one that kubectl uses now; DemoError when it uses none."""
        return cls(_run("config", "current-context").strip())

    @property
    def look_around(self) -> str:
        """Nothing to type: kubectl shows this cluster already."""
        return ""

    @property
    def server(self) -> str:
        """The address of its API server."""
        address: str = self._cluster()["server"]
        return address

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """What `kubectl ARGUMENTS` prints; DemoError with its words when it fails."""
        return _run("--context", self.context, *arguments, stdin=stdin)

    def operator_kubeconfig(self, path: Path) -> None:
        """Write a kubeconfig with the operator's own rights to `path`."""
        token = self.kubectl(
            "create", "token", SERVICE_ACCOUNT, "-n", NAMESPACE,
            f"--duration={CURRENT_TOKEN_SECONDS}s",
        ).strip()  # fmt: skip
        named: Mapping[str, Any] = {"cluster": "current", "user": SERVICE_ACCOUNT}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "current", "cluster": self._cluster()}],
            "users": [{"name": SERVICE_ACCOUNT, "user": {"token": token}}],
            "contexts": [{"name": "current", "context": named}],
            "current-context": "current",
        }
        write_private(path, json.dumps(config, indent=2) + "\n")

    def _cluster(self) -> dict[str, Any]:
        view = ("config", "view", "--raw", "--flatten", "--minify", "-o", "json")
        config = json.loads(self.kubectl(*view))
        cluster: dict[str, Any] = config["clusters"][0]["cluster"]
        return cluster


def confirmed(
    question: str, environ: Mapping[str, str], ask: Callable[[str], str] | None
) -> bool | None:
    """Whether the person says yes; CONFIRM=yes says so beforehand. None without anyone to `ask`."""
    if environ.get("CONFIRM") == "yes":
        return True
    if ask is None:
        return None
    return ask(f"{question} [y/N] ").strip().lower() in {"y", "yes"}


def person() -> Callable[[str], str] | None:
    """Asks the person at the terminal; None when there is none."""
    return input if sys.stdin.isatty() else None


def _run(*arguments: str, stdin: str | None = None) -> str:
    done = subprocess.run(
        [str(kubectl_program()), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ,
    )
    if done.returncode:
        raise DemoError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout
