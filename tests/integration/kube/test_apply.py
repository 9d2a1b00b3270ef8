"""Applying and pruning children, on a real API server: what it does and what it never does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef
from jitsi_tenant_operator.kube.apply import Child, Owner
from jitsi_tenant_operator.kube.errors import CacheNotSynced, Invalid, NameTaken, NotFound
from jitsi_tenant_operator.kube.facts import ServiceFacts, WorkloadFacts
from jitsi_tenant_operator.kube.informer import ChangeType
from jitsi_tenant_operator.kube.resources import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    HTTP_ROUTES,
    INGRESSES,
    LIMIT_RANGES,
    NETWORK_POLICIES,
    PERSISTENT_VOLUME_CLAIMS,
    POD_DISRUPTION_BUDGETS,
    PODS,
    RESOURCE_QUOTAS,
    SECRETS,
    SERVICE_ACCOUNTS,
    SERVICES,
    STATEFUL_SETS,
    Resource,
)

WIDGETS = Resource("kube-test.example", "v1", "widgets", "Widget")
KINDS = (
    CONFIG_MAPS,
    DEPLOYMENTS,
    INGRESSES,
    LIMIT_RANGES,
    NETWORK_POLICIES,
    PERSISTENT_VOLUME_CLAIMS,
    POD_DISRUPTION_BUDGETS,
    RESOURCE_QUOTAS,
    SECRETS,
    SERVICE_ACCOUNTS,
    SERVICES,
    STATEFUL_SETS,
    WIDGETS,
)
CHILDREN = tuple(kind for kind in KINDS if kind is not SECRETS)
HASH = "kube-test.example/hash"
OWNER = "kube-test.example/owner"

each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.plural)
NewOperator = Callable[..., Awaitable[Any]]
Body = Callable[..., JsonObject]
Someone = Callable[..., JsonObject]
Read = Callable[[JsonObject], JsonObject]
Eventually = Callable[[Callable[[], Any]], Awaitable[Any]]


# Creation


@each_kind
async def test_a_child_is_created_by_one_request_and_wholly_ours(
    new_operator: NewOperator, body: Body, read: Read, owner: Owner[str], kind: Resource
) -> None:
    operator = await new_operator(kind, running=False)
    outcome = await operator.apply(body(kind))
    assert outcome.complete
    assert operator.sent() == {"apply": 1}
    metadata = read(body(kind))["metadata"]
    assert metadata["ownerReferences"] == [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "name": "owner",
            "uid": owner.uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]
    ours = [m["operation"] for m in metadata["managedFields"] if m["manager"] == "kube-test"]
    assert ours == ["Apply"]


@each_kind
@pytest.mark.parametrize("same", [False, True], ids=["different", "same-text"])
async def test_an_object_of_someone_else_is_never_touched(
    new_operator: NewOperator,
    body: Body,
    read: Read,
    someone: Someone,
    kind: Resource,
    same: bool,
) -> None:
    foreign = body(kind)
    if not same:
        foreign["metadata"]["labels"] = {"whose": "theirs"}
    before = someone("create", foreign)
    operator = await new_operator(kind, running=False)
    outcome = await operator.apply(body(kind))
    (error,) = outcome.failed.values()
    assert isinstance(error, NameTaken)
    assert not error.leaving
    assert error.holder.startswith("it was made by ")
    assert operator.sent() == {"apply": 1, "get": 1}
    assert _without_status(read(foreign)) == _without_status(before)


def _without_status(obj: JsonObject) -> JsonObject:
    """Without what controllers write by themselves (and when)."""
    metadata = {k: v for k, v in obj["metadata"].items() if k != "resourceVersion"}
    metadata["managedFields"] = [
        m for m in metadata["managedFields"] if not m["manager"].startswith("kube-controller")
    ]
    metadata["annotations"] = {
        k: v for k, v in metadata.get("annotations", {}).items() if "deployment.kubernetes" not in k
    }
    return {**obj, "metadata": metadata, "status": None}


async def test_a_name_taken_tells_whose_it_is(
    new_operator: NewOperator, body: Body, someone: Someone, namespace: str
) -> None:
    foreign = body(CONFIG_MAPS)
    reference = {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u-1", "controller": True}
    foreign["metadata"] |= {
        "ownerReferences": [reference],
        "finalizers": ["kube-test.example/stay"],  # or garbage collection would take it
    }
    someone("create", foreign)
    operator = await new_operator(CONFIG_MAPS)
    ref = ObjectRef("v1", "ConfigMap", namespace, "a")
    outcome = await operator.apply(body(CONFIG_MAPS), body(CONFIG_MAPS, "b"))
    assert str(outcome.failed[ref]) == "ConfigMap {}/a exists already: {}".format(
        namespace, "it belongs to Pod p"
    )
    assert [created.name for created in outcome.created] == ["b"]
    someone("patch", foreign, {"metadata": {"finalizers": None}})


async def test_two_operators_at_once_make_each_child_once(
    new_operator: NewOperator, body: Body, read: Read
) -> None:
    operators = [await new_operator(CONFIG_MAPS, SERVICES, running=False) for _ in range(2)]
    bodies = [body(kind, f"n{i}") for kind in (CONFIG_MAPS, SERVICES) for i in range(10)]
    outcomes = await asyncio.gather(*(operator.apply(*bodies) for operator in operators))
    assert all(outcome.complete for outcome in outcomes)
    assert sum(len(outcome.created) for outcome in outcomes) == len(bodies)


# Steady state, drift


async def test_unchanged_children_cost_nothing_also_after_a_restart(
    new_operator: NewOperator, body: Body, eventually: Eventually
) -> None:
    bodies = [body(kind) for kind in CHILDREN]
    operator = await new_operator(*CHILDREN)
    assert len((await operator.apply(*bodies)).created) == len(CHILDREN)
    ref = ObjectRef.of(body(DEPLOYMENTS))
    await eventually(lambda: _complete(operator, ref))
    for _ in range(2):
        outcome = await operator.apply(*bodies)
        assert (outcome.unchanged, outcome.complete) == (len(CHILDREN), True)
    assert operator.sent() == {"apply": len(CHILDREN)}
    restarted = await new_operator(*CHILDREN)
    assert (await restarted.apply(*bodies)).unchanged == len(CHILDREN)
    assert restarted.sent() == {}
    assert restarted.drifts() == 0


def _complete(operator: Any, ref: ObjectRef) -> bool:
    facts = operator.cache.facts(ref, WorkloadFacts)
    return facts is not None and facts.complete


def _has_heard(operator: Any, ref: ObjectRef, version: int) -> bool:
    """Whether the cache has an object at that version, or has lost it from its selection."""
    record = operator.cache.get(ref)
    return record is None or record.resource_version >= version


DRIFTS: list[tuple[Resource, JsonObject]] = [
    (CONFIG_MAPS, {"data": {"a": "changed"}}),
    (CONFIG_MAPS, {"data": {"b": None}}),
    (SERVICE_ACCOUNTS, {"automountServiceAccountToken": None}),
    (SERVICES, {"spec": {"selector": {"app": "other"}}}),
    (NETWORK_POLICIES, {"spec": {"egress": None}}),
    (DEPLOYMENTS, {"spec": {"replicas": 7}}),
    (CONFIG_MAPS, {"metadata": {"labels": {OWNER: None}}}),
    (CONFIG_MAPS, {"metadata": {"labels": {"kube-test.example/managed": None}}}),
    (CONFIG_MAPS, {"metadata": {"annotations": {HASH: None}}}),
    (CONFIG_MAPS, {"metadata": {"annotations": {HASH: "no hash"}}}),
    (CONFIG_MAPS, {"metadata": {"ownerReferences": None}}),
]


@pytest.mark.parametrize("drift", DRIFTS, ids=lambda d: f"{d[0].plural}-{d[1]}")
@pytest.mark.parametrize("running", [True, False], ids=["running", "restarted"])
async def test_what_someone_changed_is_put_back(
    new_operator: NewOperator,
    body: Body,
    read: Read,
    someone: Someone,
    eventually: Eventually,
    drift: tuple[Resource, JsonObject],
    running: bool,
) -> None:
    kind, patch = drift
    operator = await new_operator(kind)
    await operator.apply(body(kind))
    before = read(body(kind))
    someone("patch", body(kind), patch)
    if running:
        version = int(read(body(kind))["metadata"]["resourceVersion"])
        await eventually(lambda: _has_heard(operator, ObjectRef.of(body(kind)), version))
        assert operator.told
    else:
        await operator.stop()
        operator = await new_operator(kind)
    outcome = await operator.apply(body(kind))
    assert outcome.complete
    assert len(outcome.updated) == 1
    after = read(body(kind))
    assert _asked_for(after) == _asked_for(before)
    assert after["metadata"]["uid"] == before["metadata"]["uid"]


def _asked_for(obj: JsonObject) -> JsonObject:
    metadata = obj["metadata"]
    kept = {k: metadata.get(k) for k in ("labels", "ownerReferences")}
    rest = {k: v for k, v in obj.items() if k not in ("metadata", "status")}
    return {**rest, "metadata": {**kept, "hash": metadata["annotations"][HASH]}}


async def test_corrections_are_counted_and_stop_once_things_are_right(
    new_operator: NewOperator, body: Body, someone: Someone, eventually: Eventually
) -> None:
    operator = await new_operator(CONFIG_MAPS)
    await operator.apply(body(CONFIG_MAPS))
    someone("patch", body(CONFIG_MAPS), {"data": {"a": "changed"}})
    await eventually(lambda: operator.told)
    await operator.apply(body(CONFIG_MAPS))
    assert operator.drifts() == 1
    assert (await operator.apply(body(CONFIG_MAPS))).unchanged == 1
    assert operator.drifts() == 1
    await asyncio.sleep(0.2)
    assert operator.told == [("ConfigMap", ChangeType.MODIFIED)]  # not our own correction


async def test_what_others_add_is_left_to_them(
    new_operator: NewOperator, body: Body, read: Read, someone: Someone, eventually: Eventually
) -> None:
    operator = await new_operator(CONFIG_MAPS)
    await operator.apply(body(CONFIG_MAPS))
    someone("patch", body(CONFIG_MAPS), {"metadata": {"annotations": {"theirs": "x"}}})
    await eventually(lambda: operator.told)
    assert (await operator.apply(body(CONFIG_MAPS))).unchanged == 1
    assert read(body(CONFIG_MAPS))["metadata"]["annotations"]["theirs"] == "x"
    assert operator.sent() == {"apply": 1}


async def test_a_field_that_is_no_longer_desired_is_removed(
    new_operator: NewOperator, body: Body, read: Read
) -> None:
    operator = await new_operator(CONFIG_MAPS)
    await operator.apply(body(CONFIG_MAPS))
    outcome = await operator.apply(body(CONFIG_MAPS, data={"a": "1"}))
    assert len(outcome.updated) == 1
    assert read(body(CONFIG_MAPS))["data"] == {"a": "1"}
    assert operator.drifts() == 0


async def test_an_allocated_node_port_is_known_at_once_and_kept(
    new_operator: NewOperator, body: Body
) -> None:
    operator = await new_operator(SERVICES, running=False)
    await operator.apply(body(SERVICES))
    facts = operator.cache.facts(ObjectRef.of(body(SERVICES)), ServiceFacts)
    assert facts is not None
    port = facts.node_port("media")
    assert port is not None
    changed = body(SERVICES)
    changed["spec"]["selector"] = {"app": "b"}
    await operator.apply(changed)
    again = operator.cache.facts(ObjectRef.of(changed), ServiceFacts)
    assert again is not None
    assert again.node_port("media") == port


async def test_only_what_others_do_is_told(
    new_operator: NewOperator, body: Body, eventually: Eventually
) -> None:
    quiet = [kind for kind in CHILDREN if kind not in (DEPLOYMENTS, STATEFUL_SETS)]
    operator = await new_operator(*quiet, PODS)
    await operator.apply(*(body(kind) for kind in quiet))
    changed = body(CONFIG_MAPS, data={"c": "3"})
    await operator.apply(changed)
    someone_else = await new_operator(CONFIG_MAPS, running=False)
    await someone_else.apply(body(CONFIG_MAPS, "b"))
    await eventually(lambda: ("ConfigMap", ChangeType.ADDED) in operator.told)
    assert operator.told == [("ConfigMap", ChangeType.ADDED)]


async def test_progress_of_a_roll_out_is_told(
    new_operator: NewOperator, body: Body, eventually: Eventually
) -> None:
    operator = await new_operator(DEPLOYMENTS)
    await operator.apply(body(DEPLOYMENTS))
    await eventually(lambda: _complete(operator, ObjectRef.of(body(DEPLOYMENTS))))
    assert set(operator.told) == {("Deployment", ChangeType.MODIFIED)}
    assert (await operator.apply(body(DEPLOYMENTS))).unchanged == 1


# What would happen

TEMPLATE = ("spec", "template")


def _changed(child: JsonObject, **changes: Any) -> JsonObject:
    """The same with other things in the spec of its pods."""
    pods = {**child["spec"]["template"]["spec"], **changes}
    template = {**child["spec"]["template"], "spec": pods}
    return {**child, "spec": {**child["spec"], "template": template}}


@pytest.mark.parametrize("kind", [DEPLOYMENTS, STATEFUL_SETS], ids=lambda kind: kind.plural)
async def test_what_would_change_a_part_is_told_and_nothing_is_changed(
    new_operator: NewOperator,
    body: Body,
    read: Read,
    owner: Owner[str],
    eventually: Eventually,
    kind: Resource,
) -> None:
    operator = await new_operator(kind)

    def settled() -> bool:
        """Whether controllers have written what they write, and the cache knows."""
        metadata = read(wanted)["metadata"]
        known = operator.cache.get(ObjectRef.of(wanted)).resource_version
        revised = "deployment.kubernetes.io/revision" in metadata["annotations"]
        return known == int(metadata["resourceVersion"]) and (revised or kind is STATEFUL_SETS)

    async def would_change(child: JsonObject) -> bool:
        found: bool = await operator.applier.would_change(owner, Child(child), TEMPLATE)
        return found

    assert not await would_change(body(kind)), "what is not there has nothing that changes"
    wanted = _changed(body(kind), priorityClassName="high")
    await operator.apply(wanted)
    assert not await would_change(wanted)
    assert operator.sent() == {"apply": 1}, "what is as it should be is not asked about"
    await eventually(settled)
    before = _without_status(read(wanted))

    scaled = {**wanted, "spec": {**wanted["spec"], "replicas": 0}}
    labelled = {**wanted, "metadata": {**wanted["metadata"], "labels": {"more": "yes"}}}
    labelled["metadata"]["labels"] |= wanted["metadata"]["labels"]
    assert not await would_change(scaled)
    assert not await would_change(labelled)
    assert await would_change(_changed(wanted, priorityClassName="low"))
    assert await would_change(body(kind)), "a field that is no longer desired would be removed"
    assert _without_status(read(wanted)) == before

    await eventually(settled)
    assert await would_change(body(kind))
    sent = operator.sent()
    assert await would_change(body(kind))
    assert operator.sent() == sent, "asked once"


async def test_an_edit_by_someone_else_is_a_change_to_come(
    new_operator: NewOperator,
    body: Body,
    read: Read,
    owner: Owner[str],
    someone: Someone,
    eventually: Eventually,
) -> None:
    operator = await new_operator(DEPLOYMENTS)
    wanted = _changed(body(DEPLOYMENTS), priorityClassName="high")
    await operator.apply(wanted)
    ref = ObjectRef.of(wanted)
    before = operator.cache.get(ref).content
    edit = {"spec": {"template": {"spec": {"priorityClassName": "low"}}}}
    someone("patch", wanted, edit)
    await eventually(lambda: operator.cache.get(ref).content != before)
    assert await operator.applier.would_change(owner, Child(wanted), TEMPLATE)
    edit["spec"]["template"]["spec"]["priorityClassName"] = "high"
    someone("patch", wanted, edit)
    version = int(read(wanted)["metadata"]["resourceVersion"])
    await eventually(lambda: operator.cache.get(ref).resource_version >= version)
    assert not await operator.applier.would_change(owner, Child(wanted), TEMPLATE)


async def test_of_an_object_of_someone_else_nothing_is_foreseen(
    new_operator: NewOperator, body: Body, owner: Owner[str], someone: Someone
) -> None:
    someone("create", body(DEPLOYMENTS))
    operator = await new_operator(DEPLOYMENTS)
    other = _changed(body(DEPLOYMENTS), priorityClassName="low")
    assert not await operator.applier.would_change(owner, Child(other), TEMPLATE)


# A cache that lags behind


async def test_a_child_that_the_cache_does_not_know_yet_is_found(
    new_operator: NewOperator, body: Body
) -> None:
    first = await new_operator(CONFIG_MAPS, running=False)
    await first.apply(body(CONFIG_MAPS))
    second = await new_operator(CONFIG_MAPS, running=False)
    outcome = await second.apply(body(CONFIG_MAPS, data={"a": "2"}))
    assert len(outcome.updated) == 1
    assert second.sent() == {"apply": 2, "get": 1}


async def test_a_known_child_that_is_gone_is_made_again(
    new_operator: NewOperator, body: Body, someone: Someone
) -> None:
    operator = await new_operator(CONFIG_MAPS, running=False)
    await operator.apply(body(CONFIG_MAPS))
    someone("delete", body(CONFIG_MAPS))
    outcome = await operator.apply(body(CONFIG_MAPS, data={"a": "2"}))
    assert len(outcome.created) == 1


async def test_a_known_child_that_someone_replaced_is_not_touched(
    new_operator: NewOperator, body: Body, read: Read, someone: Someone
) -> None:
    operator = await new_operator(CONFIG_MAPS, running=False)
    await operator.apply(body(CONFIG_MAPS))
    someone("delete", body(CONFIG_MAPS))
    before = someone("create", body(CONFIG_MAPS, data={"theirs": "x"}))
    outcome = await operator.apply(body(CONFIG_MAPS, data={"a": "2"}))
    (error,) = outcome.failed.values()
    assert isinstance(error, NameTaken)
    assert read(before) == before


# Deletion


async def test_a_deleted_child_comes_back(
    new_operator: NewOperator, body: Body, someone: Someone, eventually: Eventually
) -> None:
    operator = await new_operator(CONFIG_MAPS)
    await operator.apply(body(CONFIG_MAPS))
    someone("delete", body(CONFIG_MAPS))
    await eventually(lambda: operator.told == [("ConfigMap", ChangeType.DELETED)])
    assert len((await operator.apply(body(CONFIG_MAPS))).created) == 1


async def test_a_child_that_is_being_deleted_is_waited_for(
    new_operator: NewOperator, body: Body, someone: Someone, eventually: Eventually
) -> None:
    operator = await new_operator(CONFIG_MAPS)
    await operator.apply(body(CONFIG_MAPS))
    someone("patch", body(CONFIG_MAPS), {"metadata": {"finalizers": ["kube-test.example/stay"]}})
    someone("delete", body(CONFIG_MAPS))
    ref = ObjectRef.of(body(CONFIG_MAPS))
    await eventually(lambda: operator.cache.get(ref).deleting)
    lagging = await new_operator(CONFIG_MAPS, running=False)
    for one in (operator, lagging):
        outcome = await one.apply(body(CONFIG_MAPS, data={"a": "2"}))
        assert outcome.waiting == [ref]
        assert not outcome.complete
        assert not outcome.failed
    someone("patch", body(CONFIG_MAPS), {"metadata": {"finalizers": None}})
    await eventually(lambda: operator.told[-1] == ("ConfigMap", ChangeType.DELETED))
    assert (await operator.apply(body(CONFIG_MAPS))).created == [ref]


async def test_children_of_an_owner_of_before_are_waited_for(
    new_operator: NewOperator, body: Body, someone: Someone, owner: Owner[str]
) -> None:
    before = await new_operator(CONFIG_MAPS, running=False)
    before.owner = Owner(owner.ref, "uid-of-before", owner.key)
    child = body(CONFIG_MAPS)
    child["metadata"]["finalizers"] = ["kube-test.example/stay"]
    await before.apply(child)
    operator = await new_operator(CONFIG_MAPS)
    outcome = await operator.apply(body(CONFIG_MAPS))
    assert outcome.waiting == [ObjectRef.of(child)]
    someone("patch", child, {"metadata": {"finalizers": None}})


async def test_prune_deletes_what_is_no_longer_desired_and_nothing_else(
    new_operator: NewOperator, body: Body, someone: Someone, eventually: Eventually
) -> None:
    operator = await new_operator(CONFIG_MAPS, SERVICES)
    kept, old, service = body(CONFIG_MAPS, "kept"), body(CONFIG_MAPS, "old"), body(SERVICES, "old")
    await operator.apply(kept, old, service)
    await operator.apply(body(CONFIG_MAPS, "retained"), retained=True)
    someone("create", body(CONFIG_MAPS, "copied"))  # with our labels, as copied text has
    await eventually(lambda: len(operator.cache.children(operator.owner.key)) == 5)
    await operator.stop()
    outcome = await operator.applier.prune(operator.owner, [ObjectRef.of(kept)])
    assert sorted(outcome.deleted) == [ObjectRef.of(old), ObjectRef.of(service)]
    again = await operator.applier.prune(operator.owner, [ObjectRef.of(kept)])
    assert again.deleted == []
    assert operator.sent()["delete"] == 2
    later = await new_operator(CONFIG_MAPS, SERVICES)
    names = {record.ref.name for record in later.cache.children(operator.owner.key)}
    assert names == {"kept", "retained", "copied"}


async def test_nothing_is_pruned_before_everything_is_known(
    new_operator: NewOperator, body: Body
) -> None:
    operator = await new_operator(CONFIG_MAPS, running=False)
    await operator.apply(body(CONFIG_MAPS))
    with pytest.raises(CacheNotSynced):
        await operator.applier.prune(operator.owner, [])


async def test_prune_does_not_touch_what_took_the_name_meanwhile(
    new_operator: NewOperator, body: Body, read: Read, someone: Someone
) -> None:
    operator = await new_operator(CONFIG_MAPS)
    await operator.apply(body(CONFIG_MAPS))
    await operator.stop()
    someone("delete", body(CONFIG_MAPS))
    theirs = someone("create", body(CONFIG_MAPS))
    outcome = await operator.applier.prune(operator.owner, [])
    assert (outcome.deleted, outcome.failed) == ([], {})
    assert read(theirs) == theirs


async def test_a_retained_child_is_known_again_by_its_labels(
    new_operator: NewOperator, body: Body, read: Read, owner: Owner[str]
) -> None:
    operator = await new_operator(CONFIG_MAPS)
    await operator.apply(body(CONFIG_MAPS), retained=True)
    assert "ownerReferences" not in read(body(CONFIG_MAPS))["metadata"]
    later = await new_operator(CONFIG_MAPS)
    later.owner = Owner(owner.ref, "another-uid", owner.key)
    assert (await later.apply(body(CONFIG_MAPS), retained=True)).unchanged == 1


# One failure is no other child's


async def test_one_child_that_fails_stops_no_other(
    new_operator: NewOperator, body: Body, namespace: str
) -> None:
    operator = await new_operator(CONFIG_MAPS, DEPLOYMENTS, SERVICES, HTTP_ROUTES)
    wrong = body(SERVICES, "wrong")
    wrong["spec"]["ports"][0]["port"] = 70000
    unknown = body(DEPLOYMENTS, "unknown")
    unknown["spec"]["nonsense"] = 1
    route = {**body(CONFIG_MAPS, "r"), "apiVersion": HTTP_ROUTES.api_version, "kind": "HTTPRoute"}
    outcome = await operator.apply(wrong, unknown, route, body(CONFIG_MAPS))
    failed = {ref.kind: error for ref, error in outcome.failed.items()}
    assert isinstance(failed["Service"], Invalid)
    assert failed["Service"].causes[0].field == "spec.ports[0].port"
    assert isinstance(failed["Deployment"], Invalid)
    assert ".spec.nonsense: field not declared in schema" in failed["Deployment"].message
    assert isinstance(failed["HTTPRoute"], NotFound)
    assert outcome.created == [ObjectRef("v1", "ConfigMap", namespace, "a")]
    assert not any(error.transient for error in failed.values())


async def test_a_missing_namespace_is_said(new_operator: NewOperator, body: Body) -> None:
    operator = await new_operator(CONFIG_MAPS, running=False)
    lost = body(CONFIG_MAPS)
    lost["metadata"]["namespace"] = "nowhere"
    operator.owner = Owner(ObjectRef("v1", "ConfigMap", "nowhere", "owner"), "uid", "nowhere/owner")
    (error,) = (await operator.apply(lost)).failed.values()
    assert isinstance(error, NotFound)
    assert 'namespaces "nowhere" not found' in error.message


async def test_mistakes_of_the_caller_are_refused_before_anything_is_sent(
    new_operator: NewOperator, body: Body
) -> None:
    operator = await new_operator(CONFIG_MAPS, running=False)
    unlabelled = body(CONFIG_MAPS)
    del unlabelled["metadata"]["labels"]
    with pytest.raises(ValueError, match="lacks the labels"):
        await operator.apply(body(CONFIG_MAPS, "b"), unlabelled)
    with pytest.raises(ValueError, match="same name"):
        await operator.apply(body(CONFIG_MAPS), body(CONFIG_MAPS))
    operator.owner = Owner(
        ObjectRef("v1", "ConfigMap", "other", "owner"), "uid", operator.owner.key
    )
    with pytest.raises(ValueError, match="another namespace"):
        await operator.apply(body(CONFIG_MAPS))
    assert operator.sent() == {}
