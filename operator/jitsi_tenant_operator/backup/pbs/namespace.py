"""A tenant's namespace on one server, and how it is reached."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

from jitsi_tenant_operator.backup.pbs.address import Address
from jitsi_tenant_operator.backup.pbs.client import Login, PbsClient, text_of
from jitsi_tenant_operator.backup.store import StoreError, StoreReason
from jitsi_tenant_operator.clock import Clock


@dataclass(frozen=True, slots=True)
class Namespace:
    """A tenant's namespace on one server, and how it is reached.

    `secret_file` holds the token's secret in its first line, `key_file` the key that encrypts;
    without a key, data can be neither written nor read.
    """

    address: Address
    name: str
    fingerprint: str
    secret_file: Path
    key_file: Path | None = None

    def client(self, clock: Clock) -> AbstractAsyncContextManager[PbsClient]:
        """Requests to the server, by the token. Raises StoreError if its secret cannot be read."""
        try:
            lines = self.secret_file.read_text().splitlines()
        except (OSError, UnicodeDecodeError):
            raise StoreError(
                StoreReason.UNREACHABLE, "the file with the token's secret cannot be read"
            ) from None
        login = Login.of_token(self.address.auth_id, lines[0].strip() if lines else "")
        return PbsClient(self.address, login, self.fingerprint, clock)


async def remote_of(offsite: PbsClient, primary: Namespace) -> str:
    """The name under which a server knows the primary one. Raises StoreError if it does not."""
    for remote in await offsite.rows("config/remote"):
        if str(remote.get("fingerprint", "")).lower() == primary.fingerprint.lower():
            return text_of(remote, "name")
    raise StoreError(
        StoreReason.FAILED, "the off-site server knows no remote with the primary's fingerprint"
    )
