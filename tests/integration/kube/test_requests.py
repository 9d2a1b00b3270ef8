"""What the client makes of the real server's answers; Leases and Events on it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef
from jitsi_tenant_operator.clock import SystemClock
from jitsi_tenant_operator.kube.client import KubeClient, Selection
from jitsi_tenant_operator.kube.errors import (
    AlreadyExists,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Unauthorized,
)
from jitsi_tenant_operator.kube.events import EventRecorder
from jitsi_tenant_operator.kube.lease import LeaderElection, LeadershipLost, Timing
from jitsi_tenant_operator.kube.resources import CONFIG_MAPS
from localplane import Connection

NewClient = Callable[..., Awaitable[KubeClient]]
Eventually = Callable[[Callable[[], Any]], Awaitable[Any]]
NOBODY = "00000000-0000-0000-0000-000000000000"


def _config_map(namespace: str, name: str = "a", **data: str) -> JsonObject:
    metadata = {"namespace": namespace, "name": name}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


async def test_an_object_from_creation_to_deletion(client: KubeClient, namespace: str) -> None:
    ref = ObjectRef("v1", "ConfigMap", namespace, "a")
    made = await client.create(_config_map(namespace, a="1"))
    uid, version = made["metadata"]["uid"], made["metadata"]["resourceVersion"]
    with pytest.raises(AlreadyExists):
        await client.create(_config_map(namespace))
    patch = {"metadata": {"resourceVersion": version}, "data": {"b": "2"}}
    patched = await client.merge_patch(ref, patch)
    assert patched["data"] == {"a": "1", "b": "2"}
    with pytest.raises(Conflict):
        await client.merge_patch(ref, patch)
    with pytest.raises(Invalid) as refused:
        await client.merge_patch(ref, {"metadata": {"uid": NOBODY}, "data": {"c": "3"}})
    assert refused.value.causes[0].field == "metadata.uid"
    with pytest.raises(Conflict):
        await client.apply(_config_map(namespace, a="9"), force=False)
    with pytest.raises(Conflict):
        await client.delete(ref, uid=NOBODY)
    assert (await client.get(ref))["data"] == {"a": "1", "b": "2"}
    await client.delete(ref, uid=uid)
    with pytest.raises(NotFound):
        await client.get(ref)
    with pytest.raises(NotFound):
        await client.delete(ref)


async def test_a_finalizer_can_be_set_only_on_the_object_that_was_read(
    client: KubeClient, namespace: str
) -> None:
    made = await client.create(_config_map(namespace))
    ref = ObjectRef.of(_config_map(namespace))
    metadata = {
        "resourceVersion": made["metadata"]["resourceVersion"],
        "finalizers": ["kube-test.example/stay"],
    }
    kept = await client.merge_patch(ref, {"metadata": metadata})
    await client.delete(ref)
    leaving = await client.get(ref)
    assert "deletionTimestamp" in leaving["metadata"]
    with pytest.raises(Conflict):
        await client.merge_patch(ref, {"metadata": {**metadata, "finalizers": None}})
    assert kept["metadata"]["uid"] == leaving["metadata"]["uid"]
    await client.merge_patch(ref, {"metadata": {"finalizers": None}})


async def test_the_status_is_applied_apart_from_the_rest(
    client: KubeClient, namespace: str, widgets: Any
) -> None:
    metadata = {"namespace": namespace, "name": "a"}
    widget = {"apiVersion": widgets.api_version, "kind": widgets.kind, "metadata": metadata}
    await client.apply({**widget, "spec": {"size": 1}, "status": {"phase": "ignored"}})
    done = await client.apply(
        {**widget, "status": {"phase": "Ready"}, "spec": {"size": 2}}, subresource="status"
    )
    assert (done["spec"], done["status"]) == ({"size": 1}, {"phase": "Ready"})


async def test_names_with_strange_characters_are_not_found_and_reach_nothing_else(
    client: KubeClient, namespace: str
) -> None:
    await client.create(_config_map(namespace))
    for name in ("a/../a", "../configmaps/a", "a?x=y", "a%2f", "é", "."):
        with pytest.raises((NotFound, Invalid)):
            await client.get(ObjectRef("v1", "ConfigMap", namespace, name))


async def test_rights_and_credentials_that_are_missing(
    plane: Connection, namespace: str, new_client: NewClient, tmp_path: Any
) -> None:
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    plane.request("POST", path, {"metadata": {"name": "nobody"}})
    kubeconfig = plane.service_account_kubeconfig(namespace, "nobody", tmp_path / "kubeconfig")
    nobody = await new_client(kubeconfig=str(kubeconfig))
    with pytest.raises(Forbidden, match=r"cannot (create|patch) resource"):
        await nobody.apply(_config_map(namespace))
    kubeconfig.write_text(kubeconfig.read_text().replace("eyJ", "xxx"))
    stranger = await new_client(kubeconfig=str(kubeconfig))
    with pytest.raises(Unauthorized):
        await stranger.apply(_config_map(namespace))


async def test_a_page_token_continues_one_consistent_list(
    client: KubeClient, namespace: str
) -> None:
    for i in range(5):
        await client.create(_config_map(namespace, f"c{i}"))
    seen = []
    async for page in client.list_pages(CONFIG_MAPS, Selection(namespace=namespace), page_size=2):
        seen += [item["metadata"]["name"] for item in page.items]
        if len(seen) == 2:
            await client.delete(ObjectRef("v1", "ConfigMap", namespace, "c4"))
    assert [name for name in seen if name.startswith("c")] == [f"c{i}" for i in range(5)]


async def test_the_version_of_the_server(client: KubeClient) -> None:
    assert orjson.loads(await client.get_raw("/version"))["major"] == "1"


# Events


async def test_an_event_is_shown_with_the_object_that_it_is_about(
    plane: Connection, client: KubeClient, namespace: str
) -> None:
    made = await client.create(_config_map(namespace))
    recorder = EventRecorder(client, controller="kube-test.example/operator", instance="pod-1")
    task = asyncio.create_task(recorder.run())
    about = ObjectRef.of(_config_map(namespace))
    recorder.record(
        about,
        made["metadata"]["uid"],
        type="Warning",
        reason="NameConflict",
        action="Apply",
        note="x" * 2000,
    )
    cluster_scoped = ObjectRef("v1", "Namespace", "", namespace)
    recorder.record(
        cluster_scoped, "u", type="Normal", reason="Ready", action="Apply", note="It is ready."
    )
    await recorder.drain()
    task.cancel()
    assert client.metrics.events.labels("sent")._value.get() == 2
    shown = plane.kubectl("-n", namespace, "describe", "configmap", "a")
    assert "NameConflict" in shown
    selector = f"--field-selector=regarding.kind=Namespace,regarding.name={namespace}"
    events = orjson.loads(plane.kubectl("get", "events.v1.events.k8s.io", selector, "-o", "json"))
    assert [event["note"] for event in events["items"]] == ["It is ready."]


# Leases


class FastClock(SystemClock):
    """The machine's clock, except that it runs twenty times as fast."""

    FACTOR = 20

    def monotonic(self) -> float:
        return super().monotonic() * self.FACTOR

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.monotonic())

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds / self.FACTOR)


