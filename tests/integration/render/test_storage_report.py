"""The container beside a recorder tells how full a real file system is, by a real nginx."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from debian import program
from jitsi_tenant_operator.media.meetings import Unknown
from jitsi_tenant_operator.media.storage import StorageReports
from jitsi_tenant_operator.media.volume import Usage
from jitsi_tenant_operator.render import storage

HERE = "127.0.0.1"
SECONDS = 90


@contextmanager
def reporting(folder: Path, volume: Path) -> Iterator[int]:
    """Run the program of the container, with paths below `folder`; its port.

    nginx takes over a socket that is bound already, so that nobody else gets the port.
    """
    with socket.create_server((HERE, 0)) as bound:
        port = int(bound.getsockname()[1])
        configuration = folder / "report-storage.conf"
        for each in storage.files(str(volume), str(folder), str(configuration), f"{HERE}:{port}"):
            (folder / each.key).write_text(each.content)
        # As whoever starts it: another user could not read the folder. Ignored for anyone but root.
        configuration.write_text("user root root;\n" + configuration.read_text())
        process = subprocess.Popen(
            ["/bin/sh", folder / "report-storage.sh"],
            pass_fds=[bound.fileno()],
            env={
                "PATH": f"{Path(program('nginx')).parent}:{os.environ['PATH']}",
                "NGINX": f"{bound.fileno()};",
            },
            start_new_session=True,
            stderr=subprocess.DEVNULL,
        )
    try:
        yield port
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


async def answer(port: int, wanted: type[Usage | Unknown]) -> Usage | Unknown:
    """What the operator makes of the report, as soon as it is of this kind."""
    reports = StorageReports(port)
    deadline = time.monotonic() + SECONDS
    while True:
        found = await reports.usage(HERE)
        if isinstance(found, wanted) or time.monotonic() > deadline:
            return found


async def test_it_tells_what_the_file_system_says(tmp_path: Path) -> None:
    with reporting(tmp_path, Path("/dev/shm")) as port:
        found = await answer(port, Usage)
    real = os.statvfs("/dev/shm")
    assert isinstance(found, Usage)
    assert found.capacity == real.f_blocks * real.f_frsize
    assert found.available == pytest.approx(real.f_bavail * real.f_frsize, abs=found.capacity / 10)


async def test_a_volume_that_is_not_there_is_not_told_of(tmp_path: Path) -> None:
    with reporting(tmp_path, tmp_path / "missing") as port:
        with socket.create_connection((HERE, port), timeout=SECONDS) as connection:
            connection.sendall(b"GET /health HTTP/1.0\r\n\r\n")
            assert b" 204 " in connection.recv(100)
        assert await answer(port, Unknown) == Unknown(
            "the report of the volume answered with status 404"
        )
