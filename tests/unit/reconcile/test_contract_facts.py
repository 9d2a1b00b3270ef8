"""What the objects around a contract say reaches the decision, and nothing unclear does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from jitsi_tenant_operator.api.hold import HoldScope
from jitsi_tenant_operator.api.objects import API_VERSION, JsonObject
from jitsi_tenant_operator.contract.calendar import Calendar
from jitsi_tenant_operator.contract.facts import Facts
from jitsi_tenant_operator.reconcile.contract_objects import ContractObjects
from jitsi_tenant_operator.reconcile.facts import facts_of

PARIS = Calendar.of("Europe/Paris")
MADE = "2026-07-01T08:00:00Z"


@pytest.fixture
def facts(make: Callable[..., Any]) -> Callable[..., Facts]:
    """The facts of a tenant with these objects around it."""

    def build(*bodies: JsonObject, **tenant: Any) -> Facts:
        objects = ContractObjects()
        for number, body in enumerate(bodies):
            metadata = {
                "name": f"object-{number}",
                "uid": f"uid-{number}",
                "resourceVersion": str(number + 1),
                "creationTimestamp": MADE,
                **body.pop("metadata", {}),
            }
            if body["kind"] != "JitsiMaintenance":
                metadata.setdefault("namespace", "tenant-acme")
            objects.observe(
                body["kind"], None, {"apiVersion": API_VERSION, "metadata": metadata, **body}
            )
        return facts_of(make("JitsiTenant", **tenant), objects, None, PARIS)

    return build


def notice(**spec: Any) -> JsonObject:
    return {"kind": "JitsiNotice", "spec": {"about": "LatePayment", **spec}}


def test_a_letter_entered_after_it_was_sent_counts_from_when_it_was(
    facts: Callable[..., Facts],
) -> None:
    letter = {
        "trackingNumber": "1A",
        "sentAt": "2026-06-20T10:00:00Z",
        "deliveredAt": "2026-06-22T09:00:00Z",
    }
    (found,) = facts(notice(channel="RegisteredLetter", registeredLetter=letter)).notices
    assert found.created == found.sent == datetime(2026, 6, 20, 10, tzinfo=UTC)
    assert found.received == datetime(2026, 6, 22, 9, tzinfo=UTC)


def test_what_left_by_a_clock_behind_that_of_the_api_server_was_made_by_then(
    facts: Callable[..., Facts],
) -> None:
    body = notice()
    body["status"] = {"sentAt": "2026-07-01T07:59:58Z"}
    (found,) = facts(body).notices
    assert found.created == found.sent == datetime(2026, 7, 1, 7, 59, 58, tzinfo=UTC)


def test_an_e_mail_is_received_when_it_is_acknowledged_by_whatever_means(
    facts: Callable[..., Facts],
) -> None:
    by_hand, by_link = "2026-07-03T10:00:00Z", "2026-07-02T10:00:00Z"
    body = notice(acknowledgedAt=by_hand)
    body["status"] = {"sentAt": "2026-07-01T09:00:00Z", "acknowledgedAt": by_link}
    (found,) = facts(body).notices
    assert found.received == datetime(2026, 7, 2, 10, tzinfo=UTC), "the earlier of both"


@pytest.mark.parametrize("sent", [None, "2026-07-03T10:00:00Z"], ids=["unknown", "again later"])
def test_what_is_acknowledged_was_sent_by_then(
    facts: Callable[..., Facts], sent: str | None
) -> None:
    """The mail server's answer was lost, and the client was quicker than the next attempt."""
    body = notice()
    body["status"] = {"acknowledgedAt": "2026-07-02T10:00:00Z"} | ({"sentAt": sent} if sent else {})
    (found,) = facts(body).notices
    assert found.sent == found.received == datetime(2026, 7, 2, 10, tzinfo=UTC)


def test_what_another_system_was_told_is_no_notice_to_the_client(
    facts: Callable[..., Facts],
) -> None:
    assert facts(notice(channel="Webhook")).notices == ()


def test_notices_of_other_namespaces_are_not_this_tenants(facts: Callable[..., Facts]) -> None:
    elsewhere = notice()
    elsewhere["metadata"] = {"namespace": "tenant-globex"}
    assert facts(elsewhere).notices == ()


def hold(**spec: Any) -> JsonObject:
    content = {"scope": ["Logs"], "basis": "a claim", "requestedBy": "counsel", **spec}
    return {"kind": "JitsiLegalHold", "spec": content}


def release(day: str) -> JsonObject:
    return {"release": {"releasedBy": "counsel", "releasedOn": day, "reason": "settled"}}


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2026-07-10", datetime(2026, 7, 9, 22, tzinfo=UTC)),
        ("2026-07-01", datetime(2026, 7, 1, 8, tzinfo=UTC)),
    ],
    ids=["the beginning of the day in Paris", "placed and released on one day"],
)
def test_a_hold_holds_until_the_day_of_its_release(
    facts: Callable[..., Facts], day: str, expected: datetime
) -> None:
    holds = facts(hold(**release(day))).holds
    assert holds is not None
    assert holds[0].released == expected
    assert holds[0].scope == {HoldScope.LOGS}


def test_one_hold_that_cannot_be_read_makes_all_unreadable(facts: Callable[..., Facts]) -> None:
    assert facts(hold(), hold(scope=["Everything"])).holds is None


def window(**spec: Any) -> JsonObject:
    times = {"start": "2026-08-01T20:00:00Z", "end": "2026-08-01T22:00:00Z"}
    return {"kind": "JitsiMaintenance", "spec": {"description": "work", **times, **spec}}


@pytest.mark.parametrize(
    ("selection", "concerned"),
    [
        ({}, True),
        ({"namespaces": ["tenant-acme"]}, True),
        ({"namespaces": ["tenant-globex"]}, False),
        ({"plans": ["business"]}, True),
        ({"plans": ["essential"]}, False),
        ({"matchLabels": {"site": "lyon"}}, True),
        ({"matchLabels": {"site": "paris"}}, False),
        ({"namespaces": ["tenant-acme"], "plans": ["essential"]}, False),
    ],
    ids=str,
)
def test_a_window_concerns_those_to_whom_all_that_is_set_applies(
    facts: Callable[..., Facts], selection: JsonObject, *, concerned: bool
) -> None:
    found = facts(window(tenants=selection), metadata={"labels": {"site": "lyon"}})
    assert bool(found.maintenances) == concerned


@pytest.mark.parametrize(
    ("affects", "recording", "service"),
    [
        (["Meetings"], False, False),
        (["Recording"], True, False),
        (["Service"], True, True),
        (["Meetings", "Recording"], True, False),
    ],
    ids=str,
)
def test_where_nobody_can_meet_nobody_can_record(
    facts: Callable[..., Facts], affects: list[str], *, recording: bool, service: bool
) -> None:
    (found,) = facts(window(affects=affects)).maintenances
    assert (found.suspends_recording, found.closes_service) == (recording, service)


def test_what_the_tenant_says_of_its_contract_is_passed_on(facts: Callable[..., Facts]) -> None:
    spec = {
        "contract": {"signedOn": "2026-06-01"},
        "termination": {"earlyEnd": {"endsOn": "2026-12-31", "agreedOn": "2026-10-01"}},
    }
    found = facts(spec=spec)
    assert found.contract.signed_on == date(2026, 6, 1)
    assert found.termination.early_end is not None
