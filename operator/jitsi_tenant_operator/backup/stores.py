"""The store that a configuration names."""

from __future__ import annotations

from pathlib import Path

from jitsi_tenant_operator.backup.configuration import (
    Configuration,
    ConfigurationError,
    ResticRepository,
)
from jitsi_tenant_operator.backup.restic import Progress, ResticStore
from jitsi_tenant_operator.backup.restic_command import Restic
from jitsi_tenant_operator.backup.store import BackupStore, Copy


def open_store(configuration: Configuration, progress: Progress = lambda _: None) -> BackupStore:
    """The store; nothing is asked of it yet.

    Raises ConfigurationError where no driver serves these repositories together, and StoreError
    when the files of a login cannot be read.
    """
    named = {Copy.PRIMARY: configuration.primary, Copy.OFFSITE: configuration.offsite}
    repositories = {
        copy: repository
        for copy, repository in named.items()
        if isinstance(repository, ResticRepository)
    }
    if len(repositories) != sum(repository is not None for repository in named.values()):
        raise ConfigurationError("primary and offsite: the driver of both must be Restic")
    restic = Restic(Path(configuration.scratch), configuration.bandwidth)
    return ResticStore(configuration.tenant, repositories, restic, progress)
