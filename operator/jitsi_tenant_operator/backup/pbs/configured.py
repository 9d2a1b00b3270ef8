"""A store on Proxmox Backup Server as the configuration of a backup program describes it."""

from __future__ import annotations

from pathlib import Path

from jitsi_tenant_operator.backup.configuration import ConfigurationError, ProxmoxRepository
from jitsi_tenant_operator.backup.pbs.address import Address
from jitsi_tenant_operator.backup.pbs.namespace import Namespace
from jitsi_tenant_operator.backup.pbs.program import PROGRAM
from jitsi_tenant_operator.backup.pbs.store import ProxmoxStore
from jitsi_tenant_operator.backup.store import Copy
from jitsi_tenant_operator.clock import Clock


def proxmox_store(
    primary: ProxmoxRepository,
    offsite: ProxmoxRepository | None,
    clock: Clock,
    scratch: Path,
    *,
    bandwidth: int | None = None,
    program: str = PROGRAM,
) -> ProxmoxStore:
    """The store of one tenant; `bandwidth` is in KiB a second. Raises ConfigurationError."""
    namespaces = {Copy.PRIMARY: namespace_of(primary)}
    if offsite is not None:
        namespaces[Copy.OFFSITE] = namespace_of(offsite)
    return ProxmoxStore(namespaces, clock, scratch, rate=bandwidth, program=program)


def namespace_of(repository: ProxmoxRepository) -> Namespace:
    """The namespace that is described. Raises ConfigurationError for an address that is none."""
    try:
        address = Address.parse(repository.address)
    except ValueError as error:
        raise ConfigurationError(f"address: {error}") from None
    return Namespace(
        address=address,
        name=repository.namespace,
        fingerprint=repository.fingerprint,
        secret_file=Path(repository.secret_file),
        key_file=Path(repository.key_file) if repository.key_file else None,
    )
