"""A real nginx with a server in the shape of the web image's, closed or open."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from debian import program
from jitsi_tenant_operator.render.configuration import File

MARK = b"of the application"
"""What everything holds that the open server answers with."""
CONFIGURATION = Path(__file__).with_name("server.conf")
SECONDS = 20


@dataclass(frozen=True, slots=True)
class Answer:
    """What nginx sent: the names of headers in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Server:
    """A running nginx; `reached` holds what came through to the server behind it."""

    port: int
    reached: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(
        self, path: str = "/", *headers: str, method: str = "GET", version: str = "HTTP/1.1"
    ) -> Answer:
        """Send one request, with a body where `headers` end in one after an empty line."""
        lines = [f"{method} {path} {version}", "Host: meet.example.org", "Connection: close"]
        body = b""
        if method in {"POST", "PUT", "PATCH"}:
            body = b"<body/>"
            lines.append(f"Content-Length: {len(body)}")
        return self.send("\r\n".join((*lines, *headers, "", "")).encode() + body)

    def send(self, request: bytes) -> Answer:
        """Send these bytes and read until the server closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS) as connection:
            connection.sendall(request)
            with connection.makefile("rb") as stream:
                answer = stream.read()
        head, _, body = answer.partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(": ") for line in lines)
        number = int(status.split()[1]) if status.startswith("HTTP/") else 0
        return Answer(number, {name.lower(): value for name, _, value in pairs}, body)


Serve = Callable[[Sequence[File]], Server]


@pytest.fixture
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Start nginx with these files where a web pod has them; it ends with the test."""
    with ExitStack() as stack:
        yield lambda files: stack.enter_context(
            nginx(tmp_path_factory.mktemp("nginx"), files),
        )


@contextmanager
def nginx(folder: Path, files: Sequence[File]) -> Iterator[Server]:
    """Run nginx on a free port; `files` are below `folder` instead of the root."""
    for path in ("index.html", "static/404.html", "static/config.js", "libs/external_api.min.js"):
        target = folder / "application" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"<!-- " + MARK + b" -->")
    for each in files:
        target = folder / each.path.removeprefix("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(each.content.replace("root /config/", f"root {folder}/config/"))
    with upstream() as (upstream_port, reached), socket.create_server(("127.0.0.1", 0)) as bound:
        port = bound.getsockname()[1]
        text = CONFIGURATION.read_text().replace("@FOLDER@", str(folder))
        text = text.replace("@PORT@", str(port)).replace("@UPSTREAM@", str(upstream_port))
        (folder / "nginx.conf").write_text(text)
        with running(folder, bound):
            yield Server(port, reached)


@contextmanager
def running(folder: Path, bound: socket.socket) -> Iterator[None]:
    """Run nginx with the socket `bound`, which it takes over as it does when it replaces itself.

    So the port stays ours, and whoever connects before nginx is up waits in the queue.
    """
    with (
        (folder / "errors").open("wb") as errors,
        subprocess.Popen(
            [program("nginx"), "-p", folder, "-e", "stderr", "-c", folder / "nginx.conf"],
            pass_fds=[bound.fileno()],
            env=os.environ | {"NGINX": f"{bound.fileno()};"},
            stderr=errors,
        ) as process,
    ):
        bound.close()
        try:
            yield
        finally:
            process.terminate()
            process.wait(SECONDS)
    assert process.returncode == 0, (folder / "errors").read_text()


@contextmanager
def upstream() -> Iterator[tuple[int, list[str]]]:
    """What nginx passes requests on to: its port, and the requests that came."""
    reached: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            reached.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(MARK)))
            self.end_headers()
            self.wfile.write(MARK)

        do_POST = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_port, reached
        finally:
            server.shutdown()
            thread.join()
