"""A suspension keeps everything, and a resumption brings back the identical state."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from jitsi_tenant_operator.api.objects import API_VERSION, JsonObject, ObjectRef
from jitsi_tenant_operator.kube.errors import Unavailable
from jitsi_tenant_operator.kube.transport import Request
from trial.cluster import RECORDING, Cluster, Tenant, laid_over
from trial.expectation import children
from trial.operating import Operating
from trial.waiting import until

if TYPE_CHECKING:
    from tests.integration.operator.conftest import Operate

INTERNAL: JsonObject = laid_over(
    RECORDING, {"access": {"authentication": "Internal"}, "media": {"bridges": 2}}
)
OF_MEETINGS = ("prosody", "jicofo", "jvb", "jibri")
_OF_THE_SERVER = ("resourceVersion", "generation", "managedFields", "uid", "creationTimestamp")


def by_order(reason: str, **more: str) -> JsonObject:
    """A suspension of the service by a person."""
    return {"suspension": {"service": {"reason": reason, **more}}}


RESUME: JsonObject = {"suspension": None}


async def pods(tenant: Tenant) -> dict[str, JsonObject]:
    """The pods by component and name."""
    found = await tenant.cluster.list("v1", "Pod", tenant.namespace)
    return {body["metadata"]["name"].removeprefix(f"{tenant.name}-"): body for body in found}


async def components(tenant: Tenant) -> set[str]:
    """The components of which there are pods that are not about to end."""
    return {
        body["metadata"]["labels"]["app.kubernetes.io/component"]
        for body in (await pods(tenant)).values()
        if "deletionTimestamp" not in body["metadata"]
    }


async def content(tenant: Tenant) -> dict[str, JsonObject]:
    """Everything of the tenant, without what the API server adds."""
    found = await children(tenant.cluster, tenant.namespace)
    kept = {}
    for ref, body in found.items():
        metadata = {k: v for k, v in body["metadata"].items() if k not in _OF_THE_SERVER}
        # How often its pods were rolled, which Kubernetes counts.
        metadata["annotations"].pop("deployment.kubernetes.io/revision", None)
        parts = {k: v for k, v in body.items() if k not in ("metadata", "status")}
        kept[str(ref)] = {**parts, "metadata": metadata}
    return kept


async def stopped(tenant: Tenant) -> bool:
    """Whether nothing runs that meetings need."""
    return not (await components(tenant)).intersection(OF_MEETINGS)


async def suspended(tenant: Tenant, reason: str = "Suspended") -> JsonObject:
    """The status once nobody can meet, and nothing is left to be done."""

    async def look() -> JsonObject:
        available = await tenant.condition("Available")
        assert (available.get("status"), available.get("reason")) == ("False", reason), available
        assert await stopped(tenant)
        return await tenant.status()

    return await until(look)


async def notices(tenant: Tenant) -> list[str]:
    """What the notices to the client are about."""
    found = await tenant.cluster.list(API_VERSION, "JitsiNotice", tenant.namespace)
    return sorted(body["spec"]["about"] for body in found)


async def ledger(tenant: Tenant) -> list[JsonObject]:
    """The entries of the tenant's record."""
    name = f"{tenant.name}.{tenant.namespace}"
    record = await tenant.cluster.get(ObjectRef(API_VERSION, "JitsiTenantRecord", "", name))
    entries: list[JsonObject] = record["spec"]["entries"]
    return entries


async def states(tenant: Tenant, axis: str) -> list[str]:
    """What the ledger says of an axis, in order."""
    return [each["value"] for each in await ledger(tenant) if each["subject"] == axis]


@pytest.mark.parametrize("reason", ["ProhibitedUse", "Security", "ClientRequest"])
async def test_resumed_a_tenant_is_as_it_was(
    cluster: Cluster, operator: Operating, reason: str
) -> None:
    tenant = await cluster.tenant(INTERNAL)
    await tenant.ready()
    await operator.quiet()
    before = await content(tenant)
    await tenant.change(by_order(reason))
    status = await suspended(tenant)
    assert status["phase"] == "Suspended"
    assert status["contract"]["serviceReasons"] == [reason]
    assert "web" in await components(tenant), "the page is served by the tenant's own web pods"
    kept = await content(tenant)
    lasting = ("Service", "Secret", "PersistentVolumeClaim", "Ingress")
    for name, body in before.items():
        if name.split()[0] in lasting:
            assert kept[name] == body, name
    await tenant.change(RESUME)
    await tenant.ready()
    await operator.quiet()
    assert await content(tenant) == before
    assert await notices(tenant) == ["Resumption", "Suspension"]
    assert await states(tenant, "Service") == ["Serving", "Suspended", "Serving"]


