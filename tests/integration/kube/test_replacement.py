"""Workloads with immutable fields that must change, on a real API server with its controllers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef
from jitsi_tenant_operator.kube.apply import Child, Owner
from jitsi_tenant_operator.kube.errors import Forbidden, Immutable, Invalid, NameTaken
from jitsi_tenant_operator.kube.resources import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    PERSISTENT_VOLUME_CLAIMS,
    SERVICES,
    STATEFUL_SETS,
    Resource,
)
from jitsi_tenant_operator.kube.transport import Request

NewOperator = Callable[..., Awaitable[Any]]
Body = Callable[..., JsonObject]
Someone = Callable[..., JsonObject]
Read = Callable[[JsonObject], JsonObject]
Eventually = Callable[[Callable[[], Any]], Awaitable[Any]]

RELAXED = {"matchLabels": {"app": "a"}}
OTHER = {"matchLabels": {"app": "a", "part": "z"}}
TEMPLATE = ("spec", "template")


def claims(size: str, *names: str) -> list[JsonObject]:
    """Claim templates of a StatefulSet."""
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
    return [{"metadata": {"name": name}, "spec": spec} for name in names]


@dataclass(frozen=True, slots=True)
class Change:
    """From one spec to another that differs in an immutable field; whether pods go on."""

    kind: Resource
    after: JsonObject
    go_on: bool
    before: JsonObject | None = None


CHANGES = {
    "service-name": Change(STATEFUL_SETS, {"serviceName": "b"}, go_on=True),
    "pod-management": Change(STATEFUL_SETS, {"podManagementPolicy": "Parallel"}, go_on=True),
    "claim-size": Change(
        STATEFUL_SETS,
        {"volumeClaimTemplates": claims("2Gi", "data")},
        go_on=True,
        before={"volumeClaimTemplates": claims("1Gi", "data")},
    ),
    "claim-added": Change(
        STATEFUL_SETS, {"volumeClaimTemplates": claims("1Gi", "data")}, go_on=False
    ),
    "stateful-selector-relaxed": Change(STATEFUL_SETS, {"selector": RELAXED}, go_on=True),
    "stateful-selector-other": Change(STATEFUL_SETS, {"selector": OTHER}, go_on=False),
    "selector-relaxed": Change(DEPLOYMENTS, {"selector": RELAXED}, go_on=True),
    "selector-other": Change(DEPLOYMENTS, {"selector": OTHER}, go_on=False),
}
each_change = pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)


@dataclass(frozen=True, slots=True)
class Namespace:
    """What is in a test's namespace, as the API server has it."""

    name: str
    admin: aiohttp.ClientSession

    async def items(self, path: str) -> list[JsonObject]:
        """The objects of a kind, such as api/v1/pods."""
        group, _, plural = path.rpartition("/")
        async with self.admin.get(f"/{group}/namespaces/{self.name}/{plural}") as response:
            found: list[JsonObject] = (await response.json())["items"]
        return found

    async def pods(self) -> dict[str, str | None]:
        """The pods that are not on their way out by uid, each with the uid of its workload.

        None for a pod that no workload looks after.
        """
        sets = {
            each["metadata"]["uid"]: _controller(each)
            for each in await self.items("apis/apps/v1/replicasets")
        }
        found = {}
        for pod in await self.items("api/v1/pods"):
            if "deletionTimestamp" not in pod["metadata"]:
                controller = _controller(pod)
                found[pod["metadata"]["uid"]] = sets.get(controller, controller)
        return found

    async def one_pod_of(self, workload: JsonObject) -> str:
        """The uid of the only pod, once it is one of `workload`."""
        uid = workload["metadata"]["uid"]
        async with asyncio.timeout(20):
            while list((pods := await self.pods()).values()) != [uid]:
                await asyncio.sleep(0.05)
        return next(iter(pods))


def _controller(obj: JsonObject) -> str | None:
    references = obj["metadata"].get("ownerReferences") or ()
    return next((each["uid"] for each in references if each.get("controller")), None)


@pytest.fixture
def inside(namespace: str, admin: aiohttp.ClientSession) -> Namespace:
    return Namespace(namespace, admin)


def before_and_after(body: Body, change: Change) -> tuple[JsonObject, JsonObject]:
    """The object as an earlier version wants it, and as this one does."""
    old = body(change.kind)
    labels = {"app": "a", "part": "b"}
    template = deepcopy(old["spec"]["template"])
    template["metadata"]["labels"] = labels
    old["spec"] |= {"selector": {"matchLabels": labels}, "template": template}
    old["spec"] |= change.before or {}
    new = deepcopy(old)
    new["spec"] |= change.after
    new["spec"]["template"]["metadata"]["labels"] |= new["spec"]["selector"]["matchLabels"]
    return old, new


