"""A follower of a contract, what it wrote, and the tenant that it follows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef, TenantKey
from jitsi_tenant_operator.reconcile.contract_objects import ContractObjects, record_ref
from jitsi_tenant_operator.reconcile.course import ContractFollower, Course
from jitsi_tenant_operator.reconcile.resolve import Resolved, resolve
from jitsi_tenant_operator.reconcile.status import Report, Running, next_status
from jitsi_tenant_operator.reconcile.world import World

KEY = TenantKey("tenant-acme", "acme")
OWNER = {"apiVersion": "v1", "kind": "Owner", "name": "acme", "uid": "u", "controller": True}
SIGNED = {"signedOn": "2026-05-25", "term": "P12M"}
SUSPENDED = {"suspension": {"service": {"reason": "ProhibitedUse"}}}


class Desk:
    """A follower, what it wrote, and the tenant that it follows."""

    def __init__(self, kube: Any, make: Callable[..., Any]) -> None:
        self.kube = kube
        self.make = make
        self.made: list[ObjectRef] = []
        self.status: JsonObject = {}
        self.restart()

    def restart(self) -> None:
        """What is known is read again from what is stored."""
        self.objects = ContractObjects()
        for body in self.kube.objects.values():
            self.objects.observe(body["kind"], None, body)
        self.follower = ContractFollower(self.objects, self.kube, self.made.append)

    def resolved(self, **spec: Any) -> Resolved:
        contract = {**SIGNED, **spec.pop("contract", {})}
        parts = {"status": self.status} if self.status else {}
        tenant = self.make("JitsiTenant", spec={"contract": contract, **spec}, **parts)
        world = World()
        world.platforms.observe(None, stored(self.make, "JitsiPlatform"))
        world.plans.observe(None, stored(self.make, "JitsiPlan"))
        world.terms.observe(None, stored(self.make, "JitsiTerms"))
        found = resolve(tenant, world)
        assert isinstance(found, Resolved), found
        return found

    async def follow(self, **spec: Any) -> Course:
        return await self.follower.follow(self.resolved(**spec).bound, OWNER)

    def publish(self, course: Course) -> None:
        """Say in the tenant's status how its contract stands, as the reconcile does."""
        tenant = self.resolved().tenant
        report = Report([], running=Running(course=course))
        after = next_status(tenant.status, report, generation=1, now=self.kube.clock.now())
        self.status = after.to_json()

    def entries(self) -> list[JsonObject]:
        found: list[JsonObject] = self.kube.objects[record_ref(KEY)]["spec"]["entries"]
        return found

    def told(self) -> list[str]:
        return [f"{each['subject']} {each['value']}" for each in self.entries()]

    def notices(self) -> list[JsonObject]:
        return [body for ref, body in self.kube.objects.items() if ref.kind == "JitsiNotice"]

    def writes(self) -> list[tuple[str, ObjectRef]]:
        found: list[tuple[str, ObjectRef]] = self.kube.called("create", "json patch")
        return found


def stored(make: Callable[..., Any], kind: str) -> JsonObject:
    parsed = make(kind)
    body: JsonObject = {
        "apiVersion": parsed.ref.api_version,
        "kind": kind,
        **parsed.to_json(),
    }
    body["metadata"]["resourceVersion"] = "1"
    return body
