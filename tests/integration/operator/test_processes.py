"""Operators as processes: one leads, another takes over, what they say of themselves is true."""

from __future__ import annotations

import asyncio
import random
import secrets
from contextlib import AsyncExitStack
from pathlib import Path

from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef
from trial.cluster import Cluster, Tenant
from trial.expectation import exact
from trial.process import started
from trial.waiting import until

LEASE = ObjectRef(
    "coordination.k8s.io/v1", "Lease", "jitsi-tenant-operator", "jitsi-tenant-operator"
)
KILLS = 3


async def leader(cluster: Cluster) -> str:
    """Who holds the Lease, without what tells one start from another."""
    lease = await cluster.find(LEASE)
    holder: str = lease["spec"].get("holderIdentity", "") if lease else ""
    return holder.rpartition("_")[0]


async def led_by(cluster: Cluster, identity: str) -> None:
    """Return when that process leads."""

    async def look() -> bool:
        return await leader(cluster) == identity

    await until(look)


def metric(text: str, name: str) -> float | None:
    """The value of one line of the metrics."""
    found = [line for line in text.splitlines() if line.startswith(f"jitsi_operator_{name} ")]
    return float(found[0].rpartition(" ")[2]) if found else None


async def test_one_leads_and_when_it_is_killed_the_other_takes_over(
    cluster: Cluster, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(started(cluster.kubeconfig, tmp_path, "first"))
        await led_by(cluster, "first")
        second = await stack.enter_async_context(started(cluster.kubeconfig, tmp_path, "second"))
        tenant = await cluster.tenant()
        await tenant.ready()
        await second.ready()
        for process, leads in ((first, 1.0), (second, 0.0)):
            _, text = await process.get("/metrics")
            assert metric(text, "leader") == leads
        _, text = await second.get("/metrics")
        assert "jitsi_operator_children_applied_total{" not in text
        mark = cluster.audit.mark()
        await first.kill()
        await tenant.change({"media": {"bridges": 2}})
        await led_by(cluster, "second")
        await tenant.ready()
        await exact(tenant)
        creations = [line for line in cluster.audit.writes(mark) if "jvb-1" in line]
        # The apply of the Service that is created, and that of the StatefulSet with its port.
        assert len(creations) == 2, creations
        status, _ = await second.get("/readyz")
        assert status == 200
        assert await second.stop() == 0
        lease = await cluster.get(LEASE)
        assert not lease["spec"].get("holderIdentity")


async def test_killed_at_any_moment_it_goes_on_where_it_was(
    cluster: Cluster, tmp_path: Path
) -> None:
    seed = random.randrange(1_000_000)
    moments = random.Random(seed)
    tenants: list[Tenant] = []
    for number in range(KILLS):
        tenants += [await cluster.tenant(name=f"t-{number}-{index}") for index in range(3)]
        async with started(cluster.kubeconfig, tmp_path, f"life-{number}") as process:
            await led_by(cluster, process.identity)
            await asyncio.sleep(moments.uniform(0.0, 2.0))
            await process.kill()
        # Nobody waits here until the Lease has run out.
        await cluster.delete(LEASE)
        for tenant in tenants[:: number + 1]:
            await tenant.change({"media": {"bridges": 1 + number % 2}})
    try:
        async with started(cluster.kubeconfig, tmp_path, "last"):
            for tenant in tenants:
                await tenant.ready()
                await exact(tenant)
    except AssertionError as error:
        error.add_note(f"seed {seed}")
        raise


async def test_it_says_of_itself_what_is_true(cluster: Cluster, tmp_path: Path) -> None:
    tenant = await cluster.tenant()
    await cluster.tenant({"plan": "absent"}, name="other")
    async with started(cluster.kubeconfig, tmp_path, "only") as process:
        await process.ready()
        await tenant.ready()
        assert await process.get("/livez") == (200, "ok\n")

        async def look() -> bool:
            status, text = await process.get("/metrics")
            assert status == 200
            counts = {
                ("True", "AsWanted"): metric(text, 'tenants{ready="True",reason="AsWanted"}'),
                ("False", "PlanNotFound"): metric(
                    text, 'tenants{ready="False",reason="PlanNotFound"}'
                ),
            }
            assert set(counts.values()) == {1.0}, counts
            assert metric(text, "leader") == 1.0
            assert metric(text, 'informer_synced{kind="Deployment"}') == 1.0
            assert metric(text, 'reconcile_total{result="defect"}') is None
            assert tenant.name not in text
            return True

        await until(look)


async def test_it_is_not_ready_while_it_may_not_read(cluster: Cluster, tmp_path: Path) -> None:
    """As after an upgrade whose rights were not applied yet."""
    reader = await reduced_rights(cluster)
    tenant = await cluster.tenant()
    async with started(reader, tmp_path, "reduced") as process:

        async def look() -> bool:
            status, text = await process.get("/readyz")
            return status == 503 and "Deployment" in text

        await until(look)
        assert (await process.get("/livez"))[0] == 200
    assert await tenant.status() == {}


async def reduced_rights(cluster: Cluster) -> Path:
    """A kubeconfig of another ServiceAccount that has all rights but those on Deployments."""
    role = await cluster.call(
        "GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/jitsi-tenant-operator"
    )
    rules = [rule for rule in role["rules"] if "deployments" not in rule["resources"]]
    namespace = "jitsi-tenant-operator"
    kubectl = cluster.connection.kubectl
    account = {"apiVersion": "v1", "kind": "ServiceAccount"}
    await cluster.apply({**account, "metadata": {"name": "reduced", "namespace": namespace}})
    lease = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["*"]}
    body: JsonObject = {"metadata": {}, "rules": [*rules, lease]}
    group = "/apis/rbac.authorization.k8s.io/v1"
    name = f"reduced-{secrets.token_hex(4)}"
    body["metadata"]["name"] = name
    await cluster.call("POST", f"{group}/clusterroles", body)
    subject = f"--serviceaccount={namespace}:reduced"
    await asyncio.to_thread(
        kubectl, "create", "clusterrolebinding", name, f"--clusterrole={name}", subject
    )
    return cluster.connection.service_account_kubeconfig(namespace, "reduced")
