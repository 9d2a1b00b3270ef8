"""What cannot be carried out touches nothing that runs, says what to change, and mends itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from jitsi_tenant_operator.api.objects import API_VERSION, JsonObject, ObjectRef
from trial.cluster import RECORDING, Cluster, Tenant, laid_over, shared
from trial.expectation import children, exact
from trial.operating import Operating
from trial.settings import PLAN, PLATFORM, put

if TYPE_CHECKING:
    from tests.integration.operator.conftest import Hasten

Mend = Callable[[Tenant], Awaitable[Any]]

BRANDING = {"branding": {"applicationName": "Visio"}}
"""A change that could be carried out alone, and must wait like the rest."""
JWT = {
    "authentication": "JWT",
    "jwt": {"appId": "portal", "secret": {"name": "portal", "key": "secret"}},
}


@dataclass(frozen=True, slots=True)
class Mistake:
    """A change that cannot be carried out: why, what the message must name, what mends it."""

    change: JsonObject
    reason: str
    words: tuple[str, ...]
    mend: Mend
    running: JsonObject | None = None
    kept: tuple[str, ...] = ()
    """Volumes that the change makes needless, and that stay."""


def spec(change: JsonObject) -> Mend:
    """Mended in the tenant itself."""
    return lambda tenant: tenant.change(change)


def copy_of(name: str, source: ObjectRef, **changes: Any) -> Mend:
    """Mended by a new shared object, like `source` with changes."""

    async def mend(tenant: Tenant) -> None:
        found = await tenant.cluster.get(source)
        body = shared(source.kind, name, laid_over(found["spec"], changes))
        await tenant.cluster.create(body)

    return mend


def named(kind: str, **data: str) -> Mend:
    """Mended by the object that the spec names."""

    async def mend(tenant: Tenant) -> None:
        await put(tenant.cluster, kind, tenant.namespace, "portal", data)

    return mend


async def add_channel(tenant: Tenant) -> None:
    channels = [
        {"name": "stable", "release": "stable-11146-2"},
        {"name": "next", "release": "stable-11146-4"},
    ]
    await tenant.cluster.patch(PLATFORM, {"spec": {"jitsi": {"channels": channels}}})


async def widen_plan(tenant: Tenant) -> None:
    plan = ObjectRef(API_VERSION, "JitsiPlan", "", "narrow")
    await tenant.cluster.patch(plan, {"spec": {"capacity": {"participants": 60}}})


DPA = ObjectRef(API_VERSION, "JitsiTerms", "", "dpa-2026-05-19")
DOCUMENTS = ["cgu-2026-05-19", "dpa-2027-01-01", "privacy-policy-2026-05-19"]

MISTAKES = {
    "plan": Mistake(
        {"plan": "later"}, "PlanNotFound", ("later", "spec.plan"), copy_of("later", PLAN)
    ),
    "terms": Mistake(
        {"contract": {"documents": DOCUMENTS}},
        "TermsNotFound",
        ("dpa-2027-01-01", "spec.contract.documents"),
        copy_of("dpa-2027-01-01", DPA),
    ),
    "channel": Mistake(
        {"updates": {"channel": "next"}}, "ChannelNotFound", ("next", "stable"), add_channel
    ),
    "release": Mistake(
        {"updates": {"release": "stable-9000"}},
        "ReleaseNotSupported",
        ("stable-9000", "stable-11146-2", "spec.updates.release"),
        spec({"updates": {"release": "stable-11146-3"}}),
    ),
    "subscription": Mistake(
        {"recording": {"enabled": True}},
        "FeatureNotSubscribed",
        ("spec.recording.enabled", "contract"),
        spec({"contract": {"options": ["Recording"]}}),
    ),
    "participants": Mistake(
        {"meetings": {"maxParticipants": 50}},
        "BeyondPlan",
        ("spec.meetings.maxParticipants is 50", "narrow", "40"),
        widen_plan,
        {"plan": "narrow"},
    ),
    "bridges": Mistake(
        {"media": {"bridges": 5}},
        "BeyondPlan",
        ("spec.media.bridges is 5", "4"),
        spec({"media": {"bridges": 2}}),
    ),
    "recorders": Mistake(
        {"recording": {"recorders": 2}},
        "StorageAccessMode",
        ("spec.recording.recorders", "ReadWriteMany"),
        spec({"recording": {"recorders": 1}}),
        RECORDING,
    ),
    "secret": Mistake(
        {"access": JWT},
        "SecretNotFound",
        ("portal", "secret"),
        named("Secret", secret="abcdefghijklmnopqrst"),
        kept=("accounts",),
    ),
    "logo": Mistake(
        {"branding": {"logo": {"configMap": "portal", "key": "logo.svg"}}},
        "ConfigMapNotFound",
        ("portal", "logo.svg"),
        named("ConfigMap", **{"logo.svg": "<svg/>"}),
    ),
}


async def contents(tenant: Tenant) -> dict[ObjectRef, Any]:
    """What each child asks for now, its status left out."""
    found = await children(tenant.cluster, tenant.namespace)
    return {
        ref: {k: part for k, part in body.items() if k not in {"status", "metadata"}}
        | {"labels": body["metadata"]["labels"], "uid": body["metadata"]["uid"]}
        for ref, body in found.items()
    }


async def go_through(cluster: Cluster, name: str) -> None:
    """A running tenant makes the mistake, is told so, and goes on when it is mended."""
    mistake = MISTAKES[name]
    tenant = await cluster.tenant(mistake.running, name=name)
    applied = (await tenant.ready())["observedGeneration"]
    before = await contents(tenant)
    await tenant.change(laid_over(BRANDING, mistake.change))
    await tenant.refused(mistake.reason, *mistake.words)
    status = await tenant.status()
    assert status["observedGeneration"] == applied
    states = {condition["type"]: condition["status"] for condition in status["conditions"]}
    assert states["Available"] == "True"
    assert await contents(tenant) == before
    await mistake.mend(tenant)
    await tenant.ready()
    await exact(tenant, *(tenant.child("PersistentVolumeClaim", kept) for kept in mistake.kept))


def labelled(name: str, work: Coroutine[Any, Any, None]) -> Coroutine[Any, Any, None]:
    """`work`, whose failure says in which case it was."""

    async def run() -> None:
        try:
            await work
        except Exception as error:
            error.add_note(f"in the case {name}")
            raise

    return run()


async def test_mistakes_touch_nothing_are_explained_and_mended(
    cluster: Cluster, operator: Operating, hasten: Hasten
) -> None:
    await copy_of("narrow", PLAN, capacity={"participants": 40})(
        Tenant(cluster, ObjectRef(API_VERSION, "JitsiTenant", "none", "none"))
    )
    async with hasten(), asyncio.TaskGroup() as group:
        for name in MISTAKES:
            group.create_task(labelled(name, go_through(cluster, name)))


@pytest.mark.parametrize("value", ["short\nand\ttwo lines", 'quo"ted', "{{ braces }}", ""])
async def test_a_secret_with_characters_that_cannot_be_written_is_refused(
    cluster: Cluster, operator: Operating, hasten: Hasten, value: str
) -> None:
    namespace = await cluster.namespace()
    await put(cluster, "Secret", namespace, "portal", {"secret": value})
    tenant = await cluster.tenant({"access": JWT}, namespace=namespace)
    ready = await tenant.refused("SecretInvalid", "portal", "secret")
    assert not value or value not in ready["message"]
    await put(cluster, "Secret", namespace, "portal", {"secret": "abcdefghijklmnopqrst"})
    async with hasten():
        await tenant.ready()
    await exact(tenant)


async def test_a_store_outside_the_allowed_countries_stops_changes_and_nothing_else(
    tenant: Tenant, cluster: Cluster, operator: Operating
) -> None:
    before, applied = await contents(tenant), (await tenant.status())["observedGeneration"]
    abroad = {"store": {"location": {"country": "US", "site": "Ashburn"}}}
    await cluster.patch(PLATFORM, {"spec": {"logs": abroad}})
    await tenant.refused("LocationNotAllowed", "spec.logs.store.location", "US", "FR")
    await tenant.change(BRANDING)
    await tenant.refused("LocationNotAllowed", "dpa-2026-05-19")
    await operator.quiet()
    assert await contents(tenant) == before
    assert (await tenant.status())["observedGeneration"] == applied
    await cluster.patch(PLATFORM, {"spec": {"logs": None}})
    await tenant.ready()
    await exact(tenant)


async def test_without_a_platform_everything_goes_on_as_it_is(
    tenant: Tenant, cluster: Cluster, operator: Operating
) -> None:
    before = await contents(tenant)
    platform = await cluster.get(PLATFORM)
    await cluster.delete(PLATFORM)
    await tenant.refused("PlatformNotFound", "default")
    new = await cluster.tenant(name="new")
    await new.refused("PlatformNotFound", "default")
    await operator.quiet()
    assert await contents(tenant) == before
    assert await children(cluster, new.namespace) == {}
    await cluster.create(shared("JitsiPlatform", "default", platform["spec"]))
    for each in (tenant, new):
        await each.ready()
        await exact(each)
