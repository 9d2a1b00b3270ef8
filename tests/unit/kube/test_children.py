"""The cache of children: which changes are told, and what is remembered of a child."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef
from jitsi_tenant_operator.kube.children import ChildCache, ChildRecord, Marks
from jitsi_tenant_operator.kube.errors import Unavailable
from jitsi_tenant_operator.kube.informer import ChangeType
from jitsi_tenant_operator.kube.resources import CONFIG_MAPS, PODS

REF = ObjectRef("v1", "ConfigMap", "ns", "a")
HASH = "ab" * 32


def owner_key(namespace: str, labels: Mapping[str, str]) -> str | None:
    return f"{namespace}/{labels['owner']}" if "owner" in labels else None


MARKS = Marks("managed=yes", owner_key, "example.com/hash")


def child_parts(owner: str = "o", **data: str) -> JsonObject:
    return {
        "metadata": {
            "labels": {"owner": owner},
            "annotations": {"example.com/hash": HASH},
            "ownerReferences": [{"uid": "other"}, {"uid": f"uid-of-{owner}", "controller": True}],
        },
        "data": data,
    }


class Told:
    def __init__(self) -> None:
        self.changes: list[tuple[str, str, ChangeType]] = []

    def __call__(self, owner: str, ref: ObjectRef, change: ChangeType) -> None:
        self.changes.append((owner, ref.name, change))


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
async def cache(api: Any, told: Told) -> AsyncIterator[ChildCache[str]]:
    cache: ChildCache[str] = ChildCache(api, [CONFIG_MAPS], marks=MARKS, on_change=told)

    async def start_with_the_clock() -> None:
        await api.clock.sleep(0.001)
        await cache.run()

    task = asyncio.create_task(start_with_the_clock())
    yield cache
    task.cancel()
    await asyncio.wait({task})


async def test_the_children_of_an_owner_are_found_by_their_labels(
    api: Any, cache: ChildCache[str]
) -> None:
    api.put("ns", "a", **child_parts("o"))
    api.put("ns", "b", **child_parts("o"))
    api.put("ns", "c", **child_parts("p"))
    api.put("ns", "d")
    await api.clock.advance(0.01)
    assert cache.synced
    assert sorted(r.ref.name for r in cache.children("ns/o")) == ["a", "b"]
    record = cache.get(REF)
    assert record is not None
    assert (record.owner, record.owner_uid, record.applied_hash) == (
        "ns/o",
        "uid-of-o",
        bytes.fromhex(HASH),
    )


async def test_changes_by_others_are_told_to_the_owner(
    api: Any, cache: ChildCache[str], told: Told
) -> None:
    api.put("ns", "a", **child_parts(x="1"))
    await api.clock.advance(0.01)
    assert told.changes == []  # what was there at the start is no change
    api.put("ns", "a", **child_parts(x="2"))
    api.put("ns", "b", **child_parts())
    api.remove("ns", "a")
    await api.clock.advance(0.01)
    assert told.changes == [
        ("ns/o", "a", ChangeType.MODIFIED),
        ("ns/o", "b", ChangeType.ADDED),
        ("ns/o", "a", ChangeType.DELETED),
    ]


async def test_bookkeeping_is_no_change(api: Any, cache: ChildCache[str], told: Told) -> None:
    api.put("ns", "a", **child_parts(), status={"x": 1})
    await api.clock.advance(0.01)
    parts = child_parts()
    parts["metadata"] |= {"generation": 7, "managedFields": [{"manager": "m"}]}
    api.put("ns", "a", **parts, status={"x": 2})
    await api.clock.advance(0.01)
    assert told.changes == []


async def test_a_child_that_moves_to_another_owner_is_told_to_both(
    api: Any, cache: ChildCache[str], told: Told
) -> None:
    api.put("ns", "a", **child_parts("o"))
    await api.clock.advance(0.01)
    api.put("ns", "a", **child_parts("p"))
    await api.clock.advance(0.01)
    assert sorted(owner for owner, _, _ in told.changes) == ["ns/o", "ns/p"]


async def _write(api: Any, cache: ChildCache[str], **data: str) -> JsonObject:
    """A write of ours, on its way back while the watch may already tell of it."""
    cache.begin_write(REF)
    answer: JsonObject = api.put("ns", "a", **child_parts(**data))
    return answer


@pytest.mark.parametrize("echo_first", [True, False])
async def test_our_own_write_is_not_told_and_leaves_the_child_verified(
    api: Any, cache: ChildCache[str], told: Told, echo_first: bool
) -> None:
    await api.clock.advance(0.01)
    api.lag = not echo_first
    answer = await _write(api, cache, x="1")
    await api.clock.advance(0.01)
    record = cache.end_write(REF, answer)
    assert record is not None
    assert record.verified
    api.lag = False
    api.cut()
    await api.clock.advance(5)
    assert told.changes == []
    assert cache.get(REF) is record


@pytest.mark.parametrize("echo_first", [True, False])
async def test_what_others_do_during_our_write_is_told(
    api: Any, cache: ChildCache[str], told: Told, echo_first: bool
) -> None:
    await api.clock.advance(0.01)
    api.lag = not echo_first
    answer = await _write(api, cache, x="1")
    api.put("ns", "a", **child_parts(x="2"))
    await api.clock.advance(0.01)
    cache.end_write(REF, answer)
    api.lag = False
    api.cut()
    await api.clock.advance(5)
    assert {change for _, _, change in told.changes} <= {ChangeType.ADDED, ChangeType.MODIFIED}
    assert len(told.changes) == 1
    record = cache.get(REF)
    assert record is not None
    assert not record.verified


async def test_bookkeeping_during_our_write_is_no_change(
    api: Any, cache: ChildCache[str], told: Told
) -> None:
    await api.clock.advance(0.01)
    answer = await _write(api, cache, x="1")
    api.put("ns", "a", **child_parts(x="1"), status={"phase": "Bound"})
    await api.clock.advance(0.01)
    cache.end_write(REF, answer)
    await api.clock.advance(5)
    assert told.changes == []


@pytest.mark.parametrize("echo_first", [True, False])
async def test_a_deletion_during_our_write_is_told_and_not_undone(
    api: Any, cache: ChildCache[str], told: Told, echo_first: bool
) -> None:
    await api.clock.advance(0.01)
    api.lag = not echo_first
    answer = await _write(api, cache, x="1")
    api.remove("ns", "a")
    await api.clock.advance(0.01)
    cache.end_write(REF, answer)
    api.lag = False
    api.cut()
    await api.clock.advance(5)
    assert [change for _, _, change in told.changes] == [ChangeType.DELETED]
    assert cache.get(REF) is None


async def test_what_others_did_is_told_when_our_write_failed(
    api: Any, cache: ChildCache[str], told: Told
) -> None:
    await api.clock.advance(0.01)
    cache.begin_write(REF)
    api.put("ns", "a", **child_parts(x="2"))
    await api.clock.advance(0.01)
    assert told.changes == []
    cache.end_write(REF, None)
    assert told.changes == [("ns/o", "a", ChangeType.ADDED)]


async def test_a_status_change_leaves_the_child_verified(api: Any, cache: ChildCache[str]) -> None:
    await api.clock.advance(0.01)
    cache.end_write(REF, await _write(api, cache, x="1"))
    api.put("ns", "a", **child_parts(x="1"), status={"phase": "Bound"})
    await api.clock.advance(0.01)
    record = cache.get(REF)
    assert record is not None
    assert record.verified
    assert record.resource_version == api.version


async def test_after_a_restart_a_child_is_verified_by_comparison(
    api: Any, cache: ChildCache[str]
) -> None:
    api.put("ns", "a", **child_parts(x="1"))
    await api.clock.advance(0.01)
    record = cache.get(REF)
    assert record is not None
    desired = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"x": "1"}}
    assert not record.verify({**desired, "data": {"x": "2"}})
    assert (record.verified, record.snapshot is None) == (False, False)
    assert record.verify(desired)
    assert (record.verified, record.snapshot is None) == (True, True)
    # A complete read finds the same content: nothing to compare again.
    api.compact()
    api.cut()
    await api.clock.advance(5)
    again = cache.get(REF)
    assert again is not None
    assert again.verified


async def test_errors_are_shown_by_kind(api: Any, cache: ChildCache[str]) -> None:
    api.faults = [Unavailable("no route")] * 3
    await api.clock.advance(0.01)
    assert not cache.synced
    assert cache.last_errors() == {"ConfigMap": "Unavailable: no route"}
    await api.clock.advance(10)
    await asyncio.wait_for(cache.wait_synced(), 1)
    assert cache.last_errors() == {}
    assert cache.healthy(api.clock.monotonic())
    assert not cache.healthy(api.clock.monotonic() + 301)


async def test_kinds_that_are_not_cached_are_a_mistake(api: Any, cache: ChildCache[str]) -> None:
    with pytest.raises(KeyError):
        cache.get(ObjectRef("v1", PODS.kind, "ns", "a"))


async def test_a_verified_child_takes_less_than_one_and_a_half_kilobytes(
    api: Any, cache: ChildCache[str]
) -> None:
    await api.clock.advance(0.01)
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    number = 500
    for i in range(number):
        ref = ObjectRef("v1", "ConfigMap", f"tenant-{i // 25}", f"a-name-of-usual-length-{i}")
        metadata = {
            "namespace": ref.namespace,
            "name": ref.name,
            "uid": f"6c6c7dc2-83ce-4d7e-9c44-{i:012}",
            "resourceVersion": str(900_000 + i),
            **child_parts(f"o-{i // 25}")["metadata"],
        }
        obj = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": metadata,
            "data": {"x": "y" * 2000},
        }
        cache.begin_write(ref)
        cache.end_write(ref, obj)
        del obj, metadata, ref
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    records: list[ChildRecord[str]] = cache.children("tenant-0/o-0")
    assert len(records) == 25
    assert all(record.verified for record in records)
    assert (after - before) / number < 1500
