"""What is written on a tenant: only news, only what is ours, and told once."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef
from jitsi_tenant_operator.kube.errors import Conflict, NotFound
from jitsi_tenant_operator.reconcile.conditions import ConditionType, Reason, found, lacking
from jitsi_tenant_operator.reconcile.known_tenant import FINALIZER
from jitsi_tenant_operator.reconcile.publish import PAUSED_ANNOTATION, Publisher
from jitsi_tenant_operator.reconcile.status import Report, Running
from jitsi_tenant_operator.reconcile.world import World

READY = found(ConditionType.READY, "people can meet")
VALID = found(ConditionType.SPEC_VALID)


@dataclass
class Events:
    """What was told."""

    told: list[tuple[str, str]] = field(default_factory=list)

    def record(self, regarding: ObjectRef, uid: str, **event: Any) -> None:
        assert (regarding.name, uid) == ("acme", "uid-acme")
        self.told.append((event["type"], event["reason"]))


@dataclass
class Desk:
    """A publisher, a tenant on the API server, and what the world knows of it."""

    kube: Any
    world: World
    events: Events
    publisher: Publisher
    ref: ObjectRef

    @property
    def body(self) -> JsonObject:
        """The tenant as it is stored."""
        return copy.deepcopy(self.kube.objects[self.ref])

    @property
    def conditions(self) -> dict[str, JsonObject]:
        """Its conditions by type."""
        return {each["type"]: each for each in self.body["status"]["conditions"]}

    def change(self, **parts: Any) -> JsonObject:
        """Have a person change it."""
        body = {**self.body, **parts}
        stored: JsonObject = self.kube.put(body)
        self.world.observe_tenant("MODIFIED", copy.deepcopy(stored))
        return stored


@pytest.fixture
def desk(kube: Any, body_of: Callable[..., JsonObject]) -> Desk:
    created = {"creationTimestamp": "2026-06-01T08:00:00Z"}
    stored = kube.put(body_of("JitsiTenant", metadata=created))
    world, events = World(), Events()
    world.observe_tenant("ADDED", copy.deepcopy(stored))
    return Desk(kube, world, events, Publisher(world, kube, events), ObjectRef.of(stored))  # type: ignore[arg-type]


async def test_a_status_is_written_once(desk: Desk, clock: Any) -> None:
    report = Report([READY, VALID], applied=True, running=Running(url="https://a.example"))
    await desk.publisher.publish(desk.body, report)
    await clock.advance(3600)
    await desk.publisher.publish(desk.body, report)
    assert desk.kube.called() == [("apply status", desk.ref)]
    assert desk.body["status"]["observedGeneration"] == 3
    assert desk.body["status"]["url"] == "https://a.example"


async def test_its_own_writing_is_no_news(desk: Desk) -> None:
    await desk.publisher.hold(desk.body)
    await desk.publisher.publish(desk.body, Report([READY]))
    assert desk.world.observe_tenant("MODIFIED", desk.body) == set()


async def test_events_tell_of_turns_only(desk: Desk) -> None:
    taken = lacking(ConditionType.READY, Reason.HOST_TAKEN, "the host is taken")
    busy = lacking(ConditionType.READY, Reason.PROGRESSING, "waiting for web")
    for finding in (busy, READY, READY, busy, READY, taken, taken, READY):
        await desk.publisher.publish(desk.body, Report([finding]))
    assert desk.events.told == [
        ("Normal", "AsWanted"),
        ("Normal", "AsWanted"),
        ("Warning", "HostTaken"),
        ("Normal", "AsWanted"),
    ]


async def test_a_status_that_someone_broke_is_written_anew(desk: Desk) -> None:
    desk.change(status={"conditions": [{"type": "Ready", "status": "Perhaps"}]})
    await desk.publisher.publish(desk.body, Report([READY]))
    assert desk.conditions["Ready"]["status"] == "True"


async def test_the_spec_and_its_marks_are_left_alone(desk: Desk) -> None:
    desk.change(metadata={**desk.body["metadata"], "labels": {"team": "blue"}})
    before = desk.body
    await desk.publisher.hold(desk.body)
    await desk.publisher.publish(desk.body, Report([READY]))
    after = desk.body
    assert after["spec"] == before["spec"]
    for name in ("labels", "annotations"):
        assert after["metadata"].get(name) == before["metadata"].get(name)


async def test_a_tenant_is_held_once(desk: Desk) -> None:
    await desk.publisher.hold(desk.body)
    await desk.publisher.hold(desk.body)
    assert desk.body["metadata"]["finalizers"] == [FINALIZER]
    assert desk.kube.called() == [("apply", desk.ref)]


async def test_letting_go_takes_back_our_finalizer_and_no_other(desk: Desk) -> None:
    finalizers = ["example.org/theirs", FINALIZER]
    desk.change(metadata={**desk.body["metadata"], "finalizers": finalizers})
    await desk.publisher.let_go(desk.body)
    assert desk.body["metadata"]["finalizers"] == ["example.org/theirs"]
    assert desk.events.told == [("Normal", "Deleting")]
    await desk.publisher.let_go(desk.body)
    assert desk.events.told == [("Normal", "Deleting")]


async def test_letting_go_undoes_no_change_made_meanwhile(desk: Desk) -> None:
    desk.change(metadata={**desk.body["metadata"], "finalizers": [FINALIZER]})
    stale = desk.body
    both = [FINALIZER, "example.org/theirs"]
    desk.change(metadata={**desk.body["metadata"], "finalizers": both})
    with pytest.raises(Conflict):
        await desk.publisher.let_go(stale)
    assert desk.body["metadata"]["finalizers"] == both
    assert desk.events.told == []


async def test_what_is_paused_keeps_what_was_said_of_it(desk: Desk, clock: Any) -> None:
    pending = lacking(ConditionType.MEDIA_REACHABLE, Reason.MEDIA_ADDRESS_PENDING, "bridge 0")
    report = Report([READY, VALID, pending], applied=True, running=Running(url="https://a.example"))
    await desk.publisher.publish(desk.body, report)
    before = desk.conditions
    await clock.advance(60)
    metadata = {**desk.body["metadata"], "annotations": {PAUSED_ANNOTATION: "true"}}
    body = desk.change(metadata={**metadata, "generation": 4})
    assert desk.publisher.is_paused(body)
    await desk.publisher.paused(desk.body)
    await desk.publisher.paused(desk.body)
    after = desk.conditions
    ready = after.pop("Ready")
    assert (ready["status"], ready["reason"]) == ("Unknown", "Paused")
    assert PAUSED_ANNOTATION in ready["message"]
    assert after == {name: each for name, each in before.items() if name != "Ready"}
    assert desk.body["status"]["observedGeneration"] == 3, "the new spec was not applied"
    assert desk.body["status"]["url"] == "https://a.example"
    assert len(desk.kube.called("apply status")) == 2


@pytest.mark.parametrize("value", [None, "false", "yes", ""])
def test_only_true_pauses(value: str | None, desk: Desk) -> None:
    annotations = {} if value is None else {PAUSED_ANNOTATION: value}
    metadata = {**desk.body["metadata"], "annotations": annotations}
    assert not desk.publisher.is_paused({**desk.body, "metadata": metadata})


async def test_a_tenant_that_is_gone_can_be_told_from_one_that_changed(desk: Desk) -> None:
    body = desk.body
    assert await desk.publisher.exists(body)
    del desk.kube.objects[desk.ref]
    with pytest.raises((Conflict, NotFound)):
        await desk.publisher.hold(body)
    assert not await desk.publisher.exists(body)
    desk.kube.put({**body, "metadata": {**body["metadata"], "uid": "uid-namesake"}})
    assert not await desk.publisher.exists(body)
