"""The samples for Argo CD are what its own kinds take, and make of each tenant what they should."""

from __future__ import annotations

import fnmatch
import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

import installation
from jitsi_tenant_operator.api.objects import GROUP
from localplane import Connection, PlaneError
from trial.argocd import CUSTOMIZATIONS, Health, health
from trial.waiting import until

ARGO_CD = "github.com/argoproj/argo-cd/v3@v3.5.7"
"""The newest that the Go of hack/toolbox may read: 3.6 asks for Go 1.27."""
FOLDER = installation.ROOT / "manifests" / "argocd"
FILES = ("projects.yaml", "operator.yaml", "tenants.yaml")
TENANTS = sorted(installation.SAMPLES.glob("tenant-*.yaml"))
PEERS = ("cert-manager.io", "postgresql.cnpg.io", "external-secrets.io")
"""Whose health checks Argo CD brings, with tests of its own."""
_FIELD = re.compile(r"\{\{ (\.[\w.]+) \}\}")


@pytest.fixture(scope="session")
def argo_cd() -> Path:
    """The folder of the Go module of Argo CD."""
    done = subprocess.run(
        ["go", "mod", "download", "-json", ARGO_CD], capture_output=True, text=True, check=True
    )
    return Path(json.loads(done.stdout)["Dir"])


@pytest.fixture(scope="session")
def samples() -> dict[tuple[str, str], Any]:
    """The samples by kind and name."""
    found = {}
    for file in FILES:
        for body in yaml.safe_load_all((FOLDER / file).read_text()):
            found[body["kind"], body["metadata"]["name"]] = body
    return found


def filled_in(template: Any, values: Mapping[str, Any]) -> Any:
    """A template with what stands in double braces; KeyError for what is missing."""
    if isinstance(template, dict):
        return {key: filled_in(each, values) for key, each in template.items()}
    if isinstance(template, list):
        return [filled_in(each, values) for each in template]
    if not isinstance(template, str):
        return template

    def value(match: re.Match[str]) -> str:
        found: Any = values
        for key in match[1].split(".")[1:]:
            found = found[key]
        return str(found)

    return _FIELD.sub(value, template)


def application_of(file: Path, samples: dict[tuple[str, str], Any]) -> Any:
    """What the ApplicationSet makes of the file of a tenant."""
    template = samples["ApplicationSet", "jitsi-tenants"]["spec"]["template"]
    return filled_in(template, yaml.safe_load(file.read_text()) | {"path": {"filename": file.name}})


@pytest.fixture
def kinds_of_argo_cd(plane: Connection, argo_cd: Path) -> Iterator[None]:
    """The cluster knows the kinds of Argo CD, and has its namespace."""
    files = [f"--filename={path}" for path in argo_cd.glob("manifests/crds/*-crd.yaml")]
    namespace = json.dumps(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "argocd"}}
    )
    plane.kubectl("apply", "--server-side", "-f", "-", stdin=namespace)
    plane.kubectl("apply", "--server-side", *files)
    yield
    plane.kubectl("delete", "--wait=false", *files)
    plane.kubectl("delete", "--wait=false", "namespace", "argocd")


@pytest.mark.usefixtures("kinds_of_argo_cd")
async def test_argo_cd_takes_the_samples(plane: Connection) -> None:
    files = [f"--filename={FOLDER / file}" for file in FILES]
    strictly = ("apply", "--server-side", "--dry-run=server", "--validate=strict")

    async def taken() -> bool:
        # For a moment after a kind was installed the API server knows it only in part.
        try:
            return bool(plane.kubectl(*strictly, *files))
        except PlaneError as error:
            raise AssertionError(str(error)) from error

    await until(taken, every=0.5)


@pytest.mark.parametrize("file", TENANTS, ids=lambda file: file.stem)
def test_each_tenant_has_an_application_of_its_own(file: Path, samples: Any) -> None:
    tenant = yaml.safe_load(file.read_text())
    application = application_of(file, samples)
    assert application["metadata"]["name"] == tenant["metadata"]["namespace"]
    assert application["spec"]["destination"]["namespace"] == tenant["metadata"]["namespace"]
    assert application["spec"]["source"]["directory"] == {"include": file.name}
    policy = application["spec"]["syncPolicy"]
    assert policy["automated"]["prune"] is False
    assert {"CreateNamespace=true", "ServerSideApply=true"} <= set(policy["syncOptions"])
    labels = policy["managedNamespaceMetadata"]["labels"]
    assert labels == {"pod-security.kubernetes.io/enforce": "restricted"}
    assert "{{" not in json.dumps(application)


@pytest.mark.parametrize("file", TENANTS, ids=lambda file: file.stem)
def test_the_project_lets_a_tenant_into_its_own_namespace(file: Path, samples: Any) -> None:
    application = application_of(file, samples)
    project = samples["AppProject", application["spec"]["project"]]["spec"]
    (destination,) = project["destinations"]
    assert fnmatch.fnmatch(
        application["spec"]["destination"]["namespace"], destination["namespace"]
    )
    assert not fnmatch.fnmatch(installation.NAMESPACE, destination["namespace"])
    assert application["spec"]["source"]["repoURL"] in project["sourceRepos"]
    allowed = {(each["group"], each["kind"]) for each in project["namespaceResourceWhitelist"]}
    assert (GROUP, "*") in allowed
    assert not allowed & {("apps", "Deployment"), ("", "Secret"), ("*", "*")}


def test_the_kinds_come_first_and_tenants_last(samples: Any) -> None:
    waves = {
        name: int(body["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"])
        for (kind, name), body in samples.items()
        if kind != "AppProject"
    }
    order = ("jitsi-tenant-operator-crds", "jitsi-tenant-operator", "jitsi-platform")
    assert sorted(waves, key=waves.__getitem__) == [*order, "jitsi-tenants"]
    assert len(set(waves.values())) == len(waves)


def test_nothing_that_holds_data_is_pruned(samples: Any) -> None:
    tenants = samples["ApplicationSet", "jitsi-tenants"]["spec"]
    assert tenants["syncPolicy"] == {
        "applicationsSync": "create-update",
        "preserveResourcesOnDeletion": True,
    }
    for name in ("jitsi-tenant-operator-crds", "jitsi-platform"):
        assert samples["Application", name]["spec"]["syncPolicy"]["automated"]["prune"] is False
    for body in (*samples.values(), tenants["template"]):
        options = json.dumps(body)
        assert "Replace=true" not in options
        assert "Force=true" not in options


def test_what_argo_cd_does_is_what_the_tests_of_its_own_scripts_say(argo_cd: Path) -> None:
    folder = argo_cd / "resource_customizations"
    files = [file for group in PEERS for file in folder.glob(f"{group}/*/health_test.yaml")]
    assert len(files) >= len(PEERS)
    for file in files:
        script = (file.parent / "health.lua").read_text()
        for test in yaml.safe_load(file.read_text())["tests"]:
            obj = yaml.safe_load((file.parent / test["inputPath"]).read_text())
            expected = test["healthStatus"]
            found = health(obj, script, open_libraries=True)
            assert found == Health(expected["status"], expected.get("message", "")), file


def test_our_scripts_lie_where_argo_cd_has_its_own(argo_cd: Path) -> None:
    assert (argo_cd / "resource_customizations").is_dir()
    for script in CUSTOMIZATIONS.rglob("*.lua"):
        depth = len(script.relative_to(CUSTOMIZATIONS).parts)
        assert depth in {3, 4, 5}
    assert not (argo_cd / "resource_customizations" / GROUP).exists()
