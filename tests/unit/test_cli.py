"""The command as a process: its exit status, and one clear line where it cannot run."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer

from jitsi_tenant_operator import __version__
from jitsi_tenant_operator.cli import main

COMMAND = (sys.executable, "-m", "jitsi_tenant_operator.cli")
SAMPLES = Path(__file__).parents[2] / "manifests" / "samples"
ACME = SAMPLES / "tenant-acme.yaml"


def command(
    *arguments: object, stdin: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the command as a person would, without a cluster to fall back to."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("KUBE", "POD_"))}
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**inherited, "HOME": "/nonexistent", **environment},
    )


def test_says_its_version() -> None:
    done = command("version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{__version__}\n", "")


def test_prints_the_crds_that_are_kept_in_the_repository() -> None:
    printed = {crd["metadata"]["name"]: crd for crd in yaml.safe_load_all(command("crds").stdout)}
    kept = [yaml.safe_load(file.read_text()) for file in (SAMPLES.parents[1] / "crds").glob("*")]
    assert printed == {crd["metadata"]["name"]: crd for crd in kept}


def test_reads_the_standard_input() -> None:
    done = command("terms", "-f", "-", stdin=ACME.read_text())
    assert done.returncode == 0
    assert "backup.daily" in done.stdout
    wrong = command("render", "-f", "-", stdin="kind: JitsiTenant")
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("standard input:1: ")


def test_reads_a_pipe_as_a_shell_gives_it() -> None:
    """`render -f <(kustomize build)`: such a file can be read once only."""
    reader, writer = os.pipe()
    os.write(writer, ACME.read_bytes().replace(b"plan: business", b"plan: gold"))
    os.close(writer)
    done = subprocess.run(
        [*COMMAND, "render", "-f", f"/dev/fd/{reader}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        pass_fds=[reader],
    )
    os.close(reader)
    assert done.returncode == 2
    assert "JitsiPlan gold" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_has_seen_enough_is_no_failure() -> None:
    with subprocess.Popen(
        [*COMMAND, "crds"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_output_that_cannot_be_written_is_a_failure() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "crds"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stderr == "the output cannot be written: No space left on device\n"


def test_writes_utf_8_whatever_the_language_of_the_terminal(tmp_path: Path) -> None:
    file = tmp_path / "tenant.yaml"
    file.write_text(ACME.read_text().replace("DC-2026-0142", "Devis d'été"))
    done = subprocess.run(
        [*COMMAND, "terms", "-f", str(file)],
        capture_output=True,
        timeout=60,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert "Devis d'été" in done.stdout.decode()


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["operate"],
        ["render"],
        ["render", "-f"],
        ["run", "--listen", "8080"],
        ["run", "--listen", "127.0.0.1:65536"],
        ["run", "--listen", "127.0.0.1:http"],
        ["run", "--workers", "0"],
        ["run", "--workers", "many"],
        ["run", "--log-level", "loud"],
    ],
    ids=" ".join,
)
def test_a_command_line_that_cannot_be_used_says_why(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    written = capsys.readouterr()
    assert written.out == ""
    assert re.search(r"^jitsi-tenant-operator.*: error: ", written.err, re.MULTILINE)


@pytest.mark.parametrize("name", ["run", "render", "terms", "contract", "crds", "version"])
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([name, "--help"])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: jitsi-tenant-operator {name}")


def the_one_line(done: subprocess.CompletedProcess[str]) -> str:
    """What a command that could not run said of it."""
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert " CRITICAL " in line
    return line


def kubeconfig(server: str = "https://127.0.0.1:1", **user: Any) -> str:
    return json.dumps(
        {
            "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
            "clusters": [{"name": "here", "cluster": {"server": server}}],
            "users": [{"name": "me", "user": user}],
        }
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "this is not a kubeconfig"),
        ("hello", "this is not a kubeconfig"),
        ("[1, 2]", "this is not a kubeconfig"),
        ("clusters:\n  - [\n", "line 3: this is not a kubeconfig"),
        ("clusters: 3", "this is not a kubeconfig"),
        ("apiVersion: v1", "current-context"),
        (kubeconfig().replace('"here", "context"', '"there", "context"'), "here"),
        (kubeconfig(token="s3cret").replace("users", 'users": 3, "x'), "this is not a kube"),
    ],
)
def test_a_kubeconfig_that_is_none_is_said_in_one_line(
    content: str, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(content)
    line = the_one_line(command("run", "--kubeconfig", path, "--listen", "127.0.0.1:0"))
    assert str(path) in line
    assert words in line
    assert "s3cret" not in line


def test_no_kubeconfig_at_all_is_said_in_one_line(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    line = the_one_line(command("run", "--kubeconfig", missing))
    assert f"no kubeconfig at {missing}" in line
    assert "no kubeconfig at" in the_one_line(command("run"))


def test_a_port_that_is_taken_is_said_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(kubeconfig(token="token"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        line = the_one_line(command("run", "--kubeconfig", path, "--listen", f"127.0.0.1:{port}"))
    assert f"('127.0.0.1', {port})" in line
    assert "address already in use" in line


def test_log_lines_can_be_json(tmp_path: Path) -> None:
    done = command("run", "--kubeconfig", tmp_path / "missing", "--log-format", "json")
    (line,) = done.stderr.splitlines()
    entry = json.loads(line)
    assert entry["level"] == "CRITICAL"
    assert "no kubeconfig" in entry["message"]


Answer = Callable[[web.Request], web.Response]


@pytest.fixture
async def server() -> AsyncIterator[tuple[str, dict[str, web.Response]]]:
    """An API server that gives out the Lease and answers all else by a table of path endings."""
    answers: dict[str, Callable[[], web.Response]] = {}

    async def handle(request: web.Request) -> web.Response:
        for ending, answer in answers.items():
            if request.path.endswith(ending):
                return answer()
        if request.path.endswith("/leases") or request.method == "PATCH":
            body = await request.json()
            lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", **body}
            metadata = {**body.get("metadata", {}), "resourceVersion": "1"}
            return web.json_response({**lease, "metadata": metadata}, status=201)
        status = {"kind": "Status", "status": "Failure", "code": 404, "reason": "NotFound"}
        return web.json_response({**status, "message": "not found"}, status=404)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handle)
    async with TestServer(application) as running:
        yield str(running.make_url("")), answers  # type: ignore[misc]


async def run_against(url: str, folder: Path) -> tuple[int | None, str]:
    path = folder / "kubeconfig"
    path.write_text(kubeconfig(url.rstrip("/"), token="token"))
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *("run", "--kubeconfig", str(path), "--listen", "127.0.0.1:0"),
        stderr=asyncio.subprocess.PIPE,
    )
    _, err = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, err.decode()


def critical(err: str) -> str:
    assert "Traceback" not in err
    (line,) = [line for line in err.splitlines() if " CRITICAL " in line]
    return line


async def test_crds_that_are_not_installed_are_asked_for(
    server: tuple[str, dict[str, Any]], tmp_path: Path
) -> None:
    status, err = await run_against(server[0], tmp_path)
    assert status == 1
    line = critical(err)
    assert "jitsiterms.jitsi.rezosocial.com" in line
    assert "jitsi-tenant-operator crds" in line


async def test_a_right_that_is_missing_is_named(
    server: tuple[str, dict[str, Any]], tmp_path: Path
) -> None:
    url, answers = server
    message = 'jitsiterms.jitsi.rezosocial.com is forbidden: User "me" cannot list it'
    answers["/jitsiterms"] = lambda: web.json_response(
        {"kind": "Status", "status": "Failure", "code": 403, "message": message}, status=403
    )
    status, err = await run_against(url, tmp_path)
    assert status == 1
    assert message in critical(err)
