"""Runs `proxmox-backup-client`, the only thing that reads and writes a tenant's data.

Secrets reach it as the names of files, so that no list of processes shows them. Of what it prints,
nothing goes on that could name a file: see `errors.plain`.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jitsi_tenant_operator.backup.pbs.address import Address
from jitsi_tenant_operator.backup.pbs.errors import out_of_space, plain
from jitsi_tenant_operator.backup.store import StoreError, StoreReason

PROGRAM = "proxmox-backup-client"

_KEPT_LINES = 200
_LONGEST_LINE = 4096
_WARNING = re.compile(r"^(skip mount point|warn(ing)?s?\b)", re.IGNORECASE)
_REASONS: Sequence[tuple[re.Pattern[str], StoreReason]] = tuple(
    (re.compile(form, re.IGNORECASE), reason)
    for form, reason in (
        (r"error trying to connect|connection (refused|reset)|timed out", StoreReason.UNREACHABLE),
        (r"certificate", StoreReason.UNREACHABLE),
        (r"authentication failed|401", StoreReason.UNREACHABLE),
        (r"permission check failed|owner check failed|403", StoreReason.READ_ONLY),
        (r"missing key|wrong key|unable to decrypt|key file", StoreReason.KEY_REFUSED),
        (r"wrong digest|unable to read chunk|wrong checksum", StoreReason.DAMAGED),
        (r"unable to acquire lock|locked", StoreReason.LOCKED),
        (r"namespace .* (does not exist|not found)|no such datastore", StoreReason.MISSING),
    )
)


@dataclass(frozen=True, slots=True)
class Printed:
    """What a run printed: the standard output as it is, of the rest the last lines."""

    output: bytes
    log: Sequence[str]

    @property
    def warnings(self) -> Sequence[str]:
        """The lines that say that something is missing, though the exit status does not."""
        return [line for line in self.log if _WARNING.match(line)]


@dataclass(frozen=True, slots=True)
class Program:
    """The client for one tenant's namespace on one server."""

    address: Address
    namespace: str
    secret_file: Path
    fingerprint: str
    scratch: Path
    """A folder of its own, which stands for its home."""
    program: str = PROGRAM

    def environment(self) -> Mapping[str, str]:
        """What it finds in its environment: no secret, and nothing of ours."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.scratch),
            "LANG": "C.UTF-8",
            "PBS_REPOSITORY": str(self.address),
            "PBS_PASSWORD_FILE": str(self.secret_file),
            "PBS_FINGERPRINT": self.fingerprint,
        }

    async def run(self, *arguments: str) -> Printed:
        """Run it in the tenant's namespace. Raises StoreError if it fails or is not there."""
        try:
            process = await asyncio.create_subprocess_exec(
                self.program,
                *arguments,
                "--ns",
                self.namespace,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=self.environment(),
                limit=_LONGEST_LINE,
            )
        except OSError as error:
            raise StoreError(
                StoreReason.FAILED, f"{PROGRAM} cannot be run: {error.strerror}"
            ) from None
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            output, log = await asyncio.gather(process.stdout.read(), _lines(process.stderr))
            status = await process.wait()
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise
        if status:
            raise _failure(status, log)
        return Printed(output, log)


async def _lines(stream: asyncio.StreamReader) -> list[str]:
    """The last lines of a stream, which is read to its end; lines that are too long are cut."""
    lines: list[str] = []
    rest = b""
    while part := await stream.read(_LONGEST_LINE):
        *whole, rest = (rest + part).split(b"\n")
        rest = rest[:_LONGEST_LINE]
        lines = [*lines, *(line.decode(errors="replace") for line in whole)]
        # What is missing from a backup is told early, and what ended it last: both are kept.
        lines = [line for line in lines[:-_KEPT_LINES] if _WARNING.match(line)][
            :_KEPT_LINES
        ] + lines[-_KEPT_LINES:]
    return [*lines, rest.decode(errors="replace")] if rest else lines


def _failure(status: int, log: Sequence[str]) -> StoreError:
    """What a failed run means, by its last lines."""
    said = [line.removeprefix("Error:").strip() for line in log if line.startswith("Error:")]
    message = said[-1] if said else ""
    if any(out_of_space(line) for line in log[-3:]):
        return StoreError(StoreReason.FULL, "no space left where the backups or the copies lie")
    for form, reason in _REASONS:
        if form.search(message):
            return StoreError(reason, f"{PROGRAM}: {plain(message)}")
    described = plain(message) or f"ended with status {status}"
    return StoreError(StoreReason.FAILED, f"{PROGRAM}: {described}")
