"""What can be said of tenants in files, without a cluster.

The sample platform, terms and plans stand in for those that the files do not hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Self, TypeVar
from zoneinfo import ZoneInfoNotFoundError

from jitsi_tenant_operator import render
from jitsi_tenant_operator.api.files import (
    FileProblem,
    InvalidFilesError,
    Placed,
    read_placed,
    read_text,
)
from jitsi_tenant_operator.api.media import Exposure
from jitsi_tenant_operator.api.model import CustomResource
from jitsi_tenant_operator.api.objects import API_VERSION, JsonObject, ObjectRef, TenantKey
from jitsi_tenant_operator.api.plan import JitsiPlan
from jitsi_tenant_operator.api.platform import JitsiPlatform
from jitsi_tenant_operator.api.record import JitsiTenantRecord, JitsiTenantRecordSpec
from jitsi_tenant_operator.api.tenant import JitsiTenant
from jitsi_tenant_operator.api.terms import JitsiTerms
from jitsi_tenant_operator.contract.calendar import Calendar
from jitsi_tenant_operator.contract.facts import Facts
from jitsi_tenant_operator.contract.terms import EffectiveTerms
from jitsi_tenant_operator.reconcile.contract_objects import ContractObjects, record_ref
from jitsi_tenant_operator.reconcile.facts import facts_of
from jitsi_tenant_operator.reconcile.ports import HostPorts
from jitsi_tenant_operator.reconcile.resolve import Resolved, Unresolved, resolve, tenant_context
from jitsi_tenant_operator.reconcile.resolve import host as host_of
from jitsi_tenant_operator.reconcile.storage import full_since
from jitsi_tenant_operator.reconcile.world import PLATFORM_NAME
from jitsi_tenant_operator.render import credentials, keeper, media
from jitsi_tenant_operator.render.backup_configuration import promise
from jitsi_tenant_operator.render.context import MediaAddress, Observed, TenantContext
from jitsi_tenant_operator.render.manifest import as_yaml

OPERATOR_NAMESPACE = "jitsi-tenant-operator"
IMAGE = "<operator image>"

R = TypeVar("R", bound=CustomResource)


class InputError(Exception):
    """The files cannot be used; the message says where and why, a problem to a line."""


def render_files(paths: Sequence[Path]) -> str:
    """What would be applied for the tenants in `paths`, as multi-document YAML.

    What the cluster decides (a node port, an address, a password) is shown as a placeholder in
    angle brackets; host ports are those that a cluster without other tenants would have free.
    Raises InputError.
    """
    ports = HostPorts()
    return as_yaml(child for resolved in _resolved(paths) for child in _children(resolved, ports))


@dataclass(frozen=True, slots=True)
class Agreement:
    """A tenant's contract as files have it, with its terms in force, its calendar and its facts."""

    tenant: JitsiTenant
    terms: EffectiveTerms
    calendar: Calendar
    facts: Facts


def agreements(paths: Sequence[Path]) -> list[Agreement]:
    """The contract of each tenant in `paths`, whatever else is wrong of the tenant.

    Raises InputError where the terms, or the zone of the dates, cannot be told.
    """
    return _agreements(_Files.at(paths))


def agreements_among(given: Sequence[Placed]) -> list[Agreement]:
    """As `agreements` for objects that were read already; nothing stands in for what is missing.

    Raises InputError likewise.
    """
    return _agreements(_Files(given, ()))


def _agreements(around: _Files) -> list[Agreement]:
    calendar = _calendar(around)
    found: list[Agreement] = []
    problems: list[FileProblem] = []
    for tenant in around.tenants:
        result = resolve(tenant, around)
        effective = result.terms if isinstance(result, Resolved) else result.effective
        if effective is not None:
            found.append(Agreement(tenant, effective, calendar, around.facts(tenant, calendar)))
        elif isinstance(result, Unresolved) and result.terms is not None:
            problems.append(around.problem(tenant, result.terms.message))
    _refuse(problems)
    return found


