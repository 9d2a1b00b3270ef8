"""Unclear data of a contract is refused as it is applied, or told with its field and a remedy.

Nothing is suspended, sent or ended on its strength.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import yaml

from jitsi_tenant_operator.api.objects import API_VERSION, JsonObject
from localplane import PlaneError
from trial.cluster import SMALL, Cluster, Tenant, laid_over
from trial.operating import Operating
from trial.waiting import until


def tenant_with(**contract: Any) -> JsonObject:
    """A tenant with another contract."""
    return {"kind": "JitsiTenant", "spec": laid_over(SMALL, {"contract": contract})}


def notice(**spec: Any) -> JsonObject:
    return {"kind": "JitsiNotice", "spec": spec}


def window(**spec: Any) -> JsonObject:
    whole = {"start": "2027-03-20T21:00:00Z", "end": "2027-03-20T23:00:00Z", "description": "work"}
    kept = {name: value for name, value in (whole | spec).items() if value is not None}
    return {"kind": "JitsiMaintenance", "spec": kept}


REFUSED: dict[str, tuple[JsonObject, str]] = {
    "a day that does not exist": (tenant_with(signedOn="2027-02-30"), "signedOn"),
    "a month that does not exist": (tenant_with(signedOn="2027-13-01"), "signedOn"),
    "a leap day of another year": (tenant_with(signedOn="2027-02-29"), "signedOn"),
    "an instant that does not exist": (window(start="2027-03-20T25:00:00Z"), "start"),
    "a term of zero": (tenant_with(term="P0M"), "term"),
    "a term of nothing": (tenant_with(term="P"), "term"),
    "a negative term": (tenant_with(term="-P12M"), "term"),
    "an address that is none": (
        tenant_with(client={"legalName": "ACME SAS", "email": "dsi"}),
        "email",
    ),
    "no address": (tenant_with(client={"legalName": "ACME SAS", "email": None}), "email"),
    "a notice to nowhere": (notice(about="Incident", recipient=""), "recipient"),
    "a formal notice about nothing": (notice(about="FormalNotice"), "breach"),
    "a receipt before the sending": (
        notice(
            about="LatePayment",
            channel="RegisteredLetter",
            registeredLetter={
                "trackingNumber": "1A",
                "sentAt": "2027-02-02T10:30:00Z",
                "deliveredAt": "2027-02-01T10:30:00Z",
            },
        ),
        "deliveredAt lies before sentAt",
    ),
    "an end before the start": (window(end="2027-03-20T20:00:00Z"), "end must lie after start"),
    "a window without an end": (window(end=None), "set end"),
    "an emergency without a reason": (window(emergency={}), "reason"),
    "an incident that is an emergency": (
        window(emergency={"reason": "a leak"}, incident={}),
        "either emergency",
    ),
    "a hold without a basis": (
        {"kind": "JitsiLegalHold", "spec": {"requestedBy": "counsel"}},
        "basis",
    ),
    "a hold by nobody": ({"kind": "JitsiLegalHold", "spec": {"basis": "a claim"}}, "requestedBy"),
    "an erasure of another contract": (
        {
            "kind": "JitsiTenant",
            "spec": laid_over(
                SMALL,
                {"termination": {"erasure": {"contractReference": "DC-0", "confirmedBy": "dpo"}}},
            ),
        },
        "contract.reference",
    ),
    "a suspension without a reason": (
        {"kind": "JitsiTenant", "spec": laid_over(SMALL, {"suspension": {"service": {}}})},
        "reason",
    ),
    "a suspension for a reason of one's own": (
        {
            "kind": "JitsiTenant",
            "spec": laid_over(SMALL, {"suspension": {"service": {"reason": "Whim"}}}),
        },
        "reason",
    ),
}


async def test_what_the_schema_can_see_is_refused_as_it_is_applied(cluster: Cluster) -> None:
    namespace = await cluster.namespace()
    accepted, unexplained = [], []
    for what, (body, words) in REFUSED.items():
        metadata = {"name": "unclear", "namespace": namespace}
        if body["kind"] == "JitsiMaintenance":
            del metadata["namespace"]
        text = yaml.safe_dump({"apiVersion": API_VERSION, "metadata": metadata, **body})
        try:
            cluster.connection.kubectl("apply", "--server-side", "-f", "-", stdin=text)
        except PlaneError as error:
            if words not in str(error):
                unexplained.append((what, str(error)))
        else:
            accepted.append(what)
    assert accepted == []
    assert unexplained == []


async def told(tenant: Tenant, condition: str, *words: str) -> None:
    """Return once a condition that is not good says all of these words."""

    async def look() -> bool:
        found = await tenant.condition(condition)
        assert found.get("status") == "False", found
        for word in words:
            assert word in found["message"], found
        return True

    await until(look)


UNCLEAR: dict[str, tuple[JsonObject, str, tuple[str, ...]]] = {
    "an unknown document": (
        {"contract": {"documents": ["cgu-2030-01-01"]}},
        "TermsResolved",
        ("cgu-2030-01-01", "spec.contract.documents"),
    ),
    "an early end before its agreement": (
        {"termination": {"earlyEnd": {"endsOn": "2026-08-01", "agreedOn": "2026-09-01"}}},
        "ContractConsistent",
        ("spec.termination.earlyEnd",),
    ),
    "a non-renewal that is yet to come": (
        {"termination": {"nonRenewal": {"by": "Client", "receivedOn": "2031-01-01"}}},
        "ContractConsistent",
        ("spec.termination.nonRenewal.receivedOn", "is yet to come"),
    ),
    "a payment overdue since tomorrow": (
        {"contract": {"payment": {"overdueSince": "2031-01-01"}}},
        "ContractConsistent",
        ("spec.contract.payment.overdueSince",),
    ),
    "a suspension for a payment that is not overdue": (
        {"suspension": {"service": {"reason": "LatePayment"}}},
        "ContractConsistent",
        ("spec.suspension.service", "spec.contract.payment.overdueSince"),
    ),
}


@pytest.mark.parametrize("what", UNCLEAR)
async def test_what_contradicts_itself_is_told_and_has_no_effect(
    tenant: Tenant, operator: Operating, what: str
) -> None:
    await operator.quiet()
    change, condition, words = UNCLEAR[what]
    await tenant.change(change)
    await told(tenant, condition, *words)
    await operator.quiet()
    status = await tenant.status()
    assert (status["phase"], status["contract"]["service"]) == ("InForce", "Serving")
    assert await tenant.cluster.list(API_VERSION, "JitsiNotice", tenant.namespace) == []
    assert (await tenant.condition("Available"))["status"] == "True"


async def test_of_two_windows_that_overlap_the_second_is_told_to_nobody(
    tenant: Tenant, operator: Operating
) -> None:
    cluster = tenant.cluster
    start = operator.clock.now() + timedelta(days=10)
    for name, hours in (("first", 0), ("second", 1)):
        begin, end = start + timedelta(hours=hours), start + timedelta(hours=hours + 2)
        body = window(start=f"{begin:%Y-%m-%dT%H:%M:%SZ}", end=f"{end:%Y-%m-%dT%H:%M:%SZ}")
        await cluster.create({"apiVersion": API_VERSION, "metadata": {"name": name}, **body})
        await operator.quiet()
    await told(tenant, "ContractConsistent", "maintenance second", "overlaps the window first")
    await operator.quiet()
    notices = await cluster.list(API_VERSION, "JitsiNotice", tenant.namespace)
    assert [body["spec"]["regarding"] for body in notices] == ["first"]
