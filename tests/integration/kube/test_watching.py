"""Informers on a real API server: gaps, restarts, and rights."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from jitsi_tenant_operator.api.objects import ObjectRef
from jitsi_tenant_operator.kube.client import KubeClient, Selection
from jitsi_tenant_operator.kube.errors import Forbidden, Gone
from jitsi_tenant_operator.kube.informer import Change, ChangeType, Informer
from jitsi_tenant_operator.kube.metadata import MetadataRecord, metadata_record
from jitsi_tenant_operator.kube.resources import CONFIG_MAPS, NAMESPACES, SECRETS
from jitsi_tenant_operator.kube.secrets import SecretRecord, secret_informer
from localplane import Connection, PlaneOptions, start

NewClient = Callable[..., Awaitable[KubeClient]]
Eventually = Callable[[Callable[[], Any]], Awaitable[Any]]


@asynccontextmanager
async def running(informer: Informer[Any]) -> AsyncIterator[None]:
    task = asyncio.create_task(informer.run())
    try:
        async with asyncio.timeout(30):
            await informer.synced.wait()
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


def _config_map(plane: Connection, namespace: str, name: str, **metadata: Any) -> None:
    body = {"metadata": {"name": name, **metadata}}
    plane.request("POST", f"/api/v1/namespaces/{namespace}/configmaps", body)


class Followed:
    """An informer of the ConfigMaps of a namespace with what it reported."""

    def __init__(self, client: KubeClient, namespace: str) -> None:
        self.changes: list[tuple[str, str]] = []
        self.informer: Informer[MetadataRecord] = Informer(
            client,
            CONFIG_MAPS,
            transform=metadata_record,
            selection=Selection(namespace=namespace, label_selector="mine=yes"),
            on_change=self._take,
        )

    def _take(self, change: Change[MetadataRecord]) -> None:
        record = change.new or change.old
        assert record is not None
        self.changes.append((change.type.value, record.ref.name))

    def names(self) -> set[str]:
        return {record.ref.name for record in self.informer.records()}


async def test_a_list_in_pages_and_the_changes_after_it(
    plane: Connection,
    client: KubeClient,
    namespace: str,
    eventually: Eventually,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("jitsi_tenant_operator.kube.informer.PAGE_SIZE", 3)
    for i in range(8):
        _config_map(plane, namespace, f"c{i}", labels={"mine": "yes"})
    _config_map(plane, namespace, "other")
    followed = Followed(client, namespace)
    async with running(followed.informer):
        assert followed.names() == {f"c{i}" for i in range(8)}
        path = f"/api/v1/namespaces/{namespace}/configmaps"
        plane.request("DELETE", f"{path}/c0")
        plane.kubectl("-n", namespace, "label", "configmap", "c1", "mine-")
        plane.kubectl("-n", namespace, "label", "configmap", "other", "mine=yes")
        await eventually(lambda: len(followed.changes) == 11)
        assert followed.changes[8:] == [
            ("DELETED", "c0"),
            ("DELETED", "c1"),
            ("ADDED", "other"),
        ]


async def test_what_was_deleted_while_the_server_restarted_is_noticed(
    tmp_path: Path, new_client: NewClient, eventually: Eventually
) -> None:
    options = PlaneOptions(controller_manager=False, scheduler=False, nodes=())
    with start(tmp_path / "plane", options) as own:
        connection = own.connection
        for name in "abc":
            _config_map(connection, "default", name, labels={"mine": "yes"})
        client = await new_client(kubeconfig=str(connection.kubeconfig))
        followed = Followed(client, "default")
        async with running(followed.informer):
            assert followed.names() == {"a", "b", "c"}
        connection.request("DELETE", "/api/v1/namespaces/default/configmaps/b")
        _config_map(connection, "default", "d", labels={"mine": "yes"})
        own.stop_component("kube-apiserver")
        own.start_component("kube-apiserver")
        # A server that has just started has no history: it answers 410, and the list tells.
        watch = client.watch(CONFIG_MAPS, followed.informer._selection, resource_version="1")
        with pytest.raises(Gone):
            await _exhaust(watch)
        async with running(followed.informer):
            await eventually(lambda: followed.names() == {"a", "c", "d"})
            assert followed.changes[3:] == [("ADDED", "d"), ("DELETED", "b")] or followed.changes[
                3:
            ] == [("DELETED", "b"), ("ADDED", "d")]
            own.stop_component("kube-apiserver")
            await eventually(lambda: followed.informer.last_error)
            own.start_component("kube-apiserver")
            _config_map(connection, "default", "e", labels={"mine": "yes"})
            await eventually(lambda: followed.names() == {"a", "c", "d", "e"})


async def test_namespaces_are_followed_by_their_metadata_alone(
    plane: Connection, client: KubeClient, eventually: Eventually
) -> None:
    name = f"meta-{secrets.token_hex(4)}"
    selection = Selection(label_selector=f"name={name}", metadata_only=True)
    informer: Informer[MetadataRecord] = Informer(
        client, NAMESPACES, transform=metadata_record, selection=selection
    )
    labels = {"name": name, "pod-security.kubernetes.io/enforce": "restricted"}
    plane.request("POST", "/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})
    async with running(informer):
        record = informer.get("", name)
        assert record is not None
        assert record.ref == ObjectRef("v1", "Namespace", "", name)
        assert record.labels["pod-security.kubernetes.io/enforce"] == "restricted"
        plane.request("DELETE", f"/api/v1/namespaces/{name}")
        await eventually(lambda: informer.get("", name) is None)
    found = await client.get(ObjectRef("v1", "Namespace", "", "default"), metadata_only=True)
    assert found["kind"] == "Namespace"
    assert "spec" not in found


# Secrets


@pytest.fixture
async def watcher(
    plane: Connection, namespace: str, admin: aiohttp.ClientSession, tmp_path: Path
) -> AsyncIterator[tuple[str, Path]]:
    """A name of Secrets, and a kubeconfig whose only right is to watch Secrets of that name."""
    name = f"keys-{secrets.token_hex(4)}"
    role = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["watch"]}
    rbac = "/apis/rbac.authorization.k8s.io/v1"
    subject = {"kind": "ServiceAccount", "namespace": namespace, "name": "watcher"}
    plane.request(
        "POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": "watcher"}}
    )
    plane.request(
        "POST",
        f"{rbac}/clusterroles",
        {"metadata": {"name": name}, "rules": [{**role, "resourceNames": [name]}]},
    )
    plane.request(
        "POST",
        f"{rbac}/clusterrolebindings",
        {
            "metadata": {"name": name},
            "subjects": [subject],
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "ClusterRole",
                "name": name,
            },
        },
    )
    yield name, plane.service_account_kubeconfig(namespace, "watcher", tmp_path / "kubeconfig")
    for kind in ("clusterroles", "clusterrolebindings"):
        plane.request("DELETE", f"{rbac}/{kind}/{name}")


def _secret(plane: Connection, namespace: str, name: str, **data: str) -> None:
    encoded = {k: base64.b64encode(v.encode()).decode() for k, v in data.items()}
    body = {"metadata": {"name": name}, "data": encoded}
    plane.request("POST", f"/api/v1/namespaces/{namespace}/secrets", body)


async def test_secrets_are_followed_with_the_right_to_watch_one_name_only(
    plane: Connection,
    namespace: str,
    watcher: tuple[str, Path],
    new_client: NewClient,
    eventually: Eventually,
) -> None:
    name, kubeconfig = watcher
    other = f"{namespace[:50]}-2"
    plane.request("POST", "/api/v1/namespaces", {"metadata": {"name": other}})
    _secret(plane, namespace, name, salt="salt", password="first")
    _secret(plane, namespace, "unrelated", password="x")
    changes: list[ChangeType] = []
    client = await new_client(kubeconfig=str(kubeconfig))
    informer = secret_informer(
        client,
        name,
        salt_key="salt",
        key=lambda record: record.ref.namespace,
        on_change=lambda change: changes.append(change.type),
    )
    async with running(informer):
        (record,) = informer.records()
        assert isinstance(record, SecretRecord)
        assert record.ref == ObjectRef("v1", "Secret", namespace, name)
        assert record.keys == {"salt", "password"}
        first = record.digest()
        _secret(plane, other, name, salt="salt", password="other")
        await eventually(lambda: informer.indexed(other))
        patch = '{"stringData": {"password": "second"}}'
        plane.kubectl("-n", namespace, "patch", "secret", name, "-p", patch)
        await eventually(lambda: informer.indexed(namespace)[0].digest() != first)
    # Both a change and a deletion happen while nobody watches, and the history is gone.
    plane.request("DELETE", f"/api/v1/namespaces/{other}/secrets/{name}")
    informer._must_read = True
    async with running(informer):
        await eventually(lambda: len(informer) == 1)
        assert changes[-1] is ChangeType.DELETED
    samples = next(iter(client.metrics.requests.collect())).samples
    assert {s.labels["verb"] for s in samples if s.name.endswith("_total")} == {"watch"}
    assert {s.labels["code"] for s in samples if s.name.endswith("_total")} == {"200"}
    plane.request("DELETE", f"/api/v1/namespaces/{other}")


async def test_that_right_opens_nothing_else(
    plane: Connection, namespace: str, watcher: tuple[str, Path], new_client: NewClient
) -> None:
    name, kubeconfig = watcher
    _secret(plane, namespace, name, password="x")
    client = await new_client(kubeconfig=str(kubeconfig))
    by_name = Selection(field_selector=f"metadata.name={name}")
    watches = [None, Selection(field_selector="metadata.name=unrelated"), Selection(namespace)]
    attempts: list[Callable[[], Any]] = [
        lambda: client.get(ObjectRef("v1", "Secret", namespace, name)),
        lambda: _exhaust(client.list_pages(SECRETS)),
        lambda: _exhaust(client.list_pages(SECRETS, by_name)),
        *(lambda s=s: _exhaust(client.watch(SECRETS, s)) for s in watches),
        lambda: client.delete(ObjectRef("v1", "Secret", namespace, name)),
    ]
    for attempt in attempts:
        with pytest.raises(Forbidden):
            await attempt()


async def _exhaust(items: Any) -> None:
    async with aclosing(items):
        async for _ in items:
            pass
