"""A contract is followed in steps: the ledger first, then notices, and nothing twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from tests.unit.reconcile.desk import KEY, OWNER, SUSPENDED, Desk

from jitsi_tenant_operator.api.objects import API_VERSION, JsonObject, ObjectRef
from jitsi_tenant_operator.api.record import MAX_ENTRIES, JitsiTenantRecord, RecordEvent
from jitsi_tenant_operator.contract import ledger
from jitsi_tenant_operator.contract.decision import ContractState, ServiceState
from jitsi_tenant_operator.contract.ledger import Happening
from jitsi_tenant_operator.kube.errors import NameTaken, Unavailable
from jitsi_tenant_operator.logs.report import Head, TenantReport
from jitsi_tenant_operator.reconcile.conditions import ConditionType, Finding, Reason
from jitsi_tenant_operator.reconcile.contract_findings import of_contract
from jitsi_tenant_operator.reconcile.contract_objects import ContractObjects, record_ref
from jitsi_tenant_operator.reconcile.course import ContractFollower, Course
from jitsi_tenant_operator.reconcile.log_reports import TenantLogReport


def notice(name: str, key: str) -> JsonObject:
    """A notice that somebody made."""
    return {
        "apiVersion": API_VERSION,
        "kind": "JitsiNotice",
        "metadata": {"name": name, "namespace": KEY.namespace, "generation": 1},
        "spec": {"about": "Suspension", "key": key},
    }


def intact(course: Course) -> Finding:
    (finding,) = (
        each for each in of_contract(course, ()) if each.type is ConditionType.LEDGER_INTACT
    )
    return finding


def fill(record: JsonObject, number: int) -> None:
    """Give a ledger so many entries, as years would."""
    entries = JitsiTenantRecord.parse(record).spec.entries
    happenings = [
        Happening(RecordEvent.HOLD, "hold", "Placed", f"Hold/{each}", "a claim")
        for each in range(number - len(entries))
    ]
    added = ledger.appended(entries, happenings, entries[-1].at)
    record["spec"]["entries"] += [each.to_json() for each in added]


async def test_the_ledger_of_a_signed_contract_begins_with_how_it_stands(desk: Desk) -> None:
    course = await desk.follow()
    assert course.decision.contract is ContractState.IN_FORCE
    assert desk.told() == [
        "Contract InForce",
        "Service Serving",
        "Recording Disabled",
        "Data Live",
    ]
    record = desk.kube.objects[record_ref(KEY)]["spec"]
    assert record["documents"] == ["cgu"], "the contract stays bound to what was in force then"
    assert record["contract"] == "DC-2026-0142"


async def test_a_draft_has_no_ledger_and_serves_nobody(desk: Desk) -> None:
    course = await desk.follow(contract={"signedOn": None})
    assert course.decision.service.state is ServiceState.DISABLED
    assert desk.writes() == []


async def test_a_contract_that_stands_still_is_not_written_of(desk: Desk) -> None:
    await desk.follow()
    desk.kube.calls.clear()
    for _ in range(3):
        await desk.follow()
    desk.restart()
    await desk.follow()
    assert desk.kube.calls == []


async def test_a_suspension_is_recorded_and_then_told_once(desk: Desk) -> None:
    await desk.follow()
    desk.kube.calls.clear()
    await desk.follow(**SUSPENDED)
    await desk.follow(**SUSPENDED)
    verbs = [(verb, ref.kind) for verb, ref in desk.writes()]
    assert verbs == [
        ("json patch", "JitsiTenantRecord"),
        ("create", "JitsiNotice"),
        ("json patch", "JitsiTenantRecord"),
    ], "the ledger, the notice, and that the notice was made"
    (notice,) = desk.notices()
    assert desk.made == [ObjectRef.of(notice)], "it is sent, though its echo is no news"
    assert notice["spec"]["about"] == "Suspension"
    assert notice["metadata"]["ownerReferences"] == [OWNER]
    assert "Service Suspended" in desk.told()


async def test_suspended_again_is_told_again(desk: Desk, clock: Any) -> None:
    for _ in range(2):
        await desk.follow(**SUSPENDED)
        await clock.advance(60)
        await desk.follow()
        await clock.advance(60)
    about = sorted(each["spec"]["about"] for each in desk.notices())
    assert about == ["Resumption", "Resumption", "Suspension", "Suspension"]


@pytest.mark.parametrize("fault", range(4))
async def test_after_a_failure_anywhere_everything_is_done_once(desk: Desk, fault: int) -> None:
    await desk.follow()
    desk.kube.faults = [None] * fault + [Unavailable("the API server is away", status=503)]
    course = await desk.follow(**SUSPENDED)
    assert (course.failed is not None) == (fault < 3)
    assert course.decision.service.state is ServiceState.SUSPENDED, "the service follows at once"
    desk.kube.faults = []
    desk.restart()
    course = await desk.follow(**SUSPENDED)
    assert course.failed is None
    assert len(desk.notices()) == 1
    keys = [each["key"] for each in desk.entries()]
    assert len(keys) == len(set(keys))
    assert keys.count(desk.notices()[0]["spec"]["key"]) == 1


async def test_a_write_whose_answer_was_lost_is_not_repeated(desk: Desk) -> None:
    await desk.follow()
    await desk.follow(**SUSPENDED)
    before = desk.entries()
    desk.follower = ContractFollower(
        ContractObjects(), desk.kube, desk.made.append
    )  # nothing was heard of it
    course = await desk.follow(**SUSPENDED)
    assert course.failed is None
    assert desk.entries() == before
    assert len(desk.notices()) == 1


async def test_the_head_of_the_archived_logs_is_entered_once_a_month(desk: Desk) -> None:
    said: list[TenantLogReport] = []
    desk.follower = ContractFollower(
        desk.objects, desk.kube, desk.made.append, logs=lambda _: said[-1]
    )
    # In Paris the third one is of the second month.
    at = ("2026-06-02T22:15:00Z", "2026-06-03T22:15:00Z", "2026-06-30T22:15:00Z")
    for number, instant in enumerate(at):
        head = Head(number=number, digest=f"{number}" * 64)
        of = TenantReport(tenant=KEY.namespace, head=head)
        said.append(TenantLogReport(datetime.fromisoformat(instant), of))
        await desk.follow()
    entries = [each for each in desk.entries() if each["event"] == "Logs"]
    assert [(each["subject"], each["value"]) for each in entries] == [
        ("2026-06", "0"),
        ("2026-07", "2"),
    ]
    assert "2" * 64 in entries[1]["why"]


async def test_a_ledger_that_was_changed_by_hand_stops_everything_but_the_service(
    desk: Desk,
) -> None:
    await desk.follow()
    record = desk.kube.objects[record_ref(KEY)]
    record["spec"]["entries"][1]["value"] = "Suspended"
    desk.restart()
    desk.kube.calls.clear()
    course = await desk.follow(**SUSPENDED)
    assert course.record is not None
    assert course.record.broken_at == 2
    assert desk.writes() == []
    assert course.decision.service.state is ServiceState.SUSPENDED


async def test_a_ledger_that_cannot_be_read_is_said_and_not_written_again(desk: Desk) -> None:
    await desk.follow()
    desk.kube.objects[record_ref(KEY)]["spec"]["entries"][0]["event"] = "Nonsense"
    desk.restart()
    desk.kube.calls.clear()
    course = await desk.follow(**SUSPENDED)
    assert desk.writes() == []
    finding = intact(course)
    assert (finding.good, finding.reason) == (False, Reason.LEDGER_CHANGED)
    assert "spec.entries[0].event" in finding.message
    assert course.decision.service.state is ServiceState.SUSPENDED


@pytest.mark.parametrize("room", [0, 1, 2, 3])
async def test_a_full_ledger_stops_everything_but_the_service(desk: Desk, room: int) -> None:
    await desk.follow()
    fill(desk.kube.objects[record_ref(KEY)], MAX_ENTRIES - room)
    desk.restart()
    assert intact(await desk.follow()).good, "as long as nothing happens"
    course = await desk.follow(**SUSPENDED)
    assert course.failed is None
    assert course.decision.service.state is ServiceState.SUSPENDED
    finding = intact(course)
    # The order and what follows of it come at once, then the notice.
    assert (finding.good, len(desk.notices())) == (room == 3, int(room >= 2))
    assert finding.good or finding.reason is Reason.LEDGER_FULL
    assert "Service Suspended" in desk.told() or room < 2
    desk.kube.calls.clear()
    await desk.follow(**SUSPENDED)
    assert desk.writes() == []


async def test_the_ledger_follows_the_host(desk: Desk) -> None:
    await desk.follow()
    await desk.follow(host="other.example.net")
    assert desk.kube.objects[record_ref(KEY)]["spec"]["host"] == "other.example.net"


async def test_a_name_that_somebody_took_is_said_and_retried(desk: Desk, kube: Any) -> None:
    rehearsal = Desk(type(kube)(kube.clock), desk.make)
    await rehearsal.follow(**SUSPENDED)
    await rehearsal.follow(**SUSPENDED)
    (foreseen,) = rehearsal.notices()
    desk.kube.put(notice(foreseen["metadata"]["name"], "another"))
    for _ in range(2):
        course = await desk.follow(**SUSPENDED)
        assert isinstance(course.failed, NameTaken)
        assert course.decision.service.state is ServiceState.SUSPENDED
    del desk.kube.objects[ObjectRef.of(foreseen)]
    desk.restart()
    course = await desk.follow(**SUSPENDED)
    assert course.failed is None
    assert [each["spec"]["key"] for each in desk.notices()] == [foreseen["spec"]["key"]]


@pytest.mark.parametrize("copied", ["Notice/", "Record/Service/"])
async def test_a_notice_made_by_hand_stands_in_for_nothing_that_is_due(
    desk: Desk, kube: Any, copied: str
) -> None:
    """Somebody foresees a key, and makes a notice of another name with it."""
    rehearsal = Desk(type(kube)(kube.clock), desk.make)
    await rehearsal.follow()
    await rehearsal.follow(**SUSPENDED)
    key = next(each["key"] for each in rehearsal.entries()[4:] if each["key"].startswith(copied))

    await desk.follow()
    desk.kube.put(notice("by-hand", key))
    desk.restart()
    await desk.follow(**SUSPENDED)
    assert "Service Suspended" in desk.told()
    made = {each["metadata"]["name"] for each in desk.notices()}
    assert made == {"by-hand", *(each["metadata"]["name"] for each in rehearsal.notices())}
    keys = [each["key"] for each in desk.entries()]
    assert len(keys) == len(set(keys))


async def test_other_systems_are_told_too_before_the_client_is(desk: Desk) -> None:
    """Once the client's notice is there, the action is not due any more."""
    await desk.follow()
    resolved = desk.resolved(**SUSPENDED)
    notifications = {
        "smtpHost": "mail.example",
        "sender": "host@host.example",
        "webhook": {"url": "https://crm.example/", "secret": {"name": "crm", "key": "key"}},
    }
    platform = desk.make("JitsiPlatform", spec={"notifications": notifications})
    desk.kube.calls.clear()
    await desk.follower.follow(replace(resolved, platform=platform).bound, OWNER)
    made = [desk.kube.objects[ref] for verb, ref in desk.writes() if verb == "create"]
    assert [each["spec"]["channel"] for each in made] == ["Webhook", "Email"]
