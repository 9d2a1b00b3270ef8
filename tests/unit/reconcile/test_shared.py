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
    reconciler = SharedReconciler(world, kube, "jitsi")

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
    await SharedReconciler(World(), kube, "jitsi").reconcile(ref)
    assert kube.called() == []


class Templates:
    """A platform with templates of its own, and what it says of them."""

    def __init__(self, kube: Any, body_of: Callable[..., JsonObject]) -> None:
        self.kube, self.world = kube, World()
        notifications = {
            "smtpHost": "mail.example.net",
            "sender": "host@example.net",
            "templates": "own",
        }
        spec = {"notifications": notifications}
        metadata = {"uid": "uid-1", "generation": 2}
        self.ref = ObjectRef.of(kube.put(body_of("JitsiPlatform", metadata=metadata, spec=spec)))
        self.reconciler = SharedReconciler(self.world, kube, "jitsi")

    async def look(self, data: dict[str, str] | None) -> tuple[str, str, str]:
        """What the platform says once the ConfigMap holds this."""
        ref = ObjectRef("v1", "ConfigMap", "jitsi", "own")
        self.kube.objects.pop(ref, None)
        if data is not None:
            metadata = {"name": "own", "namespace": "jitsi"}
            self.kube.put(
                {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
            )
        self.world.platforms.observe("MODIFIED", copy.deepcopy(self.kube.objects[self.ref]))
        again = await self.reconciler.reconcile(self.ref)
        assert again is not None, "nobody tells of another ConfigMap"
        stored = self.kube.objects[self.ref]["status"]["conditions"]
        (found,) = (each for each in stored if each["type"] == "NoticeTemplatesValid")
        assert len(stored) == 2
        return found["status"], found["reason"], found["message"]


async def test_templates_that_are_wrong_are_said_before_a_notice_is_due(
    kube: Any, body_of: Callable[..., JsonObject]
) -> None:
    templates = Templates(kube, body_of)
    name = "suspension.fr.subject.txt.j2"
    assert (await templates.look(None))[:2] == ("False", "ConfigMapNotFound")
    for data, word in (
        ({name: "{{ nonsense }}"}, name),
        ({name: "{{ since }}", "suspention.fr.subject.txt.j2": ""}, "suspention"),
    ):
        status, reason, message = await templates.look(data)
        assert (status, reason) == ("False", "NoticeTemplatesInvalid")
        assert word in message
    assert (await templates.look({name: "Suspension"}))[:2] == ("True", "AsWanted")


async def test_templates_that_stay_as_they_are_are_not_written_of_again(
    kube: Any, body_of: Callable[..., JsonObject]
) -> None:
    templates = Templates(kube, body_of)
    for _ in range(3):
        await templates.look({"suspension.fr.subject.txt.j2": "Suspension"})
    assert len(kube.called("apply status")) == 1
