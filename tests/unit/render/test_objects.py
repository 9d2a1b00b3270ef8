"""Every object: written as the API server stores it, marked as ours, allowed by Pod Security."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from jitsi_tenant_operator import render
from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef
from jitsi_tenant_operator.render import TenantContext, limits
from jitsi_tenant_operator.render.labels import (
    TENANT_LABEL,
    TENANT_NAMESPACE_LABEL,
    is_retained,
)

if TYPE_CHECKING:
    from tests.unit.render.conftest import MakeContext

CLAIMED_BY_OTHERS = {"nodePort", "clusterIP", "clusterIPs", "loadBalancerIP", "status"}


def values(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each part of an object with its path."""
    yield path, value
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from values(inner, f"{path}.{key}")
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield from values(inner, f"{path}[{index}]")


def pods(context: TenantContext) -> Iterator[tuple[ObjectRef, JsonObject]]:
    """The pod spec of each workload."""
    for ref, body in render.tenant(context).items():
        if ref.kind in {"Deployment", "StatefulSet"}:
            yield ref, body["spec"]["template"]["spec"]


def of_kind(context: TenantContext, kind: str) -> dict[str, JsonObject]:
    """The objects of a kind, by name."""
    return {ref.name: body for ref, body in render.tenant(context).items() if ref.kind == kind}


def test_rendering_twice_gives_the_same(case: tuple[str, TenantContext]) -> None:
    first, second = (json.dumps(list(render.tenant(case[1]).values())) for _ in range(2))
    assert first == second


def test_nothing_is_null_or_empty(case: tuple[str, TenantContext]) -> None:
    for ref, body in render.tenant(case[1]).items():
        for path, value in values(body):
            allowed = path == ".spec.podSelector" and ref.name.endswith("default-deny")
            core_group = path.endswith(".group")
            assert value is not None, (ref, path)
            assert value not in ([], {}) or allowed, (ref, path)
            assert value != "" or core_group or path.startswith(".data"), (ref, path)


def test_values_have_the_types_of_the_api(case: tuple[str, TenantContext]) -> None:
    for ref, body in render.tenant(case[1]).items():
        for path, value in values(body):
            last = path.rsplit(".", 1)[-1]
            if last in {"port", "containerPort", "hostPort", "replicas", "number", "weight"}:
                by_name = ".httpGet." in path or ".tcpSocket." in path or ".service." in path
                assert isinstance(value, int) or by_name, (ref, path)
            if ".labels." in path or ".annotations." in path or ".hard." in path:
                assert isinstance(value, str), (ref, path)
        for _, value in values(body):
            if isinstance(value, dict) and "containerPort" in value:
                assert value["protocol"] in {"TCP", "UDP"}


def test_what_others_decide_is_left_to_them(case: tuple[str, TenantContext]) -> None:
    for ref, body in render.tenant(case[1]).items():
        keys = {path.rsplit(".", 1)[-1] for path, _ in values(body)}
        assert not keys & CLAIMED_BY_OTHERS, ref
        assert not {"ownerReferences", "finalizers", "managedFields"} & set(body["metadata"]), ref


def test_every_child_says_whose_it_is(case: tuple[str, TenantContext]) -> None:
    context = case[1]
    for ref, body in render.tenant(context).items():
        labels = body["metadata"]["labels"]
        if ref.namespace != context.namespace:
            assert ref.namespace == context.operator_namespace
            assert labels[TENANT_NAMESPACE_LABEL] == context.namespace
        assert labels[TENANT_LABEL] == context.name
        assert labels["app.kubernetes.io/managed-by"] == "jitsi-tenant-operator"
        assert (
            body["metadata"]["annotations"]["argocd.argoproj.io/ignore-resource-updates"] == "true"
        )


def test_only_what_holds_data_outlives_the_tenant_object(case: tuple[str, TenantContext]) -> None:
    for ref, body in render.tenant(case[1]).items():
        beside = ref.namespace != case[1].namespace
        assert is_retained(body) == (ref.kind == "PersistentVolumeClaim" or beside)


