"""Alerts and dashboards speak of metrics, labels and values that there are, and of pages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import dashboards
import metric_catalogue
from jitsi_tenant_operator.api.conditions import ConditionStatus
from jitsi_tenant_operator.reconcile.conditions import ConditionType, Reason

ROOT = Path(__file__).parents[3]
RULES = {
    rule["alert"]: rule
    for group in yaml.safe_load((ROOT / "manifests/monitoring/alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
}
PICTURES = {
    f"{each.uid}: {panel.title}: {legend}": (query, legend)
    for each in dashboards.DASHBOARDS
    for panel in each.panels
    for legend, query in panel.queries.items()
}
EXPRESSIONS = {name: rule["expr"] for name, rule in RULES.items()} | {
    name: query for name, (query, _) in PICTURES.items()
}
METRICS = {series: metric for metric in metric_catalogue.metrics() for series in metric.series}
_SELECTOR = re.compile(r"\b(jitsi_\w+)(?:\{([^}]*)\})?")
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
_GROUPING = re.compile(r"by \(([^)]*)\)")
_NAMED = re.compile(r"\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}")
KNOWN: dict[str, set[str]] = {
    "reason": set(Reason),
    "ready": set(ConditionStatus),
    "status": set(ConditionStatus),
    "type": set(ConditionType),
    "state": {"waiting", "failing", "sent", "received", "elsewhere"},
    "result": {"succeeded", "failed", "defect"},
}
"""The values of labels, where they are few."""


def matchers(text: str) -> Iterator[tuple[str, str, str]]:
    """The metric, label and value of each matcher of an expression."""
    for metric, inside in _SELECTOR.findall(text):
        for label, _, value in _MATCHER.findall(inside):
            yield metric, label, value


def groupings(text: str) -> set[str]:
    """The labels by which an expression sums up, but for that of histograms."""
    found = {label.strip() for inside in _GROUPING.findall(text) for label in inside.split(",")}
    return found - {"le"}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_expressions_speak_of_metrics_that_there_are(name: str) -> None:
    text = EXPRESSIONS[name]
    metrics = {metric for metric, _ in _SELECTOR.findall(text)}
    assert metrics
    assert metrics <= METRICS.keys()
    labels = {label for metric in metrics for label in METRICS[metric].labels}
    assert groupings(text) <= labels
    for metric, label, value in matchers(text):
        assert label in METRICS[metric].labels
        if label in KNOWN:
            assert set(value.split("|")) <= KNOWN[label], value


@pytest.mark.parametrize("name", PICTURES)
def test_legends_name_what_is_summed_up_by(name: str) -> None:
    query, legend = PICTURES[name]
    assert set(_NAMED.findall(legend)) <= groupings(query)


def test_every_metric_of_tenants_and_work_is_in_a_picture() -> None:
    shown = {metric for query, _ in PICTURES.values() for metric, _ in _SELECTOR.findall(query)}
    unseen = {metric.name for metric in METRICS.values() if not shown & set(metric.series)}
    assert unseen == {"jitsi_operator_informer_synced", "jitsi_operator_events_total"}


@pytest.mark.parametrize("name", RULES)
def test_each_alert_says_what_it_is_and_has_a_runbook(name: str) -> None:
    rule = RULES[name]
    annotations = rule["annotations"]
    assert annotations.keys() == {"summary", "description", "runbook"}
    assert annotations["runbook"] == f"docs/runbooks/{name}.md"
    named = set(re.findall(r"\$labels\.(\w+)", annotations["description"]))
    assert named <= groupings(rule["expr"])
    page = (ROOT / annotations["runbook"]).read_text()
    assert page.startswith(f"# {name}\n\nSeverity: {rule['labels']['severity']}.\n")
    assert [line for line in page.splitlines() if line.startswith("## ")] == [
        "## What it means for people",
        "## Look",
        "## Do",
    ]


def test_each_runbook_is_of_an_alert_and_all_are_listed() -> None:
    folder = ROOT / "docs" / "runbooks"
    assert {path.stem for path in folder.glob("*.md")} - {"README"} == RULES.keys()
    rows = re.findall(
        r"^\| \[(\w+)\]\(\1\.md\) \| (\w+) \| (.*) \|$",
        (folder / "README.md").read_text(),
        re.MULTILINE,
    )
    assert {(name, severity, summary) for name, severity, summary in rows} == {
        (name, rule["labels"]["severity"], rule["annotations"]["summary"])
        for name, rule in RULES.items()
    }


@pytest.mark.parametrize("uid", ["jitsi-operator", "jitsi-tenants"])
def test_pictures_stand_side_by_side(uid: str) -> None:
    dashboard: Any = json.loads((ROOT / f"manifests/monitoring/dashboards/{uid}.json").read_text())
    assert dashboard["uid"] == uid
    places = [panel["gridPos"] for panel in dashboard["panels"]]
    assert len({(place["x"], place["y"]) for place in places}) == len(places)
    assert all(place["x"] + place["w"] <= 24 for place in places)
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(places)
