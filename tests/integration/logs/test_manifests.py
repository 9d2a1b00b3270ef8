"""The manifests of the log pipeline are accepted by an API server, as securely as they say."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

import installation
from install import ROOT
from jitsi_tenant_operator.api.objects import JsonObject
from localplane import Connection
from toolbox.places import kubectl

NAMES = {
    "jitsi-tenant-operator": "registry.example/operator",
    "jitsi-logs-collector": "registry.example/collector",
}


@pytest.fixture(scope="module")
def bodies(tmp_path_factory: pytest.TempPathFactory) -> list[JsonObject]:
    """All objects of the component, as an installation uses it."""
    folder = tmp_path_factory.mktemp("overlay")
    # Kustomize takes relative paths only.
    up = Path(*[".."] * (len(folder.parts) - 1)) / ROOT.relative_to("/")
    overlay = {
        "resources": [str(up / "manifests" / "base")],
        "components": [str(up / "manifests" / "logs")],
        "images": [{"name": name, "newName": new} for name, new in NAMES.items()],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    done = subprocess.run(
        [str(kubectl()), "kustomize", "--load-restrictor=LoadRestrictionsNone", str(folder)],
        check=True,
        capture_output=True,
    )
    return list(yaml.safe_load_all(done.stdout))


def named(bodies: list[JsonObject], kind: str, name: str) -> JsonObject:
    """One of them."""
    (found,) = (b for b in bodies if (b["kind"], b["metadata"]["name"]) == (kind, name))
    return found


def pod(body: JsonObject) -> JsonObject:
    """The pod that a workload makes."""
    spec = body["spec"]
    template: JsonObject = spec.get("jobTemplate", {"spec": spec})["spec"]["template"]
    metadata = {"generateName": "trial-", "namespace": body["metadata"]["namespace"]}
    return {"apiVersion": "v1", "kind": "Pod", **template, "metadata": metadata}


def test_the_api_server_takes_them_all(plane: Connection, bodies: list[JsonObject]) -> None:
    agents = named(bodies, "Namespace", "jitsi-logs")
    plane.kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump(agents))
    others = [b for b in bodies if not b["apiVersion"].startswith("cert-manager.io/")]
    text = yaml.safe_dump_all(others)
    plane.kubectl(
        "apply", "--server-side", "--dry-run=server", "--force-conflicts", "-f", "-", stdin=text
    )


@pytest.mark.parametrize(
    ("kind", "name"),
    [("StatefulSet", "jitsi-logs-aggregator"), ("CronJob", "jitsi-logs-archiver")],
)
def test_what_holds_logs_meets_pod_security_restricted(
    plane: Connection, bodies: list[JsonObject], kind: str, name: str
) -> None:
    body = pod(named(bodies, kind, name))
    assert body["metadata"]["namespace"] == installation.NAMESPACE
    # Nobody made its PriorityClass in the trial, and only admission counts here.
    body["spec"].pop("priorityClassName", None)
    plane.kubectl("create", "--dry-run=server", "-f", "-", stdin=yaml.safe_dump(body))


def test_agents_and_aggregator_run_with_the_configuration_that_is_tested(
    bodies: list[JsonObject],
) -> None:
    for role in ("agent", "aggregator"):
        text = (ROOT / "manifests" / "logs" / role / f"{role}.yaml").read_text()
        assert [b for b in bodies if (b.get("data") or {}).get(f"{role}.yaml") == text]


def test_the_archiver_runs_when_each_day_has_the_hour(bodies: list[JsonObject]) -> None:
    spec = named(bodies, "CronJob", "jitsi-logs-archiver")["spec"]
    minute, hour, *rest = spec["schedule"].split()
    assert (int(minute), int(hour), rest) == (15, 0, ["*", "*", "*"])
    assert spec["concurrencyPolicy"] == "Forbid"
    latest = 15 * 60 + spec["startingDeadlineSeconds"]
    assert latest + spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] <= 2 * 3600
    aggregator = named(bodies, "StatefulSet", "jitsi-logs-aggregator")
    (container,) = aggregator["spec"]["template"]["spec"]["containers"]
    zones = {each["name"]: each.get("value") for each in container["env"]}
    assert zones["TZ"] == spec["timeZone"]
