"""What the backup programs read: one YAML or JSON file, mounted into their Job or written by hand.

Passwords and keys stand in files of their own, which this one only names.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, ClassVar, Literal, TypeVar

import orjson
from pydantic import Field, StringConstraints, ValidationError

from jitsi_tenant_operator.api.constraints import Expected
from jitsi_tenant_operator.api.documents import DocumentError, documents
from jitsi_tenant_operator.api.model import Model, Rule
from jitsi_tenant_operator.api.platform import RepositoryAddress, RepositoryDriver, TimeZone
from jitsi_tenant_operator.api.problems import explain
from jitsi_tenant_operator.api.scalars import DnsLabel, Duration, ObjectName

MAX_BYTES = 64 * 1024

AbsolutePath = Annotated[
    str,
    StringConstraints(pattern=r"^(/[^/\x00-\x1f]+)+$", max_length=1024),
    Expected("an absolute path without a slash at its end"),
]
Kibibytes = Annotated[int, Field(ge=16, le=10_000_000)]
"""An amount of data a second, in KiB."""


class ConfigurationError(Exception):
    """The file cannot be used; the message names it, and the fields, one to a line."""


class Part(StrEnum):
    """What of a tenant is backed up, each part in a folder of its own."""

    RECORDINGS = "recordings"
    ACCOUNTS = "accounts"
    CONFIGURATION = "configuration"


class BackedUpTenant(Model):
    """Whose data it is."""

    name: ObjectName
    """The name of the JitsiTenant."""
    namespace: DnsLabel
    """Its namespace."""
    uid: Annotated[str, StringConstraints(pattern=r"^[0-9a-zA-Z-]{1,64}$")]
    """Its uid, which tells it from a later tenant of the same name."""


class Sources(Model):
    """The folders to back up, or to restore into; a part that is not named is left out."""

    rules: ClassVar = (
        Rule(
            "has(self.recordings) || has(self.accounts) || has(self.configuration)",
            "name at least one folder",
            lambda self: any((self.recordings, self.accounts, self.configuration)),
        ),
    )

    recordings: AbsolutePath | None = None
    """Recordings, read where they lie: they may be large."""
    accounts: AbsolutePath | None = None
    """Prosody's data, copied first: it changes at any time."""
    configuration: AbsolutePath | None = None
    """The tenant's own objects and keys, copied first, links followed as Kubernetes mounts them."""

    def folders(self) -> dict[Part, Path]:
        """The folder of each part that is named."""
        named = {part: getattr(self, part) for part in Part}
        return {part: Path(folder) for part, folder in named.items() if folder is not None}


class ServerLogin(Model):
    """How restic logs in to a REST server, in files so that no list of processes shows it."""

    username_file: AbsolutePath
    """The file that holds the user's name."""
    password_file: AbsolutePath
    """The file that holds the user's password."""


class ResticRepository(Model):
    """A repository of restic, for one tenant alone, encrypted with a password of its own."""

    rules: ClassVar = (
        Rule(
            "self.address.startsWith('/') || self.address.matches('^rest:https?://[^@]+$')",
            "address: expected an absolute path, or rest:https://HOST/PATH/ without a login in it",
            lambda self: (
                self.address.startswith("/")
                or (
                    self.address.startswith(("rest:https://", "rest:http://"))
                    and "@" not in self.address
                )
            ),
        ),
    )

    driver: Literal[RepositoryDriver.RESTIC]
    """Restic."""
    address: RepositoryAddress
    """An absolute path, or `rest:https://HOST/PATH/`; the login is not part of it."""
    key_file: AbsolutePath
    """The file that holds the password which encrypts this repository."""
    login: ServerLogin | None = None
    """The login of a REST server."""
    certificate_authority_file: AbsolutePath | None = None
    """PEM of the authority that signed the server's certificate; the public ones when not set."""


class ProxmoxRepository(Model):
    """A namespace of a Proxmox Backup Server, for one tenant alone."""

    driver: Literal[RepositoryDriver.PROXMOX_BACKUP_SERVER]
    """ProxmoxBackupServer."""
    address: RepositoryAddress
    """`USER@REALM!TOKEN@HOST:PORT:DATASTORE`."""
    namespace: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._/-]{1,256}$")]
    """The tenant's namespace in the datastore."""
    secret_file: AbsolutePath
    """The file that holds the token's secret."""
    fingerprint: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{2}:){31}[0-9a-f]{2}$")]
    """The SHA-256 of the server's certificate."""
    key_file: AbsolutePath | None = None
    """The file that holds the key which encrypts; without one, data cannot be read or written."""


Repository = Annotated[ResticRepository | ProxmoxRepository, Field(discriminator="driver")]


class RetentionTerms(Model):
    """The effective terms of clause 6.3."""

    daily: Duration
    """How long each daily backup is kept."""
    weekly: Duration
    """How much longer one backup a week is kept."""


class Configuration(Model):
    """All that one run of a backup program is told."""

    tenant: BackedUpTenant
    """Whose data it is."""
    sources: Sources | None = None
    """What is backed up, or where to restore; sweep and verify need none."""
    primary: Repository
    """The repository that is written first."""
    offsite: Repository | None = None
    """The copy on another site."""
    backup: RetentionTerms
    """How long backups are kept."""
    held: bool = False
    """Whether a legal hold keeps all backups from being deleted."""
    time_zone: TimeZone = "Europe/Paris"
    """The zone in which a backup's day is told."""
    settle_for: Duration = "PT10M"
    """How long a recording has lain untouched before it counts as complete."""
    bandwidth: Kibibytes | None = None
    """The most that is sent or received, in KiB a second; not limited when not set."""
    scratch: AbsolutePath = "/tmp/backup"  # noqa: S108 - an emptyDir of the Job
    """A folder of the program's own, for the time of a run: copies of small files, the cache."""


def read_configuration(path: Path) -> Configuration:
    """The configuration in the file at `path`, read strictly. Raises ConfigurationError."""
    return read_document(path, Configuration)


M = TypeVar("M", bound=Model)


def read_document(path: Path, model: type[M]) -> M:
    """The one YAML or JSON document in the file at `path`. Raises ConfigurationError."""
    content = read_bytes(path)
    try:
        found = [document.value for document in documents(content.decode())]
        if len(found) != 1:
            raise ConfigurationError(f"{path}: expected one document, not {len(found)}")
        return model.model_validate_json(orjson.dumps(found[0]), strict=True, extra="forbid")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: not text in UTF-8") from None
    except DocumentError as error:
        raise ConfigurationError(f"{path}:{error.line}: {error.message}") from None
    except ValidationError as error:
        lines = [f"{path}: {field}: {why}" for field, why in explain(error, model)]
        raise ConfigurationError("\n".join(lines)) from None


def read_bytes(path: Path, limit: int = MAX_BYTES) -> bytes:
    """The content of a file of at most `limit` bytes. Raises ConfigurationError."""
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise ConfigurationError(f"{path}: {reason}") from None
    if len(content) > limit:
        raise ConfigurationError(f"{path}: larger than {limit // 1024} KiB")
    return content
