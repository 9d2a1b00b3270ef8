"""Runs `proxmox-backup-client`, the only thing that reads and writes a tenant's data.

Secrets reach it as the names of files, so that no list of processes shows them. Of what it prints,
nothing goes on that could name a file: see `errors.plain`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jitsi_tenant_operator.backup.pbs.address import Address
from jitsi_tenant_operator.backup.pbs.errors import out_of_space, plain
from jitsi_tenant_operator.backup.process import Finished, Line, run
from jitsi_tenant_operator.backup.store import StoreError, StoreReason

PROGRAM = "proxmox-backup-client"

_WARNING = re.compile(r"skip mount point|warn(ing)?s?\b", re.IGNORECASE)
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
"""What the client says when it fails, the first that occurs."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a run said on its standard error: the last lines, and how many were warnings.

    A warning means that something is missing, though the exit status does not say so.
    """

    lines: Sequence[str]
    warnings: int


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
            "HOME": str(self.scratch),
            "LANG": "C.UTF-8",
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "PBS_FINGERPRINT": self.fingerprint,
            "PBS_PASSWORD_FILE": str(self.secret_file),
            "PBS_REPOSITORY": str(self.address),
        }

    async def run(self, arguments: Sequence[str], on_line: Line = lambda _: None) -> Told:
        """Run it in the tenant's namespace; `on_line` is given each line of its output.

        Raises StoreError if it fails or is not there.
        """
        warnings = 0

        def note(line: str) -> bool:
            nonlocal warnings
            warnings += _WARNING.match(line) is not None
            return False

        command = [self.program, *arguments, "--ns", self.namespace]
        try:
            finished = await run(command, self.environment(), on_line, hopeless=note)
        except OSError as error:
            raise StoreError(
                StoreReason.FAILED, f"{PROGRAM} cannot be run: {error.strerror}"
            ) from None
        if finished.status:
            raise _failure(finished)
        return Told(finished.errors.splitlines(), warnings)


def _failure(finished: Finished) -> StoreError:
    """What a failed run means, by its last lines."""
    lines = finished.errors.splitlines()
    said = [line.removeprefix("Error:").strip() for line in lines if line.startswith("Error:")]
    message = said[-1] if said else ""
    if any(out_of_space(line) for line in lines[-3:]):
        return StoreError(StoreReason.FULL, "there is no space left")
    for form, reason in _REASONS:
        if form.search(message):
            return StoreError(reason, f"{PROGRAM}: {plain(message)}")
    described = plain(message) or f"ended with exit status {finished.status}"
    return StoreError(StoreReason.FAILED, f"{PROGRAM}: {described}")
