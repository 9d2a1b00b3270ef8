"""A tenant or an API server that does not answer harms nobody else, and is got over."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

import installation
from jitsi_tenant_operator.kube.errors import Forbidden, Unavailable
from jitsi_tenant_operator.kube.transport import Request
from localplane import AUDIT_CLIENTS, PlaneOptions, start
from trial.audit import AuditLog
from trial.cluster import Cluster
from trial.cuts import namespace_of
from trial.expectation import exact
from trial.operating import Operating, operating
from trial.process import started
from trial.waiting import until

if TYPE_CHECKING:
    from tests.integration.operator.conftest import Hasten, NoteAuditLog

HANGING = 6
"""More than could be served if each held all that it asks for."""


async def test_tenants_whose_requests_hang_or_fail_delay_no_other(
    cluster: Cluster, operator: Operating
) -> None:
    hanging = [await cluster.namespace() for _ in range(HANGING)]
    failing = [await cluster.namespace() for _ in range(HANGING)]
    forever = asyncio.Event()

    async def break_them(request: Request) -> None:
        if namespace_of(request) in hanging and request.verb != "watch":
            await forever.wait()
        if namespace_of(request) in failing and request.resource != "jitsitenants":
            raise Forbidden("an admission webhook says no", status=403)

    operator.wire.before = break_them
    for namespace in (*hanging, *failing):
        await cluster.tenant(name="broken", namespace=namespace, spec={"host": f"{namespace}.fr"})
    well = [await cluster.tenant(name=f"well-{number}") for number in range(3)]
    for tenant in well:
        await tenant.ready()
        await exact(tenant)
    forever.set()


async def test_a_refusal_by_admission_is_told_in_its_words(
    cluster: Cluster, operator: Operating
) -> None:
    namespace = await cluster.namespace()

    async def refuse(request: Request) -> None:
        if namespace_of(request) == namespace and request.resource == "deployments":
            raise Forbidden("policy no-jitsi denied the request", status=403)

    operator.wire.before = refuse
    tenant = await cluster.tenant(namespace=namespace)
    await tenant.refused("ApplyFailed", "Deployment", "policy no-jitsi denied the request")


async def test_a_busy_api_server_is_obeyed_and_got_over(
    cluster: Cluster, operator: Operating, hasten: Hasten
) -> None:
    refused: dict[str, int] = {}

    async def be_busy(request: Request) -> None:
        if refused.setdefault(request.path, 0) < 2:
            refused[request.path] += 1
            raise Unavailable("too many requests", status=429, retry_after=3.0)

    operator.wire.before = be_busy
    tenant = await cluster.tenant()
    async with hasten():
        await tenant.ready()
        await exact(tenant)
    assert len(refused) > 20


async def test_what_happened_while_the_watches_were_too_old_is_noticed(
    cluster: Cluster, operator: Operating, hasten: Hasten
) -> None:
    tenant = await cluster.tenant()
    await tenant.ready()
    await operator.quiet()
    operator.wire.deaf = True
    await cluster.delete(tenant.child("Service", "web"))
    await cluster.delete(tenant.child("Deployment", "jicofo"))
    await cluster.delete(tenant.credentials)
    await operator.quiet()
    operator.wire.deaf = False
    async with hasten():
        await exact(tenant)
        await tenant.ready()


async def test_an_api_server_that_goes_away_for_a_while_is_waited_for(
    tmp_path: Path, note_audit_log: NoteAuditLog
) -> None:
    options = PlaneOptions(audit=AUDIT_CLIENTS)
    with start(tmp_path / "plane", options) as own:
        connection = own.connection
        installation.install(connection.kubectl)
        assert connection.audit_log
        note_audit_log(connection.audit_log)
        kubeconfig = connection.service_account_kubeconfig(
            installation.NAMESPACE, installation.SERVICE_ACCOUNT
        )
        connector = aiohttp.TCPConnector(ssl=connection.ssl_context())
        async with aiohttp.ClientSession(
            connection.server, headers=connection.headers, connector=connector
        ) as session:
            cluster = Cluster(connection, session, kubeconfig, AuditLog(connection.audit_log))
            await cluster.served()
            await cluster.reset()
            async with operating(kubeconfig) as operator:
                tenant = await cluster.tenant()
                await tenant.ready()
                own.stop_component("kube-apiserver")
                await heard_of_it(operator)
                own.start_component("kube-apiserver")
                await cluster.delete(tenant.child("Deployment", "jicofo"))
                other = await cluster.tenant(name="other")
                await tenant.change({"media": {"bridges": 2}})
                for each in (tenant, other):
                    await each.ready()
                    await exact(each)
            async with started(kubeconfig, tmp_path, "process") as process:
                await process.leading()
                own.stop_component("kube-apiserver")
                await asyncio.wait_for(process.process.wait(), 60)
                assert process.process.returncode == 1
                log = process.log.read_text()
                assert "was not renewed in time" in log
                assert "Traceback" not in log


async def heard_of_it(operator: Operating) -> None:
    """Return when the operator knows that the API server does not answer."""

    async def look() -> bool:
        return "cannot connect" in str(operator.leader._children.last_errors()).lower()

    await until(look)
