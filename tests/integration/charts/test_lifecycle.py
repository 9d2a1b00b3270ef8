"""Helm installs, upgrades, rolls back and uninstalls on a real API server.

The tests follow one installation through its life, in the order in which they stand.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import installation
from jitsi_tenant_operator.api.kinds import KINDS
from localplane import PlaneError
from trial.waiting import until

if TYPE_CHECKING:
    from tests.integration.charts.conftest import Helm

    from localplane import Connection

NAME = "jitsi-tenant-operator"
WAIT = ("--wait", "--timeout=90s")
SAMPLE_PLAN = installation.SAMPLES / "plan.yaml"
PEOPLE = {
    ("view", "get", "jitsitenants"): True,
    ("view", "patch", "jitsitenants"): False,
    ("view", "get", "jitsilegalholds"): True,
    ("edit", "create", "jitsitenants"): True,
    ("edit", "create", "jitsinotices"): True,
    ("edit", "create", "jitsilegalholds"): False,
    ("admin", "delete", "jitsilegalholds"): True,
    ("admin", "patch", "jitsitenants"): True,
}
"""What a person may do in a namespace with one of the cluster's roles there."""
EVERYWHERE = {
    ("view", "list", "jitsiplatforms"): True,
    ("edit", "patch", "jitsiplatforms"): False,
    ("admin", "patch", "jitsiplatforms"): True,
    ("view", "list", "jitsitenantrecords"): True,
    ("admin", "patch", "jitsitenantrecords"): False,
    ("admin", "delete", "jitsitenantrecords"): False,
    ("admin", "patch", "jitsitenants/status"): False,
}
"""The same with the role in all namespaces."""


def install(helm: Helm, release: str, folder: Path, *options: str) -> None:
    """Install or upgrade a release in the operator's namespace."""
    helm("upgrade", "--install", release, str(folder), f"--namespace={NAME}", *options)


def deployment(plane: Connection) -> dict[str, Any]:
    """The spec of the operator's Deployment."""
    path = f"/apis/apps/v1/namespaces/{NAME}/deployments/{NAME}"
    spec: dict[str, Any] = plane.request("GET", path)["spec"]
    return spec


def definition(plane: Connection) -> dict[str, Any]:
    """The CustomResourceDefinition of plans."""
    name = "jitsiplans.jitsi.rezosocial.com"
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}"
    body: dict[str, Any] = plane.request("GET", path)
    return body


def plan(plane: Connection) -> dict[str, Any]:
    """One of the sample plans."""
    body: dict[str, Any] = json.loads(plane.kubectl("get", "jitsiplan", "business", "-o", "json"))
    return body


