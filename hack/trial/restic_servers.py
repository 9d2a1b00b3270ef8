"""rclone as a real REST server for restic: private repositories, append-only or not."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import debian

_SERVING = re.compile(r"Serving restic REST API on http://([0-9.]+:[0-9]+)/")


@dataclass(frozen=True)
class Server:
    """A running server: its address as HOST:PORT, and the folder that it stores in."""

    address: str
    store: Path

    def repository(self, user: str) -> str:
        """The address of the user's own repository, without a login."""
        return f"rest:http://{self.address}/{user}/"


@contextmanager
def serving(
    folder: Path, store: Path, users: Mapping[str, str], *, append_only: bool = False
) -> Iterator[Server]:
    """A server for `users` and their passwords, each of whom sees a repository of its own only."""
    folder.mkdir(parents=True, exist_ok=True)
    store.mkdir(parents=True, exist_ok=True)
    passwords = folder / "htpasswd"
    passwords.write_text("".join(f"{user}:{_hashed(word)}\n" for user, word in users.items()))
    command = [
        str(debian.program("rclone")),
        *("serve", "restic", "--addr", "127.0.0.1:0", "--private-repos", "--cache-objects=false"),
        *("--htpasswd", str(passwords), "--config", str(folder / "rclone.conf")),
        *(("--append-only",) if append_only else ()),
        str(store),
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            for line in server.stderr:
                if found := _SERVING.search(line):
                    break
            else:
                raise RuntimeError("rclone did not start")
            yield Server(found[1], store)
        finally:
            server.terminate()


def _hashed(password: str) -> str:
    digest = hashlib.sha1(password.encode(), usedforsecurity=False).digest()
    return f"{{SHA}}{base64.b64encode(digest).decode()}"
