"""The store that a configuration names."""

from __future__ import annotations

from pathlib import Path

from jitsi_tenant_operator.backup.configuration import (
    Configuration,
    ConfigurationError,
    ProxmoxRepository,
    ResticRepository,
)
from jitsi_tenant_operator.backup.pbs.configured import proxmox_store
from jitsi_tenant_operator.backup.restic import Progress, ResticStore
from jitsi_tenant_operator.backup.restic_command import Restic
from jitsi_tenant_operator.backup.store import BackupStore, Copy
from jitsi_tenant_operator.clock import Clock, SystemClock


def open_store(
    configuration: Configuration,
    progress: Progress = lambda _: None,
    clock: Clock | None = None,
) -> BackupStore:
    """The store; nothing is asked of it yet. `clock` is the system's when not given.

    Raises ConfigurationError where no driver serves these repositories together, and StoreError
    when the files of a login cannot be read.
    """
    primary, offsite = configuration.primary, configuration.offsite
    scratch = Path(configuration.scratch)
    if isinstance(primary, ResticRepository) and not isinstance(offsite, ProxmoxRepository):
        repositories = {Copy.PRIMARY: primary} | ({Copy.OFFSITE: offsite} if offsite else {})
        restic = Restic(scratch, configuration.bandwidth)
        return ResticStore(configuration.tenant, repositories, restic, progress)
    if isinstance(primary, ProxmoxRepository) and not isinstance(offsite, ResticRepository):
        rate = configuration.bandwidth
        return proxmox_store(primary, offsite, clock or SystemClock(), scratch, bandwidth=rate)
    raise ConfigurationError("primary and offsite: the driver of both must be the same")
