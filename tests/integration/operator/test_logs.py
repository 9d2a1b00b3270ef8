"""The archiver of logs is told of tenants and holds, and its report reaches tenant and ledger."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

from installation import NAMESPACE
from jitsi_tenant_operator.api.objects import API_VERSION, JsonObject, ObjectRef
from jitsi_tenant_operator.logs.report import Head, RunReport, TenantReport, termination_message
from jitsi_tenant_operator.reconcile.log_reports import ARCHIVER
from trial.cluster import Cluster, Tenant
from trial.operating import Operating
from trial.waiting import until

if TYPE_CHECKING:
    from tests.integration.operator.conftest import Operate

TOLD = ObjectRef("v1", "ConfigMap", NAMESPACE, "jitsi-logs-archiver")
DIGEST = "cd" * 32


async def told(cluster: Cluster, file: str) -> Any:
    """What one file of the archiver says; None where there is none."""
    body = await cluster.find(TOLD)
    return orjson.loads(body["data"][file]) if body is not None else None


async def has_said(cluster: Cluster, report: RunReport) -> ObjectRef:
    """A pod of the archiver that has ended with this report."""
    confined = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    seccomp = {"type": "RuntimeDefault"}
    body = await cluster.create(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": f"archiver-{report.at:%H%M%S%f}",
                "namespace": NAMESPACE,
                "labels": {"app.kubernetes.io/name": ARCHIVER},
            },
            "spec": {
                "restartPolicy": "Never",
                # Nobody runs it: what a node would say of it is said by the test.
                "schedulerName": "nobody",
                "securityContext": {"runAsNonRoot": True, "seccompProfile": seccomp},
                "containers": [
                    {"name": ARCHIVER, "image": "registry.example/a", "securityContext": confined}
                ],
            },
        }
    )
    ref = ObjectRef.of(body)
    ended = {"exitCode": 0, "message": termination_message(report).decode()}
    status = {
        "name": ARCHIVER,
        "state": {"terminated": ended},
        "ready": False,
        "restartCount": 0,
        "image": "registry.example/a",
        "imageID": "",
    }
    said = {"status": {"phase": "Succeeded", "containerStatuses": [status]}}
    await cluster.patch(ref, said, "status")
    return ref


async def test_the_archiver_is_told_whose_logs_there_are_and_what_is_held(
    cluster: Cluster, operator: Operating
) -> None:
    tenant = await cluster.tenant()
    await tenant.ready()

    async def listed() -> JsonObject:
        tenants = (await told(cluster, "configuration.json") or {}).get("tenants", ())
        return next((each for each in tenants if each["name"] == tenant.namespace), {})

    found = await until(listed)
    assert found["policy"]["retention"] == "P6M"
    assert {each["name"] for each in found["components"]} == {"web", "prosody", "jicofo", "jvb"}
    hold = {
        "apiVersion": API_VERSION,
        "kind": "JitsiLegalHold",
        "metadata": {"name": "claim", "namespace": tenant.namespace},
        "spec": {"basis": "a claim", "requestedBy": "counsel", "logs": {"components": ["jvb"]}},
    }
    await cluster.create(hold)

    async def held() -> list[JsonObject]:
        holds = (await told(cluster, "holds.json") or {}).get("holds", ())
        return [each for each in holds if each["tenant"] == tenant.namespace]

    assert await until(held) == [
        {"name": "claim", "tenant": tenant.namespace, "components": ["jvb"]}
    ]
    await cluster.delete(ObjectRef.of(hold))

    async def released() -> bool:
        return not await held()

    await until(released)


async def test_what_the_archiver_reports_is_shown_and_entered_into_the_ledger(
    cluster: Cluster, operate: Operate
) -> None:
    async with operate() as operating:
        tenant = await cluster.tenant()
        await tenant.ready()
        assert await tenant.condition("LogsRetained") == {}
        of = TenantReport(tenant=tenant.namespace, head=Head(number=12, digest=DIGEST))
        report = RunReport(at=datetime.now(UTC), version="1", tenants=(of,))
        pod = await has_said(cluster, report)

        async def shown() -> bool:
            condition = await tenant.condition("LogsRetained")
            return bool(condition and condition["status"] == "True")

        await until(shown)
        assert (await tenant.status())["logs"]["head"] == DIGEST
        assert DIGEST in (await _entry(tenant))["why"]
        await operating.quiet()
        before = await tenant.body()
        # The same again, as of a pod that is seen anew, is no news.
        await cluster.patch(pod, {"metadata": {"annotations": {"seen": "again"}}})
        await operating.quiet()
        assert (await tenant.body())["metadata"] == before["metadata"]
    await cluster.delete(pod)


async def _entry(tenant: Tenant) -> JsonObject:
    name = (await tenant.status())["contract"]["record"]
    record = await tenant.cluster.get(ObjectRef(API_VERSION, "JitsiTenantRecord", "", name))
    (found,) = [each for each in record["spec"]["entries"] if each["event"] == "Logs"]
    entry: JsonObject = found
    return entry
