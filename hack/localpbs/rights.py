"""Users, tokens and access: roles as documented, paths inherited and replaced."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from localpbs.errors import RefusedError, forbidden, unauthorised

ROOT = "root@pam"
"""The superuser, who may do everything."""

_DATASTORE = ("Audit", "Modify", "Read", "Verify", "Backup", "Prune")
_REMOTE = ("Remote.Audit", "Remote.Modify", "Remote.Read")
_ALL = frozenset(
    {f"Datastore.{name}" for name in (*_DATASTORE, "Allocate")}
    | set(_REMOTE)
    | {"Sys.Audit", "Sys.Modify", "Sys.PowerManagement", "Permissions.Modify"}
)
ROLES: Mapping[str, frozenset[str]] = {
    "Admin": _ALL,
    "Audit": frozenset({"Sys.Audit", "Datastore.Audit"}),
    "NoAccess": frozenset(),
    "DatastoreAdmin": frozenset(f"Datastore.{name}" for name in _DATASTORE),
    "DatastoreReader": frozenset({"Datastore.Audit", "Datastore.Read"}),
    "DatastoreBackup": frozenset({"Datastore.Backup"}),
    "DatastorePowerUser": frozenset({"Datastore.Backup", "Datastore.Prune"}),
    "DatastoreAudit": frozenset({"Datastore.Audit"}),
    "RemoteAudit": frozenset({"Remote.Audit"}),
    "RemoteAdmin": frozenset(_REMOTE),
    "RemoteSyncOperator": frozenset({"Remote.Audit", "Remote.Read"}),
}
"""What each role may do."""


@dataclass
class Account:
    """A user or a token; `expire` in seconds of Unix time, 0 for never."""

    secret: str
    expire: int = 0
    enabled: bool = True


@dataclass
class Access:
    """Who there is, and who may do what where."""

    accounts: dict[str, Account] = field(default_factory=dict)
    """Users by their id, tokens by theirs, which has an exclamation mark."""
    entries: dict[tuple[str, str], dict[str, bool]] = field(default_factory=dict)
    """By path and auth id: each role, and whether it holds below the path too."""

    def add_user(self, user: str, password: str) -> None:
        """Make a user; one that is there keeps its tokens."""
        self.accounts[user] = Account(password)

    def add_token(self, auth_id: str, expire: int = 0) -> str:
        """Make a token of a user that is there; its secret. RefusedError if there is one."""
        user, _, name = auth_id.partition("!")
        if user not in self.accounts:
            raise RefusedError(f"no such user '{user}'", HTTPStatus.NOT_FOUND)
        if auth_id in self.accounts:
            raise RefusedError(f"token '{name}' for user '{user}' already exists.")
        self.accounts[auth_id] = Account(secrets.token_hex(16), expire)
        return self.accounts[auth_id].secret

    def remove_token(self, auth_id: str) -> None:
        """Delete a token and what it was allowed. RefusedError if there is none."""
        self.account(auth_id)
        del self.accounts[auth_id]
        self.entries = {key: roles for key, roles in self.entries.items() if key[1] != auth_id}

    def renew_secret(self, auth_id: str) -> str:
        """Give a token another secret; everything else of it stays. RefusedError if none."""
        account = self.account(auth_id)
        account.secret = secrets.token_hex(16)
        return account.secret

    def account(self, auth_id: str) -> Account:
        """The user or token of that id. RefusedError if there is none."""
        if auth_id not in self.accounts:
            raise RefusedError(f"token '{auth_id}' does not exist", HTTPStatus.NOT_FOUND)
        return self.accounts[auth_id]

    def grant(self, path: str, auth_id: str, role: str, *, propagate: bool = True) -> None:
        """Give a role on a path."""
        self.entries.setdefault((path, auth_id), {})[role] = propagate

    def revoke(self, path: str, auth_id: str, role: str) -> None:
        """Take a role on a path; nothing if it was not given."""
        self.entries.get((path, auth_id), {}).pop(role, None)

    def check_credentials(self, auth_id: str, secret: str, now: int) -> None:
        """RefusedError (401) if that is nobody, the secret is another, or its time is over."""
        account = self.accounts.get(auth_id)
        if account is None or not hmac.compare_digest(account.secret.encode(), secret.encode()):
            raise unauthorised()
        self.check_active(auth_id, now)

    def check_active(self, auth_id: str, now: int) -> None:
        """RefusedError (401) if the account, or the user it belongs to, is out of use."""
        for name in {auth_id, user_of(auth_id)}:
            account = self.accounts.get(name)
            if account is None or not account.enabled or 0 < account.expire <= now:
                raise unauthorised("authentication failed - user account disabled or expired.")

    def privileges(self, auth_id: str, path: str) -> frozenset[str]:
        """What an account may do at a path; a token no more than its user."""
        if auth_id == ROOT:
            return _ALL
        own = frozenset[str]().union(*(ROLES[role] for role in self._roles(auth_id, path)))
        return own & self.privileges(user_of(auth_id), path) if "!" in auth_id else own

    def check(self, auth_id: str, path: str, *privileges: str) -> None:
        """RefusedError (403) unless one of `privileges` is held at `path`."""
        if not self.privileges(auth_id, path) & set(privileges):
            raise forbidden()

    def paths(self, auth_id: str) -> list[str]:
        """The paths that anything is said of for an account or its user."""
        return sorted({path for path, name in self.entries if name in {auth_id, user_of(auth_id)}})

    def propagated(self, auth_id: str, path: str) -> bool:
        """Whether what an account may do at a path holds below it too."""
        return all(self.entries.get((path, auth_id), {"": True}).values())

    def _roles(self, auth_id: str, path: str) -> set[str]:
        roles: set[str] = set()
        for node in _nodes(path):
            given = self.entries.get((node, auth_id), {})
            # What is said deeper down replaces what was inherited.
            roles = {role for role, below in given.items() if below or node == path} or roles
        return roles


def user_of(auth_id: str) -> str:
    """The user that a token belongs to; of a user, that user."""
    return auth_id.partition("!")[0]


def owns(auth_id: str, owner: str) -> bool:
    """Whether `auth_id` counts as `owner`: itself, or the user whose token it is."""
    return owner == auth_id or user_of(owner) == auth_id


def _nodes(path: str) -> Iterator[str]:
    yield "/"
    node = ""
    for part in path.strip("/").split("/"):
        if part:
            node = f"{node}/{part}"
            yield node
