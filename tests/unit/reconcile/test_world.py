"""What is known of our kinds: who has what, what a change concerns, and events that come late."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from jitsi_tenant_operator.api.model import InvalidObjectError
from jitsi_tenant_operator.api.objects import API_VERSION, JsonObject, TenantKey
from jitsi_tenant_operator.api.plan import JitsiPlan
from jitsi_tenant_operator.reconcile.known_tenant import FINALIZER, KnownTenant
from jitsi_tenant_operator.reconcile.metrics import TenantCounts
from jitsi_tenant_operator.reconcile.world import DELETED, World

SECONDS = [f"2026-06-01T08:00:0{second}Z" for second in range(3)]
HOSTS = ["one.example", "two.example", "ada.cloud.example"]
KEYS = [TenantKey(namespace, name) for namespace in ("east", "west") for name in ("ada", "bob")]


def tenant(
    key: TenantKey,
    *,
    version: int = 1,
    uid: str = "uid-1",
    created: str = SECONDS[0],
    host: str | None = None,
    **parts: Any,
) -> JsonObject:
    spec: JsonObject = {"plan": "business", **parts.pop("spec", {})}
    if host is not None:
        spec["host"] = host
    metadata = {
        "namespace": key.namespace,
        "name": key.name,
        "uid": uid,
        "generation": 1,
        "resourceVersion": str(version),
        "creationTimestamp": created,
        **parts.pop("metadata", {}),
    }
    kind = {"apiVersion": API_VERSION, "kind": "JitsiTenant"}
    return {**kind, "metadata": metadata, "spec": spec, **parts}


def platform(domain: str, version: int) -> JsonObject:
    return {
        "apiVersion": API_VERSION,
        "kind": "JitsiPlatform",
        "metadata": {"name": "default", "resourceVersion": str(version)},
        "spec": {
            "domain": domain,
            "entry": {
                "type": "Ingress",
                "ingress": {"className": "nginx"},
                "tls": {"secretName": "wildcard"},
            },
            "location": {"country": "FR", "site": "Lyon", "allNodes": True},
        },
    }


class WorldMachine(RuleBasedStateMachine):
    """Tenants come, change, are operated and go; an oracle looks through all of them each time."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.version = 1
        self.live: dict[TenantKey, JsonObject] = {}
        self.events: list[tuple[str, JsonObject]] = []
        self.domain = ""
        self.begun: set[tuple[TenantKey, str]] = set()

    # The oracle.

    def host(self, body: JsonObject) -> str:
        default = f"{body['metadata']['name']}.{self.domain}"
        return str(body["spec"].get("host", default))

    def served(self, body: JsonObject) -> str | None:
        url = body.get("status", {}).get("url")
        return None if url is None else str(url).removeprefix("https://")

    def holder(self, name: str, *, namespace: bool) -> TenantKey | None:
        ranks = []
        for key, body in self.live.items():
            if namespace:
                asks = key.namespace == name
                uses = FINALIZER in body["metadata"].get("finalizers", [])
            else:
                uses = self.served(body) == name
                asks = uses or self.host(body) == name
            if asks:
                first_come = not (uses or (key, name) in self.begun)
                ranks.append((first_come, body["metadata"]["creationTimestamp"], key))
        return min(ranks)[-1] if ranks else None

    def verdicts(self) -> dict[TenantKey, tuple[bool, bool]]:
        """Whether each tenant has its host and its namespace: what its reconcile depends on."""
        return {
            key: (
                self.holder(self.host(body), namespace=False) == key,
                self.holder(key.namespace, namespace=True) == key,
            )
            for key, body in self.live.items()
        }

    # What happens.

    def tell(self, event: str, body: JsonObject) -> set[TenantKey]:
        self.events.append((event, copy.deepcopy(body)))
        return self.world.observe_tenant(event, copy.deepcopy(body))

    def changed(self, key: TenantKey, body: JsonObject) -> None:
        before = self.verdicts()
        old = self.live.get(key)
        if old is not None and self.host(old) != self.host(body):
            self.begun.discard((key, self.host(old)))
        self.version += 1
        body["metadata"]["resourceVersion"] = str(self.version)
        self.live[key] = body
        concerned = self.tell("MODIFIED" if old else "ADDED", body)
        self.assert_told(before, concerned, key)

    def assert_told(
        self, before: dict[TenantKey, tuple[bool, bool]], told: set[TenantKey], key: TenantKey
    ) -> None:
        after = self.verdicts()
        turned = {other for other in after if before.get(other) != after[other]}
        assert turned | {key} <= told, "everyone for whom it turned out differently is told"
        assert told <= {*self.live, key}

    @rule(key=st.sampled_from(KEYS), host=st.sampled_from([None, *HOSTS]), data=st.data())
    def create(self, key: TenantKey, host: str | None, data: st.DataObject) -> None:
        if key in self.live:
            return
        created = data.draw(st.sampled_from(SECONDS))
        self.changed(key, tenant(key, uid=f"uid-{self.version}", created=created, host=host))

    @precondition(lambda self: self.live)
    @rule(data=st.data(), host=st.sampled_from(HOSTS))
    def ask_for_another_host(self, data: st.DataObject, host: str) -> None:
        key = data.draw(st.sampled_from(sorted(self.live)))
        body = copy.deepcopy(self.live[key])
        if body["spec"].get("host") != host:
            body["spec"]["host"] = host
            self.changed(key, body)

    @precondition(lambda self: self.live)
    @rule(data=st.data(), by_echo=st.booleans())
    def operate(self, data: st.DataObject, by_echo: bool) -> None:
        """What the reconcile does for a tenant that has what it asks for."""
        key = data.draw(st.sampled_from(sorted(self.live)))
        if self.verdicts()[key] != (True, True):
            return
        body = copy.deepcopy(self.live[key])
        host = self.host(body)
        self.world.settle(key)
        self.begun |= {(key, host), (key, key.namespace)}
        body["metadata"]["finalizers"] = [FINALIZER]
        body["status"] = {"url": f"https://{host}"}
        if body == self.live[key]:
            return
        before = self.verdicts()
        self.version += 1
        body["metadata"]["resourceVersion"] = str(self.version)
        self.live[key] = body
        if by_echo:
            self.world.learn(copy.deepcopy(body))
        concerned = self.tell("MODIFIED", body)
        after = self.verdicts()
        turned = {other for other in after if before[other] != after[other]}
        assert turned <= concerned, "the echo of our own write tells whom it lets in"

    @precondition(lambda self: self.live)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.live)))
        before = self.verdicts()
        body = self.live.pop(key)
        self.begun = {(other, name) for other, name in self.begun if other != key}
        self.version += 1
        body["metadata"]["resourceVersion"] = str(self.version)
        self.assert_told(before, self.tell(DELETED, body), key)

    @precondition(lambda self: self.events)
    @rule(data=st.data())
    def hear_again_of_what_is_known(self, data: st.DataObject) -> None:
        """A late or repeated event of an object that is there now is no news."""
        event, body = data.draw(st.sampled_from(self.events))
        key = TenantKey(body["metadata"]["namespace"], body["metadata"]["name"])
        if key in self.live:
            assert self.world.observe_tenant(event, copy.deepcopy(body)) == set()

    @rule(domain=st.sampled_from(["cloud.example", "other.example"]))
    def change_the_domain(self, domain: str) -> None:
        self.version += 1
        self.domain = domain
        self.begun.clear()
        self.world.platforms.observe("MODIFIED", platform(domain, self.version))
        self.world.rehost()

    # What must hold.

    @invariant()
    def knows_what_is_there(self) -> None:
        assert set(self.world.tenants()) == set(self.live)
        for key, body in self.live.items():
            known = self.world.tenant(key)
            assert known is not None
            found = known.body()
            for part in ("spec", "status"):
                assert (found.get(part) or {}) == (body.get(part) or {})
            assert found["metadata"] == body["metadata"]

    @invariant()
    def agrees_with_the_oracle_on_claims(self) -> None:
        for host in {*HOSTS, *map(self.host, self.live.values())}:
            assert self.world.host_holder(host) == self.holder(host, namespace=False)
        for namespace in ("east", "west"):
            assert self.world.namespace_holder(namespace) == self.holder(namespace, namespace=True)
            there = {key for key in self.live if key.namespace == namespace}
            assert set(self.world.tenants_in(namespace)) == there

    @invariant()
    def nobody_loses_what_it_runs_with(self) -> None:
        for key, body in self.live.items():
            host = self.host(body)
            if self.served(body) == host:
                assert self.world.host_holder(host) == key


