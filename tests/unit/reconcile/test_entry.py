"""Whether anybody serves a tenant's Ingress or route."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef, TenantKey
from jitsi_tenant_operator.api.plan import Feature
from jitsi_tenant_operator.contract.terms import effective_terms
from jitsi_tenant_operator.kube.children import ChildRecord
from jitsi_tenant_operator.kube.facts import Facts, IngressFacts, RouteFacts
from jitsi_tenant_operator.kube.metadata import MetadataRecord
from jitsi_tenant_operator.reconcile import entry
from jitsi_tenant_operator.reconcile.conditions import Reason
from jitsi_tenant_operator.reconcile.resolve import Problem, Resolved, tenant_context
from jitsi_tenant_operator.render.context import TenantContext

ME = TenantKey("tenant-acme", "acme")
GATEWAY: JsonObject = {"type": "Gateway", "gateway": {"name": "public", "namespace": "web"}}


class Classes:
    """The IngressClasses of a cluster."""

    def __init__(self, *names: str) -> None:
        self._names = names

    def get(self, _namespace: str, name: str) -> MetadataRecord | None:
        ref = ObjectRef("networking.k8s.io/v1", "IngressClass", "", name)
        known = MetadataRecord(ref, "u", 1, {}, {}, deleting=False)
        return known if name in self._names else None


@pytest.fixture
def context(make: Callable[..., Any]) -> Callable[..., TenantContext]:
    def build(**parts: Any) -> TenantContext:
        tenant = make("JitsiTenant")
        resolved = Resolved(
            tenant=tenant,
            plan=make("JitsiPlan"),
            platform=make("JitsiPlatform", spec={"entry": parts}),
            documents=("cgu",),
            terms=effective_terms(tenant.spec.contract, [make("JitsiTerms")]),
            features=frozenset[Feature](),
            host="meet.acme.example",
            release="stable-11146-2",
        )
        return tenant_context(resolved, "operator")

    return build


def child(facts: Facts) -> ChildRecord[TenantKey]:
    kind = "HTTPRoute" if isinstance(facts, RouteFacts) else "Ingress"
    return ChildRecord(
        ref=ObjectRef("v1", kind, ME.namespace, "acme-web"),
        uid="u",
        resource_version=1,
        owner=ME,
        owner_uid="uid-acme",
        applied_hash=None,
        deleting=False,
        facts=facts,
        content=b"",
        verified=True,
        snapshot=None,
    )


def route(accepted: bool | None, why_not: str = "") -> ChildRecord[TenantKey]:
    return child(RouteFacts(accepted=accepted, why_not=why_not))


def problem(context: TenantContext, classes: Classes, *records: Any) -> Problem | None:
    return entry.obstacle(context, records, classes)  # type: ignore[arg-type]


def test_an_ingress_is_served_where_its_class_is(context: Any) -> None:
    assert problem(context(), Classes("other", "nginx"), child(IngressFacts(()))) is None


def test_without_the_class_the_message_names_it_and_the_field_to_change(context: Any) -> None:
    found = problem(context(ingress={"className": "haproxy"}), Classes("nginx"))
    assert found is not None
    assert found.reason is Reason.INGRESS_CLASS_NOT_FOUND
    assert "IngressClass haproxy" in found.message
    assert "spec.entry.ingress.className" in found.message


def test_a_gateway_that_has_not_answered_is_waited_for(context: Any) -> None:
    found = problem(context(**GATEWAY), Classes(), route(None))
    assert found is not None
    assert found.reason is Reason.PROGRESSING
    assert "Gateway web/public" in found.message


def test_a_gateway_that_refuses_is_quoted(context: Any) -> None:
    found = problem(context(**GATEWAY), Classes("nginx"), route(False, "NotAllowedByListeners: x"))
    assert found is not None
    assert found.reason is Reason.ROUTE_NOT_ACCEPTED
    assert "NotAllowedByListeners" in found.message


def test_a_gateway_that_takes_the_route_needs_no_class(context: Any) -> None:
    assert problem(context(**GATEWAY), Classes(), route(True)) is None


def test_a_route_of_before_says_nothing_of_an_ingress(context: Any) -> None:
    both = context(**{**GATEWAY, "type": "Ingress"})
    assert problem(both, Classes("nginx"), route(False, "gone"), route(None)) is None
