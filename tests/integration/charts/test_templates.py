"""Whatever the values say, the chart makes objects that go together; wrong values are refused."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import installation
from jitsi_tenant_operator import cli
from toolbox.places import kubectl

if TYPE_CHECKING:
    from tests.integration.charts.conftest import Helm

NAME = "jitsi-tenant-operator"
AGGREGATE = "rbac.authorization.k8s.io/aggregate-to-"
MANIFESTS = installation.ROOT / "manifests"
texts = st.dictionaries(st.sampled_from(["team", "example.org/cost"]), st.just("hosting"))
peers = st.lists(
    st.just({"namespaceSelector": {"matchLabels": {"team": "monitoring"}}}), max_size=1
)
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "replicas": st.integers(0, 5),
        "image": st.fixed_dictionaries(
            {},
            optional={
                "repository": st.just("registry.example.org:5000/jitsi-tenant-operator"),
                "tag": st.sampled_from(["", "1.2.3"]),
                "digest": st.sampled_from(["", f"sha256:{'0123456789abcdef' * 4}"]),
                "pullPolicy": st.sampled_from(["Always", "Never"]),
                "pullSecrets": st.just([{"name": "registry"}]),
            },
        ),
        "operator": st.fixed_dictionaries(
            {},
            optional={
                "workers": st.integers(0, 999),
                "logFormat": st.sampled_from(["text", "json"]),
                "logLevel": st.sampled_from(["debug", "info", "warning", "error"]),
                "env": st.just([{"name": "HTTPS_PROXY", "value": "http://proxy.example.org"}]),
            },
        ),
        "acknowledgement": st.fixed_dictionaries(
            {"enabled": st.booleans()},
            optional={
                "service": st.fixed_dictionaries(
                    {"type": st.sampled_from(["ClusterIP", "NodePort", "LoadBalancer"])},
                    optional={"annotations": texts},
                ),
                "ingress": st.fixed_dictionaries(
                    {"enabled": st.just(True), "host": st.just("notices.example.org")},
                    optional={"className": st.just("nginx"), "annotations": texts},
                ),
            },
        ),
        "serviceAccount": st.fixed_dictionaries(
            {"create": st.booleans()}, optional={"name": st.just("own"), "annotations": texts}
        ),
        "rbac": st.fixed_dictionaries({"create": st.booleans(), "aggregate": st.booleans()}),
        "priorityClasses": st.fixed_dictionaries({"create": st.booleans()}),
        "priorityClassName": st.sampled_from(["", "system-cluster-critical"]),
        "resources": st.just({"limits": {"memory": "1Gi"}}),
        "podLabels": st.just({"team": "hosting", "app.kubernetes.io/name": "other"}),
        "podAnnotations": texts,
        "nodeSelector": texts,
        "tolerations": st.just([{"key": "infra", "operator": "Exists"}]),
        "affinity": st.just({"nodeAffinity": {}}),
        "networkPolicy": st.fixed_dictionaries(
            {"enabled": st.booleans()},
            optional={"metricsFrom": peers, "acknowledgementFrom": peers},
        ),
        "podDisruptionBudget": st.fixed_dictionaries(
            {"enabled": st.booleans(), "maxUnavailable": st.sampled_from([0, 1, "50%"])}
        ),
        "serviceMonitor": st.fixed_dictionaries({"enabled": st.booleans()}),
        "prometheusRule": st.fixed_dictionaries({"enabled": st.booleans()}),
        "dashboards": st.fixed_dictionaries({"enabled": st.booleans()}),
    },
)
WRONG: dict[str, Mapping[str, Any]] = {
    "a word that is no value": {"replica": 2},
    "a word in a section": {"image": {"name": "x"}},
    "pods without end": {"replicas": 50},
    "a level that there is not": {"operator": {"logLevel": "verbose"}},
    "an image with its digest in it": {"image": {"repository": "x@sha256:00"}},
    "a digest that is none": {"image": {"digest": "latest"}},
    "an Ingress without a host": {"acknowledgement": {"ingress": {"enabled": True}}},
    "a host that is an address": {
        "acknowledgement": {"ingress": {"enabled": True, "host": "https://notices.example.org"}}
    },
    "a peer of another language": {"networkPolicy": {"metricsFrom": ["monitoring"]}},
    "a label that is a number": {"podLabels": {"team": 7}},
    "budgets in words": {"podDisruptionBudget": {"maxUnavailable": "one"}},
}
accepted = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def by_kind(objects: list[Any], kind: str) -> list[Any]:
    return [body for body in objects if body["kind"] == kind]


def normalised(objects: list[Any]) -> dict[tuple[str, str, str], Any]:
    """By kind, namespace and name, without what only Helm says."""
    found = {}
    for body in objects:
        metadata = dict(body["metadata"])
        for part, mark in (("labels", "app.kubernetes.io/"), ("annotations", "helm.sh/")):
            kept = {k: v for k, v in metadata.pop(part, {}).items() if not k.startswith(mark)}
            kept.pop("helm.sh/chart", None)
            if kept:
                metadata[part] = kept
        key = body["kind"], metadata.get("namespace", ""), metadata["name"]
        assert key not in found, key
        found[key] = {**body, "metadata": metadata}
    return found


def built(folder: Path) -> list[Any]:
    """What kustomize makes of a folder."""
    done = subprocess.run(
        [str(kubectl()), "kustomize", str(folder)], capture_output=True, text=True, check=True
    )
    return list(yaml.load_all(done.stdout, yaml.CSafeLoader))


def test_charts_are_well_formed(helm: Helm, operator_chart: Path, crds_chart: Path) -> None:
    folders = (str(operator_chart), str(crds_chart))
    helm("lint", "--strict", "--kube-version=1.37.0", *folders)


def test_chart_and_kustomize_base_make_the_same_objects(helm: Helm, operator_chart: Path) -> None:
    base = normalised(built(MANIFESTS / "base"))
    del base["Namespace", "", NAME]
    assert normalised(helm.template(operator_chart)) == base


def test_chart_and_kustomize_make_the_same_of_monitoring(helm: Helm, operator_chart: Path) -> None:
    parts = ("serviceMonitor", "prometheusRule", "dashboards")
    made = helm.template(operator_chart, {part: {"enabled": True} for part in parts})
    overlay = normalised(built(MANIFESTS / "overlays" / "monitoring"))
    del overlay["Namespace", "", NAME]
    assert normalised(made) == overlay
    assert len(overlay) == len(built(MANIFESTS / "base")) + len(parts) - 1


def test_chart_and_kustomize_component_aggregate_the_same_roles(
    helm: Helm, operator_chart: Path, tmp_path: Path
) -> None:
    folders = {"resources": "base", "components": "components/aggregated-roles"}
    body = {key: [os.path.relpath(MANIFESTS / path, tmp_path)] for key, path in folders.items()}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(body))
    overlay = normalised(built(tmp_path))
    del overlay["Namespace", "", NAME]
    assert normalised(helm.template(operator_chart, {"rbac": {"aggregate": True}})) == overlay


def test_the_chart_of_kinds_holds_the_generated_kinds(helm: Helm, crds_chart: Path) -> None:
    generated = [yaml.safe_load(path.read_text()) for path in installation.CRDS.glob("*.yaml")]
    values = {"annotations": {"helm.sh/resource-policy": "delete", "team": "hosting"}}
    for chosen in ({}, values):
        made = helm.template(crds_chart, chosen)
        for body in made:
            annotations = body["metadata"].pop("annotations")
            assert annotations["helm.sh/resource-policy"] == "keep"
            assert annotations.get("team") == chosen.get("annotations", {}).get("team")
        assert normalised(made) == normalised(generated)


@accepted
@given(values=VALUES)
def test_whatever_the_values_the_objects_go_together(
    values: dict[str, Any], helm: Helm, operator_chart: Path
) -> None:
    objects = helm.template(operator_chart, values)
    (deployment,) = by_kind(objects, "Deployment")
    template = deployment["spec"]["template"]
    labels, pod = template["metadata"]["labels"], template["spec"]
    (container,) = pod["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    options = cli._parser().parse_args(container["args"])
    listens = {"http": options.listen, "acknowledge": options.acknowledgement_listen}
    assert ports == {name: address[1] for name, address in listens.items() if address}
    for selector, wanted in uses_of_pods(objects):
        assert selector.items() <= labels.items()
        assert wanted <= ports.keys()
    restricted(pod, container)
    kinds = {(body["kind"], body["metadata"]["name"]) for body in objects}
    for section, kind in (
        ("podDisruptionBudget", "PodDisruptionBudget"),
        ("networkPolicy", "NetworkPolicy"),
        ("serviceMonitor", "ServiceMonitor"),
        ("prometheusRule", "PrometheusRule"),
    ):
        if "enabled" in values.get(section, {}):
            assert ((kind, NAME) in kinds) == values[section]["enabled"]
    for role in by_kind(objects, "ClusterRole"):
        marks = {mark for mark in role["metadata"]["labels"] if "aggregate-to-" in mark}
        level = role["metadata"]["name"].rpartition("-")[2]
        wanted = values.get("rbac", {}).get("aggregate") and role["metadata"]["name"] != NAME
        assert marks == ({f"{AGGREGATE}{level}"} if wanted else set())
    bound = {
        (subject["name"], subject["namespace"])
        for kind in ("RoleBinding", "ClusterRoleBinding")
        for binding in by_kind(objects, kind)
        for subject in binding["subjects"]
    }
    assert bound <= {(pod["serviceAccountName"], deployment["metadata"]["namespace"])}


def uses_of_pods(objects: list[Any]) -> list[tuple[dict[str, str], set[str]]]:
    """Each way by which objects choose pods, with the ports by name that they lead to."""
    found = []
    for body in by_kind(objects, "Service"):
        targets = {port["targetPort"] for port in body["spec"]["ports"]}
        found.append((body["spec"]["selector"], targets))
    for body in by_kind(objects, "NetworkPolicy"):
        named = {port["port"] for rule in body["spec"]["ingress"] for port in rule["ports"]}
        found.append((body["spec"]["podSelector"]["matchLabels"], named))
    for kind in ("PodDisruptionBudget", "Deployment"):
        found += [
            (body["spec"]["selector"]["matchLabels"], set()) for body in by_kind(objects, kind)
        ]
    return found


def restricted(pod: dict[str, Any], container: dict[str, Any]) -> None:
    """As Pod Security asks for in its strictest level, and with nothing to write to but /tmp."""
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert [volume["emptyDir"] for volume in pod["volumes"]] == [{"sizeLimit": "16Mi"}]


@pytest.mark.parametrize("what", WRONG)
def test_values_that_cannot_be_meant_are_refused(
    what: str, helm: Helm, operator_chart: Path
) -> None:
    with pytest.raises(Exception, match="values don't meet the specifications of the schema"):
        helm.template(operator_chart, WRONG[what])
