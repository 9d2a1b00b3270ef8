"""What stands in the file of one client: plain records, as an auditor would find them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from jitsi_tenant_operator.api.contract import Contract, Suspension, Termination
from jitsi_tenant_operator.api.terms import OperationalTerms


@dataclass
class Letter:
    """A notice; `about` is its kind and what makes it the one it is."""

    about: tuple[str, ...]
    kind: str
    created: datetime
    by: str = "Host"
    breach: str = "Other"
    registered: bool = False
    sent: datetime | None = None
    delivered: datetime | None = None
    acknowledged: datetime | None = None
    remedied: datetime | None = None


@dataclass
class Order:
    """A legal hold."""

    name: str
    scope: frozenset[str]
    basis: str
    placed: datetime
    released: datetime | None = None


@dataclass
class Works:
    """A maintenance window."""

    name: str
    declared: datetime
    start: datetime
    end: datetime
    emergency: bool
    reason: str
    records_not: bool


@dataclass
class Bundle:
    """A final export."""

    offered: datetime
    acknowledged: datetime | None = None


@dataclass
class File:
    """Everything that is known of one client. `orders` is None when holds cannot be read."""

    contract: Contract
    terms: OperationalTerms
    suspension: Suspension = field(default_factory=Suspension)
    termination: Termination = field(default_factory=Termination)
    letters: list[Letter] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    orders_readable: bool = True
    works: list[Works] = field(default_factory=list)
    bundles: list[Bundle] = field(default_factory=list)
    full_since: datetime | None = None
    erasure_started: datetime | None = None
    erased: datetime | None = None
    backups_gone: datetime | None = None
    closed: datetime | None = None
