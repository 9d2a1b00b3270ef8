"""What all tenants share says of itself whether it can be used."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef
from jitsi_tenant_operator.reconcile.shared import SharedReconciler
from jitsi_tenant_operator.reconcile.world import World

See = Callable[..., Any]


@pytest.fixture
def see(kube: Any, body_of: Callable[..., JsonObject]) -> See:
    """Stores an object and reconciles it as often as asked; its condition afterwards."""
    world = World()
    shelves: dict[str, Any] = {"JitsiPlatform": world.platforms, "JitsiTerms": world.terms}
    reconciler = SharedReconciler(world, kube)

    async def see(kind: str, times: int = 1, **parts: Any) -> JsonObject:
        body = body_of(kind, metadata={"uid": "uid-1", "generation": 2}, **parts)
        stored = kube.put(body)
        ref = ObjectRef.of(stored)
        for _ in range(times):
            shelves[kind].observe("MODIFIED", copy.deepcopy(kube.objects[ref]))
            await reconciler.reconcile(ref)
        (condition,) = kube.objects[ref]["status"]["conditions"]
        assert condition["type"] == "SpecValid"
        return dict(condition)

    return see


@pytest.mark.parametrize("kind", ["JitsiPlatform", "JitsiTerms"])
async def test_what_can_be_used_says_so_once(kind: str, see: See, kube: Any) -> None:
    condition = await see(kind, times=3)
    assert (condition["status"], condition["observedGeneration"]) == ("True", 2)
    assert len(kube.called("apply status")) == 1


@pytest.mark.parametrize(
    "clauses",
    [
        [{"clause": n, "terms": {"logs": {"retention": "P6M"}}} for n in ("1", "2")],
        [{"clause": n, "terms": {}, "governs": ["Payment"]} for n in ("1", "2")],
    ],
    ids=["a term", "a subject"],
)
async def test_a_document_that_contradicts_itself_says_where(clauses: Any, see: See) -> None:
    condition = await see("JitsiTerms", spec={"clauses": clauses})
    assert (condition["status"], condition["reason"]) == ("False", "TermsInvalid")
    assert "clause 1 and in clause 2" in condition["message"]


async def test_what_an_older_schema_let_in_says_which_field(see: See, kube: Any) -> None:
    condition = await see("JitsiPlatform", times=2, spec={"domain": "No Domain"})
    assert (condition["status"], condition["reason"]) == ("False", "InvalidSpec")
    assert "spec.domain" in condition["message"]
    assert len(kube.called("apply status")) == 1


async def test_what_is_gone_is_left_alone(kube: Any, clock: Any) -> None:
    ref = ObjectRef("jitsi.rezosocial.com/v1alpha1", "JitsiTerms", "", "gone")
    await SharedReconciler(World(), kube).reconcile(ref)
    assert kube.called() == []
