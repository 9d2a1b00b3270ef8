"""The comparison that decides whether a child drifted."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from jitsi_tenant_operator.kube.comparison import content, covers, desired_hash

LEAVES = st.booleans() | st.integers(2, 5) | st.sampled_from(["", "a", "1", "true"])
VALUES: st.SearchStrategy[Any] = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.sampled_from("abcd"), VALUES, min_size=1)


def _with_defaults(value: Any) -> Any:
    """What a server may make of an object: more keys in every dict, wherever it is."""
    if isinstance(value, dict):
        return {**{k: _with_defaults(v) for k, v in value.items()}, "defaulted": {"by": "server"}}
    if isinstance(value, list):
        return [_with_defaults(v) for v in value]
    return value


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, part in inner:
        found.append((*path, key))
        if isinstance(part, dict | list):
            found += _paths(part, (*path, key))
    return found


def _parent(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path[:-1]:
        value = value[key]
    return value


@given(OBJECTS)
def test_defaults_of_the_server_are_no_drift(desired: dict[str, Any]) -> None:
    assert covers(desired, desired)
    assert covers(_with_defaults(desired), desired)


@given(OBJECTS, st.data())
def test_any_changed_value_is_drift(desired: dict[str, Any], data: st.DataObject) -> None:
    live = _with_defaults(copy.deepcopy(desired))
    path = data.draw(st.sampled_from(_paths(desired)))
    parent = _parent(live, path)
    parent[path[-1]] = data.draw(
        VALUES.filter(
            lambda v: not covers(v, parent[path[-1]]) or not covers(parent[path[-1]], v)
        ).filter(lambda v: not covers(v, _parent(desired, path)[path[-1]]))
    )
    assert not covers(live, desired)


@given(OBJECTS, st.data())
def test_any_removed_value_is_drift_unless_it_says_nothing(
    desired: dict[str, Any], data: st.DataObject
) -> None:
    live = _with_defaults(copy.deepcopy(desired))
    path = data.draw(st.sampled_from(_paths(desired)))
    value = _parent(desired, path)[path[-1]]
    parent = _parent(live, path)
    says_nothing = isinstance(parent, dict) and value in ("", [])
    del parent[path[-1]]
    assert covers(live, desired) is says_nothing


@given(OBJECTS, st.data())
def test_an_added_list_item_is_drift(desired: dict[str, Any], data: st.DataObject) -> None:
    live = {**_with_defaults(desired), "z": [1, 2, 3]}
    assert not covers(live, {**desired, "z": [1, 2]})
    assert not covers(live, {**desired, "z": [2, 1, 3]})


def test_what_the_server_does_not_store_is_not_missed() -> None:
    assert covers({"name": "A"}, {"name": "A", "value": "", "valueFrom": None, "args": []})
    assert not covers({"name": "A"}, {"name": "A", "emptyDir": {}})
    assert not covers({"name": "A"}, {"name": "A", "automount": False})
    assert not covers({"name": "A"}, {"name": "A", "replicas": 0})


@given(OBJECTS)
def test_the_hash_does_not_depend_on_the_order_of_keys(desired: dict[str, Any]) -> None:
    assert desired_hash(dict(reversed(desired.items()))) == desired_hash(desired)


@given(OBJECTS, OBJECTS)
def test_different_objects_have_different_hashes(a: dict[str, Any], b: dict[str, Any]) -> None:
    same = json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True)
    assert (desired_hash(a) == desired_hash(b)) is same


def test_status_and_bookkeeping_are_no_content() -> None:
    obj: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "a", "labels": {"x": "y"}, "uid": "1", "resourceVersion": "5"},
        "spec": {"a": 1},
        "status": {"b": 2},
    }
    later = copy.deepcopy(obj)
    later["metadata"] |= {"resourceVersion": "6", "managedFields": [{}], "generation": 4}
    later["status"] = {"b": 3}
    assert content(later) == content(obj)
    later["metadata"]["labels"] = {"x": "z"}
    assert content(later) != content(obj)