def deletions_of_pods(operator: Operating) -> list[int]:
    """For each pod that the operator deletes from now on, how many seconds it gives it."""
    found: list[int] = []

    async def look(request: Request) -> None:
        if request.method == "DELETE" and "/pods/" in request.path:
            found.append(orjson.loads(request.body or b"{}")["gracePeriodSeconds"])

    operator.wire.before = look
    return found


async def test_prohibited_use_takes_effect_in_the_first_reconcile(
    tenant: Tenant, operator: Operating
) -> None:
    """Nothing waits for the meetings, not even what a bridge has for ending them."""
    await operator.quiet()
    deletions = deletions_of_pods(operator)
    await tenant.change(by_order("ProhibitedUse"))
    await suspended(tenant)
    assert set(deletions) <= {30}, "simulated pods may be gone before anybody hastens them"
    await operator.quiet()


async def test_meetings_may_end_where_it_is_no_emergency(
    tenant: Tenant, operator: Operating
) -> None:
    """Prosody and Jicofo go on as long as a bridge has meetings; the page is there at once."""
    bridge = next(body for name, body in (await pods(tenant)).items() if name.startswith("jvb"))
    ref = ObjectRef("v1", "Pod", tenant.namespace, bridge["metadata"]["name"])
    await tenant.cluster.patch(ref, {"metadata": {"finalizers": ["example.org/meeting"]}})
    deletions = deletions_of_pods(operator)
    await tenant.change(by_order("ClientRequest"))

    async def leaving() -> bool:
        found = await tenant.cluster.get(ref)
        return "deletionTimestamp" in found["metadata"]

    await until(leaving)
    await operator.quiet()
    assert await components(tenant) == {"web", "prosody", "jicofo"}
    assert deletions == [], "nothing shortens the time that the bridge has"
    page = await tenant.cluster.get(tenant.child("ConfigMap", "web"))
    assert "closed.conf" in page["data"]
    await tenant.cluster.patch(ref, {"metadata": {"finalizers": None}})
    await suspended(tenant)


async def test_a_suspension_that_ends_by_itself_ends_on_time(
    tenant: Tenant, operator: Operating
) -> None:
    now = operator.clock.now()
    until_ = (now.replace(microsecond=0)).isoformat().replace("+00:00", "Z")
    later = f"{now.year + 1}{until_[4:]}"
    await tenant.change(by_order("ClientRequest", until=later))
    await suspended(tenant)
    await operator.quiet()
    assert (await tenant.status())["contract"]["serviceUntil"] == later
    operator.clock.turn(364 * 86400.0)
    await operator.quiet()
    assert (await tenant.status())["contract"]["service"] == "Suspended"
    operator.clock.turn(2 * 86400.0)
    await tenant.ready()


async def test_recording_alone_is_suspended(cluster: Cluster, operator: Operating) -> None:
    tenant = await cluster.tenant(RECORDING)
    await tenant.ready()
    await operator.quiet()
    before = await content(tenant)
    await tenant.change({"suspension": {"recording": {"reason": "Incident"}}})

    async def look() -> JsonObject:
        condition = await tenant.condition("RecordingAvailable")
        assert condition.get("reason") == "Suspended", condition
        assert "Incident" in condition["message"]
        assert "jibri" not in await components(tenant)
        return condition

    await until(look)
    assert {"prosody", "jicofo", "jvb", "web"} <= await components(tenant), "people go on meeting"
    await tenant.change(RESUME)
    await tenant.ready()
    await operator.quiet()
    assert await content(tenant) == before
    assert await notices(tenant) == ["RecordingResumed", "RecordingSuspended"]


async def test_a_draft_serves_nobody_until_it_is_signed(
    cluster: Cluster, operator: Operating
) -> None:
    tenant = await cluster.tenant({"contract": {"signedOn": None}})
    await suspended(tenant, "NotInForce")
    assert await cluster.list(API_VERSION, "JitsiTenantRecord") == []
    await tenant.change({"contract": {"signedOn": "2026-06-01"}})
    await tenant.ready()
    await operator.quiet()