async def until_complete(operator: Any, body: JsonObject) -> None:
    """Apply as the reconcile does, again and again, until all is as wanted."""
    async with asyncio.timeout(20):
        while not (outcome := await operator.apply(body)).complete:
            assert not outcome.failed
            await asyncio.sleep(0.02)


def replaced(operator: Any, kind: Resource) -> float:
    counter = operator.client.metrics.children_applied.labels(kind.kind, "replace")
    return float(counter._value.get())


@each_change
async def test_a_workload_is_made_anew_and_its_pods_go_on_where_they_can(
    new_operator: NewOperator,
    body: Body,
    read: Read,
    inside: Namespace,
    eventually: Eventually,
    change: Change,
) -> None:
    old, new = before_and_after(body, change)
    operator = await new_operator(change.kind)
    await operator.apply(old)
    before = read(old)
    pod = await inside.one_pod_of(before)
    await until_complete(operator, new)
    after = read(new)
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    assert (await inside.one_pod_of(after) == pod) is change.go_on
    assert replaced(operator, change.kind) == 1
    sent = operator.sent()
    assert (await operator.apply(new)).unchanged == 1
    assert operator.sent() == sent
    assert operator.drifts() == 0


@each_change
async def test_whether_pods_would_go_on_is_foreseen(
    new_operator: NewOperator,
    body: Body,
    read: Read,
    owner: Owner[str],
    inside: Namespace,
    change: Change,
) -> None:
    """Only pods that are replaced are an interruption, also when their workload is made anew."""
    old, new = before_and_after(body, change)
    operator = await new_operator(change.kind)
    await operator.apply(old)
    before = read(old)
    pod = await inside.one_pod_of(before)
    other = deepcopy(new)
    other["spec"]["template"]["spec"]["priorityClassName"] = "low"
    for wanted, cut in ((new, not change.go_on), (other, True)):
        assert await operator.applier.would_change(owner, Child(wanted), TEMPLATE) is cut
    assert read(old)["metadata"]["uid"] == before["metadata"]["uid"]
    assert await inside.one_pod_of(before) == pod
    assert "delete" not in operator.sent()


class KilledError(Exception):
    """The process ends."""


def kill_after(operator: Any, requests: int) -> None:
    """Let the operator end when that many of its requests were answered."""
    transport = operator.client._transport
    exchange = transport._exchange
    left = requests

    async def exchange_or_end(request: Request, authorization: str | None) -> bytes:
        nonlocal left
        if request.verb not in ("list", "watch"):
            if left == 0:
                raise KilledError
            left -= 1
        answer: bytes = await exchange(request, authorization)
        return answer

    transport._exchange = exchange_or_end


@pytest.mark.parametrize("requests", range(6))
@pytest.mark.parametrize("change", ["service-name", "selector-relaxed", "selector-other"])
async def test_the_end_at_any_request_is_made_good(
    new_operator: NewOperator,
    body: Body,
    read: Read,
    inside: Namespace,
    change: str,
    requests: int,
) -> None:
    """The fourth is the deletion: after it there is no object, and only pods tell of it."""
    chosen = CHANGES[change]
    old, new = before_and_after(body, chosen)
    operator = await new_operator(chosen.kind)
    await operator.apply(old)
    before = read(old)
    pod = await inside.one_pod_of(before)
    kill_after(operator, requests)
    try:
        await operator.apply(new)
    except* KilledError:
        pass
    await operator.stop()
    await until_complete(await new_operator(chosen.kind), new)
    after = read(new)
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    assert (await inside.one_pod_of(after) == pod) is chosen.go_on


async def test_what_could_not_be_made_anew_is_left_as_it_is(
    new_operator: NewOperator, body: Body, read: Read, inside: Namespace, eventually: Eventually
) -> None:
    old, new = before_and_after(body, CHANGES["service-name"])
    operator = await new_operator(STATEFUL_SETS)
    await operator.apply(old)
    before = read(old)
    pod = await inside.one_pod_of(before)
    # Someone allows no more StatefulSets than there are.
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "theirs", "namespace": inside.name},
        "spec": {"hard": {"count/statefulsets.apps": "1"}},
    }
    path = f"/api/v1/namespaces/{inside.name}/resourcequotas"
    await inside.admin.post(path, json=quota)
    async with asyncio.timeout(20):
        while "used" not in (await inside.items("api/v1/resourcequotas"))[0]["status"]:
            await asyncio.sleep(0.05)
    messages = set()
    for _ in range(2):
        (error,) = (await operator.apply(new)).failed.values()
        assert isinstance(error, Forbidden)
        assert "exceeded quota: theirs" in error.message
        messages.add(error.message)
    assert len(messages) == 1, "a condition that says it does not change"
    assert read(old)["metadata"]["uid"] == before["metadata"]["uid"]
    assert await inside.one_pod_of(before) == pod
    assert replaced(operator, STATEFUL_SETS) == 0