@pytest.fixture(scope="module")
def older_kinds(crds_chart: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chart of kinds of a version before, in which plans had no column but their age."""
    folder = tmp_path_factory.mktemp("older") / crds_chart.name
    shutil.copytree(crds_chart, folder)
    file = folder / "templates" / "jitsiplans.yaml"
    before, _, rest = file.read_text().partition("  - additionalPrinterColumns:\n")
    _, _, after = rest.partition("    name: v1alpha1\n")
    file.write_text(f"{before}  - name: v1alpha1\n{after}")
    return folder


def test_installed_by_helm_the_operator_runs(
    helm_there: Helm, empty_plane: Connection, older_kinds: Path, operator_chart: Path
) -> None:
    install(helm_there, f"{NAME}-crds", older_kinds, "--create-namespace")
    label = "pod-security.kubernetes.io/enforce=restricted"
    empty_plane.kubectl("label", "namespace", NAME, label)
    install(helm_there, NAME, operator_chart, *WAIT)
    empty_plane.kubectl("wait", "--for=condition=Established", "crd", "--all")
    empty_plane.kubectl("apply", "--server-side", "-f", str(SAMPLE_PLAN))
    pods = json.loads(empty_plane.kubectl("get", "pods", "-n", NAME, "-o", "json"))["items"]
    assert len(pods) == 2


async def test_people_may_do_what_their_roles_say(
    helm_there: Helm, empty_plane: Connection, operator_chart: Path
) -> None:
    for role in ("view", "edit", "admin"):
        for scope, options in (("", ("-n", "default")), ("cluster", ())):
            binding = "clusterrolebinding" if scope else "rolebinding"
            name = f"{scope}{role}"
            command = ("create", binding, name, f"--clusterrole={role}", f"--user={name}")
            empty_plane.kubectl(*command, *options)
    look = ("auth", "can-i", "get", "jitsitenants.jitsi.rezosocial.com", "-n", "default")
    assert not can_i(empty_plane, *look, "--as=view")
    install(helm_there, NAME, operator_chart, "--set=rbac.aggregate=true", *WAIT)

    async def aggregated() -> bool:
        return can_i(empty_plane, *look, "--as=view") and can_i(empty_plane, *look, "--as=admin")

    await until(aggregated, every=0.5)
    for scope, expected in (("", PEOPLE), ("cluster", EVERYWHERE)):
        for (role, verb, resource), allowed in expected.items():
            name, _, subresource = resource.partition("/")
            question = ["auth", "can-i", verb, f"{name}.jitsi.rezosocial.com", "-n", "default"]
            if subresource:
                question.append(f"--subresource={subresource}")
            answer = can_i(empty_plane, *question, f"--as={scope}{role}")
            assert answer == allowed, (scope, role, verb, resource)


def can_i(plane: Connection, *question: str) -> bool:
    """What kubectl answers, which fails when the answer is no."""
    try:
        return plane.kubectl(*question).strip() == "yes"
    except PlaneError:
        return False


def test_a_second_operator_is_refused(
    helm_there: Helm, empty_plane: Connection, operator_chart: Path
) -> None:
    with pytest.raises(Exception, match="cannot be imported into the current release"):
        helm_there("install", "second", str(operator_chart), "--namespace=default")
    assert not empty_plane.exists(f"/apis/apps/v1/namespaces/default/deployments/{NAME}")


def test_an_upgrade_of_the_kinds_leaves_their_objects(
    helm_there: Helm, empty_plane: Connection, crds_chart: Path
) -> None:
    before, kept = definition(empty_plane), plan(empty_plane)
    assert len(before["spec"]["versions"][0].get("additionalPrinterColumns", [])) <= 1
    install(helm_there, f"{NAME}-crds", crds_chart)
    after = definition(empty_plane)
    assert len(after["spec"]["versions"][0]["additionalPrinterColumns"]) > 1
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert plan(empty_plane) == kept


def test_an_upgrade_changes_the_operator_and_a_rollback_brings_it_back(
    helm_there: Helm, empty_plane: Connection, operator_chart: Path
) -> None:
    before = deployment(empty_plane)
    install(helm_there, NAME, operator_chart, *WAIT, "--set=operator.logFormat=json,replicas=3")
    changed = deployment(empty_plane)
    assert changed["replicas"] == 3
    assert "--log-format=json" in changed["template"]["spec"]["containers"][0]["args"]
    helm_there("rollback", NAME, f"--namespace={NAME}", *WAIT)
    assert deployment(empty_plane) == before


def test_an_upgrade_that_changes_nothing_replaces_no_pod(
    helm_there: Helm, empty_plane: Connection, operator_chart: Path
) -> None:
    template = deployment(empty_plane)["template"]
    install(helm_there, NAME, operator_chart, *WAIT)
    assert deployment(empty_plane)["template"] == template


def test_uninstalled_it_leaves_what_tenants_need(helm_there: Helm, empty_plane: Connection) -> None:
    kept = plan(empty_plane)
    for release in (NAME, f"{NAME}-crds"):
        helm_there("uninstall", release, f"--namespace={NAME}", "--wait", "--timeout=90s")
    assert plan(empty_plane) == kept
    served = json.loads(empty_plane.kubectl("get", "crd", "-o", "json"))["items"]
    assert {body["spec"]["names"]["kind"] for body in served} == {
        kind.definition.kind for kind in KINDS
    }
    classes = json.loads(empty_plane.kubectl("get", "priorityclasses", "-o", "json"))["items"]
    assert {"jitsi-media", "jitsi-recording", "jitsi-web"} <= {
        body["metadata"]["name"] for body in classes
    }
    kinds = "deployments,services,serviceaccounts,networkpolicies,poddisruptionbudgets,roles"
    mark = ("-l", "helm.sh/chart", "-o", "name")
    assert empty_plane.kubectl("get", kinds, "-n", NAME, *mark) == ""
    assert empty_plane.kubectl("get", "clusterroles,clusterrolebindings", *mark) == ""


def test_what_was_left_is_taken_over_by_the_next_installation(
    helm_there: Helm, empty_plane: Connection, crds_chart: Path, operator_chart: Path
) -> None:
    install(helm_there, f"{NAME}-crds", crds_chart)
    install(helm_there, NAME, operator_chart, *WAIT)
    assert deployment(empty_plane)["replicas"] == 2