def _calendar(around: _Files) -> Calendar:
    platform = around.platform()
    if platform is None:
        raise InputError(f"there is no JitsiPlatform {PLATFORM_NAME}: create it")
    try:
        return Calendar.of(platform.spec.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise InputError(
            f"{platform.ref}: spec.timeZone: there is no zone {platform.spec.time_zone};"
            " expected one such as Europe/Paris"
        ) from None


def terms_of_files(paths: Sequence[Path]) -> str:
    """The terms in force for each tenant in `paths`, each with its source.

    Raises InputError where they cannot be told; what else is wrong of a tenant does not matter.
    """
    return "\n".join(map(_terms_table, agreements(paths)))


class _Files:
    """The objects in files, and the samples behind them, as what surrounds a tenant."""

    def __init__(self, given: Sequence[Placed], stand_ins: Iterable[CustomResource]) -> None:
        """`stand_ins` are there for what is not among the given."""
        self._places = {placed.resource.ref: placed for placed in given}
        self._objects = {obj.ref: obj for obj in stand_ins}
        self._objects |= {placed.resource.ref: placed.resource for placed in given}
        self.tenants = [
            placed.resource for placed in given if isinstance(placed.resource, JitsiTenant)
        ]

    @classmethod
    def at(cls, paths: Sequence[Path]) -> Self:
        """Those in `paths`, with the samples as stand-ins; raises InputError."""
        try:
            found = cls(read_placed(paths), _samples())
        except InvalidFilesError as error:
            raise InputError(str(error)) from error
        if not found.tenants:
            raise InputError(f"{', '.join(map(str, paths))}: no JitsiTenant in it")
        return found

    def problem(self, tenant: JitsiTenant, message: str) -> FileProblem:
        """What is wrong with a tenant, and where it stands."""
        return self._places[tenant.ref].problem(message)

    def platform(self) -> JitsiPlatform | None:
        """The platform."""
        return self._find(JitsiPlatform, PLATFORM_NAME)

    def plan(self, name: str) -> JitsiPlan | None:
        """A plan."""
        return self._find(JitsiPlan, name)

    def document(self, name: str) -> JitsiTerms | None:
        """A contractual document."""
        return self._find(JitsiTerms, name)

    def namespace_holder(self, namespace: str) -> TenantKey | None:
        """The first tenant of a namespace, in the order of the files."""
        return self._first(lambda tenant: tenant.metadata.namespace == namespace)

    def host_holder(self, host: str) -> TenantKey | None:
        """The first tenant that asks for a host, in the order of the files."""
        platform = self.platform()
        if platform is None:
            return None
        return self._first(lambda tenant: host_of(tenant, platform) == host)

    def recorded(self, key: TenantKey) -> JitsiTenantRecordSpec | None:
        """What the ledger of a tenant's name is about; None where the files do not hold it."""
        record = self._find(JitsiTenantRecord, record_ref(key).name)
        return None if record is None else record.spec

    def facts(self, tenant: JitsiTenant, calendar: Calendar) -> Facts:
        """What the files say of a tenant's contract.

        Notices, holds and windows that do not say when they were made count as made when the
        contract was signed.
        """
        signed = tenant.spec.contract.signed_on
        objects = ContractObjects(*([] if signed is None else [calendar.start_of(signed)]))
        for placed in self._places.values():
            objects.take(placed.resource)
        key = TenantKey(tenant.metadata.namespace, tenant.metadata.name)
        record = objects.record(key)
        full = full_since(record.ledger if record is not None else None, None, None)
        return facts_of(tenant, objects, record, calendar, saturated=full)

    def _first(self, is_holder: Callable[[JitsiTenant], bool]) -> TenantKey | None:
        for tenant in filter(is_holder, self.tenants):
            return TenantKey(tenant.metadata.namespace, tenant.metadata.name)
        return None

    def _find(self, kind: type[R], name: str) -> R | None:
        found = self._objects.get(ObjectRef(API_VERSION, kind.definition.kind, "", name))
        return found if isinstance(found, kind) else None


def _samples() -> Iterator[CustomResource]:
    folder = files("jitsi_tenant_operator") / "samples"
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        yield from read_text(file.read_text(encoding="utf-8"), file.name)


def _resolved(paths: Sequence[Path]) -> list[Resolved]:
    around = _Files.at(paths)
    good: list[Resolved] = []
    problems: list[FileProblem] = []
    for tenant in around.tenants:
        found = resolve(tenant, around)
        if isinstance(found, Resolved):
            good.append(found)
        else:
            problems += [around.problem(tenant, problem.message) for problem in found.problems]
    _refuse(problems)
    return good


def _refuse(problems: Iterable[FileProblem]) -> None:
    text = "\n".join(map(str, problems))
    if text:
        raise InputError(text)


def _children(resolved: Resolved, ports: HostPorts) -> Iterator[JsonObject]:
    context = replace(
        tenant_context(resolved, OPERATOR_NAMESPACE, _placeholders(resolved, ports)),
        operator_image=IMAGE,
    )
    keys = [*credentials.required_keys(context)]
    keys += credentials.BACKUP_FILES if promise(context) is not None else ()
    yield credentials.secret(context, {key: f"<generated {key}>" for key in keys})
    if promise(context) is not None:
        yield keeper.vault(context, {key: f"<generated {key}>" for key in keeper.VAULT_KEYS})
    yield from render.tenant(context).values()


def _placeholders(resolved: Resolved, ports: HostPorts) -> Observed:
    """What the cluster would decide, said in words."""
    bare = tenant_context(resolved, OPERATOR_NAMESPACE, Observed())
    return Observed(
        media=_media(bare, ports),
        digests={source: f"<digest of {source.name}>" for source in render.sources(bare)},
    )


def _media(context: TenantContext, ports: HostPorts) -> dict[int, MediaAddress]:
    exposed = context.platform.media
    indices = range(context.bridges)
    match exposed.exposure:
        case Exposure.NODE_PORT:
            return {index: MediaAddress(f"<node port {index}>") for index in indices}
        case Exposure.LOAD_BALANCER:
            return {
                index: MediaAddress(media.PORT, (f"<load balancer address {index}>",))
                for index in indices
            }
        case Exposure.HOST_PORT:
            key = TenantKey(context.namespace, context.name)
            given = ports.assign(key, indices, exposed.host_ports)
            return {index: MediaAddress(port) for index, port in given.items()}


def _terms_table(agreement: Agreement) -> str:
    rows = [("TERM", "VALUE", "DOCUMENT", "CLAUSE")] + [
        (name, value, source.document, source.clause or "-")
        for name, value, source in agreement.terms.rows()
    ]
    return f"{agreement.tenant.ref}\n{_aligned(rows)}"


def _aligned(rows: Iterable[tuple[str, ...]]) -> str:
    table = list(rows)
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        + "\n"
        for row in table
    )
