"""Where meetings may not go on, no pod keeps the time that it has for ending them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef, TenantKey
from jitsi_tenant_operator.kube.errors import Conflict, KubeError, NotFound, Unavailable
from jitsi_tenant_operator.kube.facts import facts_of
from jitsi_tenant_operator.reconcile.contract_objects import ContractObjects
from jitsi_tenant_operator.reconcile.course import ContractFollower, Course
from jitsi_tenant_operator.reconcile.endings import MeetingEndings
from jitsi_tenant_operator.reconcile.resolve import Resolved, resolve
from jitsi_tenant_operator.reconcile.world import World
from jitsi_tenant_operator.render.context import Operation

KEY = TenantKey("tenant-acme", "acme")
UID = "uid-acme"


@dataclass
class Child:
    """What the cache holds of a child."""

    ref: ObjectRef
    facts: Any
    uid: str = "uid"
    owner_uid: str | None = UID
    deleting: bool = False


def pod(name: str, **metadata: Any) -> Child:
    body: JsonObject = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, **metadata},
        "spec": {"containers": []},
        "status": {"phase": "Running"},
    }
    ref = ObjectRef("v1", "Pod", KEY.namespace, name)
    return Child(ref, facts_of(body), deleting="deletionGracePeriodSeconds" in metadata)


def workload(name: str, replicas: int = 1, owner_uid: str | None = UID) -> Child:
    body: JsonObject = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name},
        "spec": {"replicas": replicas},
    }
    ref = ObjectRef("apps/v1", "StatefulSet", KEY.namespace, name)
    return Child(ref, facts_of(body), owner_uid=owner_uid)


@dataclass
class Cluster:
    """The children of a tenant, and what was done to them."""

    found: list[Child]
    trouble: dict[str, KubeError] = field(default_factory=dict)
    deleted: dict[str, int] = field(default_factory=dict)
    scaled: list[str] = field(default_factory=list)

    def children(self, _: TenantKey) -> list[Child]:
        return self.found

    async def delete(self, ref: ObjectRef, *, uid: str, grace_seconds: int) -> None:
        assert uid
        if ref.name in self.trouble:
            raise self.trouble[ref.name]
        self.deleted[ref.name] = grace_seconds

    async def merge_patch(self, ref: ObjectRef, patch: Mapping[str, Any]) -> None:
        if ref.name in self.trouble:
            raise self.trouble[ref.name]
        assert patch == {"metadata": {"uid": "uid"}, "spec": {"replicas": 0}}
        self.scaled.append(ref.name)

    @property
    def endings(self) -> MeetingEndings:
        return MeetingEndings(cast("Any", self), cast("Any", self))


@pytest.fixture
def course(kube: Any, make: Callable[..., Any], body_of: Callable[..., JsonObject]) -> Any:
    """How the contract of a tenant stands that is suspended for a reason."""

    def build(reason: str | None) -> Course:
        world = World()
        metadata = {"resourceVersion": "1"}
        world.platforms.observe(None, body_of("JitsiPlatform", metadata=metadata))
        world.plans.observe(None, body_of("JitsiPlan", metadata=metadata))
        world.terms.observe(None, body_of("JitsiTerms", metadata=metadata))
        order = {"service": {"reason": reason}} if reason is not None else {}
        spec = {"contract": {"signedOn": "2026-05-25"}, "suspension": order}
        resolved = resolve(make("JitsiTenant", spec=spec), world)
        assert isinstance(resolved, Resolved)
        follower = ContractFollower(ContractObjects(), kube, lambda _: None)
        return follower.decided(resolved.bound)

    return build


PODS = ("acme-web-5d-x", "acme-prosody-0", "acme-jicofo-7f-y", "acme-jvb-0-0", "acme-jibri-0-z")


async def test_all_but_the_page_ends_within_half_a_minute(course: Any) -> None:
    cluster = Cluster([pod(name) for name in PODS])
    assert await cluster.endings.cut(KEY, course("ProhibitedUse")) == []
    assert cluster.deleted == dict.fromkeys(PODS[1:], 30)


async def test_a_bridge_that_is_ending_its_meetings_is_hastened(course: Any) -> None:
    slow = pod("acme-jvb-0-0", deletionGracePeriodSeconds=14_520)
    soon = pod("acme-jvb-1-0", deletionGracePeriodSeconds=30)
    cluster = Cluster([slow, soon])
    await cluster.endings.cut(KEY, course("Security"))
    assert cluster.deleted == {"acme-jvb-0-0": 30}


@pytest.mark.parametrize("reason", ["ClientRequest", None])
async def test_where_it_is_no_emergency_nobody_is_hastened(course: Any, reason: str | None) -> None:
    cluster = Cluster([pod(name) for name in PODS])
    await cluster.endings.cut(KEY, course(reason))
    assert cluster.deleted == {}


async def test_what_cannot_be_ended_is_told_and_keeps_nobody_else(course: Any) -> None:
    away = Unavailable("the API server is away", status=503)
    trouble = {
        "acme-prosody-0": NotFound("gone"),
        "acme-jicofo-7f-y": Conflict("another one"),
        "acme-jvb-0-0": away,
    }
    cluster = Cluster([pod(name) for name in PODS], trouble)
    assert await cluster.endings.cut(KEY, course("ProhibitedUse")) == [away]
    assert cluster.deleted == {"acme-jibri-0-z": 30}


WORKLOADS = ("acme-web", "acme-prosody", "acme-jicofo", "acme-jvb-0", "acme-jibri-0")


@pytest.mark.parametrize(
    ("operation", "stopped"),
    [
        (Operation.SERVING, []),
        (Operation.CLOSING, ["acme-jvb-0", "acme-jibri-0"]),
        (Operation.CLOSED, list(WORKLOADS[1:])),
    ],
)
async def test_whatever_is_wrong_of_a_tenant_what_must_not_run_is_stopped(
    operation: Operation, stopped: list[str]
) -> None:
    others = [workload("acme-jvb-1", replicas=0), workload("acme-jvb-2", owner_uid="another")]
    cluster = Cluster([*map(workload, WORKLOADS), *others])
    assert await cluster.endings.close(KEY, UID, operation) == []
    assert cluster.scaled == stopped
