"""A change that a person has made at once is in the ledger, once for each change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from jitsi_tenant_operator.contract.calendar import Calendar
from jitsi_tenant_operator.contract.decide import decide
from jitsi_tenant_operator.contract.facts import Facts, Ledger
from jitsi_tenant_operator.reconcile import orders
from jitsi_tenant_operator.reconcile.updates import APPLY_ANNOTATION

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)


def told(resolved: Any, value: str | None) -> list[tuple[str, str]]:
    """The keys and values that a tenant with this annotation brings into its ledger."""
    annotations = {} if value is None else {APPLY_ANNOTATION: value}
    metadata = resolved.tenant.metadata.model_copy(update={"annotations": annotations, "uid": "u"})
    tenant = resolved.tenant.model_copy(update={"metadata": metadata})
    facts = Facts(tenant.spec.contract, ledger=Ledger(NOW))
    decision = decide(facts, resolved.terms, NOW, Calendar.of("Europe/Paris"))
    found = orders.happenings(tenant, replace(facts), decision, resolved.terms)
    return [(each.key, each.value) for each in found]


def test_each_change_that_is_made_at_once_is_recorded(make: Any) -> None:
    resolved = make()
    assert told(resolved, None) == []
    assert told(resolved, "7") == [("Override/apply-changes/u/7", "AppliedAtOnce")]
    assert told(resolved, "0a1b2c3d4e5f6071") == [
        ("Override/apply-changes/u/0a1b2c3d4e5f6071", "AppliedAtOnce")
    ]


@pytest.mark.parametrize("value", ["", "true", "<b>", "a" * 65, "7\n8"])
def test_what_names_no_change_is_not_recorded(make: Any, value: str) -> None:
    assert told(make(), value) == []
