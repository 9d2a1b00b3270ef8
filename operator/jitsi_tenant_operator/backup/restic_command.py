"""One repository as the restic program is told of it, and what its failures mean.

Works with restic 0.14, which Debian 12 has, and newer ones: those tell some failures by their exit
status, 0.14 only by words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from jitsi_tenant_operator.backup.configuration import ResticRepository
from jitsi_tenant_operator.backup.process import Finished, Line, run
from jitsi_tenant_operator.backup.store import StoreError, StoreReason

PROGRAM = "restic"

_PREFIX = "rest:"
_BY_STATUS = {
    3: StoreReason.INCOMPLETE,
    10: StoreReason.MISSING,
    11: StoreReason.LOCKED,
    12: StoreReason.KEY_REFUSED,
}
"""restic's documentation, "Exit codes"; 10 to 12 since 0.17."""

_BY_WORDS = {
    r"wrong password or no key found": StoreReason.KEY_REFUSED,
    r"already locked": StoreReason.LOCKED,
    r"no matching ID|no snapshot found|not found: no": StoreReason.UNKNOWN_SNAPSHOT,
    r"no space left|disk quota exceeded|507 Insufficient": StoreReason.FULL,
    r"unable to open config file: (<config/> does not exist|stat .*no such file|.*\(404\))": (
        StoreReason.MISSING
    ),
    r"unable to open config file|\(401\)|unexpected HTTP response": StoreReason.UNREACHABLE,
    r"403 Forbidden|read-only file system|operation not permitted": StoreReason.READ_ONLY,
    r"(create|remove|mkdir|unlink|open) .*permission denied": StoreReason.READ_ONLY,
    r"connection (refused|reset)|no such host|i/o timeout|unreachable": StoreReason.UNREACHABLE,
    r"unexpected EOF|x509|tls:|\b50[0234]\b|deadline exceeded": StoreReason.UNREACHABLE,
    r"contains errors|does not match|verification failed|invalid data": StoreReason.DAMAGED,
    r"not found in (the )?index|does not exist|no such file|ciphertext": StoreReason.DAMAGED,
    r"hash mismatch|corrupt|damaged|truncated|unable to load": StoreReason.DAMAGED,
    r"There were \d+ errors": StoreReason.DAMAGED,
}
"""By the words of restic 0.14, the first that occur."""

_WORDS = [(re.compile(words, re.IGNORECASE), reason) for words, reason in _BY_WORDS.items()]

_HOPELESS = re.compile(r"retrying after .*403 Forbidden|retrying after (\d+m\d|[2-9]\d(\.\d+)?s)")
"""restic repeats for most of a minute what an append-only server will never do, and newer ones call
a server that does not answer for a quarter of an hour: once they wait 20 seconds between calls,
a run has waited long enough."""

MESSAGES = {
    StoreReason.UNREACHABLE: "the repository does not answer, or refuses the login",
    StoreReason.MISSING: "there is no repository at the address",
    StoreReason.KEY_REFUSED: "the password in keyFile does not open the repository",
    StoreReason.LOCKED: "another run works on the repository, or was killed less than half an"
    " hour ago",
    StoreReason.READ_ONLY: "the repository does not let this login write or delete",
    StoreReason.FULL: "there is no space left",
    StoreReason.DAMAGED: "data in the repository is missing or is not what was written",
    StoreReason.INCOMPLETE: "files could not be read, so the snapshot lacks them",
    StoreReason.UNKNOWN_SNAPSHOT: "there is no such snapshot",
    StoreReason.NOT_SUPPORTED: "restic protects no single snapshot: set held for the whole tenant",
}
"""Words of our own: restic's quote addresses, and names of the tenant's files."""


@dataclass(frozen=True, slots=True)
class Access:
    """How restic reaches one repository: options that name files, no secret among them."""

    repository: ResticRepository
    address_file: Path

    def options(self, prefix: str = "") -> list[str]:
        """The options, or with the prefix `from-` those that name it as a source."""
        authority = self.repository.certificate_authority_file
        return [
            *(f"--{prefix}repository-file", str(self.address_file)),
            *(f"--{prefix}password-file", self.repository.key_file),
            *([] if authority is None else ["--cacert", authority]),
        ]


def access(repository: ResticRepository, folder: Path, name: str) -> Access:
    """Write the address with its login into a file below `folder` that nobody else may read.

    Raises StoreError when the files of the login cannot be read.
    """
    address, login = repository.address, repository.login
    if login is not None:
        user, password = (_secret(path) for path in (login.username_file, login.password_file))
        scheme, slashes, rest = address.removeprefix(_PREFIX).partition("://")
        address = f"{_PREFIX}{scheme}{slashes}{quote(user, '')}:{quote(password, '')}@{rest}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / name
    file.touch(mode=0o600)
    file.write_text(address)
    return Access(repository, file)


def _secret(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise StoreError(
            StoreReason.UNREACHABLE, f"the login's file {path} cannot be read"
        ) from None


@dataclass(frozen=True, slots=True)
class Restic:
    """Runs restic with what all its commands share; `bandwidth` is in KiB a second."""

    scratch: Path
    bandwidth: int | None = None

    async def run(
        self,
        access: Access,
        arguments: Sequence[str | bytes],
        on_line: Line = lambda _: None,
    ) -> None:
        """Run one command on a repository. Raises StoreError when it ends badly."""
        finished = await self.try_run([*self._options(access), *arguments], on_line)
        if finished.status:
            raise failure(finished)

    async def try_run(self, arguments: Sequence[str | bytes], on_line: Line) -> Finished:
        """Run restic, however it ends. Raises StoreError when there is no restic."""
        try:
            return await run(
                [PROGRAM, *arguments],
                self._environment(),
                on_line,
                hopeless=lambda line: _HOPELESS.search(line) is not None,
            )
        except OSError as error:
            raise StoreError(
                StoreReason.FAILED, f"{PROGRAM} cannot be run: {error.strerror}"
            ) from None

    def _options(self, access: Access) -> list[str]:
        options = [*access.options(), "--cache-dir", str(self.scratch / "cache")]
        if self.bandwidth is not None:
            limit = str(self.bandwidth)
            options += ["--limit-upload", limit, "--limit-download", limit]
        return options

    def _environment(self) -> dict[str, str]:
        """Nothing of ours: a variable such as RESTIC_PASSWORD would decide over options."""
        return {
            "HOME": str(self.scratch),
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "TMPDIR": str(self.scratch),
            # `backup --time` is read in the local zone.
            "TZ": "UTC",
        }


def failure(finished: Finished) -> StoreError:
    """What a failed command means."""
    found = (reason for words, reason in _WORDS if words.search(finished.errors))
    reason = _BY_STATUS.get(finished.status) or next(found, StoreReason.FAILED)
    message = MESSAGES.get(reason, f"restic ended with exit status {finished.status}")
    return StoreError(reason, message)