async def test_an_object_with_other_mistakes_deletes_nothing(
    new_operator: NewOperator, body: Body, read: Read
) -> None:
    old, new = before_and_after(body, CHANGES["service-name"])
    operator = await new_operator(STATEFUL_SETS)
    await operator.apply(old)
    before = read(old)
    new["spec"]["replicas"] = -1
    (error,) = (await operator.apply(new)).failed.values()
    assert isinstance(error, Invalid)
    assert not isinstance(error, Immutable)
    assert read(old)["metadata"]["uid"] == before["metadata"]["uid"]
    assert "delete" not in operator.sent()


async def test_volumes_are_not_deleted_with_their_stateful_set(
    new_operator: NewOperator, body: Body, read: Read, owner: Owner[str]
) -> None:
    old, new = before_and_after(body, CHANGES["claim-added"])
    old["spec"]["persistentVolumeClaimRetentionPolicy"] = {"whenDeleted": "Delete"}
    operator = await new_operator(STATEFUL_SETS)
    await operator.apply(old)
    before = read(old)
    with pytest.raises(Immutable):
        await operator.applier.would_change(owner, Child(new), TEMPLATE)
    (error,) = (await operator.apply(new)).failed.values()
    assert isinstance(error, Immutable)
    assert read(old)["metadata"]["uid"] == before["metadata"]["uid"]
    assert "delete" not in operator.sent()


async def test_a_stateful_set_of_someone_else_is_left_to_them(
    new_operator: NewOperator, body: Body, read: Read, someone: Someone
) -> None:
    old, new = before_and_after(body, CHANGES["service-name"])
    operator = await new_operator(STATEFUL_SETS, running=False)
    await operator.apply(old)
    someone("delete", old)
    theirs = someone("create", old)
    (error,) = (await operator.apply(new)).failed.values()
    assert isinstance(error, NameTaken)
    assert read(old)["metadata"]["uid"] == theirs["metadata"]["uid"]
    assert "delete" not in operator.sent()


OTHERS: dict[str, tuple[Resource, JsonObject, str]] = {
    "service": (SERVICES, {"spec": {"clusterIP": "10.96.77.7"}}, "spec.clusterIPs[0]"),
    "claim": (PERSISTENT_VOLUME_CLAIMS, {"spec": {"accessModes": ["ReadWriteMany"]}}, "spec"),
    "config-map": (CONFIG_MAPS, {"data": {"a": "9"}}, "data"),
}


@pytest.mark.parametrize("case", OTHERS)
async def test_no_other_kind_is_deleted(
    new_operator: NewOperator, body: Body, read: Read, someone: Someone, case: str
) -> None:
    kind, change, field = OTHERS[case]
    operator = await new_operator(kind)
    await operator.apply(body(kind))
    if kind is CONFIG_MAPS:
        someone("patch", body(kind), {"immutable": True})
    before = read(body(kind))
    new = body(kind)
    for part, value in change.items():
        new[part] = {**new[part], **value}
    (error,) = (await operator.apply(new)).failed.values()
    assert isinstance(error, Immutable)
    assert [cause.field for cause in error.causes] == [field]
    assert read(new)["metadata"]["uid"] == before["metadata"]["uid"]
    assert "delete" not in operator.sent()


async def test_a_deployment_that_recreates_waits_until_its_old_pods_are_gone(
    new_operator: NewOperator, body: Body, read: Read, inside: Namespace, someone: Someone
) -> None:
    old, new = before_and_after(body, CHANGES["selector-other"])
    for each in (old, new):
        each["spec"]["strategy"] = {"type": "Recreate"}
    operator = await new_operator(DEPLOYMENTS)
    await operator.apply(old)
    await inside.one_pod_of(read(old))
    (pod,) = await inside.items("api/v1/pods")
    held = {"apiVersion": "v1", "kind": "Pod", "metadata": pod["metadata"]}
    someone("patch", held, {"metadata": {"finalizers": ["kube-test.example/meeting"]}})
    await operator.apply(new)
    async with asyncio.timeout(20):
        while "deletionTimestamp" not in (await inside.items("api/v1/pods"))[0]["metadata"]:
            await asyncio.sleep(0.05)
    assert (await operator.apply(new)).waiting == [ObjectRef.of(new)]
    assert len(await inside.items("api/v1/pods")) == 1
    someone("patch", held, {"metadata": {"finalizers": None}})
    await until_complete(operator, new)
    await inside.one_pod_of(read(new))


async def test_a_lagging_cache_does_not_keep_a_workload_from_being_made_anew(
    new_operator: NewOperator, body: Body, read: Read, inside: Namespace
) -> None:
    old, new = before_and_after(body, CHANGES["selector-other"])
    first = await new_operator(DEPLOYMENTS, running=False)
    await first.apply(old)
    lagging = await new_operator(DEPLOYMENTS, running=False)
    outcome = await lagging.apply(new)
    assert outcome.created == [ObjectRef.of(new)]
    await inside.one_pod_of(read(new))
