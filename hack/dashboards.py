"""Two dashboards for Grafana: of the operator, and of the tenants as it sees them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from jitsi_tenant_operator.api.objects import JsonObject

FOLDER = "manifests/monitoring/dashboards"
_WIDTH, _HEIGHT, _COLUMNS = 12, 8, 2
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture: `queries` are expressions by their legends; `kind` as Grafana calls it."""

    title: str
    description: str
    queries: dict[str, str]
    kind: str = "timeseries"
    unit: str = "short"


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Pictures, from left to right and from above."""

    uid: str
    title: str
    panels: Sequence[Panel] = field(default_factory=tuple)


def _rate(series: str, *by: str) -> str:
    """How often it happens in a second, by these labels."""
    grouped = f"sum by ({', '.join(by)})" if by else "sum"
    return f"{grouped} (rate(jitsi_operator_{series}[$__rate_interval]))"


def _quantile(quantile: float) -> str:
    return (
        f"histogram_quantile({quantile}, sum by (le)"
        " (rate(jitsi_operator_workqueue_work_duration_seconds_bucket[$__rate_interval])))"
    )


OPERATOR = Dashboard(
    "jitsi-operator",
    "Jitsi operator",
    (
        Panel(
            "Leaders",
            "One works; the others wait for the Lease.",
            {"leaders": "sum(jitsi_operator_leader)"},
            kind="stat",
        ),
        Panel(
            "Versions",
            "What runs.",
            {"{{version}}": "sum by (version) (jitsi_operator_build_info)"},
            kind="stat",
        ),
        Panel(
            "Reconciles",
            "What the reconciles came to.",
            {"{{result}}": _rate("reconcile_total", "result")},
            unit="ops",
        ),
        Panel(
            "Time of a reconcile",
            "Half, and nineteen of twenty, take less than that.",
            {"half": _quantile(0.5), "95 %": _quantile(0.95)},
            unit="s",
        ),
        Panel(
            "Oldest piece of work",
            "Beyond fifteen minutes the operator restarts.",
            {"{{queue}}": "max by (queue) (jitsi_operator_workqueue_longest_running_seconds)"},
            unit="s",
        ),
        Panel(
            "Work-queues",
            "Keys that wait; each tenant waits for its next look.",
            {
                "{{queue}} waiting": "sum by (queue) (jitsi_operator_workqueue_depth)",
                "{{queue}} put in": _rate("workqueue_adds_total", "queue"),
                "{{queue}} retries": _rate("workqueue_retries_total", "queue"),
            },
        ),
        Panel(
            "Requests to the API server",
            "By verb.",
            {"{{verb}}": _rate("api_requests_total", "verb")},
            unit="reqps",
        ),
        Panel(
            "Requests that failed",
            "By code; 403 says that a right is missing.",
            {"{{code}}": _rate('api_requests_total{code!~"2.."}', "code")},
            unit="reqps",
        ),
        Panel(
            "Children applied",
            "By what was done.",
            {"{{op}}": _rate("children_applied_total", "op")},
            unit="ops",
        ),
        Panel(
            "Drift",
            "Children that somebody else changed and that were put back.",
            {"{{kind}}": _rate("drift_corrections_total", "kind")},
            unit="ops",
        ),
        Panel(
            "Caches",
            "Objects that the operator knows, by kind.",
            {"{{kind}}": "max by (kind) (jitsi_operator_informer_objects)"},
        ),
        Panel(
            "Broken watches and complete reads",
            "Of caches, by kind.",
            {
                "broken {{kind}}": _rate("informer_errors_total", "kind"),
                "read again {{kind}}": _rate("informer_relists_total", "kind"),
            },
            unit="ops",
        ),
    ),
)

TENANTS = Dashboard(
    "jitsi-tenants",
    "Jitsi tenants",
    (
        Panel(
            "Ready",
            "Tenants whose people can meet.",
            {"ready": 'sum(jitsi_operator_tenants{ready="True"})'},
            kind="stat",
        ),
        Panel(
            "Tenants",
            "All of them.",
            {"tenants": "sum(jitsi_operator_tenants)"},
            kind="stat",
        ),
        Panel(
            "Not ready",
            "By reason; docs/reference/conditions.md says what to do.",
            {"{{reason}}": 'sum by (reason) (jitsi_operator_tenants{ready!="True"})'},
        ),
        Panel(
            "Phases",
            "How contracts and their data stand.",
            {"{{phase}}": "sum by (phase) (jitsi_operator_tenant_phases)"},
        ),
        Panel(
            "Conditions that do not hold",
            "By type.",
            {"{{type}}": 'sum by (type) (jitsi_operator_tenant_conditions{status!="True"})'},
        ),
        Panel(
            "Changes that wait",
            "Until no meeting is cut by them.",
            {"tenants": 'sum(jitsi_operator_tenant_conditions{type="UpToDate",status="False"})'},
        ),
        Panel(
            "Notices",
            "To clients, by state.",
            {"{{state}}": "sum by (state) (jitsi_operator_notices)"},
        ),
        Panel(
            "Oldest newest backup",
            "Of the tenant that has waited longest: since the newest backup that was verified.",
            {"age": "max(jitsi_operator_seconds_since_last_verified_backup)"},
            unit="s",
        ),
        Panel(
            "Oldest backup",
            "Of all tenants; the terms say how old one may become.",
            {"age": "max(jitsi_operator_oldest_backup_age_seconds)"},
            unit="s",
        ),
        Panel(
            "Backups beyond their time",
            "That are not known to be deleted.",
            {"backups": "sum(jitsi_operator_backups_expired_not_deleted)"},
        ),
        Panel(
            "Ledgers that are not intact",
            "Changed by somebody, or full: nothing is recorded in them.",
            {
                "ledgers": "sum(jitsi_operator_tenant_conditions"
                '{type="LedgerIntact",status="False"})'
            },
            kind="stat",
        ),
    ),
)
DASHBOARDS = (OPERATOR, TENANTS)


def files() -> dict[str, str]:
    """The dashboards as JSON that Grafana imports."""
    return {
        f"{FOLDER}/{each.uid}.json": json.dumps(_dashboard(each), indent=2) + "\n"
        for each in DASHBOARDS
    }


def _dashboard(dashboard: Dashboard) -> JsonObject:
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "tags": ["jitsi"],
        "schemaVersion": 39,
        "editable": False,
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [_datasource()]},
        "panels": [_panel(number, each) for number, each in enumerate(dashboard.panels)],
    }


def _datasource() -> JsonObject:
    return {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
    }


def _panel(number: int, panel: Panel) -> JsonObject:
    row, column = divmod(number, _COLUMNS)
    return {
        "id": number + 1,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": _SOURCE,
        "gridPos": {"h": _HEIGHT, "w": _WIDTH, "x": column * _WIDTH, "y": row * _HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + index), "expr": expr, "legendFormat": legend}
            for index, (legend, expr) in enumerate(panel.queries.items())
        ],
    }