def test_behaves_as_looking_through_all_tenants_would() -> None:
    run_state_machine_as_test(
        WorldMachine, settings=settings(max_examples=80, stateful_step_count=30, deadline=None)
    )


ADA, BOB = TenantKey("east", "ada"), TenantKey("west", "bob")


def test_an_older_tenant_cannot_take_the_host_of_one_that_is_served_there() -> None:
    world = World()
    world.observe_tenant("ADDED", tenant(ADA, created=SECONDS[0], host="one.example"))
    young = tenant(BOB, created=SECONDS[1], host="two.example")
    world.observe_tenant("ADDED", young)
    world.settle(BOB)
    world.observe_tenant("MODIFIED", tenant(ADA, version=2, created=SECONDS[0], host="two.example"))
    assert world.host_holder("two.example") == BOB


def test_a_host_that_is_still_served_is_not_free_though_no_spec_asks_for_it() -> None:
    world = World()
    status = {"url": "https://one.example"}
    world.observe_tenant("ADDED", tenant(ADA, host="two.example", status=status))
    world.observe_tenant("ADDED", tenant(BOB, host="one.example"))
    assert world.host_holder("one.example") == ADA
    moved = tenant(ADA, version=2, host="two.example", status={"url": "https://two.example"})
    assert BOB in world.observe_tenant("MODIFIED", moved)
    assert world.host_holder("one.example") == BOB


