"""A ledger that is gone, wholly or in part, is missed; nothing is done on the strength of that."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.reconcile.desk import KEY, SUSPENDED, Desk

from jitsi_tenant_operator.api.objects import JsonObject
from jitsi_tenant_operator.api.record import JitsiTenantRecord
from jitsi_tenant_operator.contract import ledger
from jitsi_tenant_operator.contract.decision import ContractState
from jitsi_tenant_operator.reconcile.conditions import ConditionType, Finding, Reason
from jitsi_tenant_operator.reconcile.contract_findings import of_contract
from jitsi_tenant_operator.reconcile.contract_objects import record_ref
from jitsi_tenant_operator.reconcile.course import Course


def intact(course: Course) -> Finding:
    found = of_contract(course, ())
    return next(each for each in found if each.type is ConditionType.LEDGER_INTACT)


async def settled(desk: Desk, **spec: Any) -> Course:
    """Follow the contract until nothing is due, and publish how it stands."""
    course = await desk.follow(**spec)
    desk.publish(course)
    return course


def delete(desk: Desk) -> None:
    """Somebody deletes the record."""
    del desk.kube.objects[record_ref(KEY)]


def cut(desk: Desk) -> None:
    """Somebody puts an older state of the record in its place."""
    record = desk.kube.objects[record_ref(KEY)]
    record["spec"]["entries"] = record["spec"]["entries"][:-1]


def rewrite(desk: Desk) -> None:
    """Somebody writes another ledger, of as many entries, whose chain is whole."""
    record = desk.kube.objects[record_ref(KEY)]
    entries = list(JitsiTenantRecord.parse(record).spec.entries)
    last = entries[-1].model_copy(update={"why": "it was all different"})
    entries[-1] = last.model_copy(update={"digest": ledger.digest(last)})
    assert ledger.first_broken(entries) is None
    record["spec"]["entries"] = [each.to_json() for each in entries]


async def test_the_status_says_how_long_the_ledger_is_and_how_it_ends(desk: Desk) -> None:
    await settled(desk)
    contract = desk.status["contract"]
    assert contract["recordEntries"] == len(desk.entries())
    assert contract["recordDigest"] == desk.entries()[-1]["digest"]


@pytest.mark.parametrize(
    ("mishap", "reason"),
    [
        (delete, Reason.LEDGER_MISSING),
        (cut, Reason.LEDGER_MISSING),
        (rewrite, Reason.LEDGER_CHANGED),
    ],
)
async def test_a_ledger_that_is_not_the_one_that_was_written_is_reported_and_not_begun_anew(
    desk: Desk, mishap: Any, reason: Reason
) -> None:
    await settled(desk, **SUSPENDED)
    told, status = len(desk.notices()), desk.status
    mishap(desk)
    desk.kube.calls.clear()
    for _ in range(2):
        desk.restart()
        course = await settled(desk, **SUSPENDED)
        assert intact(course).reason is reason
        assert "restore it from a backup" in intact(course).message
    assert desk.writes() == []
    assert len(desk.notices()) == told
    kept = {name: desk.status["contract"][name] for name in ("record", "recordEntries")}
    assert kept == {name: status["contract"][name] for name in kept}, "else it would be forgotten"


async def test_once_it_is_restored_everything_goes_on(desk: Desk) -> None:
    await settled(desk, **SUSPENDED)
    saved = desk.kube.objects[record_ref(KEY)]
    delete(desk)
    desk.restart()
    await settled(desk)
    assert len(desk.notices()) == 1
    desk.kube.put(saved)
    desk.restart()
    course = await settled(desk)
    assert intact(course).good
    about = sorted(each["spec"]["about"] for each in desk.notices())
    assert about == ["Resumption", "Suspension"], "what came meanwhile is told now"


async def test_a_new_ledger_begins_when_a_person_says_that_there_is_none_to_miss(
    desk: Desk,
) -> None:
    await settled(desk)
    delete(desk)
    desk.restart()
    del desk.status["contract"]
    assert intact(await settled(desk)).good
    assert desk.told()[0] == "Contract InForce"


async def test_an_entry_that_the_status_does_not_know_yet_is_no_mishap(desk: Desk) -> None:
    """The operator ended between the ledger and the status."""
    await settled(desk)
    before = desk.status
    await settled(desk, **SUSPENDED)
    desk.status = before
    desk.restart()
    assert intact(await desk.follow(**SUSPENDED)).good


ENDED = {"contract": {"signedOn": "2025-05-25", "term": "P12M"}}
RENEWED = {"contract": {"signedOn": "2025-05-25", "term": "P24M"}}


@pytest.mark.parametrize(
    ("before", "after", "stays"),
    [(RENEWED, ENDED, ContractState.IN_FORCE), (ENDED, RENEWED, ContractState.ENDED)],
    ids=["nothing ends", "nothing comes back"],
)
async def test_without_its_ledger_a_contract_stands_as_it_stood(
    desk: Desk, before: JsonObject, after: JsonObject, stays: ContractState
) -> None:
    await settled(desk, **before)
    delete(desk)
    desk.restart()
    for _ in range(2):
        course = await settled(desk, **after)
        assert course.decision.contract is stays
    desk.status = {}
    assert (await desk.follow(**after)).decision.contract is not stays


async def test_an_order_of_a_person_takes_effect_without_the_ledger(desk: Desk) -> None:
    await settled(desk)
    delete(desk)
    desk.restart()
    course = await settled(desk, **SUSPENDED)
    assert course.decision.service.state == "Suspended"
