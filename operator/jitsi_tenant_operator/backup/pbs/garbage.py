"""When the data of deleted snapshots is really gone.

Deleting a snapshot removes its index. Its chunks go with a garbage collection, and only those that
nobody used for 24 hours and 5 minutes: so what is proof is a collection that began no earlier than
that after the deletion, and ended well. Its schedule is the server's own affair: to start one takes
rights on the whole datastore, which the operator's token need not have.
See "Garbage Collection" in the documentation of Proxmox Backup Server.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from jitsi_tenant_operator.api.objects import JsonObject
from jitsi_tenant_operator.backup.pbs.client import PbsClient
from jitsi_tenant_operator.backup.pbs.tasks import started_at
from jitsi_tenant_operator.backup.store import StoreError, StoreReason

GRACE = timedelta(hours=24, minutes=5)
"""How long a chunk stays after its last use."""


@dataclass(frozen=True, slots=True)
class Collection:
    """The last garbage collection of a datastore; `result` is empty while it runs."""

    upid: str
    began: datetime
    result: str

    def proves_gone(self, deleted: datetime) -> bool:
        """Whether nothing is left of what was deleted by then and shared with nothing else."""
        return self.result == "OK" and self.began >= deleted + GRACE


async def last_collection(client: PbsClient) -> Collection | None:
    """The last garbage collection of the client's datastore; None if there was none yet.

    Needs Datastore.Audit on the datastore. Raises StoreError.
    """
    return _read(await client.fields(client.datastore("gc")))


async def collect(client: PbsClient, seconds: float) -> Collection | None:
    """Collect garbage now and wait for the end, at most `seconds`.

    Needs Datastore.Modify on the datastore. Raises StoreError.
    """
    await client.finished(await client.post(client.datastore("gc")), seconds)
    return await last_collection(client)


def _read(status: JsonObject) -> Collection | None:
    upid = status.get("upid")
    if not upid:
        return None
    try:
        return Collection(str(upid), started_at(str(upid)), str(status.get("last-run-state") or ""))
    except ValueError:
        raise StoreError(StoreReason.FAILED, "the server names no task of a collection") from None
