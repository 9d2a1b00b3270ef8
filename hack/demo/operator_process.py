"""The operator as a process in the background, found again by its folder."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from demo.errors import DemoError
from installation import NAMESPACE, ROOT
from jitsi_tenant_operator.render.labels import MANAGER
from localplane.detached import collect, spawn
from localplane.identity import ProcessIdentity
from localplane.processes import tail

PACKAGE = ROOT / "operator" / "jitsi_tenant_operator"
COMMAND = Path(sys.executable).with_name("jitsi-tenant-operator")
STOP_SECONDS = 30.0
POLL_SECONDS = 0.1


class OperatorProcess:
    """The operator that is described below `folder`, running or not."""

    def __init__(self, folder: Path, command: Path = COMMAND) -> None:
        self._command = command
        self._state = folder / "operator.json"
        self.log = folder / "operator.log"

    @property
    def running(self) -> bool:
        """Whether it runs."""
        identity = self._identity()
        return identity is not None and identity.alive

    @property
    def up_to_date(self) -> bool:
        """Whether it runs, and is the program as it lies in the checkout now."""
        return self.running and self._remembered().get("program") == program_digest()

    def start(self, kubeconfig: Path) -> None:
        """Start it with the rights that `kubeconfig` gives, and only those."""
        command = [str(self._command), "run", "--namespace", NAMESPACE]
        command += ["--listen", "127.0.0.1:0", "--image", MANAGER]
        environ = os.environ | {"KUBECONFIG": str(kubeconfig)}
        identity = spawn(command, self.log, environ=environ)
        state = {"process": identity.to_json(), "program": program_digest()}
        self._state.write_text(json.dumps(state))

    def check(self) -> None:
        """Raise DemoError with the end of its log when it does not run."""
        if not self.running:
            raise DemoError(f"the operator has ended. The end of {self.log}:\n{tail(self.log)}")

    def stop(self) -> bool:
        """End it as Kubernetes would, so that it gives its Lease back; False if it did not run."""
        identity = self._identity()
        found = identity is not None and identity.alive
        if identity is not None:
            deadline = time.monotonic() + STOP_SECONDS
            identity.send(signal.SIGTERM)
            while identity.alive and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)
            identity.send(signal.SIGKILL)
            collect(identity)
        self._state.unlink(missing_ok=True)
        return found

    def _identity(self) -> ProcessIdentity | None:
        try:
            return ProcessIdentity.from_json(self._remembered()["process"])
        except (KeyError, TypeError, ValueError):
            return None

    def _remembered(self) -> dict[str, Any]:
        try:
            content = json.loads(self._state.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}


def program_digest() -> str:
    """Another one whenever a file of the operator's package is."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            digest.update(f"{path}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
