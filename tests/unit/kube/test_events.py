"""Events are sent on the side and never get in the way."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from jitsi_tenant_operator.api.objects import ObjectRef
from jitsi_tenant_operator.kube.errors import Forbidden, Unavailable
from jitsi_tenant_operator.kube.events import EventRecorder

REF = ObjectRef("example.com/v1", "Widget", "ns", "a")


def _record(
    recorder: EventRecorder, note: str = "Something happened.", ref: ObjectRef = REF
) -> None:
    recorder.record(ref, "uid-1", type="Normal", reason="Made", action="Make", note=note)


def _counted(api: Any, result: str) -> float:
    value: float = api.metrics.events.labels(result)._value.get()
    return value


@pytest.fixture
def recorder(api: Any) -> EventRecorder:
    return EventRecorder(api, controller="example.com/operator", instance="pod-1", capacity=3)


async def _send_all(recorder: EventRecorder) -> None:
    task = asyncio.create_task(recorder.run())
    await asyncio.wait_for(recorder.drain(), 5)
    task.cancel()
    await asyncio.wait({task})


async def test_an_event_says_who_what_when_and_about_which_object(
    api: Any, recorder: EventRecorder
) -> None:
    sent: list[dict[str, Any]] = []

    async def create(obj: dict[str, Any]) -> dict[str, Any]:
        sent.append(obj)
        return obj

    api.create = create
    _record(recorder)
    _record(recorder, ref=ObjectRef("example.com/v1", "Platform", "", "default"))
    await _send_all(recorder)
    assert sent[0]["regarding"]["name"] == "a"
    assert sent[0]["regarding"]["uid"] == "uid-1"
    assert sent[0]["metadata"]["namespace"] == "ns"
    assert sent[0]["eventTime"] == "2026-01-05T09:00:00.000000Z"
    assert sent[0]["reportingController"] == "example.com/operator"
    assert sent[0]["reportingInstance"] == "pod-1"
    assert sent[1]["metadata"]["namespace"] == "default"
    assert sent[0]["metadata"]["name"] != sent[1]["metadata"]["name"]
    assert _counted(api, "sent") == 2


async def test_failures_are_counted_and_the_next_one_is_sent(
    api: Any, recorder: EventRecorder
) -> None:
    api.faults = [Forbidden("no"), Unavailable("no")]
    for _ in range(3):
        _record(recorder)
    await _send_all(recorder)
    assert (_counted(api, "failed"), _counted(api, "sent")) == (2, 1)


async def test_too_many_events_are_dropped_and_counted(api: Any, recorder: EventRecorder) -> None:
    for _ in range(5):
        _record(recorder)
    assert _counted(api, "dropped") == 2
    await _send_all(recorder)
    assert _counted(api, "sent") == 3


async def test_a_long_note_is_cut_between_characters(api: Any, recorder: EventRecorder) -> None:
    _record(recorder, note="é" * 1000)
    await _send_all(recorder)
    (event,) = api.objects.values()
    assert event["note"] == "é" * 512