async def test_contradictory_facts_change_nothing(tenant: Tenant, operator: Operating) -> None:
    await operator.quiet()
    backed_up = str(tenant.child("ConfigMap", "backup"))  # it holds the spec as it is written
    before = await content(tenant)
    assert before.pop(backed_up)
    await tenant.change(by_order("LatePayment"))

    async def look() -> JsonObject:
        condition = await tenant.condition("ContractConsistent")
        assert condition.get("reason") == "ContradictoryFacts", condition
        assert "no payment is overdue" in condition["message"]
        return condition

    await until(look)
    after = await content(tenant)
    assert after.pop(backed_up)
    assert after == before
    assert await notices(tenant) == []


async def test_an_edit_of_the_ledger_by_hand_is_reported(
    tenant: Tenant, operator: Operating
) -> None:
    await operator.quiet()
    name = f"{tenant.name}.{tenant.namespace}"
    ref = ObjectRef(API_VERSION, "JitsiTenantRecord", "", name)
    entries = (await tenant.cluster.get(ref))["spec"]["entries"]
    entries[1] = {**entries[1], "why": "it was all different"}
    await tenant.cluster.patch(ref, {"spec": {"entries": entries}})

    async def look() -> JsonObject:
        condition = await tenant.condition("LedgerIntact")
        assert condition.get("reason") == "LedgerChanged", condition
        return condition

    assert "from entry 2 on" in (await until(look))["message"]


@pytest.mark.parametrize("reason", ["ProhibitedUse", "ClientRequest"])
@pytest.mark.parametrize(
    "mistake",
    [{"plan": "there-is-none"}, {"branding": {"logo": {"configMap": "none", "key": "logo.svg"}}}],
    ids=["unresolved", "lacking"],
)
async def test_no_mistake_in_the_spec_keeps_a_suspended_service_open(
    tenant: Tenant, operator: Operating, reason: str, mistake: JsonObject
) -> None:
    """What is wrong leaves what runs as it is, but no longer than the contract lets it run."""
    await operator.quiet()
    before = await content(tenant)
    await tenant.change({**by_order(reason), **mistake})

    async def look() -> bool:
        return await stopped(tenant)

    await until(look)
    await operator.quiet()
    assert await notices(tenant) == ["Suspension"]
    status = await tenant.status()
    assert status["contract"]["serviceReasons"] == [reason]
    assert (await tenant.condition("SpecValid"))["status"] == "False"
    await tenant.change({"suspension": None, "plan": "business", "branding": {"logo": None}})
    await tenant.ready()
    await operator.quiet()
    assert await content(tenant) == before


MOST_WRITES = 60
"""More than a change of the service takes."""


class Cut:
    """Lets the writes of an operator through until one of them, which fails, and all after it."""

    def __init__(self, allowed: int) -> None:
        self.left = allowed
        self.cut = False
        self.at = ""

    async def before(self, request: Request) -> None:
        if request.method == "GET" or re.search(
            "leases|events|jitsinotices/.*/status", request.path
        ):
            return  # that a notice was tried in vain is said again and again
        if self.left == 0:
            self.at = self.at or f"{request.method} {request.path}"
            self.cut = True
            raise Unavailable("the operator was killed, says the test", status=503)
        self.left -= 1


@pytest.mark.parametrize(
    ("change", "reached"),
    [(by_order("ProhibitedUse"), "Suspended"), (RESUME, "Serving")],
    ids=["suspension", "resumption"],
)
async def test_the_end_at_any_write_of_a_change_is_made_good(
    cluster: Cluster, operate: Operate, change: Mapping[str, Any], reached: str
) -> None:
    """Each operator gets one write further than the one before; nothing is told or done twice."""
    tenant = await cluster.tenant(RECORDING)
    async with operate() as running:
        await tenant.ready()
        if change == RESUME:
            await tenant.change(by_order("ProhibitedUse"))
            await suspended(tenant)
        await running.quiet()
    await tenant.change(change)
    allowed, done, cuts = 0, False, list[str]()
    while not done:
        assert len(cuts) < MOST_WRITES, cuts
        cut = Cut(allowed)
        async with operate() as running:
            running.wire.before = cut.before

            async def look(cut: Cut = cut, running: Operating = running) -> bool:
                if cut.cut:
                    return True
                await running.quiet()
                return bool((await tenant.status())["contract"]["service"] == reached)

            await until(look)
            done = not cut.cut
        cuts.append(cut.at)
        allowed = 1  # each run gets one write further, and leaves the next to the next
    about = ["Suspension"] if reached == "Suspended" else ["Resumption", "Suspension"]
    assert await notices(tenant) == about
    keys = [each["key"] for each in await ledger(tenant)]
    assert len(keys) == len(set(keys))
    assert await states(tenant, "Service") == ["Serving", "Suspended", "Serving"][: len(about) + 1]
