"""The operator's rights are exactly those that it uses, as the audit logs of all tests show.

But for a few that an admission plug-in asks the authoriser for, which no log tells of: of these it
is shown one by one that the API server refuses the operator's applies without them.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

import installation
from jitsi_tenant_operator.api.objects import GROUP, JsonObject, ObjectRef
from jitsi_tenant_operator.clock import SystemClock
from jitsi_tenant_operator.kube.apply import Owner
from jitsi_tenant_operator.kube.client import KubeClient
from jitsi_tenant_operator.kube.errors import Forbidden
from jitsi_tenant_operator.kube.metrics import KubeMetrics
from jitsi_tenant_operator.kube.resources import ResourceRegistry
from jitsi_tenant_operator.render.labels import MANAGER
from trial.audit import AuditLog, Call
from trial.cluster import Cluster, Tenant
from trial.waiting import until

pytestmark = pytest.mark.after_all

FILES = ("clusterrole.yaml", "role.yaml")
DISCOVERY = ("/api", "/apis", "/version", "/openapi")
"""What every ServiceAccount may ask for."""
Right = tuple[str, str, str]
"""A verb, an API group, and a resource."""
QUOTA: JsonObject = {"kind": "ResourceQuota", "spec": {"hard": {"pods": "20"}}}
LIMITS: JsonObject = {
    "kind": "LimitRange",
    "spec": {"limits": [{"type": "Container", "max": {"memory": "8Gi"}}]},
}
ASKED_BY_ADMISSION: dict[Right, tuple[JsonObject, str]] = {
    ("update", GROUP, "jitsitenants/finalizers"): ({"kind": "ConfigMap"}, "blockOwnerDeletion"),
    ("delete", "", "resourcequotas"): (QUOTA, "cannot set an ownerRef"),
    ("delete", "", "limitranges"): (LIMITS, "cannot set an ownerRef"),
}
"""What OwnerReferencesPermissionEnforcement asks for, with a child and the words of its refusal."""


@pytest.fixture
def calls(own_plane: object, whole_run: bool) -> list[Call]:
    """What the operator asked for in all tests of all workers."""
    noted = Path(os.environ["LOCALPLANE_FOLDER"]) / "audit-logs"
    logs = [AuditLog(Path(line)) for line in set(noted.read_text().split())]
    return [call for log in logs for call in log.calls()]


def granted() -> Iterator[Right]:
    """All rights of manifests/base/rbac, one by one."""
    for name in FILES:
        for body in yaml.safe_load_all((installation.RIGHTS / name).read_text()):
            for rule in body.get("rules", ()):
                yield from rights(rule)


def rights(rule: dict[str, Any]) -> Iterator[Right]:
    """The rights of one rule."""
    for group in rule["apiGroups"]:
        for resource in rule["resources"]:
            for verb in rule["verbs"]:
                yield verb, group, resource


def used(calls: list[Call]) -> set[Right]:
    """The rights that the calls needed; an apply that creates needs two."""
    found = set()
    for call in calls:
        found.add((call.verb, call.group, call.resource))
        if call.verb == "patch" and call.code == 201:
            found.add(("create", call.group, call.resource))
    return found


def test_no_call_is_denied(calls: list[Call]) -> None:
    ours = {call for call in calls if call.code == 403 and call.group == GROUP}
    assert [call for call in calls if call.denied or call in ours] == []


def test_no_call_is_made_that_is_not_granted_by_name(calls: list[Call]) -> None:
    rest = used([call for call in calls if call.resource]) - set(granted())
    assert rest == set()


def test_no_right_is_without_use(calls: list[Call], whole_run: bool) -> None:
    if not whole_run:
        pytest.skip("some tests were left out, and with them their use of rights")
    unused = set(granted()) - used(calls)
    assert unused == set(ASKED_BY_ADMISSION)


def test_secrets_are_never_listed(calls: list[Call]) -> None:
    secrets = [call for call in calls if call.resource == "secrets"]
    assert not [call for call in secrets if call.verb == "list"]
    watches = [call for call in secrets if call.verb == "watch"]
    assert all("fieldSelector=metadata.name%3Djitsi-credentials" in call.uri for call in watches)
    if calls:
        assert watches


@pytest.mark.parametrize("right", ASKED_BY_ADMISSION, ids="-".join)
@pytest.mark.parametrize("made_before", [False, True], ids=["creation", "correction"])
async def test_without_a_right_that_admission_asks_for_a_child_gets_no_owner(
    cluster: Cluster, right: Right, made_before: bool, tmp_path: Path
) -> None:
    child, words = ASKED_BY_ADMISSION[right]
    if not made_before and right[0] == "delete":
        pytest.skip("whoever creates an object may say whose it is")
    tenant = await cluster.tenant()
    owned = await _child_of(tenant, child)
    if made_before:
        metadata = {k: v for k, v in owned["metadata"].items() if k != "ownerReferences"}
        await cluster.create({**owned, "metadata": metadata})
    async with _account(cluster, tenant.namespace, set(granted()) - {right}, tmp_path) as lacking:
        refusal = await until(lambda: _refusal(lacking, owned))
        assert words in refusal
    found = await cluster.find(ObjectRef.of(owned))
    assert found is None or "ownerReferences" not in found["metadata"]
    async with _account(cluster, tenant.namespace, set(granted()), tmp_path) as complete:
        assert await until(lambda: _accepts(complete, owned))
    found = await cluster.get(ObjectRef.of(owned))
    assert found["metadata"]["ownerReferences"] == owned["metadata"]["ownerReferences"]


async def _child_of(tenant: Tenant, child: JsonObject) -> JsonObject:
    uid = (await tenant.body())["metadata"]["uid"]
    metadata = {
        "name": "child",
        "namespace": tenant.namespace,
        "ownerReferences": [Owner(tenant.ref, uid, tenant.name).reference()],
    }
    return {"apiVersion": "v1", **child, "metadata": metadata}


@asynccontextmanager
async def _account(
    cluster: Cluster, namespace: str, held: set[Right], folder: Path
) -> AsyncIterator[KubeClient]:
    """Requests of a ServiceAccount that has the operator's rights, or some of them."""
    name = f"account-{secrets.token_hex(4)}"
    rbac = "rbac.authorization.k8s.io"
    rules = [
        {"verbs": [verb], "apiGroups": [group], "resources": [resource]}
        for verb, group, resource in sorted(held)
    ]
    subject = {"kind": "ServiceAccount", "name": name, "namespace": namespace}
    role = {"apiGroup": rbac, "kind": "ClusterRole", "name": name}
    cluster_wide: list[JsonObject] = [
        {"kind": "ClusterRole", "rules": rules},
        {"kind": "ClusterRoleBinding", "roleRef": role, "subjects": [subject]},
    ]
    connection = cluster.connection
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    await cluster.call("POST", path, {"metadata": {"name": name}})
    for body in cluster_wide:
        path = f"/apis/{rbac}/v1/{body['kind'].lower()}s"
        await cluster.call("POST", path, {**body, "metadata": {"name": name}})
    kubeconfig = connection.service_account_kubeconfig(namespace, name, folder / name)
    client = await KubeClient.connect(
        kubeconfig=str(kubeconfig),
        resources=ResourceRegistry(),
        metrics=KubeMetrics(CollectorRegistry(), "test"),
        clock=SystemClock(),
        user_agent="test",
        field_manager=MANAGER,
    )
    try:
        async with client:
            yield client
    finally:
        for body in cluster_wide:
            path = f"/apis/{rbac}/v1/{body['kind'].lower()}s"
            await cluster.call("DELETE", f"{path}/{name}")


async def _refusal(client: KubeClient, body: JsonObject) -> str:
    """Why an apply is refused, once the rights of a new account have come into effect."""
    with pytest.raises(Forbidden) as caught:
        await client.apply(body)
    message = caught.value.message
    assert " cannot patch " not in message
    assert " cannot create " not in message
    return message


async def _accepts(client: KubeClient, body: JsonObject) -> bool:
    """Whether an apply goes through."""
    try:
        await client.apply(body)
    except Forbidden:
        return False
    return True
