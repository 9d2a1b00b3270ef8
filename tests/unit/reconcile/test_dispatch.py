"""Which changes have whom looked at, and how soon."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from jitsi_tenant_operator.api.media import PortRange
from jitsi_tenant_operator.api.objects import API_VERSION, JsonObject, ObjectRef, TenantKey
from jitsi_tenant_operator.kube.informer import Change, ChangeType
from jitsi_tenant_operator.kube.metadata import MetadataRecord
from jitsi_tenant_operator.kube.secrets import SecretRecord
from jitsi_tenant_operator.reconcile.dispatch import CHILD_DELAY_SECONDS, Dispatcher
from jitsi_tenant_operator.reconcile.metrics import QueueMetrics, QueuesMetrics
from jitsi_tenant_operator.reconcile.ports import HostPorts
from jitsi_tenant_operator.reconcile.queue import WorkQueue
from jitsi_tenant_operator.reconcile.workers import Key
from jitsi_tenant_operator.reconcile.world import DELETED, World
from jitsi_tenant_operator.render import names

ADA, BOB = TenantKey("tenant-ada", "ada"), TenantKey("tenant-bob", "bob")


def shared(kind: str, name: str) -> ObjectRef:
    return ObjectRef(API_VERSION, kind, "", name)


class Office:
    """A dispatcher, and what it put into the queue."""

    def __init__(self, clock: Any, body_of: Callable[..., JsonObject]) -> None:
        self.clock = clock
        self.body_of = body_of
        self.world = World()
        self.ports = HostPorts()
        self.queue: WorkQueue[Key] = WorkQueue(
            clock, QueueMetrics(QueuesMetrics(CollectorRegistry()), "tenants")
        )
        self.notices: WorkQueue[ObjectRef] = WorkQueue(
            clock, QueueMetrics(QueuesMetrics(CollectorRegistry()), "tenants")
        )
        self.dispatcher = Dispatcher(self.world, self.queue, self.notices, self.ports)
        self.version = 10

    def see(self, kind: str, event: str | None = "MODIFIED", **parts: Any) -> JsonObject:
        self.version += 1
        metadata = {"resourceVersion": str(self.version), **parts.pop("metadata", {})}
        body = self.body_of(kind, metadata=metadata, **parts)
        self.dispatcher.observe(kind, event, body)
        return body

    def tenant(self, key: TenantKey, event: str | None = "ADDED", **parts: Any) -> JsonObject:
        metadata = {
            "name": key.name,
            "namespace": key.namespace,
            "uid": f"uid-{key.name}",
            "creationTimestamp": "2026-06-01T08:00:00Z",
            **parts.pop("metadata", {}),
        }
        return self.see("JitsiTenant", event, metadata=metadata, **parts)

    async def asked_for(self) -> list[Key]:
        """All that is to be looked at now, in order; nothing waits afterwards."""
        found = []
        async with AsyncExitStack() as stack:
            while len(self.queue):
                found.append(await stack.enter_async_context(self.queue.next()))
        return found


@pytest.fixture
async def office(clock: Any, body_of: Callable[..., JsonObject]) -> Office:
    office = Office(clock, body_of)
    office.see("JitsiTerms")
    office.see("JitsiPlan")
    office.see("JitsiPlatform")
    office.tenant(ADA)
    office.tenant(BOB, spec={"plan": "large"})
    await office.asked_for()
    return office


async def test_a_new_tenant_is_looked_at(office: Office) -> None:
    key = TenantKey("tenant-eve", "eve")
    office.tenant(key)
    assert await office.asked_for() == [key]


async def test_a_change_goes_before_what_is_listed_anew(office: Office) -> None:
    new = [TenantKey(f"tenant-{number}", f"t{number}") for number in range(5)]
    for key in new:
        office.tenant(key, event=None)
    office.tenant(ADA, "MODIFIED", spec={"host": "ada.example"})
    assert await office.asked_for() == [ADA, *new]


async def test_a_plan_concerns_the_tenants_that_have_it(office: Office) -> None:
    office.see("JitsiPlan", spec={"description": "now with a word about it"})
    assert await office.asked_for() == [ADA]
    office.see("JitsiPlan", metadata={"name": "large"})
    assert await office.asked_for() == [BOB]


@pytest.mark.parametrize(
    ("kind", "name", "spec"),
    [
        ("JitsiPlatform", "default", {"domain": "other.example"}),
        ("JitsiTerms", "cgu", {"title": "Corrected"}),
    ],
)
async def test_what_all_share_concerns_all(
    kind: str, name: str, spec: JsonObject, office: Office
) -> None:
    office.see(kind, spec=spec)
    assert set(await office.asked_for()) == {ADA, BOB, shared(kind, name)}
    office.see(kind, spec=spec)
    assert await office.asked_for() == [], "a new version with the same content is no news"


async def test_a_new_domain_moves_the_default_hosts(office: Office) -> None:
    assert office.world.host_holder("ada.meet.example.net") == ADA
    office.see("JitsiPlatform", spec={"domain": "other.example"})
    assert office.world.host_holder("ada.meet.example.net") is None
    assert office.world.host_holder("ada.other.example") == ADA


async def test_a_burst_of_changes_to_children_is_one_look_after_it(office: Office) -> None:
    child = ObjectRef("v1", "Pod", "tenant-ada", "ada-web")
    for _ in range(20):
        office.dispatcher.child_changed(ADA, child, ChangeType.MODIFIED)
    start = office.clock.seconds
    assert len(office.queue) == 1
    await office.clock.advance(CHILD_DELAY_SECONDS)
    assert await office.asked_for() == [ADA]
    assert office.clock.seconds - start <= CHILD_DELAY_SECONDS


async def test_children_of_nobody_concern_nobody(office: Office) -> None:
    gone = TenantKey("tenant-gone", "gone")
    pod = ObjectRef("v1", "Pod", "tenant-gone", "gone-web")
    office.dispatcher.child_changed(gone, pod, ChangeType.DELETED)
    assert len(office.queue) == 0


async def test_passwords_concern_the_tenant_of_their_namespace(office: Office) -> None:
    ref = ObjectRef("v1", "Secret", "tenant-ada", "jitsi-credentials")
    record = SecretRecord(
        ref=ref,
        uid="u",
        resource_version=1,
        owner_uid=None,
        labels={},
        keys=frozenset(),
        digests={},
        deleting=False,
    )
    office.dispatcher.secret_changed(Change(ChangeType.DELETED, record, None))
    assert await office.asked_for() == [ADA]


async def test_labels_of_a_namespace_concern_its_tenant(office: Office) -> None:
    def record(version: int, **labels: str) -> MetadataRecord:
        ref = ObjectRef("v1", "Namespace", "", "tenant-ada")
        return MetadataRecord(ref, "u", version, labels, {}, deleting=False)

    same = Change(ChangeType.MODIFIED, record(1), record(2))
    office.dispatcher.namespace_changed(same)
    assert len(office.queue) == 0
    labelled = Change(ChangeType.MODIFIED, record(2), record(3, enforce="privileged"))
    office.dispatcher.namespace_changed(labelled)
    assert await office.asked_for() == [ADA]


def ingress_class(name: str, version: int = 1) -> MetadataRecord:
    ref = ObjectRef("networking.k8s.io/v1", "IngressClass", "", name)
    return MetadataRecord(ref, "u", version, {}, {}, deleting=False)


async def test_whether_there_is_the_class_of_the_ingresses_concerns_all(office: Office) -> None:
    of_platform = ingress_class("nginx")
    for change in (
        Change(ChangeType.ADDED, None, of_platform),
        Change(ChangeType.DELETED, of_platform, None),
    ):
        office.dispatcher.ingress_class_changed(change)
        assert set(await office.asked_for()) == {ADA, BOB}


@pytest.mark.parametrize(
    "change",
    [
        Change(ChangeType.ADDED, None, ingress_class("other")),
        Change(ChangeType.MODIFIED, ingress_class("nginx"), ingress_class("nginx", 2)),
    ],
    ids=["of others", "changed"],
)
async def test_other_changes_of_classes_concern_nobody(
    office: Office, change: Change[MetadataRecord]
) -> None:
    office.dispatcher.ingress_class_changed(change)
    assert await office.asked_for() == []


@pytest.mark.parametrize("event", ["MODIFIED", DELETED])
async def test_a_class_concerns_nobody_without_a_platform_that_names_it(
    office: Office, event: str
) -> None:
    office.see("JitsiPlatform", event, spec={"entry": None})
    await office.asked_for()
    office.dispatcher.ingress_class_changed(Change(ChangeType.ADDED, None, ingress_class("nginx")))
    assert await office.asked_for() == []


async def test_what_a_listing_does_not_hold_is_forgotten(office: Office) -> None:
    ada = ObjectRef(API_VERSION, "JitsiTenant", ADA.namespace, ADA.name)
    office.dispatcher.forget_others("JitsiTenant", {ada}, version=office.version)
    assert office.world.tenants() == [ADA]
    assert await office.asked_for() == [BOB]
    office.dispatcher.forget_others("JitsiPlan", set(), version=office.version)
    assert office.world.plan("business") is None
    assert await office.asked_for() == [ADA]


async def test_what_was_made_after_a_listing_is_kept(office: Office) -> None:
    office.dispatcher.forget_others("JitsiTenant", set(), version=10)
    assert set(office.world.tenants()) == {ADA, BOB}


async def test_a_tenant_that_turned_out_to_be_gone_lets_the_next_one_in(office: Office) -> None:
    eve = TenantKey("tenant-eve", "eve")
    office.tenant(eve, spec={"host": "ada.meet.example.net"})
    await office.asked_for()
    known = office.world.tenant(ADA)
    assert known is not None
    office.dispatcher.tenant_gone(known.body())
    assert set(await office.asked_for()) == {ADA, eve}
    assert office.world.host_holder("ada.meet.example.net") == eve


async def test_ports_of_before_a_restart_are_kept(office: Office) -> None:
    bridges = [
        {"name": names.bridge("eve", 1), "port": 10_007},
        {"name": names.bridge("eve", 0)},
    ]
    eve = TenantKey("tenant-eve", "eve")
    office.tenant(eve, event=None, status={"bridges": bridges})
    allowed = PortRange(first=10_000, last=10_010)
    assert office.ports.assign(eve, range(2), allowed) == {0: 10_000, 1: 10_007}


@pytest.mark.parametrize(
    "bridges",
    [
        [{"name": "x", "port": 10_001}],
        [{"name": "eve-jvb-", "port": 10_001}],
        [{"name": "eve-jvb-100", "port": 10_001}],
        [{"name": "other-jvb-0", "port": 10_001}],
        None,
    ],
)
async def test_a_status_written_by_hand_is_no_reason_to_fall(bridges: Any, office: Office) -> None:
    eve = TenantKey("tenant-eve", "eve")
    office.tenant(eve, event=None, status={"bridges": bridges})
    assert await office.asked_for() == [eve]
    allowed = PortRange(first=10_001, last=10_001)
    assert office.ports.assign(ADA, range(1), allowed) == {0: 10_001}, "no port was set aside"


async def test_a_deleted_tenant_is_looked_at_once_more(office: Office) -> None:
    body = office.tenant(ADA, DELETED)
    assert body["metadata"]["name"] == "ada"
    assert await office.asked_for() == [ADA]


def record(key: TenantKey, version: int) -> JsonObject:
    """A ledger, as far as anybody can read it."""
    name = f"{key.name}.{key.namespace}"
    metadata = {"name": name, "uid": "uid-record", "resourceVersion": str(version)}
    spec = {"tenant": {"namespace": key.namespace, "name": key.name}, "contract": "DC-1"}
    return {
        "apiVersion": API_VERSION,
        "kind": "JitsiTenantRecord",
        "metadata": metadata,
        "spec": spec,
    }


@pytest.mark.parametrize("readable", [True, False])
async def test_a_ledger_concerns_its_tenant_also_when_it_is_gone(
    office: Office, *, readable: bool
) -> None:
    ledger = record(ADA, 50)
    if not readable:
        ledger["spec"] = {}
    for version, event in ((50, "ADDED"), (51, DELETED)):
        ledger["metadata"]["resourceVersion"] = str(version)
        office.dispatcher.observe("JitsiTenantRecord", event, ledger)
        assert await office.asked_for() == [ADA]
    office.dispatcher.observe("JitsiTenantRecord", "ADDED", record(TenantKey("gone", "gone"), 60))
    assert await office.asked_for() == []


async def test_ledgers_that_are_listed_anew_wait_for_what_a_person_changes(office: Office) -> None:
    office.dispatcher.observe("JitsiTenantRecord", None, record(BOB, 50))
    office.tenant(ADA, "MODIFIED", spec={"host": "ada.example"})
    assert await office.asked_for() == [ADA, BOB]
