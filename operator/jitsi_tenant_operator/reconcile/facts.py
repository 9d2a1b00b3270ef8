"""From the objects around a contract to the facts that the decision is given. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from jitsi_tenant_operator.api.maintenance import Affected, TenantSelection
from jitsi_tenant_operator.api.notice import Channel
from jitsi_tenant_operator.api.tenant import JitsiTenant
from jitsi_tenant_operator.contract.calendar import Calendar
from jitsi_tenant_operator.contract.facts import (
    Facts,
    Hold,
    Incident,
    Maintenance,
    Notice,
    Standing,
)
from jitsi_tenant_operator.reconcile.contract_objects import (
    ContractObjects,
    KnownHold,
    KnownMaintenance,
    KnownRecord,
)


def facts_of(
    tenant: JitsiTenant,
    around: ContractObjects,
    record: KnownRecord | None,
    calendar: Calendar,
    *,
    saturated: datetime | None = None,
    standing: Standing | None = None,
) -> Facts:
    """All that is recorded of a tenant's contract. `saturated`: since when recordings are full.

    `standing` is how the contract stood, where its ledger cannot be relied on. A hold that cannot
    be read makes all holds unreadable, which keeps everything.
    """
    namespace = tenant.metadata.namespace
    holds = None
    if not around.holds.unreadable(namespace):
        holds = tuple(hold(each, calendar) for each in around.holds.within(namespace))
    spec = tenant.spec
    selected = [
        each for each in around.maintenances.within("") if is_selected(each.spec.tenants, tenant)
    ]
    return Facts(
        contract=spec.contract,
        suspension=spec.suspension,
        termination=spec.termination,
        notices=tuple(_notices(around, namespace, record)),
        holds=holds,
        maintenances=tuple(maintenance(each) for each in selected if each.spec.incident is None),
        incidents=tuple(incident(each) for each in selected if each.spec.incident is not None),
        recordings_saturated=saturated,
        ledger=record.ledger if record is not None else None,
        standing=standing,
    )


def _notices(
    around: ContractObjects, namespace: str, record: KnownRecord | None
) -> Iterator[Notice]:
    """The notices that are there, and those that the ledger knows to have been given.

    What was sent or received stays so, whatever becomes of the object that said it first.
    """
    ledger = record.ledger if record is not None else None
    recorded = {each.key: each for each in (ledger.notices if ledger is not None else ())}
    # What other systems are told is no notice to the client.
    found = [
        known.fact
        for known in around.notices.within(namespace)
        if known.fact.channel is not Channel.WEBHOOK
    ]
    for fact in found:
        told = recorded.get(fact.key)
        yield fact if told is None else fact.completed(told)
    for key in recorded.keys() - {fact.key for fact in found}:
        gone = recorded[key]
        if gone.sent is not None or gone.received is not None:
            yield gone


def hold(known: KnownHold, calendar: Calendar) -> Hold:
    """A hold as a fact. One that was released on the day it was placed held until then."""
    spec = known.spec
    released = None
    if spec.release is not None:
        released = calendar.start_of(spec.release.released_on)
        if spec.release.released_on == calendar.day_of(known.placed):
            released = known.placed
    return Hold(
        name=known.ref.name,
        scope=frozenset(spec.scope),
        basis=spec.basis,
        placed=known.placed,
        review_on=spec.review_on,
        released=released,
    )


def maintenance(known: KnownMaintenance) -> Maintenance:
    """A maintenance window as a fact."""
    spec = known.spec
    assert spec.end is not None, "only an incident has none"
    return Maintenance(
        name=known.ref.name,
        declared=known.declared,
        start=spec.start,
        end=spec.end,
        emergency=spec.emergency is not None,
        reason=spec.emergency.reason if spec.emergency is not None else "",
        suspends_recording=bool({Affected.RECORDING, Affected.SERVICE}.intersection(spec.affects)),
        closes_service=Affected.SERVICE in spec.affects,
        interrupts_meetings=bool({Affected.MEETINGS, Affected.SERVICE}.intersection(spec.affects)),
        description=spec.description,
    )


def incident(known: KnownMaintenance) -> Incident:
    """An incident as a fact."""
    spec = known.spec
    assert spec.incident is not None
    return Incident(
        name=known.ref.name,
        start=spec.start,
        ended=spec.end,
        expected_end=spec.incident.expected_end,
        force_majeure=spec.incident.force_majeure,
        description=spec.description,
    )


def is_selected(selection: TenantSelection, tenant: JitsiTenant) -> bool:
    """Whether a maintenance concerns a tenant."""
    return (
        _among(tenant.metadata.namespace, selection.namespaces)
        and _among(tenant.spec.plan, selection.plans)
        and _bears(tenant.metadata.labels, selection.match_labels)
    )


def _among(name: str, allowed: Iterable[str]) -> bool:
    names = frozenset(allowed)
    return not names or name in names


def _bears(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return all(labels.get(key) == value for key, value in wanted.items())
