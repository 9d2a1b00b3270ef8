"""Where a control plane keeps its files, and at which addresses and ports it listens."""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from localplane.errors import PlaneError
from localplane.jicofo import PORT as JICOFO_PORT

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Layout:
    """The files below one folder."""

    folder: Path

    @property
    def etcd(self) -> Path:
        """etcd's data."""
        return self.folder / "etcd"

    @property
    def logs(self) -> Path:
        """One log for each component."""
        return self.folder / "logs"

    def log(self, component: str) -> Path:
        """What `component` wrote."""
        return self.logs / f"{component}.log"

    @property
    def audit_log(self) -> Path:
        """The API server's audit log, when it keeps one: a JSON object on each line."""
        return self.folder / "audit.log"

    @property
    def audit_policy(self) -> Path:
        """What goes into the audit log."""
        return self.folder / "audit-policy.json"

    @property
    def authority(self) -> Path:
        """The certificate that the API server's is signed by."""
        return self.folder / "pki" / "authority.crt"

    @property
    def certificate(self) -> Path:
        """The API server's certificate."""
        return self.folder / "pki" / "server.crt"

    @property
    def certificate_key(self) -> Path:
        """The key of the API server's certificate."""
        return self.folder / "pki" / "server.key"

    @property
    def signing_key(self) -> Path:
        """What ServiceAccount tokens are signed with."""
        return self.folder / "pki" / "service-account.key"

    @property
    def verification_key(self) -> Path:
        """What ServiceAccount tokens are checked with."""
        return self.folder / "pki" / "service-account.pub"

    @property
    def tokens(self) -> Path:
        """The users that the API server knows from the start."""
        return self.folder / "pki" / "tokens.csv"

    def kubeconfig(self, user: str) -> Path:
        """The kubeconfig of `user`, one of credentials.USERS."""
        return self.folder / f"{user}.kubeconfig"

    def create(self) -> None:
        """Make the folders, readable by their owner only."""
        for folder in (self.folder, self.logs, self.folder / "pki"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)


@dataclass(frozen=True, slots=True)
class PodBlock:
    """The loopback addresses that the pods of one control plane get: 127.`number`.0.0/16.

    They lead nowhere but to this machine, and Linux lets anybody listen at them.
    """

    number: int

    @classmethod
    def free(cls) -> PodBlock:
        """A block that no control plane has at this moment. PlaneError when all are taken."""
        # Nothing secret depends on it; low numbers are used by name servers and the like.
        for number in random.sample(range(16, 255), 239):
            block = cls(number)
            with suppress(OSError), socket.create_server((str(block.jicofo), JICOFO_PORT)):
                return block
        raise PlaneError("all blocks of loopback addresses are taken: stop a control plane")

    @classmethod
    def of(cls, address: IPv4Address) -> PodBlock:
        """The block that an address of a pod is in."""
        return cls(address.packed[1])

    @property
    def cidr(self) -> str:
        """As kwok reads it."""
        return f"127.{self.number}.0.0/16"

    @property
    def jicofo(self) -> IPv4Address:
        """The last address: where the program listens that answers for Jicofo pods."""
        return IPv4Address(f"127.{self.number}.255.254")


@dataclass(frozen=True, slots=True)
class Ports:
    """The TCP ports of the components, all on the loopback address."""

    etcd: int
    etcd_peer: int
    api_server: int
    controller_manager: int
    scheduler: int
    kwok: int

    @classmethod
    def free(cls) -> Ports:
        """Ports that nobody listens on at this moment."""
        with ExitStack() as stack:
            sockets = [
                stack.enter_context(socket.create_server((HOST, 0)))
                for _ in cls.__dataclass_fields__
            ]
            return cls(*(opened.getsockname()[1] for opened in sockets))