TIMING = Timing(lease_duration=60, renew_deadline=40, retry_period=8)


async def _candidate(new_client: NewClient, namespace: str, name: str) -> LeaderElection:
    client = await new_client(clock=FastClock())
    return LeaderElection(client, namespace=namespace, name="lease", identity=name, timing=TIMING)


async def test_two_candidates_have_one_leader_and_a_clean_stop_hands_over(
    new_client: NewClient, namespace: str, eventually: Eventually
) -> None:
    one = await _candidate(new_client, namespace, "one")
    two = await _candidate(new_client, namespace, "two")
    tasks = {
        election: asyncio.create_task(election.run(asyncio.Event().wait)) for election in (one, two)
    }
    first = await eventually(lambda: next((e for e in (one, two) if e.is_leader), None))
    second = two if first is one else one
    await first._clock.sleep(100)
    assert (first.is_leader, second.is_leader) == (True, False)
    tasks[first].cancel()
    await eventually(lambda: second.is_leader)
    assert not first.is_leader
    tasks[second].cancel()
    await asyncio.wait(tasks.values())


async def test_after_a_crash_the_other_one_takes_over(
    new_client: NewClient, namespace: str, eventually: Eventually
) -> None:
    one = await _candidate(new_client, namespace, "one")
    two = await _candidate(new_client, namespace, "two")
    first = asyncio.create_task(one.run(asyncio.Event().wait))
    await eventually(lambda: one.is_leader)
    second = asyncio.create_task(two.run(asyncio.Event().wait))
    await one._client.close()  # as if it were gone: it can neither renew nor give back
    await eventually(lambda: two.is_leader)
    await eventually(first.done)
    assert isinstance(first.exception(), LeadershipLost)
    second.cancel()
    await asyncio.wait({second})


async def test_a_lease_that_may_not_be_written_is_waited_for(
    plane: Connection, new_client: NewClient, namespace: str, tmp_path: Any
) -> None:
    name = f"sa-{secrets.token_hex(4)}"
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    plane.request("POST", path, {"metadata": {"name": name}})
    kubeconfig = plane.service_account_kubeconfig(namespace, name, tmp_path / "kubeconfig")
    client = await new_client(clock=FastClock(), kubeconfig=str(kubeconfig))
    election = LeaderElection(client, namespace=namespace, name="l", identity="x", timing=TIMING)
    task = asyncio.create_task(election.run(asyncio.Event().wait))
    await client.clock.sleep(30)
    assert not election.is_leader
    assert not task.done()
    task.cancel()
    await asyncio.wait({task})
