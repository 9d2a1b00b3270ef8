"""The client program is given secrets by name alone; what it says is understood, not passed on."""

from __future__ import annotations

import asyncio
import dataclasses
import os
from pathlib import Path

import pytest

from jitsi_tenant_operator.backup.pbs.address import Address
from jitsi_tenant_operator.backup.pbs.program import Program
from jitsi_tenant_operator.backup.store import StoreError, StoreReason

SECRET = "0f2c-of-the-token"


def script(folder: Path, body: str) -> Program:
    """The client, of which `body` is the shell script that stands in for it."""
    file, secret = folder / "client", folder / "secret"
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)
    secret.write_text(SECRET)
    address = Address.parse("jitsi@pbs!acme@pbs.example:8007:store1")
    return Program(address, "tenants/acme", secret, "aa:bb", folder, str(file))


async def test_it_is_told_of_secrets_by_the_names_of_files(tmp_path: Path) -> None:
    program = script(tmp_path, 'echo "$*"; env')
    lines: list[bytes] = []
    await program.run(["snapshot", "list"], lines.append)
    shown = b"\n".join(lines).decode()
    assert SECRET not in shown
    assert lines[0] == b"snapshot list --ns tenants/acme"
    assert "PBS_REPOSITORY=jitsi@pbs!acme@pbs.example:8007:store1" in shown
    assert f"PBS_PASSWORD_FILE={tmp_path / 'secret'}" in shown
    assert "PBS_FINGERPRINT=aa:bb" in shown
    assert "PBS_PASSWORD=" not in shown


async def test_variables_around_it_do_not_reach_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PBS_PASSWORD", "another")
    monkeypatch.setenv("PBS_ENCRYPTION_PASSWORD", "another")
    lines: list[bytes] = []
    await script(tmp_path, "env").run([], lines.append)
    assert not any(b"another" in line for line in lines)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("Error: error trying to connect: tcp connect error", StoreReason.UNREACHABLE),
        ("Error: certificate validation failed", StoreReason.UNREACHABLE),
        ("Error: authentication failed - invalid credentials.", StoreReason.UNREACHABLE),
        ("Error: permission check failed.", StoreReason.READ_ONLY),
        ("Error: backup owner check failed (a@pbs!b != c@pbs!d)", StoreReason.READ_ONLY),
        ("Error: missing key - snapshot was encrypted", StoreReason.KEY_REFUSED),
        ("Error: write failed: No space left on device (os error 28)", StoreReason.FULL),
        ("Error: detected chunk with wrong digest.", StoreReason.DAMAGED),
        ('Error: failed to open "/data/Réunion RH.mp4": EIO', StoreReason.FAILED),
        ("thread 'main' panicked", StoreReason.FAILED),
        ("", StoreReason.FAILED),
    ],
)
async def test_a_failure_has_a_stable_reason_and_names_no_file(
    tmp_path: Path, said: str, reason: StoreReason
) -> None:
    with pytest.raises(StoreError) as caught:
        await script(tmp_path, f"cat <<'END' >&2\n{said}\nEND\nexit 255").run(["backup"])
    assert caught.value.reason is reason
    assert "Réunion" not in str(caught.value)
    assert SECRET not in str(caught.value)


async def test_a_warning_is_counted_however_much_is_said_after_it(tmp_path: Path) -> None:
    body = "echo 'skip mount point: \"/data/x\"' >&2; seq 1 5000 >&2; echo 'WARN: y' >&2"
    assert (await script(tmp_path, body).run(["backup"])).warnings == 2


async def test_without_the_program_that_is_said(tmp_path: Path) -> None:
    program = dataclasses.replace(script(tmp_path, "true"), program=str(tmp_path / "missing"))
    with pytest.raises(StoreError, match="cannot be run"):
        await program.run(["backup"])


async def test_a_run_that_is_cancelled_leaves_no_process(tmp_path: Path) -> None:
    started = asyncio.Event()
    lines: list[bytes] = []

    def read(line: bytes) -> None:
        lines.append(line)
        started.set()

    program = script(tmp_path, "echo $$; exec tail -f /dev/null")
    task = asyncio.create_task(program.run(["backup"], read))
    await asyncio.wait_for(started.wait(), 90)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ProcessLookupError):
        os.kill(int(lines[0]), 0)
