"""A way into a running control plane: addresses, credentials, kubectl and plain requests."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from localplane.credentials import write_kubeconfig
from localplane.errors import PlaneError
from toolbox.places import kubectl

REQUEST_SECONDS = 30.0
TOKEN_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Connection:
    """Everything that a client of the API server needs; `token` has every right."""

    server: str
    """Such as https://127.0.0.1:40123."""
    authority: Path
    token: str
    kubeconfig: Path
    folder: Path
    audit_log: Path | None
    """A JSON object (audit.k8s.io/v1 Event) a line; None when the server keeps none."""

    def to_json(self) -> dict[str, str | None]:
        """As `from_json` reads it."""
        return {key: None if value is None else str(value) for key, value in asdict(self).items()}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Connection:
        """The connection that `to_json` wrote; KeyError when something is missing."""
        audit_log = fields["audit_log"]
        return cls(
            server=fields["server"],
            authority=Path(fields["authority"]),
            token=fields["token"],
            kubeconfig=Path(fields["kubeconfig"]),
            folder=Path(fields["folder"]),
            audit_log=Path(audit_log) if audit_log else None,
        )

    @property
    def headers(self) -> dict[str, str]:
        """The HTTP headers of an administrator."""
        return {"Authorization": f"Bearer {self.token}"}

    def ssl_context(self) -> ssl.SSLContext:
        """Trusts this API server alone."""
        return ssl.create_default_context(cafile=str(self.authority))

    def request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """One request as administrator; the parsed answer.

        Raises PlaneError with the server's words when it refuses, or when it cannot be reached.
        """
        request = urllib.request.Request(  # noqa: S310
            self.server + path,
            method=method,
            headers=self.headers | {"Content-Type": "application/json"},
            data=None if body is None else json.dumps(body).encode(),
        )
        try:
            with urllib.request.urlopen(  # noqa: S310
                request, timeout=REQUEST_SECONDS, context=self.ssl_context()
            ) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                words = error.read().decode(errors="replace")
            raise PlaneError(f"{method} {path}: {error.code} {words}") from error
        except OSError as error:
            raise PlaneError(f"{method} {path}: {error}") from error

    def exists(self, path: str) -> bool:
        """Whether a GET of `path` succeeds; PlaneError for any refusal but 404."""
        try:
            self.request("GET", path)
        except PlaneError as error:
            cause = error.__cause__
            if isinstance(cause, urllib.error.HTTPError) and cause.code == HTTPStatus.NOT_FOUND:
                return False
            raise
        return True

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """What `kubectl ARGUMENTS` prints, as administrator.

        Raises PlaneError with kubectl's words when it fails.
        """
        done = subprocess.run(
            [str(kubectl()), *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"KUBECONFIG": str(self.kubeconfig)},
        )
        if done.returncode:
            raise PlaneError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def service_account_token(self, namespace: str, name: str, seconds: int = TOKEN_SECONDS) -> str:
        """A token of the ServiceAccount `name`, which must exist; it is valid for `seconds`."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        answer = self.request("POST", path, {"spec": {"expirationSeconds": seconds}})
        token: str = answer["status"]["token"]
        return token

    def service_account_kubeconfig(
        self, namespace: str, name: str, path: Path | None = None, seconds: int = TOKEN_SECONDS
    ) -> Path:
        """Write a kubeconfig with the rights of the ServiceAccount `name` and nobody else's."""
        path = path or self.folder / f"{namespace}.{name}.kubeconfig"
        token = self.service_account_token(namespace, name, seconds)
        user = f"system:serviceaccount:{namespace}:{name}"
        return write_kubeconfig(path, self.server, self.authority, token, user)