def test_the_echo_of_a_move_tells_who_waited_for_the_old_host() -> None:
    world = World()
    status = {"url": "https://one.example"}
    world.observe_tenant("ADDED", tenant(ADA, host="two.example", status=status))
    world.observe_tenant("ADDED", tenant(BOB, host="one.example"))
    moved = tenant(ADA, version=2, host="two.example", status={"url": "https://two.example"})
    world.learn(copy.deepcopy(moved))
    assert BOB in world.observe_tenant("MODIFIED", moved)


def test_after_a_restart_a_namespace_is_of_the_tenant_that_something_was_made_for() -> None:
    world = World()
    younger = TenantKey("east", "zoe")
    world.observe_tenant(None, tenant(ADA, created=SECONDS[0]))
    made = tenant(younger, created=SECONDS[1], metadata={"finalizers": [FINALIZER]})
    assert world.observe_tenant(None, made) == {ADA, younger}
    assert world.namespace_holder("east") == younger


def test_a_change_that_is_made_while_the_status_is_written_is_news() -> None:
    world = World()
    world.observe_tenant("ADDED", tenant(ADA))
    changed = tenant(ADA, version=2, spec={"plan": "large"})
    answer = tenant(ADA, version=3, spec={"plan": "large"}, status={"url": "https://a.example"})
    world.learn(copy.deepcopy(answer))
    assert world.observe_tenant("MODIFIED", changed) == {ADA}
    assert world.observe_tenant("MODIFIED", answer) == {ADA}


def test_a_deletion_that_is_asked_for_while_the_status_is_written_is_news() -> None:
    world = World()
    world.observe_tenant("ADDED", tenant(ADA))
    deleting = {"deletionTimestamp": "2026-06-02T00:00:00Z"}
    world.learn(tenant(ADA, version=3, metadata=deleting, status={"url": "https://a.example"}))
    assert world.observe_tenant("MODIFIED", tenant(ADA, version=2, metadata=deleting)) == {ADA}
    known = world.tenant(ADA)
    assert known is not None
    assert known.deleting


def test_the_echo_of_our_own_status_is_no_news() -> None:
    world = World()
    world.observe_tenant("ADDED", tenant(ADA))
    answer = tenant(ADA, version=2, status={"url": "https://a.example"})
    world.learn(copy.deepcopy(answer))
    assert world.observe_tenant("MODIFIED", answer) == set()


def test_labels_are_news_since_maintenance_windows_select_by_them() -> None:
    world = World()
    world.observe_tenant("ADDED", tenant(ADA))
    labelled = tenant(ADA, version=5, metadata={"labels": {"team": "blue"}})
    assert world.observe_tenant("MODIFIED", labelled) == {ADA}


