"""Argo CD's own tests of customizations, in its layout and format, and what they leave open."""

from __future__ import annotations

import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from jitsi_tenant_operator.api.kinds import BY_NAME
from jitsi_tenant_operator.api.objects import GROUP
from jitsi_tenant_operator.reconcile.conditions import Reason
from trial.argocd import CUSTOMIZATIONS, Health, acted, actions, health

OURS = CUSTOMIZATIONS / GROUP
TENANT = OURS / "JitsiTenant"
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
STATUSES = {"Healthy", "Suspended", "Progressing", "Degraded"}
PATIENT = {
    Reason.SUSPENDED: "Suspended",
    Reason.NOT_IN_FORCE: "Suspended",
    Reason.CONTRACT_ENDED: "Suspended",
    Reason.PROGRESSING: "Progressing",
    Reason.MEDIA_ADDRESS_PENDING: "Progressing",
    Reason.NOT_EVALUATED: "Progressing",
    Reason.DELETING: "Progressing",
    Reason.PAUSED: "Progressing",
}
"""What a person need not mend; of every other reason why a tenant is not Ready one must."""


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def cases_of(name: str, part: str) -> list[Any]:
    """The tests in files of that name, each with its folder."""
    return [
        pytest.param(file.parent, test, id=f"{file.parent.name}-{position}")
        for file in sorted(CUSTOMIZATIONS.rglob(name))
        for position, test in enumerate(read(file)[part])
    ]


@pytest.mark.parametrize(("folder", "test"), cases_of("health_test.yaml", "tests"))
@pytest.mark.parametrize("open_libraries", [False, True], ids=["argocd-cm", "built-in"])
def test_health(folder: Path, test: Any, open_libraries: bool) -> None:
    script = (folder / "health.lua").read_text()
    found = health(read(folder / test["inputPath"]), script, open_libraries=open_libraries)
    expected = test["healthStatus"]
    assert found == Health(expected["status"], expected["message"])
    assert found.status in STATUSES


@pytest.mark.parametrize(("folder", "test"), cases_of("action_test.yaml", "discoveryTests"))
def test_discovery(folder: Path, test: Any) -> None:
    found = actions(read(folder / test["inputPath"]), (folder / "discovery.lua").read_text())
    assert found == {each["name"]: without(each, "name") for each in test["result"]}
    assert found.keys() == {script.parent.name for script in folder.glob("*/action.lua")}


@pytest.mark.parametrize(("folder", "test"), cases_of("action_test.yaml", "actionTests"))
def test_action(folder: Path, test: Any) -> None:
    script = (folder / test["action"] / "action.lua").read_text()
    found = acted(read(folder / test["inputPath"]), script)
    expected = read(folder / test["expectedOutputPath"])
    assert timeless(found) == timeless(expected)
    assert found == expected


def without(found: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in found.items() if key != name}


def timeless(obj: dict[str, Any]) -> list[str]:
    """Take the instants out of the annotations; which of them there were."""
    annotations = obj["metadata"].get("annotations", {})
    found = sorted(key for key, value in annotations.items() if TIME.fullmatch(value))
    for key in found:
        annotations[key] = "an instant"
    return found


@pytest.mark.parametrize("kind", BY_NAME)
def test_there_is_a_health_check_of_each_kind_with_tests(kind: str) -> None:
    tests = read(OURS / kind / "health_test.yaml")["tests"]
    assert (OURS / kind / "health.lua").is_file()
    statuses: set[str] = {test["healthStatus"]["status"] for test in tests}
    has_status = "status" in BY_NAME[kind].model_fields
    assert statuses >= ({"Healthy", "Progressing", "Degraded"} if has_status else {"Healthy"})


def test_objects_of_tests_are_real_ones() -> None:
    for file in sorted(OURS.rglob("testdata/*.yaml")):
        obj = read(file)
        BY_NAME[obj["kind"]].parse(obj)


@pytest.mark.parametrize("reason", Reason)
def test_each_reason_is_shown_as_what_it_is(reason: Reason) -> None:
    obj = read(TENANT / "testdata" / "progressing.yaml")
    obj["status"]["conditions"][0] |= {"reason": reason.value, "status": "False"}
    found = health(obj, (TENANT / "health.lua").read_text())
    assert found is not None
    assert found.status == PATIENT.get(reason, "Degraded")


@pytest.mark.parametrize("kind", BY_NAME)
def test_what_is_missing_stops_no_health_check(kind: str) -> None:
    script = (OURS / kind / "health.lua").read_text()
    bare = {"kind": kind, "metadata": {"name": "x"}}
    condition = {"type": "Ready", "status": "False", "reason": "HostTaken"}
    states: list[Any] = [None, {}, {"conditions": []}, {"conditions": [condition]}]
    for status in states:
        found = health(bare if status is None else {**bare, "status": status}, script)
        assert found is not None
        assert found.status in STATUSES


def test_scripts_do_without_the_open_libraries() -> None:
    with pytest.raises(Exception, match="index global 'string'"):
        health({}, 'return { status = string.upper("x") }')
    with pytest.raises(Exception, match="attempt to index"):
        health({}, 'return { status = ("x"):upper() }')


def test_what_is_in_argocd_cm_is_what_is_tested() -> None:
    data = read(CUSTOMIZATIONS.parent / "argocd-cm.yaml")["data"]
    scripts = {
        f"resource.customizations.health.{script.parent.parent.name}_{script.parent.name}": script
        for script in CUSTOMIZATIONS.glob("*/*/health.lua")
    }
    assert {key: data[key] for key in scripts} == {
        key: script.read_text() for key, script in scripts.items()
    }
    found = yaml.safe_load(data[f"resource.customizations.actions.{GROUP}_JitsiTenant"])
    folder = TENANT / "actions"
    assert found["discovery.lua"] == (folder / "discovery.lua").read_text()
    assert {each["name"]: each["action.lua"] for each in found["definitions"]} == {
        script.parent.name: script.read_text() for script in folder.glob("*/action.lua")
    }


def test_actions_change_nothing_but_annotations() -> None:
    for script in (TENANT / "actions").glob("*/action.lua"):
        for file in sorted((TENANT / "testdata").glob("*.yaml")):
            before = read(file)
            after = acted(deepcopy(before), script.read_text())
            for obj in (before, after):
                obj["metadata"].pop("annotations", None)
            assert after == before, script.parent.name
