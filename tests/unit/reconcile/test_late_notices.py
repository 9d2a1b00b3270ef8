"""A notice that has not left when its cause is gone is withdrawn, and said to be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.unit.reconcile.desk import KEY, SUSPENDED, Desk, stored

from jitsi_tenant_operator.api.notice import JitsiNotice, Letter
from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef
from jitsi_tenant_operator.reconcile.causes import why_withdrawn
from jitsi_tenant_operator.reconcile.course import ContractFollower
from jitsi_tenant_operator.reconcile.notices import NoticeReconciler, NotSentError, Sending
from jitsi_tenant_operator.reconcile.queue import FailedError
from jitsi_tenant_operator.reconcile.world import World

PLATFORM: JsonObject = {
    "notifications": {"smtpHost": "mail.example.net", "sender": "host@example.net"}
}


@dataclass
class Post:
    """A post office that is closed until it opens."""

    closed: bool = True
    sent: list[str] = field(default_factory=list)

    async def write(self, sending: Sending) -> Letter:
        raise NotSentError("the mail server is away", permanent=False)

    async def send(self, sending: Sending, letter: Letter) -> str:
        raise AssertionError("nothing was written")


async def attempt(desk: Desk, post: Post, **spec: Any) -> None:
    """Look at each notice that somebody is to look at."""
    due, desk.made[:] = list(dict.fromkeys(desk.made)), []
    world = World()
    world.around_contracts = desk.objects
    for kind in ("JitsiPlan", "JitsiTerms"):
        getattr(world, "plans" if kind == "JitsiPlan" else "terms").observe(
            None, stored(desk.make, kind)
        )
    platform = stored(desk.make, "JitsiPlatform")
    platform["spec"] |= PLATFORM
    world.platforms.observe(None, platform)
    tenant = desk.resolved(**spec).tenant
    metadata = {"resourceVersion": "9", "creationTimestamp": "2026-05-25T08:00:00Z"}
    body = {"apiVersion": tenant.ref.api_version, "kind": "JitsiTenant", **tenant.to_json()}
    body["metadata"] |= metadata
    world.observe_tenant(None, body)
    follower = ContractFollower(desk.objects, desk.kube, desk.made.append)
    reconciler = NoticeReconciler(world, desk.kube, follower, post, lambda _: None)
    for ref in due:
        try:
            await reconciler.reconcile(ref)
        except FailedError:
            continue


def sent(desk: Desk) -> dict[str, tuple[str, str]]:
    """Status and reason of Sent, by what each notice is about."""
    found = {}
    for body in desk.notices():
        conditions = body["status"]["conditions"]
        (each,) = (each for each in conditions if each["type"] == "Sent")
        found[body["spec"]["about"]] = each["status"], each["reason"]
    return found


async def test_a_suspension_that_is_over_is_not_told_late(desk: Desk) -> None:
    post = Post()
    await desk.follow(**SUSPENDED)
    await attempt(desk, post, **SUSPENDED)
    assert sent(desk) == {"Suspension": ("False", "NotDelivered")}
    await desk.kube.clock.advance(60)
    await desk.follow()
    assert len(desk.made) == 2, "the suspension is looked at again, and the resumption made"
    await attempt(desk, post)
    assert sent(desk) == {
        "Suspension": ("False", "Withdrawn"),
        "Resumption": ("False", "NotDelivered"),
    }
    await desk.follow()
    assert [each for each in desk.told() if each.endswith("Withdrawn")] != [], "it is recorded"
    desk.made.clear()
    await desk.follow()
    assert desk.made == [], "what is withdrawn is let alone"
    assert desk.objects.notice_states() == {"elsewhere": 1, "failing": 1}


LATE = {
    "payment": {"overdueSince": "2026-05-26"},
    "terms": {"payment": {"noticeAfter": "P1D", "suspensionAfter": "P30D"}},
}


async def test_what_is_called_for_again_is_sent_after_all(desk: Desk) -> None:
    """The same payment: overdue, entered as paid by mistake, and overdue again."""
    late, paid = {"contract": LATE}, {"contract": {"terms": LATE["terms"]}}
    for spec, reason in ((late, "NotDelivered"), (paid, "Withdrawn"), (late, "NotDelivered")):
        await desk.kube.clock.advance(60)
        await desk.follow(**spec)
        await attempt(desk, Post(), **spec)
        assert sent(desk)["LatePayment"][1] == reason
        await desk.follow(**spec)
        (notice,) = desk.notices()
        assert bool(notice["status"].get("withdrawnAt")) == (reason == "Withdrawn")


@pytest.mark.parametrize("settled", [True, False])
async def test_nothing_that_is_so_is_withdrawn(desk: Desk, *, settled: bool) -> None:
    """Sent or not: of other systems' notices some leave after the client's own."""
    late = {"contract": LATE}
    await desk.follow(**late)
    (body,) = desk.notices()
    if settled:
        desk.kube.put(body | {"status": {"sentAt": "2026-06-01T08:00:00Z"}})
        desk.restart()
    course = await desk.follow(**late)
    assert why_withdrawn(JitsiNotice.parse(body), course) is None


async def test_without_the_ledger_nothing_is_sent(desk: Desk) -> None:
    """It alone knows what was sent."""
    course = await desk.follow(**SUSPENDED)
    desk.publish(course)
    record = next(ref for ref in desk.kube.objects if ref.kind == "JitsiTenantRecord")
    assert record.name == f"{KEY.name}.{KEY.namespace}"
    saved = desk.kube.objects.pop(record)
    desk.restart()
    desk.made.append(ObjectRef.of(desk.notices()[0]))
    await attempt(desk, Post(), **SUSPENDED)
    assert sent(desk) == {"Suspension": ("False", "LedgerMissing")}
    desk.kube.put(saved)
    desk.restart()
    desk.made.append(ObjectRef.of(desk.notices()[0]))
    await attempt(desk, Post(), **SUSPENDED)
    assert sent(desk) == {"Suspension": ("False", "NotDelivered")}


async def test_what_the_ledger_knows_to_be_sent_is_not_sent_again(desk: Desk) -> None:
    await desk.follow(**SUSPENDED)
    (body,) = desk.notices()
    desk.kube.put(body | {"status": {"sentAt": "2026-06-01T08:00:00Z"}})
    desk.restart()
    await desk.follow(**SUSPENDED)
    desk.kube.put(body)
    desk.restart()
    desk.made.append(ObjectRef.of(body))
    await attempt(desk, Post(), **SUSPENDED)
    status = desk.notices()[0]["status"]
    assert status["sentAt"] == "2026-06-01T08:00:00Z"
    assert status["reply"] == "as the ledger has it"
