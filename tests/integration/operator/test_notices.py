"""Notices reach the client's mail server once, and what runs from their receipt takes effect."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from jitsi_tenant_operator.api.objects import API_VERSION, JsonObject, ObjectRef
from jitsi_tenant_operator.kube.errors import Unavailable
from jitsi_tenant_operator.kube.transport import Request
from jitsi_tenant_operator.receipts import acknowledgement_page
from trial.cluster import Cluster, Tenant, laid_over, shared
from trial.mail import MailServer, mail_server
from trial.operating import Operating
from trial.settings import PLATFORM, put
from trial.waiting import until

if TYPE_CHECKING:
    from tests.integration.operator.conftest import Operate

Hasten = Callable[[], AbstractAsyncContextManager[None]]

NAMESPACE = "jitsi-tenant-operator"
PROHIBITED: JsonObject = {"suspension": {"service": {"reason": "ProhibitedUse"}}}
LATE: JsonObject = {
    "contract": {"terms": {"payment": {"noticeAfter": "P3D", "suspensionAfter": "P8D"}}}
}
DAY = 86_400.0


@pytest.fixture
async def mail(cluster: Cluster, tmp_path: Path) -> AsyncIterator[MailServer]:
    """A mail server, which the platform uses."""
    async with mail_server(tmp_path) as server:
        await put(cluster, "ConfigMap", NAMESPACE, "mail-ca", {"ca.crt": server.authority})
        notifications = {
            "smtpHost": "127.0.0.1",
            "smtpPort": server.port,
            "certificateAuthority": {"name": "mail-ca", "key": "ca.crt"},
            "sender": "contracts@hosting.example",
            "senderName": "Hosting SAS",
            "acknowledgementAddress": "https://notices.hosting.example",
            "credentials": None,
        }
        await cluster.patch(PLATFORM, {"spec": {"notifications": notifications}})
        yield server


async def notices(tenant: Tenant) -> dict[str, JsonObject]:
    """The notices by what they are about; there is one of each in these tests."""
    found = await tenant.cluster.list(API_VERSION, "JitsiNotice", tenant.namespace)
    return {body["spec"]["about"]: body for body in found}


async def sent(tenant: Tenant, about: str) -> JsonObject:
    """The notice once it has left."""

    async def look() -> JsonObject:
        found = await notices(tenant)
        assert about in found, (list(found), await tenant.status())
        status = found[about].get("status", {})
        assert "sentAt" in status, status.get("conditions")
        return found[about]

    return await until(look, 40)


async def phase(tenant: Tenant, wanted: str) -> JsonObject:
    """The status once the contract stands so."""

    async def look() -> JsonObject | None:
        status = await tenant.status()
        return status if status.get("phase") == wanted else None

    found = await until(look)
    assert found is not None
    return found


async def recorded(tenant: Tenant, *values: str) -> list[JsonObject]:
    """The entries of the ledger about notices, once they end with these values."""
    name = f"{tenant.name}.{tenant.namespace}"
    ref = ObjectRef(API_VERSION, "JitsiTenantRecord", "", name)

    async def look() -> list[JsonObject] | None:
        record = await tenant.cluster.get(ref)
        found = [
            each
            for each in record["spec"]["entries"]
            if each["event"] not in ("Decision", "Override")
        ]
        return found if [each["value"] for each in found][-len(values) :] == list(values) else None

    found = await until(look)
    assert found is not None
    return found


def words(message: EmailMessage) -> str:
    """The text of a message."""
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


async def test_the_client_is_told_of_a_suspension(
    mail: MailServer, tenant: Tenant, operator: Operating
) -> None:
    await tenant.change(PROHIBITED)
    notice = await sent(tenant, "Suspension")
    (message,) = mail.messages()
    assert message["To"] == "dsi@acme.example"
    assert message["From"] == "Hosting SAS <contracts@hosting.example>"
    assert message["Message-ID"] == notice["status"]["letter"]["messageId"]
    assert message["Message-ID"].startswith(f"<{notice['metadata']['uid']}@")
    assert "DC-2026-0001" in words(message)
    assert notice["status"]["letter"]["subject"] == message["Subject"]
    link = re.search(r"/acknowledge/\S+", words(message))
    assert link is not None
    assert link[0] not in str(notice), "who may read notices cannot acknowledge them"
    assert notice["status"]["reply"].startswith("250")
    await recorded(tenant, "Made", "Sent")
    await operator.quiet()
    assert len(mail.received) == 1
    assert (await tenant.condition("NoticesSent"))["status"] == "True"


async def test_a_refused_address_is_said_and_mended(
    mail: MailServer, tenant: Tenant, operator: Operating
) -> None:
    mail.unknown.add("dsi@acme.example")
    await tenant.change(PROHIBITED)

    async def look() -> JsonObject:
        condition = await tenant.condition("NoticesSent")
        assert condition.get("reason") == "NoticeNotSent", condition
        assert "550" in condition["message"]
        assert "dsi@acme.example" not in condition["message"], "no addresses in conditions"
        return condition

    await until(look)
    await tenant.change({"contract": {"client": {"email": "it@acme.example"}}})
    await sent(tenant, "Suspension")
    (message,) = mail.messages()
    assert message["To"] == "it@acme.example"
    await operator.quiet()
    assert (await tenant.condition("NoticesSent"))["status"] == "True"


@pytest.mark.parametrize("trouble", ["later", "drops"])
async def test_a_server_in_trouble_gets_it_when_it_is_well(
    mail: MailServer, tenant: Tenant, hasten: Hasten, trouble: str
) -> None:
    if trouble == "later":
        mail.answers["DATA"] = "451 4.3.0 come back later"
    mail.drops_after = trouble == "drops"
    await tenant.change(PROHIBITED)

    async def tried() -> bool:
        found = (await notices(tenant)).get("Suspension", {}).get("status", {})
        return bool(found.get("attempts", 0) >= 2)

    async with hasten():
        await until(tried)
        mail.answers.clear()
        mail.drops_after = False
        await sent(tenant, "Suspension")
    assert len(mail.messages()) == 1, "what was taken twice was the same message"


class Cut:
    """Lets the writes about notices and records through until one of them, and none after it."""

    def __init__(self, allowed: int) -> None:
        self.left = allowed
        self.cut = False

    async def before(self, request: Request) -> None:
        if request.method == "GET" or not re.search("jitsi(notices|tenantrecords)", request.path):
            return
        if self.left == 0:
            self.cut = True
            raise Unavailable("the operator was killed, says the test", status=503)
        self.left -= 1


async def test_killed_at_any_write_it_sends_one_message(
    mail: MailServer, cluster: Cluster, operate: Operate
) -> None:
    tenant = await cluster.tenant()
    async with operate() as running:
        await tenant.ready()
        await running.quiet()
    await tenant.change(PROHIBITED)
    done, allowed = False, 0
    while not done:
        cut = Cut(allowed)
        async with operate() as running:
            running.wire.before = cut.before

            async def look(cut: Cut = cut) -> bool:
                found = (await notices(tenant)).get("Suspension", {}).get("status", {})
                return cut.cut or "sentAt" in found

            await until(look)
            if not cut.cut:
                await running.quiet()
            done = not cut.cut
        allowed = 1
    async with operate() as running:
        await recorded(tenant, "Made", "Sent")
        await running.quiet()
    assert len(mail.messages()) == 1
    entries = await recorded(tenant, "Made", "Sent")
    assert [each["value"] for each in entries] == ["Made", "Sent"]


async def acknowledge(operator: Operating, message: EmailMessage) -> None:
    """Do what the client does: open the link of the message, and press the button."""
    found = re.search(r"https://notices\.hosting\.example(/acknowledge/\S+)", words(message))
    assert found is not None, words(message)
    page = await acknowledgement_page(operator.client, NAMESPACE)
    async with TestClient(TestServer(page)) as browser:
        shown = await browser.get(found[1])
        assert shown.status == 200
        pressed = await browser.post(found[1])
        assert pressed.status == 200


async def test_a_formal_notice_for_a_prohibited_use_ends_the_contract_after_48_hours(
    mail: MailServer, tenant: Tenant, operator: Operating
) -> None:
    """Clauses 5, 13.2 and 15.4: from the receipt, not from the sending."""
    body: JsonObject = {
        "apiVersion": API_VERSION,
        "kind": "JitsiNotice",
        "metadata": {"name": "formal-notice", "namespace": tenant.namespace},
        "spec": {
            "about": "FormalNotice",
            "breach": "ProhibitedUse",
            "clause": "5",
            "document": "cgu-2026-05-19",
            "note": "Scans de ports depuis une salle.",
        },
    }
    await tenant.cluster.create(body)
    await sent(tenant, "FormalNotice")
    operator.clock.turn(3 * DAY)
    await operator.quiet()
    assert (await tenant.status())["phase"] == "InForce", "nobody has received it yet"
    (message,) = mail.messages()
    await acknowledge(operator, message)
    await phase(tenant, "UnderNotice")
    await recorded(tenant, "Made", "Sent", "Received")
    operator.clock.turn(2 * DAY - 120)
    await operator.quiet()
    assert (await tenant.status())["phase"] == "UnderNotice"
    operator.clock.turn(240)
    status = await phase(tenant, "Ended")
    assert status["contract"]["endCause"] == "FormalNotice"
    await sent(tenant, "Ended")
    condition = await tenant.condition("ContractInForce")
    assert condition["reason"] == "ContractEnded"


async def test_a_late_payment_is_told_then_suspends_then_is_paid(
    mail: MailServer, cluster: Cluster, operator: Operating
) -> None:
    """Clauses 3.1 and 9, by the terms of the commercial document."""
    tenant = await cluster.tenant(LATE)
    await tenant.ready()
    today = operator.clock.now().date()
    overdue = {"contract": {"payment": {"overdueSince": (today - timedelta(1)).isoformat()}}}
    await tenant.change(overdue)
    await operator.quiet()
    assert mail.received == []
    operator.clock.turn(4 * DAY)
    await sent(tenant, "LatePayment")
    await operator.quiet()
    assert (await tenant.status())["contract"]["service"] == "Serving"
    operator.clock.turn(12 * DAY)
    status = await phase(tenant, "Suspended")
    assert status["contract"]["serviceReasons"] == ["LatePayment"]
    await sent(tenant, "Suspension")
    await tenant.change({"contract": {"payment": {"overdueSince": None}}})
    await tenant.ready()
    await sent(tenant, "Resumption")
    assert [message["To"] for message in mail.messages()] == ["dsi@acme.example"] * 3


def window(operator: Operating, start: float, hours: float, **more: Any) -> JsonObject:
    """A maintenance window that begins in `start` days."""
    begin = operator.clock.now() + timedelta(days=start)
    end = begin + timedelta(hours=hours)
    spec = {
        "start": f"{begin:%Y-%m-%dT%H:%M:%SZ}",
        "end": f"{end:%Y-%m-%dT%H:%M:%SZ}",
        "description": "Mise à jour du système",
        **more,
    }
    return {
        "apiVersion": API_VERSION,
        "kind": "JitsiMaintenance",
        "metadata": {"name": "update"},
        "spec": spec,
    }


async def of_window(cluster: Cluster, **wanted: Any) -> JsonObject:
    """The status of the window once it says so."""

    async def look() -> JsonObject | None:
        ref = ObjectRef(API_VERSION, "JitsiMaintenance", "", "update")
        status: JsonObject = (await cluster.get(ref)).get("status") or {}
        return status if laid_over(status, wanted) == status else None

    found = await until(look)
    assert found is not None
    return found


async def test_a_window_is_told_ahead_and_shows_a_page_while_it_lasts(
    mail: MailServer, tenant: Tenant, operator: Operating
) -> None:
    """Clause 8.1."""
    await tenant.cluster.create(window(operator, 5, 2, affects=["Service"]))
    await sent(tenant, "Maintenance")
    await of_window(tenant.cluster, tenants=1, notified=1)
    await operator.quiet()
    (letter,) = mail.messages()
    assert "Mise" not in letter["Subject"]
    for part in letter.iter_parts():
        assert "Mise à jour du système" in part.get_content(), "what is done is told in both forms"
    operator.clock.turn(5 * DAY + 60)

    async def closed() -> JsonObject:
        condition = await tenant.condition("Available")
        assert condition.get("reason") == "Suspended", condition
        page = await tenant.cluster.get(tenant.child("ConfigMap", "web"))
        assert "closed.conf" in page["data"]
        return condition

    await until(closed)
    operator.clock.turn(2 * 3600.0)
    await tenant.ready()
    assert len(mail.messages()) == 1, "the window was announced; it is no suspension"


@pytest.mark.parametrize("emergency", [False, True])
async def test_a_window_that_comes_too_soon_counts_only_as_an_emergency(
    mail: MailServer, tenant: Tenant, operator: Operating, *, emergency: bool
) -> None:
    more = {"emergency": {"reason": "a hole in the video bridge"}} if emergency else {}
    await tenant.cluster.create(window(operator, 1, 2, affects=["Service"], **more))
    if emergency:
        await sent(tenant, "Maintenance")
        await of_window(tenant.cluster, notified=1)
        await operator.quiet()
    else:
        status = await of_window(tenant.cluster, tenants=1, notified=0)
        assert str(tenant.ref.namespace) in status["refused"][0]["tenant"]
        assert status["conditions"][0]["reason"] == "NoticeTooLate"
        await operator.quiet()
        assert mail.received == [], "nobody is told of what does not happen"
    operator.clock.turn(DAY + 60)
    await operator.quiet()
    available = await tenant.condition("Available")
    assert (available["status"] == "False") == emergency


async def test_without_a_mail_server_notices_are_kept_until_there_is_one(
    tenant: Tenant, operator: Operating, cluster: Cluster
) -> None:
    await cluster.patch(PLATFORM, {"spec": {"notifications": None}})
    await tenant.change(PROHIBITED)

    async def look() -> JsonObject:
        condition = await tenant.condition("NoticesSent")
        assert condition.get("reason") == "NoticeNotSent", condition
        assert "spec.notifications" in condition["message"]
        return condition

    await until(look)
    await operator.quiet()


async def test_all_who_are_touched_are_told_of_an_incident_and_of_its_end(
    mail: MailServer, cluster: Cluster, operate: Operate
) -> None:
    """Clause 15.1: one object, one letter to each, also when the operator ends in between."""
    hosts = ("one.example.net", "two.example.net", "three.example.net")
    *touched, spared = [await cluster.tenant({"host": host}) for host in hosts]
    began = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    spec: JsonObject = {
        "tenants": {"namespaces": [each.namespace for each in touched]},
        "start": began.isoformat().replace("+00:00", "Z"),
        "description": "Coupure <électrique> & réseau",
        "incident": {"forceMajeure": True},
    }
    async with operate() as running:
        for tenant in (*touched, spared):
            await tenant.ready()
        await cluster.create(shared("JitsiMaintenance", "update", spec))
        for tenant in touched:
            await sent(tenant, "Incident")
        await of_window(cluster, tenants=2, notified=2)
        await running.quiet()
    async with operate() as running:
        await running.quiet()
        over = (began + timedelta(minutes=30)).isoformat().replace("+00:00", "Z")
        ref = ObjectRef(API_VERSION, "JitsiMaintenance", "", "update")
        await cluster.patch(ref, {"spec": {"end": over}})
        for tenant in touched:
            await sent(tenant, "IncidentOver")
        await of_window(cluster, tenants=2, notified=2)
        await running.quiet()
    assert await notices(spared) == {}
    subjects = sorted(str(message["Subject"]) for message in mail.messages())
    assert len(subjects) == 4
    assert len({str(message["Message-ID"]) for message in mail.messages()}) == 4
    for message in mail.messages():
        text, html = (part.get_content() for part in message.iter_parts())
        assert "Coupure <électrique> & réseau" in text
        assert "Coupure &lt;électrique&gt; &amp; réseau" in html
        assert "force majeure" in text