def test_bookkeeping_is_no_news_but_the_version_it_brings_is_kept() -> None:
    world = World()
    world.observe_tenant("ADDED", tenant(ADA))
    booked = tenant(ADA, version=5, metadata={"managedFields": [{"manager": "kubectl"}]})
    assert world.observe_tenant("MODIFIED", booked) == set()
    known = world.tenant(ADA)
    assert known is not None
    assert known.body()["metadata"]["resourceVersion"] == "5", "a write may depend on it"


def test_a_late_deletion_of_a_predecessor_does_not_concern_its_namesake() -> None:
    world = World()
    world.observe_tenant("ADDED", tenant(ADA, version=1, uid="first"))
    world.observe_tenant("ADDED", tenant(ADA, version=3, uid="second"))
    gone = tenant(ADA, version=2, uid="first")
    assert world.observe_tenant(DELETED, gone) == set()
    known = world.tenant(ADA)
    assert known is not None
    assert known.uid == "second"


def test_tenants_are_kept_as_text() -> None:
    """A thousand tenants as dicts would weigh more than everything else."""
    known = KnownTenant.of(tenant(ADA, status={"url": "https://a.example"}))
    kept = [getattr(known, field.name) for field in dataclasses.fields(known)]
    assert not [value for value in kept if isinstance(value, dict | list | set)]
    assert not hasattr(known, "__dict__")


@pytest.mark.parametrize("host", [None, 5, {"a": 1}])
def test_a_body_that_the_schema_would_refuse_is_kept_to_be_complained_of(host: Any) -> None:
    world = World()
    world.observe_tenant("ADDED", tenant(ADA, spec={"host": host, "plan": host}))
    assert world.tenants() == [ADA]


def test_counts_tenants_by_what_their_status_says() -> None:
    world = World()
    ready = {"type": "Ready", "status": "False", "reason": "HostTaken"}
    status = {"conditions": [ready, {"type": "LedgerIntact", "status": "True"}], "phase": "InForce"}
    world.observe_tenant("ADDED", tenant(ADA, status=status))
    world.observe_tenant("ADDED", tenant(BOB))
    assert world.counts() == TenantCounts(
        readiness={("False", "HostTaken"): 1, ("Unknown", "Unknown"): 1},
        conditions={("Ready", "False"): 1, ("LedgerIntact", "True"): 1},
        phases={"InForce": 1, "Unknown": 1},
    )


def test_tenants_in_the_same_state_share_it() -> None:
    """Thousands of tenants are in few states."""
    status = {"conditions": [{"type": "Ready", "status": "True", "reason": "AsWanted"}]}
    known = [KnownTenant.of(tenant(key, status=status)) for key in (ADA, BOB)]
    assert known[0].conditions is known[1].conditions


def plan(version: int, **spec: Any) -> JsonObject:
    return {
        "apiVersion": API_VERSION,
        "kind": "JitsiPlan",
        "metadata": {"name": "business", "resourceVersion": str(version)},
        "spec": spec,
    }


def test_a_plan_is_news_when_its_content_changes_and_not_when_it_is_old() -> None:
    world = World()
    assert world.plans.observe("ADDED", plan(5, description="one"))
    assert not world.plans.observe("MODIFIED", plan(6, description="one"))
    assert not world.plans.observe("MODIFIED", plan(4, description="stale"))
    assert world.plans.observe("MODIFIED", plan(7, description="two"))
    found = world.plan("business")
    assert isinstance(found, JitsiPlan)
    assert found.spec.description == "two"
    assert not world.plans.observe(DELETED, plan(3))
    assert world.plans.observe(DELETED, plan(8))
    assert world.plan("business") is None


def test_a_plan_that_cannot_be_used_says_why() -> None:
    world = World()
    assert world.plans.observe("ADDED", plan(1, capacity={"participants": 1}))
    found = world.plan("business")
    assert isinstance(found, InvalidObjectError)
    assert "spec.capacity.participants" in str(found)
    assert not world.plans.observe("MODIFIED", plan(2, capacity={"participants": 1}))
    assert world.plans.observe("MODIFIED", plan(3, capacity={"participants": 2}))
