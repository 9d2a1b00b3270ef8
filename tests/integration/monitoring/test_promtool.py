"""Alerts come when they should, as Prometheus itself evaluates them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

import dashboards
import debian
import installation
from localplane import Connection, PlaneError
from trial.waiting import until

MONITORING = installation.ROOT / "manifests" / "monitoring"
RULES: Any = yaml.safe_load((MONITORING / "alerts.yaml").read_text())
TESTS = sorted(Path(__file__).parent.glob("*.test.yaml"))
PROMETHEUS_OPERATOR = "github.com/prometheus-operator/prometheus-operator@v0.85.0"
ALERTS = [rule["alert"] for group in RULES["groups"] for rule in group["rules"]]


def promtool(*arguments: str, folder: Path) -> None:
    """Run promtool in a folder; AssertionError with its words."""
    program = str(debian.program("promtool"))
    done = subprocess.run(
        [program, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The tests, beside the rules without what is only said in words."""
    rules = yaml.safe_load((MONITORING / "alerts.yaml").read_text())
    for group in rules["groups"]:
        for rule in group["rules"]:
            del rule["annotations"]
    (tmp_path / "alerts.yaml").write_text(yaml.safe_dump(rules))
    for test in TESTS:
        shutil.copy(test, tmp_path)
    return tmp_path


def test_alerts_come_and_stay_away_as_they_should(folder: Path) -> None:
    promtool("test", "rules", *(test.name for test in TESTS), folder=folder)


def test_rules_and_the_words_in_them_can_be_read() -> None:
    promtool("check", "rules", "alerts.yaml", folder=MONITORING)


def test_each_alert_is_seen_to_come_and_to_stay_away() -> None:
    cases: dict[str, set[bool]] = {alert: set() for alert in ALERTS}
    tests = [test for file in TESTS for test in yaml.safe_load(file.read_text())["tests"]]
    for case in (case for test in tests for case in test["alert_rule_test"]):
        cases[case["alertname"]].add(bool(case.get("exp_alerts")))
    assert all(seen == {False, True} for seen in cases.values()), cases


def test_alerts_that_never_come_are_noticed(folder: Path) -> None:
    rules = yaml.safe_load((folder / "alerts.yaml").read_text())
    for rule in (rule for group in rules["groups"] for rule in group["rules"]):
        rule["expr"] = "vector(0) > 1"
    (folder / "alerts.yaml").write_text(yaml.safe_dump(rules))
    with pytest.raises(AssertionError) as caught:
        promtool("test", "rules", *(test.name for test in TESTS), folder=folder)
    assert [alert for alert in ALERTS if f"alertname: {alert}," not in str(caught.value)] == []


def test_pictures_ask_what_prometheus_understands(tmp_path: Path) -> None:
    queries = [
        query
        for dashboard in dashboards.DASHBOARDS
        for panel in dashboard.panels
        for query in panel.queries.values()
    ]
    recorded = [
        {"record": f"picture:{number}", "expr": query.replace("$__rate_interval", "5m")}
        for number, query in enumerate(queries)
    ]
    rules = {"groups": [{"name": "pictures", "rules": recorded}]}
    (tmp_path / "pictures.yaml").write_text(yaml.safe_dump(rules))
    promtool("check", "rules", "pictures.yaml", folder=tmp_path)


@pytest.fixture(scope="session")
def kinds() -> Path:
    """The folder with the kinds of prometheus-operator, in its Go module."""
    command = ["go", "mod", "download", "-json", PROMETHEUS_OPERATOR]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return Path(json.loads(done.stdout)["Dir"]) / "example" / "prometheus-operator-crd"


async def test_prometheus_operator_takes_the_objects(plane: Connection, kinds: Path) -> None:
    names = ("servicemonitors", "prometheusrules")
    crds = [f"--filename={kinds}/monitoring.coreos.com_{name}.yaml" for name in names]
    objects = [f"--filename={MONITORING}/{name.removesuffix('s')}.yaml" for name in names]
    plane.kubectl("apply", "--server-side", *crds)

    async def taken() -> bool:
        # For a moment after a kind was installed the API server knows it only in part.
        try:
            strictly = ("apply", "--server-side", "--dry-run=server", "--validate=strict")
            return bool(plane.kubectl(*strictly, *objects))
        except PlaneError as error:
            raise AssertionError(str(error)) from error

    try:
        await until(taken, every=0.5)
    finally:
        plane.kubectl("delete", "--wait=false", *crds)
