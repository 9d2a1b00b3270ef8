"""Hosts, namespaces and names that someone else has already."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef
from trial.cluster import RECORDING, Cluster
from trial.expectation import children, exact, templates
from trial.operating import Operating
from trial.settings import PLATFORM, answer_route, put
from trial.waiting import until

if TYPE_CHECKING:
    from tests.integration.operator.conftest import Hasten, Operate

HOST = "meet.wanted.example"
FOREIGN_SPECS: dict[str, JsonObject] = {
    "Service": {"spec": {"ports": [{"port": 1}]}},
    "PersistentVolumeClaim": {
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Mi"}},
        }
    },
    "ResourceQuota": {"spec": {"hard": {"count/secrets": "100"}}},
    "LimitRange": {"spec": {"limits": [{"type": "Pod"}]}},
    "NetworkPolicy": {"spec": {"podSelector": {"matchLabels": {"never": "there"}}}},
    "PodDisruptionBudget": {"spec": {"selector": {"matchLabels": {"never": "there"}}}},
    "Ingress": {"spec": {"defaultBackend": {"service": {"name": "x", "port": {"number": 1}}}}},
}


def foreign(ref: ObjectRef) -> JsonObject:
    """What a person might have made under that name."""
    body: JsonObject = {
        "apiVersion": ref.api_version,
        "kind": ref.kind,
        "metadata": {"name": ref.name, "namespace": ref.namespace},
    }
    if ref.kind in {"Deployment", "StatefulSet"}:
        labels = {"app": "theirs"}
        pod = {"containers": [{"name": "theirs", "image": "example.org/theirs"}]}
        spec: JsonObject = {
            "replicas": 0,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        }
        body["spec"] = spec if ref.kind == "Deployment" else {**spec, "serviceName": "theirs"}
    if ref.kind == "CronJob":
        pod = {"containers": [{"name": "theirs", "image": "example.org/theirs"}]}
        template = {"spec": {**pod, "restartPolicy": "Never"}}
        body["spec"] = {
            "schedule": "0 0 1 1 *",
            "suspend": True,
            "jobTemplate": {"spec": {"template": template}},
        }
    return {**body, **FOREIGN_SPECS.get(ref.kind, {})}


async def test_a_host_stays_with_who_has_it_until_that_one_gives_it_up(
    cluster: Cluster, operator: Operating
) -> None:
    holder = await cluster.tenant({"host": HOST}, name="holder")
    await holder.ready()
    rival = await cluster.tenant({"host": HOST}, name="rival")
    await rival.refused("HostTaken", HOST, "holder", "spec.host")
    assert await children(cluster, rival.namespace) == {}
    await holder.ready()
    await holder.delete()
    assert (await rival.ready())["url"] == f"https://{HOST}"
    await exact(rival)


async def test_an_older_tenant_cannot_take_the_host_of_a_younger_one(
    cluster: Cluster, operator: Operating
) -> None:
    older = await cluster.tenant(name="older")
    await older.ready()
    younger = await cluster.tenant({"host": HOST}, name="younger")
    await younger.ready()
    await older.change({"host": HOST})
    await older.refused("HostTaken", HOST, "younger")
    assert (await younger.ready())["url"] == f"https://{HOST}"
    assert (await older.status())["url"] == "https://older.meet.hosting.example"
    await older.change({"host": None})
    await older.ready()
    await exact(older)


async def test_a_default_host_counts_like_any_other(cluster: Cluster, operator: Operating) -> None:
    holder = await cluster.tenant(name="holder")
    await holder.ready()
    host = "holder.meet.hosting.example"
    rivals = [
        await cluster.tenant({"host": host}, name="rival"),
        await cluster.tenant(name="holder"),
    ]
    for rival in rivals:
        await rival.refused("HostTaken", host)
    await holder.change({"host": "meet.holder.example"})
    await holder.ready()

    async def look() -> bool:
        states = [(await rival.condition()).get("status") for rival in rivals]
        return sorted(map(str, states)) == ["False", "True"]

    await until(look)


async def test_a_host_is_decided_again_when_the_domain_of_the_platform_changes(
    cluster: Cluster, operator: Operating
) -> None:
    first = await cluster.tenant({"host": "second.meet.new.example"}, name="first")
    second = await cluster.tenant(name="second")
    await first.ready()
    await second.ready()
    await cluster.patch(PLATFORM, {"spec": {"domain": "meet.new.example"}})
    await second.refused("HostTaken", "second.meet.new.example", "first")
    await cluster.patch(PLATFORM, {"spec": {"domain": "meet.hosting.example"}})
    await second.ready()
    await exact(second)


async def test_a_second_tenant_in_a_namespace_waits_until_the_first_and_its_keys_are_gone(
    cluster: Cluster, operate: Operate
) -> None:
    async with operate():
        first = await cluster.tenant(name="first")
        await first.ready()
        second = await cluster.tenant(name="another", namespace=first.namespace)
        await second.refused("NamespaceTaken", first.namespace, "first")
        await first.ready()
    async with operate():
        await second.refused("NamespaceTaken")
        await exact(first)
        await first.delete()
        await second.refused("NameConflict", "jitsi-credentials")
        await cluster.delete(first.credentials)
        await second.ready()
        await exact(second, first.child("PersistentVolumeClaim", "accounts"))


@pytest.mark.parametrize("pods", [False, True], ids=["what pods need", "pods"])
async def test_nothing_of_others_is_adopted_under_the_name_of_any_child(
    cluster: Cluster, operator: Operating, hasten: Hasten, pods: bool
) -> None:
    model = await cluster.tenant(RECORDING, name="acme")
    await model.ready()
    names = [
        ref
        for ref in await children(cluster, model.namespace)
        if ref.kind != "Secret" and (ref.kind in {"Deployment", "StatefulSet"}) == pods
    ]
    await model.delete()
    namespace = await cluster.namespace()
    refs = [ObjectRef(ref.api_version, ref.kind, namespace, ref.name) for ref in names]
    made = [await cluster.create(foreign(ref)) for ref in refs]
    tenant = await cluster.tenant(RECORDING, name="acme", namespace=namespace)
    await tenant.refused("NameConflict", "rename or delete")
    await operator.quiet()
    for ref, body in zip(refs, made, strict=True):
        found = await cluster.get(ref)
        assert found["metadata"]["uid"] == body["metadata"]["uid"], ref
        assert "jitsi-tenant-operator" not in str(found), ref
    workloads = [ref for ref in refs if ref.kind in {"Deployment", "StatefulSet"}]
    for ref in refs:
        if ref not in workloads:
            await cluster.delete(ref)
    async with hasten():
        await tenant.refused("NameConflict", *(ref.kind for ref in workloads))
        for ref in workloads:
            await cluster.delete(ref)
        await tenant.ready()
    await exact(tenant)


async def test_a_route_of_others_is_not_adopted(
    gateway_api: None, cluster: Cluster, operator: Operating, hasten: Hasten
) -> None:
    gateway = {"type": "Gateway", "gateway": {"name": "web", "namespace": "web"}}
    await cluster.patch(PLATFORM, {"spec": {"entry": gateway}})
    route = ObjectRef(
        "gateway.networking.k8s.io/v1", "HTTPRoute", await cluster.namespace(), "acme-web"
    )
    theirs = await cluster.create({**foreign(route), "spec": {}})
    tenant = await cluster.tenant(namespace=route.namespace)
    await tenant.refused("NameConflict", "HTTPRoute")
    assert (await cluster.get(route))["metadata"]["uid"] == theirs["metadata"]["uid"]
    await cluster.delete(route)
    await cluster.gone(route)
    async with hasten():
        await answer_route(tenant)
        await tenant.ready()
    await exact(tenant)


async def test_a_name_that_someone_has_leaves_what_runs_as_it_is(
    cluster: Cluster, operator: Operating, hasten: Hasten
) -> None:
    tenant = await cluster.tenant()
    applied = (await tenant.ready())["observedGeneration"]
    before = await templates(tenant)
    theirs = await put(cluster, "ConfigMap", tenant.namespace, "acme-jibri", {"a": "b"})
    await tenant.change(RECORDING)
    await tenant.refused("NameConflict", "acme-jibri", "person")
    await operator.quiet()
    now = await templates(tenant)
    assert {name: now[name] for name in before} == before
    assert (await tenant.status())["observedGeneration"] == applied
    assert (await tenant.condition("Available"))["status"] == "True"
    await cluster.delete(theirs)
    async with hasten():
        await tenant.ready()
    await exact(tenant)


async def test_a_foreign_secret_under_the_name_of_the_passwords_is_not_used(
    cluster: Cluster, operator: Operating
) -> None:
    namespace = await cluster.namespace()
    values = dict.fromkeys(("salt", "jicofo", "jvb"), "x" * 32)
    theirs = await put(cluster, "Secret", namespace, "jitsi-credentials", values)
    tenant = await cluster.tenant(namespace=namespace)
    await tenant.refused("NameConflict", "jitsi-credentials")
    await operator.quiet()
    assert await children(cluster, namespace) == {}
    await cluster.delete(theirs)
    await tenant.ready()
    await exact(tenant)