def test_nothing_of_the_tenants_own_metadata_is_copied(make: MakeContext) -> None:
    context = make()
    marked = context.tenant.model_copy(
        update={
            "metadata": context.tenant.metadata.model_copy(
                update={
                    "labels": {"argocd.argoproj.io/instance": "tenants"},
                    "annotations": {"argocd.argoproj.io/tracking-id": "x"},
                }
            )
        }
    )
    object.__setattr__(context, "tenant", marked)
    assert render.tenant(context) == render.tenant(make())


def test_pods_meet_pod_security_restricted(case: tuple[str, TenantContext]) -> None:
    name, context = case
    for ref, pod in pods(context):
        security = pod["securityContext"]
        assert security["runAsNonRoot"]
        assert security["runAsUser"] == security["runAsGroup"] == security["fsGroup"] == 1000
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        for volume in pod["volumes"]:
            assert set(volume) - {"name"} <= {"emptyDir", "configMap", "persistentVolumeClaim"}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            on_host = [port for port in container["ports"] if "hostPort" in port]
            assert bool(on_host) == (name == "host-port" and "jvb" in ref.name)


def test_pods_have_no_token_and_no_variables_of_services(case: tuple[str, TenantContext]) -> None:
    accounts = of_kind(case[1], "ServiceAccount")
    for _, pod in pods(case[1]):
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        assert accounts[pod["serviceAccountName"]]["automountServiceAccountToken"] is False


def test_pods_can_write_where_the_images_must(case: tuple[str, TenantContext]) -> None:
    for _, pod in pods(case[1]):
        for container in pod["containers"]:
            whole = {
                mount["mountPath"]
                for mount in container["volumeMounts"]
                if not mount.get("readOnly") and "subPath" not in mount
            }
            # The init system of the images needs both; a program of our own its scratch only.
            assert {"/run", "/tmp"} - ({"/run"} if "command" in container else set()) <= whole


def test_volumes_and_mounts_fit_together(case: tuple[str, TenantContext]) -> None:
    data = {name: body["data"] for name, body in of_kind(case[1], "ConfigMap").items()}
    for _, pod in pods(case[1]):
        names = [volume["name"] for volume in pod["volumes"]]
        mounts = [container["volumeMounts"] for container in pod["containers"]]
        assert len(names) == len(set(names))
        assert {mount["name"] for each in mounts for mount in each} == set(names)
        for each in mounts:
            assert len({mount["mountPath"] for mount in each}) == len(each)
        for volume in pod["volumes"]:
            own = data.get(volume.get("configMap", {}).get("name", ""))
            if own is not None:
                assert {item["key"] for item in volume["configMap"]["items"]} == set(own)


def test_pods_run_only_where_the_platform_allows(case: tuple[str, TenantContext]) -> None:
    for _, pod in pods(case[1]):
        assert pod["nodeSelector"] == {"topology.kubernetes.io/region": "fr-lyon"}


def test_pods_run_anywhere_where_all_nodes_stand_on_the_site(make: MakeContext) -> None:
    context = make(platform={"location": {"nodeSelector": None, "allNodes": True}})
    assert not [name for name, pod in pods(context) if "nodeSelector" in pod]


def test_selectors_find_the_pods_and_no_others(contexts: dict[str, TenantContext]) -> None:
    children = render.tenant(contexts["everything-on"])
    templates = {
        ref.name: body["spec"]["template"]["metadata"]["labels"]
        for ref, body in children.items()
        if "template" in body.get("spec", {})
    }
    for ref, body in children.items():
        if ref.kind in {"Service", "Deployment", "StatefulSet"}:
            selector = body["spec"]["selector"]
            wanted = selector.get("matchLabels", selector).items()
            found = [name for name, labels in templates.items() if wanted <= labels.items()]
            assert found == [ref.name]


