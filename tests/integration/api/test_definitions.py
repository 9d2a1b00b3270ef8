"""The CustomResourceDefinitions on a real API server."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jitsi_tenant_operator.api.crd import crds, custom_resource_definition
from jitsi_tenant_operator.api.objects import API_VERSION, GROUP
from jitsi_tenant_operator.api.plan import JitsiPlan
from jitsi_tenant_operator.api.platform import JitsiPlatform
from jitsi_tenant_operator.api.tenant import JitsiTenant
from jitsi_tenant_operator.api.terms import JitsiTerms
from localplane import Connection, PlaneError

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}


def test_definitions_are_accepted_strictly_and_without_a_warning(plane: Connection) -> None:
    apply = ("apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-")
    plane.kubectl(*apply, "--validate=strict", "--warnings-as-errors", stdin=crds())


def test_definitions_are_structural_and_served(plane: Connection, each_kind: Any) -> None:
    name = f"{each_kind.definition.plural}.{GROUP}"
    found = plane.request("GET", f"{CRDS}/{name}")
    conditions = {entry["type"]: entry["status"] for entry in found["status"]["conditions"]}
    assert conditions["Established"] == "True"
    assert conditions["NamesAccepted"] == "True"
    assert conditions.get("NonStructuralSchema", "False") == "False"


def test_the_server_stores_the_definition_as_it_is_written(
    plane: Connection, each_kind: Any
) -> None:
    written = custom_resource_definition(each_kind)
    found = plane.request("GET", f"{CRDS}/{written['metadata']['name']}")
    assert found["spec"]["versions"] == written["spec"]["versions"]
    assert found["spec"]["names"] == written["spec"]["names"]


def test_short_names_and_category(plane: Connection, namespace: str) -> None:
    for name in ("jt", "jplan", "jplatform", "jterms", "jitsi"):
        plane.kubectl("get", name, "-n", namespace)


def test_a_definition_with_a_broken_rule_is_noticed(plane: Connection) -> None:
    broken = custom_resource_definition(JitsiPlan)
    spec = broken["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    spec["x-kubernetes-validations"] = [{"rule": "self.nothing == 1", "message": "x"}]
    with pytest.raises(PlaneError, match="undefined field 'nothing'"):
        plane.kubectl(
            "apply",
            "--server-side",
            "--force-conflicts",
            "--dry-run=server",
            "-f",
            "-",
            stdin=json.dumps(broken),
        )


STATUS = {
    "observedGeneration": 1,
    "conditions": [
        {
            "type": "Ready",
            "status": "True",
            "reason": "Reconciled",
            "message": "all is well",
            "lastTransitionTime": "2026-06-01T08:00:00Z",
        }
    ],
    "url": "https://meet.acme.example",
    "release": "stable-11146-2",
    "bridgeReplicas": 2,
    "bridgeSelector": "app.kubernetes.io/component=jvb",
    "phase": "InForce",
}


@pytest.fixture
def tenant(server: Any, objects: Any, namespace: str) -> str:
    """The path of a tenant that the operator has reported on."""
    obj = objects.base(JitsiTenant)
    obj["metadata"]["namespace"] = namespace
    created = server.create(JitsiTenant, namespace, obj)
    assert created.accepted, created.message
    path = f"/apis/{API_VERSION}/namespaces/{namespace}/jitsitenants/sample"
    reported = server.send("PUT", f"{path}/status", {**created.found, "status": STATUS})
    assert reported.accepted, reported.message
    return path


def test_columns_of_a_tenant_show_what_was_reported(server: Any, tenant: str) -> None:
    table = server.send("GET", tenant, headers=TABLE).found
    cells = table["rows"][0]["cells"]
    shown = {
        column["name"]: (cell, column["priority"])
        for column, cell in zip(table["columnDefinitions"], cells, strict=True)
    }
    age, _ = shown.pop("Age")
    assert age
    assert shown == {
        "Name": ("sample", 0),
        "Ready": ("True", 0),
        "Reason": ("Reconciled", 0),
        "Phase": ("InForce", 0),
        "URL": ("https://meet.acme.example", 0),
        "Plan": ("essential", 0),
        "Bridges": (2, 0),
        "Release": ("stable-11146-2", 1),
        "Contract": ("DC-1", 1),
        "Backup": (None, 1),
        "Message": ("all is well", 1),
    }


@pytest.mark.parametrize("kind", [JitsiPlan, JitsiTerms])
def test_columns_of_what_nobody_reports_on_are_all_filled(
    server: Any, objects: Any, kind: Any
) -> None:
    obj = objects.base(kind)
    obj["metadata"]["name"] = "columns"
    folder = f"/apis/{API_VERSION}/{kind.definition.plural}"
    assert server.send("POST", folder, obj).accepted
    try:
        table = server.send("GET", f"{folder}/columns", headers=TABLE).found
    finally:
        server.send("DELETE", f"{folder}/columns")
    names = [column["name"] for column in table["columnDefinitions"]]
    empty = {
        name
        for name, cell in zip(names, table["rows"][0]["cells"], strict=True)
        if cell in (None, "")
    }
    assert empty <= {"Valid"}
    assert names[-1] == "Age"


def test_scaling_reads_and_writes_the_number_of_bridges(
    plane: Connection, server: Any, tenant: str, namespace: str
) -> None:
    before = server.send("GET", f"{tenant}/scale").found
    assert before["spec"]["replicas"] == 1
    assert before["status"] == {
        "replicas": 2,
        "selector": "app.kubernetes.io/component=jvb",
    }
    plane.kubectl("scale", "-n", namespace, "jitsitenant/sample", "--replicas=3")
    assert server.send("GET", tenant).found["spec"]["media"]["bridges"] == 3
    with pytest.raises(PlaneError, match=r"spec\.media\.bridges"):
        plane.kubectl("scale", "-n", namespace, "jitsitenant/sample", "--replicas=51")


def test_status_is_written_apart_from_the_spec(server: Any, tenant: str) -> None:
    found = server.send("GET", tenant).found
    found["status"]["url"] = "https://elsewhere.example"
    found["spec"]["media"]["bridges"] = 5
    server.send("PUT", f"{tenant}/status", found)
    stored = server.send("GET", tenant).found
    assert stored["status"]["url"] == "https://elsewhere.example"
    assert stored["spec"]["media"]["bridges"] == 1
    assert JitsiTenant.parse(stored, strict=True).status is not None


@pytest.mark.parametrize(
    ("status", "path"),
    [
        ({"conditions": [{"type": "Ready", "status": "Yes"}]}, "status.conditions[0].status"),
        ({"conditions": [*STATUS["conditions"], *STATUS["conditions"]]}, "status.conditions[1]"),  # type: ignore[misc]
        ({"bridges": [{"name": "jvb-0", "port": 70000}]}, "status.bridges[0].port"),
        ({"observedGeneration": -1}, "status.observedGeneration"),
    ],
)
def test_a_status_that_makes_no_sense_is_refused(
    server: Any, tenant: str, status: dict[str, Any], path: str
) -> None:
    found = server.send("GET", tenant).found
    verdict = server.send("PUT", f"{tenant}/status", {**found, "status": status})
    assert path in verdict.message


def test_the_platform_is_the_only_one(server: Any, objects: Any) -> None:
    obj = objects.with_value(JitsiPlatform, "metadata.name", "second")
    assert "there is one platform, named default" in server.dry_run(JitsiPlatform, obj).message
