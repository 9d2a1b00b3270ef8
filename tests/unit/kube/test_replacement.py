"""Whether the pods of a workload outlive it, when it has to be made anew."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitsi_tenant_operator.api.objects import JsonObject
from jitsi_tenant_operator.kube.replacement import propagation_for

KEYS = st.sampled_from("abc")
LABELS = st.dictionaries(KEYS, st.sampled_from(["1", "2"]))
EXPRESSIONS = st.lists(
    st.builds(
        lambda key, operator, values: {"key": key, "operator": operator, "values": values},
        KEYS,
        st.sampled_from(["In", "NotIn"]),
        st.lists(st.sampled_from(["1", "2"]), min_size=1, max_size=2, unique=True),
    ),
    max_size=2,
)
SELECTORS = st.builds(
    lambda labels, expressions: {"matchLabels": labels, "matchExpressions": expressions},
    LABELS,
    EXPRESSIONS,
)


def workload(selector: JsonObject, *claims: JsonObject) -> JsonObject:
    return {"spec": {"selector": selector, "volumeClaimTemplates": list(claims)}}


def claim(name: str, size: str = "1Gi") -> JsonObject:
    return {"metadata": {"name": name}, "spec": {"resources": {"requests": {"storage": size}}}}


def matches(selector: JsonObject, labels: dict[str, str]) -> bool:
    """As the API defines selectors."""
    return all(labels.get(key) == value for key, value in selector["matchLabels"].items()) and all(
        (labels.get(each["key"]) in each["values"]) == (each["operator"] == "In")
        for each in selector["matchExpressions"]
    )


@given(before=SELECTORS, after=SELECTORS, labels=LABELS)
def test_no_pod_is_left_behind_that_would_not_be_adopted(
    before: JsonObject, after: JsonObject, labels: dict[str, str]
) -> None:
    if matches(before, labels) and not matches(after, labels):
        assert propagation_for(workload(before), workload(after)) == "Background"


def test_where_two_must_not_run_at_once_the_old_pods_are_waited_for() -> None:
    before, after = workload({"matchLabels": {"a": "1"}}), workload({"matchLabels": {"a": "2"}})
    after["spec"]["strategy"] = {"type": "Recreate"}
    assert propagation_for(before, after) == "Foreground"
    assert propagation_for(after, after) == "Orphan"


@given(selector=SELECTORS)
def test_pods_go_on_where_the_selector_stays(selector: JsonObject) -> None:
    shuffled = {
        "matchExpressions": [
            {**each, "values": each["values"][::-1]} for each in selector["matchExpressions"][::-1]
        ]
    }
    after = selector | shuffled
    assert propagation_for(workload(selector), workload(after)) == "Orphan"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([claim("data")], [claim("data", "2Gi")], "Orphan"),
        ([claim("data"), claim("old")], [claim("data")], "Orphan"),
        ([], [claim("data")], "Background"),
        ([claim("old")], [claim("data")], "Background"),
    ],
    ids=["larger", "one-less", "one-more", "another"],
)
def test_pods_that_lack_a_volume_are_not_kept(before: Any, after: Any, expected: str) -> None:
    selector = {"matchLabels": {"a": "1"}}
    assert propagation_for(workload(selector, *before), workload(selector, *after)) == expected