def test_a_tenant_without_recording_has_no_recorder_no_volume_and_no_button(
    make: MakeContext,
) -> None:
    context = make({"recording": {"enabled": True}}, recording=False)
    text = json.dumps(list(render.tenant(context).values()))
    assert "jibri" not in text
    assert "recordings" not in text.replace("recordings volume", "")
    assert '\\"recording\\"' not in text
    script = of_kind(context, "ConfigMap")["acme-web"]["data"]["custom-config.js"]
    assert "livestreaming" not in script


def test_a_plan_without_recorders_records_nothing(make: MakeContext) -> None:
    context = make(plan={"features": [], "capacity": {"recorders": 0}}, recording=True)
    assert "jibri" not in json.dumps(list(render.tenant(context).values()))


def test_accounts_are_kept_only_with_internal_authentication(
    contexts: dict[str, TenantContext],
) -> None:
    for name, context in contexts.items():
        kept = any("accounts" in each for each in of_kind(context, "PersistentVolumeClaim"))
        assert kept == (name not in {"jwt", "ldap", "anonymous"})


def test_everything_fits_into_the_quota(case: tuple[str, TenantContext]) -> None:
    context = case[1]
    (quota,) = of_kind(context, "ResourceQuota").values()
    workloads = [
        body for body in render.tenant(context).values() if "template" in body.get("spec", {})
    ]
    assert sum(body["spec"]["replicas"] for body in workloads) < int(quota["spec"]["hard"]["pods"])
    claims = of_kind(context, "PersistentVolumeClaim")
    assert len(claims) < int(quota["spec"]["hard"]["persistentvolumeclaims"])
    services = [body["spec"]["type"] for body in of_kind(context, "Service").values()]
    assert services.count("LoadBalancer") <= int(quota["spec"]["hard"]["services.loadbalancers"])
    public = services.count("LoadBalancer") + services.count("NodePort")
    assert public <= int(quota["spec"]["hard"]["services.nodeports"])


def test_defaults_never_throttle_a_pod_of_ours(make: MakeContext) -> None:
    (found,) = of_kind(make(), "LimitRange").values()
    assert "cpu" not in found["spec"]["limits"][0]["default"]


def test_each_component_has_a_disruption_budget(case: tuple[str, TenantContext]) -> None:
    budgets = of_kind(case[1], "PodDisruptionBudget")
    for ref, body in render.tenant(case[1]).items():
        if ref.kind in {"Deployment", "StatefulSet"}:
            component = body["metadata"]["labels"]["app.kubernetes.io/component"]
            (budget,) = (each for name, each in budgets.items() if name.endswith(f"-{component}"))
            wanted = budget["spec"]["selector"]["matchLabels"].items()
            assert wanted <= body["spec"]["template"]["metadata"]["labels"].items()
            if component != "jvb":
                assert budget["spec"]["maxUnavailable"] == limits._EVICTABLE[component]


@pytest.mark.parametrize(
    ("memory", "heap"), [("512Mi", "256m"), ("1Gi", "768m"), ("2Gi", "1536m"), ("8Gi", "6144m")]
)
def test_heaps_follow_memory_limits(make: MakeContext, memory: str, heap: str) -> None:
    sizes = {"bridge": {"cpu": "1", "memory": memory}, "jicofo": {"cpu": "1", "memory": memory}}
    context = make(plan={"sizes": sizes})
    workloads = of_kind(context, "Deployment") | of_kind(context, "StatefulSet")
    variables = {"acme-jvb-0": "VIDEOBRIDGE_MAX_MEMORY", "acme-jicofo": "JICOFO_MAX_MEMORY"}
    for name, variable in variables.items():
        (container,) = workloads[name]["spec"]["template"]["spec"]["containers"]
        assert container["resources"]["limits"]["memory"] == memory
        assert {"name": variable, "value": heap} in container["env"]
