"""What the archiver of technical logs is told: whose logs, by which terms, what is held. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

import orjson

from jitsi_tenant_operator.api.hold import HoldScope
from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef
from jitsi_tenant_operator.api.terms import JitsiTerms
from jitsi_tenant_operator.contract.calendar import Calendar
from jitsi_tenant_operator.contract.decision import ContractState
from jitsi_tenant_operator.contract.terms import EffectiveTerms, TermsError, leading_terms
from jitsi_tenant_operator.logs.configuration import (
    ComponentLogs,
    Configuration,
    Holds,
    LineFormat,
    LogHold,
    LogPolicy,
    TenantLogs,
)
from jitsi_tenant_operator.reconcile.contract_objects import ContractObjects
from jitsi_tenant_operator.reconcile.course import Course
from jitsi_tenant_operator.reconcile.facts import hold as hold_fact
from jitsi_tenant_operator.reconcile.resolve import Bound
from jitsi_tenant_operator.render.labels import MANAGER, Component

CONFIG_MAP = "jitsi-logs-archiver"
CONFIGURATION, HOLDS = "configuration.json", "holds.json"
ALWAYS_LOGGING = (Component.WEB, Component.PROSODY, Component.JICOFO, Component.JVB)
"""The components of which a day without a log is a gap. Recorders may be silent for days."""
_ANY_DAY = date(2001, 1, 1)
_LEAVES = ("logs.retention", "logs.compressAfter", "logs.disposal")


def ref(namespace: str) -> ObjectRef:
    """The ConfigMap that the archiver reads, in the operator's namespace."""
    return ObjectRef("v1", "ConfigMap", namespace, CONFIG_MAP)


@dataclass(frozen=True, slots=True)
class Told:
    """What the archiver is told, as it is stored."""

    uid: str
    resource_version: int
    data: JsonObject


def told(body: JsonObject, _old: Told | None = None) -> Told:
    """The `transform` of an informer of its ConfigMap."""
    metadata = body["metadata"]
    return Told(metadata["uid"], int(metadata["resourceVersion"]), body.get("data") or {})


def tenant_logs(bound: Bound, course: Course) -> TenantLogs:
    """By which terms the logs of a tenant are kept, and since when there are any.

    Its folders have the name of its namespace, which the path of a log tells on every node.
    """
    created = bound.tenant.metadata.creation_timestamp
    first = course.calendar.day_of(datetime.fromisoformat(created) if created else course.now)
    ended = course.decision.contract is ContractState.ENDED
    last = course.decision.end.day if ended and course.decision.end is not None else None
    components = tuple(
        ComponentLogs(
            name=component.value, since=first, until=None if last is None else max(first, last)
        )
        for component in ALWAYS_LOGGING
    )
    policy = policy_of(bound.terms)
    return TenantLogs(name=bound.tenant.metadata.namespace, policy=policy, components=components)


def policy_of(terms: EffectiveTerms) -> LogPolicy:
    """The terms of logs among the effective ones, which always hold them."""
    logs = terms.terms.logs
    assert logs is not None
    assert logs.retention is not None
    assert logs.compress_after is not None
    assert logs.disposal is not None
    source = terms.sources["logs.retention"]
    clause = f", clause {source.clause}" if source.clause is not None else ""
    return LogPolicy(
        retention=logs.retention,
        compress_after=logs.compress_after,
        disposal=logs.disposal,
        source=f"{source.document}{clause}"[:128],
    )


def standing_policy(
    documents: Iterable[JitsiTerms], tenants: Iterable[TenantLogs], calendar: Calendar
) -> LogPolicy | None:
    """The terms of logs of whom nothing is known: those of the documents for new contracts.

    Where these do not set them all, those of the tenant whose logs are kept longest; None where
    there is none either.
    """
    try:
        terms = leading_terms(documents)
    except TermsError:
        terms = None
    if terms is not None and all(leaf in terms.sources for leaf in _LEAVES):
        return policy_of(terms)
    return max(
        (tenant.policy for tenant in tenants),
        key=lambda policy: calendar.plus(_ANY_DAY, policy.retention),
        default=None,
    )


def holds(around: ContractObjects, calendar: Calendar, now: datetime) -> Holds:
    """What is held of logs. A hold that cannot be read holds everything of its tenant."""
    found = []
    for namespace in sorted(around.holds.namespaces()):
        for unreadable in around.holds.unreadable(namespace):
            name = f"unreadable: {unreadable.ref.name}"[:128]
            found.append(LogHold(name=name, tenant=namespace))
        for known in around.holds.within(namespace):
            fact = hold_fact(known, calendar)
            covers = not known.spec.scope or HoldScope.LOGS in known.spec.scope
            if not covers or (fact.released is not None and fact.released <= now):
                continue
            logs = known.spec.logs
            found.append(
                LogHold(
                    name=known.ref.name[:128],
                    tenant=namespace,
                    components=logs.components if logs is not None else (),
                    from_=logs.from_ if logs is not None else None,
                    until=logs.until if logs is not None else None,
                )
            )
    return Holds(holds=tuple(found))


def next_release(around: ContractObjects, calendar: Calendar, now: datetime) -> datetime | None:
    """When a hold that is in force is released by itself next; None when none is."""
    released = (
        hold_fact(known, calendar).released
        for namespace in around.holds.namespaces()
        for known in around.holds.within(namespace)
    )
    return min((at for at in released if at is not None and at > now), default=None)


def configuration(
    time_zone: str, policy: LogPolicy, tenants: Mapping[str, TenantLogs]
) -> Configuration:
    """What one run of the archiver follows."""
    return Configuration(
        time_zone=time_zone,
        line_format=LineFormat.OTLP,
        policy=policy,
        tenants=tuple(tenants[name] for name in sorted(tenants)),
    )


def config_map(namespace: str, followed: Configuration, held: Holds) -> JsonObject:
    """The ConfigMap that the archiver reads."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": CONFIG_MAP,
            "namespace": namespace,
            "labels": {
                "app.kubernetes.io/name": CONFIG_MAP,
                "app.kubernetes.io/part-of": MANAGER,
            },
        },
        "data": {CONFIGURATION: _json(followed), HOLDS: _json(held)},
    }


def _json(model: Configuration | Holds) -> str:
    content = model.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS).decode()
