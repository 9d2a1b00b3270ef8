"""Everything that one server is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from zoneinfo import ZoneInfo

from localpbs.datastore import Datastore, GroupId
from localpbs.errors import RefusedError, forbidden
from localpbs.rights import Access, owns
from localpbs.tasks import Tasks

Job = dict[str, object]


@dataclass
class World:
    """The state of a server; `clock` gives the instant that it takes for now."""

    clock: Callable[[], datetime]
    time_zone: str = "Europe/Paris"
    version: str = "4.1"
    access: Access = field(default_factory=Access)
    datastores: dict[str, Datastore] = field(default_factory=dict)
    remotes: dict[str, Job] = field(default_factory=dict)
    jobs: dict[str, dict[str, Job]] = field(
        default_factory=lambda: {"sync": {}, "verify": {}, "prune": {}}
    )
    """Jobs by their kind and name, with the parameters that they were made with."""
    runs: dict[str, str] = field(default_factory=dict)
    """The UPID of the last run of each job, by its kind and name with a slash between."""
    tasks: Tasks = field(init=False)

    def __post_init__(self) -> None:
        self.tasks = Tasks(self.now)

    def now(self) -> int:
        """Seconds of Unix time."""
        return int(self.clock().timestamp())

    @property
    def zone(self) -> ZoneInfo:
        """The zone that days and weeks are told by."""
        return ZoneInfo(self.time_zone)

    def datastore(self, name: str) -> Datastore:
        """A datastore by its name. RefusedError if there is none."""
        if name not in self.datastores:
            raise RefusedError(f"no such datastore '{name}'", HTTPStatus.NOT_FOUND)
        return self.datastores[name]

    def holds(self, auth_id: str, store: str, namespace: str, *privileges: str) -> bool:
        """Whether an account has one of the rights on a namespace of a datastore."""
        path = acl_path(store, namespace)
        return bool(self.access.privileges(auth_id, path) & set(privileges))

    def sees(self, auth_id: str, store: str, namespace: str) -> bool:
        """Whether an account may know that a namespace is there."""
        return any(
            self.holds(auth_id, store, name, "Datastore.Audit", "Datastore.Backup")
            for name in self.datastore(store).below(namespace)
        )

    def check_group(
        self, auth_id: str, store: str, namespace: str, name: GroupId, full: str, owned: str
    ) -> None:
        """RefusedError (403) unless `full` is held there, or `owned` and the group is one's own."""
        if self.holds(auth_id, store, namespace, full):
            return
        if not self.holds(auth_id, store, namespace, owned):
            raise forbidden()
        owner = self.datastore(store).group(namespace, name).owner
        if not owns(auth_id, owner):
            raise forbidden(f"backup owner check failed ({auth_id} != {owner})")


def acl_path(store: str, namespace: str) -> str:
    """The path of a namespace in access control."""
    return f"/datastore/{store}/{namespace}" if namespace else f"/datastore/{store}"
