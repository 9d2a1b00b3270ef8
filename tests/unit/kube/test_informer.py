"""The picture that an informer keeps, compared with what the API server holds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jitsi_tenant_operator.api.objects import JsonObject
from jitsi_tenant_operator.kube.errors import (
    Forbidden,
    KubeError,
    NotFound,
    SilentStream,
    Unauthorized,
    Unavailable,
)
from jitsi_tenant_operator.kube.informer import Change, ChangeType, Informer
from jitsi_tenant_operator.kube.resources import CONFIG_MAPS


@dataclass(frozen=True)
class Seen:
    name: str
    uid: str
    resource_version: int
    color: str


def seen(obj: JsonObject, _old: Seen | None = None) -> Seen:
    metadata = obj["metadata"]
    return Seen(
        metadata["name"], metadata["uid"], int(metadata["resourceVersion"]), obj.get("color", "")
    )


class Watcher:
    """An informer under test, and what became of the changes that it reported."""

    def __init__(self, api: Any, *, never_list: bool = False) -> None:
        self.api = api
        self.changes: list[Change[Seen]] = []
        self.replayed: dict[str, Seen] = {}
        self.informer: Informer[Seen] = Informer(
            api,
            CONFIG_MAPS,
            transform=seen,
            key=lambda record: record.color or None,
            on_change=self.take,
            never_list=never_list,
        )

    def take(self, change: Change[Seen]) -> None:
        """Each change must follow from what was reported before it."""
        self.changes.append(change)
        record = change.new or change.old
        assert record is not None
        before = self.replayed.pop(record.name, None)
        assert before == change.old
        assert (change.old is None) == (change.type is ChangeType.ADDED)
        assert (change.new is None) == (change.type is ChangeType.DELETED)
        if change.new is not None:
            self.replayed[record.name] = change.new
            if before is not None:
                assert before.uid == change.new.uid

    def error(self) -> str | None:
        return self.informer.last_error

    def expect_the_truth(self) -> None:
        truth = {name[1]: seen(obj) for name, obj in self.api.objects.items()}
        assert {record.name: record for record in self.informer.records()} == truth
        for color in ("", "red", "blue"):
            indexed = sorted(r.name for r in self.informer.indexed(color))
            assert indexed == sorted(n for n, r in truth.items() if color and r.color == color)


@asynccontextmanager
async def running(informer: Informer[Any]) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(informer.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled():
            task.result()


NAMES = st.sampled_from(["a", "b", "c", "d", "e"])
FAULTS = [
    Forbidden("no", status=403),
    NotFound("not served", status=404),
    Unavailable("no", status=503),
    SilentStream("nothing heard"),
]
STEPS: st.SearchStrategy[list[tuple[Any, ...]]] = st.lists(
    st.tuples(st.just("put"), NAMES, st.sampled_from(["red", "blue", ""]))
    | st.tuples(st.just("own_write"), NAMES, st.sampled_from(["red", "blue"]))
    | st.tuples(st.just("remove"), NAMES)
    | st.tuples(st.sampled_from(["cut", "compact", "wait", "save", "restore"]))
    | st.tuples(st.just("fault"), st.sampled_from(FAULTS)),
    max_size=25,
)


class Story:
    """Plays a history on the server, and on the way our own writes with their answers."""

    def __init__(self, watcher: Watcher) -> None:
        self.watcher = watcher
        self.api = watcher.api
        self.backup: Any = None
        self.answers: list[JsonObject] = []

    async def play(self, steps: list[tuple[Any, ...]]) -> None:
        for action, *details in steps:
            await getattr(self, action)(*details)
        await self.take_answers()

    async def put(self, name: str, color: str) -> None:
        self.api.put("ns", name, color=color)

    async def own_write(self, name: str, color: str) -> None:
        self.answers.append(self.api.put("ns", name, color=color))

    async def remove(self, name: str) -> None:
        self.api.remove("ns", name)

    async def cut(self) -> None:
        self.api.cut()

    async def compact(self) -> None:
        self.api.compact()
        self.api.cut()

    async def fault(self, error: KubeError) -> None:
        self.api.faults.append(error)
        self.api.cut()

    async def save(self) -> None:
        self.backup = self.api.backup()

    async def restore(self) -> None:
        """No client can tell if writes reach the versions of before within the silence."""
        if self.backup is not None:
            self.api.restore(self.backup)
            self.answers.clear()
            await self.api.clock.advance(100)

    async def wait(self) -> None:
        await self.api.clock.advance(0.3)
        await self.take_answers()

    async def take_answers(self) -> None:
        """What is observed is not reported: the replay takes it as it is held."""
        for answer in self.answers:
            name = answer["metadata"]["name"]
            held = self.watcher.informer.observe("ns", name, seen(answer))
            self.watcher.replayed.pop(name, None)
            if held is not None:
                self.watcher.replayed[name] = held
        self.answers.clear()


@pytest.mark.parametrize("never_list", [False, True])
@settings(max_examples=150, deadline=None)
@given(steps=STEPS)
@example(steps=[("put", "a", "red"), ("wait",), ("compact",), ("remove", "a"), ("compact",)])
@example(steps=[("wait",), ("fault", FAULTS[2]), *[("wait",)] * 9])
@example(steps=[("own_write", "a", "red"), ("remove", "a"), ("wait",)])
@example(
    steps=[
        *[("wait",), ("save",), ("fault", FAULTS[0])],
        *[("own_write", "a", "red"), ("wait",), ("restore",)],
    ]
)
def test_whatever_happens_the_picture_ends_up_true(
    new_api: Callable[[], Any], never_list: bool, steps: list[tuple[Any, ...]]
) -> None:
    async def scenario() -> None:
        api = new_api()
        watcher = Watcher(api, never_list=never_list)
        async with running(watcher.informer):
            await Story(watcher).play(steps)
            api.faults.clear()
            await api.clock.advance(1300)
            api.bookmark()
            await api.clock.advance(1)
            watcher.expect_the_truth()
            assert {**watcher.replayed} == {r.name: r for r in watcher.informer.records()}
            assert watcher.informer.synced.is_set()
            assert watcher.error() is None

    asyncio.run(scenario())


async def test_a_deletion_missed_during_a_gap_is_reported(api: Any) -> None:
    for name in "abc":
        api.put("ns", name)
    watcher = Watcher(api)
    async with running(watcher.informer):
        await api.clock.settle()
        api.remove("ns", "b")
        api.compact()
        api.history.clear()
        api.cut()
        await api.clock.advance(2)
        assert [(c.type, c.old and c.old.name) for c in watcher.changes[3:]] == [
            (ChangeType.DELETED, "b")
        ]


async def test_an_object_made_again_under_its_name_is_reported_as_another_one(api: Any) -> None:
    api.put("ns", "a")
    watcher = Watcher(api)
    async with running(watcher.informer):
        await api.clock.settle()
        api.remove("ns", "a")
        api.put("ns", "a")
        api.compact()
        api.history.clear()
        api.cut()
        await api.clock.advance(2)
        assert [c.type for c in watcher.changes] == [
            ChangeType.ADDED,
            ChangeType.DELETED,
            ChangeType.ADDED,
        ]


async def test_a_closed_stream_goes_on_without_a_new_list(api: Any) -> None:
    watcher = Watcher(api)
    async with running(watcher.informer):
        await api.clock.settle()
        for name in "abc":
            api.put("ns", name)
            await api.clock.settle()
            api.cut()
            await api.clock.advance(1)
        assert api.calls.count("list") == 1
        watcher.expect_the_truth()


@pytest.mark.parametrize("restored", [False, True])
async def test_after_a_silence_all_is_read_anew_only_if_the_server_is_behind(
    api: Any, restored: bool
) -> None:
    backup = api.backup()
    for name in "abc":
        api.put("ns", name)
    watcher = Watcher(api)
    async with running(watcher.informer):
        await api.clock.settle()
        if restored:
            api.restore(backup)
        api.faults.append(SilentStream("nothing heard"))
        api.cut()
        await api.clock.advance(2)
        relists = api.metrics.informer_relists.labels("ConfigMap")
        assert relists._value.get() == restored
        watcher.expect_the_truth()


async def test_a_write_of_ours_while_the_list_is_read_is_kept(api: Any) -> None:
    api.put("ns", "a")
    watcher = Watcher(api)
    list_pages = api.list_pages

    async def list_and_write(*args: Any, **rest: Any) -> AsyncIterator[Any]:
        async for page in list_pages(*args, **rest):
            yield page
        for name in ("a", "new"):
            watcher.informer.observe("ns", name, seen(api.put("ns", name, color="red")))

    api.list_pages = list_and_write
    api.lag = True  # only the list and our own answers tell
    async with running(watcher.informer):
        await api.clock.settle()
        assert watcher.informer.synced.is_set()
        watcher.expect_the_truth()


async def test_after_a_silence_everything_is_read_anew(api: Any) -> None:
    watcher = Watcher(api)
    async with running(watcher.informer):
        await api.clock.settle()
        api.faults.append(SilentStream("nothing heard for 90 s"))
        api.cut()
        await api.clock.advance(2)
        assert api.calls.count("list") == 2


@pytest.mark.parametrize("error", [Unauthorized("no"), Forbidden("no"), Unavailable("no")])
async def test_errors_are_shown_and_tried_again_for_ever_ever_slower(
    api: Any, error: KubeError
) -> None:
    watcher = Watcher(api)
    api.faults = [error] * 1000
    async with running(watcher.informer) as task:
        await api.clock.advance(3600)
        assert not task.done()
        assert watcher.error() == f"{type(error).__name__}: no"
        assert not watcher.informer.synced.is_set()
        assert not watcher.informer.healthy(api.clock.monotonic())
        assert 55 < len(api.calls) < 150
        api.faults.clear()
        await api.clock.advance(61)
        api.bookmark()
        await api.clock.settle()
        assert watcher.error() is None
        assert watcher.informer.healthy(api.clock.monotonic())


async def test_an_error_that_stays_makes_it_read_everything_anew(api: Any) -> None:
    watcher = Watcher(api)
    async with running(watcher.informer):
        await api.clock.settle()
        api.faults = [Unavailable("required revision has been compacted")] * 6
        api.cut()
        await api.clock.advance(120)
        assert api.calls.count("list") > 1


async def test_a_server_that_closes_each_stream_at_once_is_not_hammered(api: Any) -> None:
    watcher = Watcher(api)

    async def nothing(*_: Any, **__: Any) -> AsyncIterator[Any]:
        api.calls.append("watch")
        for event in list[Any]():
            yield event

    api.watch = nothing
    async with running(watcher.informer):
        await api.clock.advance(600)
        assert len(api.calls) < 40


async def test_health_follows_the_signs_of_life(api: Any) -> None:
    watcher = Watcher(api)
    async with running(watcher.informer):
        await api.clock.advance(299)
        assert watcher.informer.healthy(api.clock.monotonic())
        await api.clock.advance(2)
        assert not watcher.informer.healthy(api.clock.monotonic())
        api.put("ns", "a")
        await api.clock.settle()
        assert watcher.informer.healthy(api.clock.monotonic())


async def test_a_kind_that_is_not_served_is_empty_until_it_is(api: Any) -> None:
    watcher = Watcher(api)
    api.faults = [NotFound("404 page not found", status=404)] * 2
    async with running(watcher.informer):
        await api.clock.advance(1)
        assert watcher.informer.synced.is_set()
        await api.clock.advance(590)
        assert watcher.informer.healthy(api.clock.monotonic())
        api.put("ns", "a")
        await api.clock.advance(600)
        watcher.expect_the_truth()


async def test_a_known_kind_that_vanishes_is_an_error_not_a_deletion(api: Any) -> None:
    api.put("ns", "a")
    watcher = Watcher(api)
    async with running(watcher.informer):
        await api.clock.settle()
        api.faults = [NotFound("404 page not found", status=404)]
        api.cut()
        await api.clock.advance(0.6)
        assert len(watcher.informer) == 1
        assert watcher.error() is not None


async def test_synced_and_objects_are_visible_in_the_metrics(api: Any) -> None:
    watcher = Watcher(api)
    synced = api.metrics.informer_synced.labels("ConfigMap")
    objects = api.metrics.informer_objects.labels("ConfigMap")
    api.put("ns", "a")
    assert synced._value.get() == 0
    async with running(watcher.informer):
        await api.clock.settle()
        assert synced._value.get() == 1
        assert objects.collect()[0].samples[0].value == 1
        api.remove("ns", "a")
        await api.clock.settle()
        assert objects.collect()[0].samples[0].value == 0
