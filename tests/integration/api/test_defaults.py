"""The API server fills in what the models fill in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def test_defaults_of_the_smallest_object(server: Any, objects: Any, each_kind: Any) -> None:
    obj = objects.base(each_kind)
    stored = server.dry_run(each_kind, obj).found
    assert stored["spec"] == each_kind.parse(obj).to_json()["spec"]


def test_whatever_is_accepted_reads_the_same_from_the_server(
    server: Any, objects: Any, each_kind: Any
) -> None:
    @settings(
        max_examples=25,
        derandomize=True,
        database=None,
        deadline=timedelta(seconds=10),
        suppress_health_check=list(HealthCheck),
    )
    @given(spec=objects.specs(each_kind), name=st.sampled_from(["a", "b-1"]))
    def compare(spec: dict[str, Any], name: str) -> None:
        obj = objects.base(each_kind, spec)
        if each_kind.definition.kind != "JitsiPlatform":
            obj["metadata"]["name"] = name
        verdict = server.dry_run(each_kind, obj)
        assert verdict.accepted, verdict.message
        given_ = each_kind.parse(obj, strict=True)
        stored = each_kind.parse(verdict.found, strict=True)
        assert stored.spec == given_.spec
        assert stored.to_json()["spec"] == given_.to_json()["spec"]
        written = {**obj, "spec": given_.to_json()["spec"]}
        assert each_kind.parse(written, strict=True).spec == given_.spec
        assert server.dry_run(each_kind, written).accepted

    compare()
