"""What becomes of a new tenant, and that nothing is written once it is as it should be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest
import yaml

import installation
from jitsi_tenant_operator.api.objects import ObjectRef
from trial.cluster import Cluster, Tenant, laid_over
from trial.expectation import assert_exact
from trial.operating import Operating, TurnedClock
from trial.settings import answer_route, give_addresses, set_up

if TYPE_CHECKING:
    from tests.integration.operator.conftest import Operate

RESYNC_SECONDS = 11 * 3600

NOT_OF_A_SPEC = {"recording-off", "media-address-pending"}
"""Golden cases that show a moment, not what a tenant asks for."""
NAMES = sorted(
    {path.stem for path in (installation.ROOT / "tests/golden").glob("*.yaml")} - NOT_OF_A_SPEC
)


async def test_the_samples_become_ready_with_exactly_the_children_that_are_rendered(
    cluster: Cluster, operator: Operating
) -> None:
    made = []
    for name in ("acme", "globex"):
        body = yaml.safe_load((installation.SAMPLES / f"tenant-{name}.yaml").read_text())
        body["metadata"]["namespace"] = await cluster.namespace()
        await cluster.create(body)
        made.append(Tenant(cluster, ObjectRef.of(body)))
    urls = ("https://meet.acme.example", "https://globex.meet.hosting.example")
    for tenant, url in zip(made, urls, strict=True):
        status = await tenant.ready()
        assert status["url"] == url
        assert status["release"] == "stable-11146-2"
        await assert_exact(tenant)


@pytest.mark.parametrize("name", NAMES)
async def test_a_tenant_is_stored_as_rendered_and_then_left_alone(
    name: str,
    golden_cases: Mapping[str, Mapping[str, Any]],
    cluster: Cluster,
    operate: Operate,
    clock: TurnedClock,
    gateway_api: None,
) -> None:
    case = golden_cases[name]
    namespace = await set_up(cluster, case)
    wish = laid_over({"contract": {"documents": []}}, case.get("tenant", {}))
    async with operate() as first:
        tenant = await cluster.tenant(wish, name=case.get("name", "acme"), namespace=namespace)
        if name == "load-balancer":
            await give_addresses(tenant, 2)
        if name == "gateway":
            await answer_route(tenant)
        await tenant.ready()
        await assert_exact(tenant)
        await first.quiet()
        mark = cluster.audit.mark()
        done = first.reconciles
        clock.turn(RESYNC_SECONDS)
        await first.quiet()
        assert first.reconciles > done, "nothing was looked at again"
        assert cluster.audit.writes(mark) == []
    async with operate() as second:
        await second.caught_up()
        await second.quiet()
        assert cluster.audit.writes(mark) == []
        await assert_exact(tenant)
