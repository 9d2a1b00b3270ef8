"""What the ledger has of a notice counts, whatever becomes of the object that said it first."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.unit.reconcile.desk import KEY, SUSPENDED, Desk

from jitsi_tenant_operator.api.objects import API_VERSION, JsonObject, ObjectRef
from jitsi_tenant_operator.contract.decision import ContractState
from jitsi_tenant_operator.reconcile.course import Course

HOUR = 3600.0


def formal_notice(**spec: object) -> JsonObject:
    return {
        "apiVersion": API_VERSION,
        "kind": "JitsiNotice",
        "metadata": {"name": "formal-notice", "namespace": KEY.namespace, "generation": 1},
        "spec": {"about": "FormalNotice", "breach": "ProhibitedUse", **spec},
    }


def at(desk: Desk, hours: float) -> str:
    return f"{desk.kube.clock.now() + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}"


async def followed(desk: Desk) -> Course:
    desk.restart()
    return await desk.follow()


async def given(desk: Desk, body: JsonObject) -> Course:
    """A notice is there, was sent, and the ledger knows."""
    desk.kube.put(body)
    return await followed(desk)


async def test_a_deadline_does_not_move_when_its_notice_is_deleted(desk: Desk) -> None:
    """Clause 13.2: 48 hours from the receipt, for a prohibited use."""
    await desk.follow()
    await desk.kube.clock.advance(2 * HOUR)
    body = formal_notice(acknowledgedAt=at(desk, -1))
    before = await given(desk, body | {"status": {"sentAt": at(desk, -1)}})
    assert before.decision.contract is ContractState.UNDER_NOTICE
    del desk.kube.objects[ObjectRef.of(body)]
    after = await followed(desk)
    assert after.decision.deadlines == before.decision.deadlines
    await desk.kube.clock.advance(47 * HOUR)
    ended = await followed(desk)
    assert ended.decision.contract is ContractState.ENDED


async def test_a_remedy_counts_though_its_notice_is_deleted(desk: Desk) -> None:
    await desk.follow()
    await desk.kube.clock.advance(3 * HOUR)
    body = formal_notice(acknowledgedAt=at(desk, -2), remediedAt=at(desk, -1))
    await given(desk, body | {"status": {"sentAt": at(desk, -2)}})
    del desk.kube.objects[ObjectRef.of(body)]
    await desk.kube.clock.advance(60 * HOUR)
    assert (await followed(desk)).decision.contract is ContractState.IN_FORCE


@pytest.mark.parametrize(
    ("spec", "status"),
    [
        ({"acknowledgedAt": True, "remediedAt": True}, {"sentAt": True}),
        ({}, {"sentAt": True, "acknowledgedAt": True}),
        (
            {
                "channel": "RegisteredLetter",
                "registeredLetter": {"trackingNumber": "1A", "sentAt": True, "deliveredAt": True},
            },
            {},
        ),
        ({"by": "Client", "breach": "Other", "acknowledgedAt": True}, {}),
    ],
    ids=["remedied", "by the link", "by post", "the client's own"],
)
async def test_every_fact_of_a_notice_outlives_it(
    desk: Desk, spec: JsonObject, status: JsonObject
) -> None:
    await desk.follow()
    await desk.kube.clock.advance(HOUR)

    def dated(content: JsonObject) -> JsonObject:
        found = {
            key: dated(each) if isinstance(each, dict) else each for key, each in content.items()
        }
        return {key: at(desk, 0) if each is True else each for key, each in found.items()}

    body = formal_notice(**dated(spec))
    before = await given(desk, body | {"status": dated(status)})
    del desk.kube.objects[ObjectRef.of(body)]
    after = await followed(desk)
    assert after.facts.notices == before.facts.notices


async def test_a_notice_that_lost_its_status_was_sent_all_the_same(desk: Desk) -> None:
    await desk.follow()
    await desk.kube.clock.advance(HOUR)
    body = formal_notice()
    before = await given(desk, body | {"status": {"sentAt": at(desk, 0)}})
    del desk.kube.objects[ObjectRef.of(body)]["status"]
    assert (await followed(desk)).facts.notices == before.facts.notices


async def test_what_was_told_is_not_told_again_when_its_notice_is_deleted(desk: Desk) -> None:
    await desk.follow(**SUSPENDED)
    (notice,) = desk.notices()
    desk.kube.put(notice | {"status": {"sentAt": at(desk, 0)}})
    desk.restart()
    await desk.follow(**SUSPENDED)
    del desk.kube.objects[ObjectRef.of(notice)]
    desk.restart()
    await desk.follow(**SUSPENDED)
    assert desk.notices() == []


async def test_what_was_not_told_yet_is_made_again_when_its_notice_is_deleted(desk: Desk) -> None:
    await desk.follow(**SUSPENDED)
    (notice,) = desk.notices()
    entries = desk.entries()
    del desk.kube.objects[ObjectRef.of(notice)]
    desk.restart()
    await desk.follow(**SUSPENDED)
    assert [each["metadata"]["name"] for each in desk.notices()] == [notice["metadata"]["name"]]
    assert desk.entries() == entries, "the ledger has it already"
