"""Where a datastore is, and who calls: USER@REALM!TOKEN@HOST:PORT:DATASTORE, as Proxmox has it."""

from __future__ import annotations

import re
from dataclasses import dataclass

DEFAULT_PORT = 8007

_LAST_PORT = 65535
_FORM = re.compile(
    r"(?P<auth_id>[^\s:/@!]+@[A-Za-z0-9_.\-]+![A-Za-z0-9_][A-Za-z0-9._\-]*)"
    r"@(?P<host>\[[0-9A-Fa-f:]+\]|[A-Za-z0-9.\-]+)"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r":(?P<datastore>[A-Za-z0-9_][A-Za-z0-9._\-]{2,31})"
)


@dataclass(frozen=True, slots=True)
class Address:
    """A datastore and the token that calls; `host` has brackets where it is an IPv6 address."""

    auth_id: str
    host: str
    port: int
    datastore: str

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read an address; ValueError when it is none, or names no token."""
        match = _FORM.fullmatch(text)
        port = int(match["port"] or DEFAULT_PORT) if match else 0
        if match is None or not 0 < port <= _LAST_PORT:
            raise ValueError(
                "expected USER@REALM!TOKEN@HOST:PORT:DATASTORE, such as"
                " jitsi@pbs!operator@pbs.example.org:8007:store1"
            )
        return cls(match["auth_id"], match["host"], port, match["datastore"])

    @property
    def user(self) -> str:
        """The user that the token belongs to."""
        return self.auth_id.partition("!")[0]

    @property
    def base_url(self) -> str:
        """Where the REST interface is."""
        return f"https://{self.host}:{self.port}/api2/json/"

    def __str__(self) -> str:
        return f"{self.auth_id}@{self.host}:{self.port}:{self.datastore}"
