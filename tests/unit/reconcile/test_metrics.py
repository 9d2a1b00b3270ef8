"""Metrics say how things are now, and no longer how they were."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from jitsi_tenant_operator.reconcile.metrics import ReconcileMetrics, TenantCounts


def test_what_no_tenant_is_any_more_is_shown_no_more() -> None:
    registry = CollectorRegistry()
    metrics = ReconcileMetrics(registry)
    metrics.count_tenants(
        TenantCounts({("False", "HostTaken"): 2}, {("Ready", "False"): 2}, {"InForce": 2})
    )
    metrics.count_tenants(
        TenantCounts({("True", "AsWanted"): 2}, {("Ready", "True"): 2}, {"Ended": 2})
    )

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"jitsi_operator_{name}", labels)

    assert value("tenants", ready="False", reason="HostTaken") is None
    assert value("tenants", ready="True", reason="AsWanted") == 2
    assert value("tenant_conditions", type="Ready", status="False") is None
    assert value("tenant_conditions", type="Ready", status="True") == 2
    assert value("tenant_phases", phase="InForce") is None
    assert value("tenant_phases", phase="Ended") == 2
