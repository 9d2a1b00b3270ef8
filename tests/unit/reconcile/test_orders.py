"""A change that a person has made at once is in the ledger, once for each change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from jitsi_tenant_operator.api.terms import OperationalTerms
from jitsi_tenant_operator.contract.calendar import Calendar
from jitsi_tenant_operator.contract.decide import decide
from jitsi_tenant_operator.contract.facts import Facts, Ledger
from jitsi_tenant_operator.contract.terms import EffectiveTerms
from jitsi_tenant_operator.reconcile import orders
from jitsi_tenant_operator.reconcile.updates import APPLY_ANNOTATION

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)


def told(make: Callable[..., Any], value: str | None) -> list[tuple[str, str]]:
    """The keys and values that a tenant with this annotation brings into its ledger."""
    tenant = make("JitsiTenant")
    annotations = {} if value is None else {APPLY_ANNOTATION: value}
    metadata = tenant.metadata.model_copy(update={"annotations": annotations, "uid": "u"})
    tenant = tenant.model_copy(update={"metadata": metadata})
    facts, terms = (
        Facts(tenant.spec.contract, ledger=Ledger(NOW)),
        EffectiveTerms(OperationalTerms(), {}),
    )
    decision = decide(facts, terms, NOW, Calendar.of("Europe/Paris"))
    found = orders.happenings(tenant, facts, decision, terms)
    return [(each.key, each.value) for each in found]


def test_each_change_that_is_made_at_once_is_recorded(make: Callable[..., Any]) -> None:
    assert told(make, None) == []
    assert told(make, "7") == [("Override/apply-changes/u/7", "AppliedAtOnce")]
    assert told(make, "0a1b2c3d4e5f6071") == [
        ("Override/apply-changes/u/0a1b2c3d4e5f6071", "AppliedAtOnce")
    ]


@pytest.mark.parametrize("value", ["", "true", "<b>", "a" * 65, "7\n8"])
def test_what_names_no_change_is_not_recorded(make: Callable[..., Any], value: str) -> None:
    assert told(make, value) == []
