"""A notice is written once, sent until it is taken, and says in its status how it stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from jitsi_tenant_operator.api.contract import ClientLanguage
from jitsi_tenant_operator.api.notice import Letter
from jitsi_tenant_operator.api.objects import API_VERSION, JsonObject, ObjectRef
from jitsi_tenant_operator.kube.errors import Unavailable
from jitsi_tenant_operator.reconcile.course import ContractFollower
from jitsi_tenant_operator.reconcile.notices import (
    NoticeReconciler,
    NotSentError,
    Sending,
    addressee,
)
from jitsi_tenant_operator.reconcile.queue import FailedError
from jitsi_tenant_operator.reconcile.world import World

REF = ObjectRef(API_VERSION, "JitsiNotice", "tenant-acme", "notice")
NOTIFICATIONS = {"smtpHost": "mail.example.net", "sender": "host@example.net"}


@dataclass
class Post:
    """A post office that remembers what it was given."""

    trouble: list[NotSentError | None] = field(default_factory=list)
    written: int = 0
    sent: list[Letter] = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None

    async def write(self, sending: Sending) -> Letter:
        self.written += 1
        return Letter(
            recipient=addressee(sending),
            contract="DC-2026-0142",
            language=ClientLanguage.FRENCH,
            written_at=sending.course.now,
            message_id=f"<{sending.uid}@example.net>",
            subject=f"letter {self.written}",
            text="text",
            html="<p>text</p>",
        )

    async def send(self, sending: Sending, letter: Letter) -> str:
        error = self.trouble.pop(0) if self.trouble else None
        self.sent.append(letter)
        self.meanwhile()
        if error is not None:
            raise error
        return "250 queued"


class Office:
    """A reconciler, and the cluster that it works on."""

    def __init__(self, kube: Any, body_of: Callable[..., JsonObject]) -> None:
        self.kube, self.body_of, self.post = kube, body_of, Post()
        self.platform: JsonObject = {"notifications": NOTIFICATIONS}
        self.tenant: JsonObject = {"contract": {"signedOn": "2026-05-25"}}
        self.world = World()
        self.changed: list[ObjectRef] = []

    def put(self, **spec: Any) -> None:
        """Store a notice as whoever made it did."""
        metadata = {"name": "notice", "namespace": "tenant-acme", "generation": 1}
        content = {"about": "Suspension", "key": "Notice/Suspension/1", **spec}
        kind = {"apiVersion": API_VERSION, "kind": "JitsiNotice"}
        self.kube.put({**kind, "metadata": metadata, "spec": content})

    def restart(self) -> NoticeReconciler:
        """A new operator that has read everything that is stored."""
        self.world = World()
        metadata = {"resourceVersion": "1", "creationTimestamp": "2026-05-25T08:00:00Z"}
        self.world.platforms.observe(
            None, self.body_of("JitsiPlatform", spec=self.platform, metadata=metadata)
        )
        self.world.plans.observe(None, self.body_of("JitsiPlan", metadata=metadata))
        self.world.terms.observe(None, self.body_of("JitsiTerms", metadata=metadata))
        self.world.observe_tenant(
            None, self.body_of("JitsiTenant", spec=self.tenant, metadata=metadata)
        )
        objects = self.world.around_contracts
        for body in self.kube.objects.values():
            objects.observe(body["kind"], None, body)
        return NoticeReconciler(
            self.world,
            self.kube,
            ContractFollower(objects, self.kube, lambda _: None),
            self.post,
            self.changed.append,
        )

    async def work(self) -> Any:
        return await self.restart().reconcile(REF)

    def restarted_states(self) -> dict[str, int]:
        """What a new operator counts."""
        self.restart()
        return self.world.around_contracts.notice_states()

    @property
    def status(self) -> JsonObject:
        found: JsonObject = self.kube.objects[REF].get("status", {})
        return found

    def condition(self, type_: str) -> tuple[str, str, str]:
        (found,) = (each for each in self.status["conditions"] if each["type"] == type_)
        return found["status"], found["reason"], found["message"]


@pytest.fixture
def office(kube: Any, body_of: Callable[..., JsonObject]) -> Office:
    office = Office(kube, body_of)
    office.put()
    return office


async def test_it_is_stored_before_it_is_sent(office: Office, kube: Any) -> None:
    await office.work()
    verbs = [verb for verb, _ in kube.called("patch status")]
    assert len(verbs) == 2, "the letter, and that it was sent"
    assert office.status["letter"]["recipient"] == "dsi@acme.example"
    assert office.status["reply"] == "250 queued"
    assert office.condition("Sent")[0] == "True"
    assert office.condition("Received")[:2] == ("Unknown", "Awaited")
    assert office.changed[-1] == REF, "whose contract it is, is decided anew"


async def test_a_notice_that_has_left_is_left_alone(office: Office, kube: Any) -> None:
    await office.work()
    kube.calls.clear()
    for _ in range(2):
        await office.work()
    assert kube.calls == []
    assert len(office.post.sent) == 1


async def test_killed_between_sending_and_saying_so_it_repeats_the_same_letter(
    office: Office, kube: Any
) -> None:
    """Get, store the letter, send, and the answer is lost."""
    kube.faults = [None, None, Unavailable("killed", status=503)]
    with pytest.raises(Unavailable):
        await office.work()
    await office.work()
    first, second = office.post.sent
    assert first == second
    assert office.post.written == 1


@pytest.mark.parametrize("by_link", [True, False], ids=["by the link", "by other means"])
async def test_what_is_acknowledged_is_not_sent_again(office: Office, *, by_link: bool) -> None:
    """The server took it, its answer was lost, and the client was quicker than the next attempt."""
    office.post.trouble = [NotSentError("the connection was lost", permanent=False)]
    with pytest.raises(FailedError):
        await office.work()
    reconciler = office.restart()
    part = "status" if by_link else "spec"
    office.kube.objects[REF][part]["acknowledgedAt"] = "2026-06-01T08:00:00Z"
    assert await reconciler.reconcile(REF) is None, "though nobody has told of it yet"
    await office.work()
    assert len(office.post.sent) == 1
    assert (office.condition("Sent")[0], office.condition("Received")[0]) == ("True", "True")


async def test_what_others_write_while_it_leaves_is_kept_and_nothing_is_sent_again(
    office: Office,
) -> None:
    def meddle() -> None:
        stored = office.kube.objects[REF]
        stored["status"]["acknowledgedAt"] = "2026-06-01T08:00:00Z"
        stored["spec"]["note"] = "a word more"
        office.kube.put(stored)

    office.post.meanwhile = meddle
    await office.work()
    assert office.status["reply"] == "250 queued"
    assert office.condition("Sent")[0] == office.condition("Received")[0] == "True"
    await office.work()
    assert len(office.post.sent) == 1


async def test_what_may_mend_itself_is_tried_again(office: Office) -> None:
    office.post.trouble = [NotSentError("the mail server is away", permanent=False)]
    with pytest.raises(FailedError):
        await office.work()
    assert office.condition("Sent") == ("False", "NotDelivered", "the mail server is away")
    assert office.status["attempts"] == 1
    await office.work()
    assert office.condition("Sent")[0] == "True"


async def test_what_was_refused_waits_for_somebody_but_is_not_forgotten(office: Office) -> None:
    office.post.trouble = [NotSentError("550 no such user", permanent=True)]
    again = await office.work()
    assert again is not None, "it is tried again some day"
    assert office.condition("Sent")[1] == "Refused"


async def test_to_a_new_address_it_is_written_anew(office: Office) -> None:
    office.post.trouble = [NotSentError("550 no such user", permanent=True)]
    await office.work()
    client = {"client": {"legalName": "ACME SAS", "email": "new@acme.example"}}
    office.tenant = {"contract": {"signedOn": "2026-05-25", **client}}
    await office.work()
    assert [letter.recipient for letter in office.post.sent] == [
        "dsi@acme.example",
        "new@acme.example",
    ]


async def test_without_a_mail_server_it_says_what_to_set(office: Office) -> None:
    office.platform = {}
    await office.work()
    status, reason, message = office.condition("Sent")
    assert (status, reason) == ("False", "NoMailServer")
    assert "spec.notifications" in message
    assert office.post.sent == []


async def test_about_a_tenant_that_is_not_in_order_nothing_is_sent(office: Office) -> None:
    office.tenant = {"contract": {"signedOn": "2026-05-25"}, "plan": "none"}
    assert await office.work() is not None, "it is looked at again though nobody tells of the plan"
    assert office.condition("Sent")[1] == "TenantNotResolved"
    assert office.post.sent == []


@pytest.mark.parametrize(
    ("spec", "sent", "received"),
    [
        ({"channel": "RegisteredLetter"}, "Unknown", "Unknown"),
        (
            {
                "channel": "RegisteredLetter",
                "registeredLetter": {
                    "trackingNumber": "1A",
                    "sentAt": "2026-06-01T07:00:00Z",
                    "deliveredAt": "2026-06-01T07:30:00Z",
                },
            },
            "True",
            "True",
        ),
        ({"by": "Client", "about": "FormalNotice", "breach": "Other"}, "Unknown", "Unknown"),
    ],
    ids=["a letter to be sent", "a letter that was delivered", "the client's own"],
)
async def test_what_the_operator_does_not_send_it_only_tells_of(
    office: Office, kube: Any, spec: JsonObject, sent: str, received: str
) -> None:
    office.put(**spec)
    await office.work()
    assert office.post.sent == []
    assert (office.condition("Sent")[0], office.condition("Received")[0]) == (sent, received)
    kube.calls.clear()
    await office.work()
    assert kube.calls == [], "once it is said, nothing is written again"


async def test_the_next_try_is_not_before_the_other_side_asks_for_it(office: Office) -> None:
    office.post.trouble = [NotSentError("come back later", permanent=False, retry_after=90.0)]
    with pytest.raises(FailedError) as failure:
        await office.work()
    assert failure.value.retry_after == 90.0


async def test_what_the_client_sends_is_entered_where_it_can_be(office: Office) -> None:
    office.put(by="Client", about="FormalNotice", breach="Other")
    await office.work()
    _, reason, message = office.condition("Sent")
    assert reason == "ByOtherMeans"
    assert "spec.acknowledgedAt" in message
    assert "registeredLetter" not in message, "which an e-mail cannot have"


WEBHOOK = {"url": "https://crm.example/", "secret": {"name": "crm", "key": "key"}}


async def test_without_its_webhook_a_notice_to_another_system_is_settled(
    office: Office, kube: Any
) -> None:
    office.put(channel="Webhook")
    for notifications in (NOTIFICATIONS, None):
        office.platform = {} if notifications is None else {"notifications": notifications}
        await office.work()
        assert office.condition("Sent")[:2] == ("Unknown", "ByOtherMeans")
        assert office.restarted_states() == {"elsewhere": 1}
    assert office.post.written == 0
    kube.calls.clear()
    await office.work()
    assert kube.called("patch status") == [], "once it is said, nothing is written again"
    office.platform = {"notifications": {**NOTIFICATIONS, "webhook": WEBHOOK}}
    await office.work()
    assert office.condition("Sent")[0] == "True", "it is told after all"


REMEDIED = {"remediedAt": "2026-06-01T07:00:00Z"}


@pytest.mark.parametrize(
    ("spec", "contract", "left"),
    [
        ({"breach": "Other"}, {}, True),
        ({"breach": "Other", **REMEDIED}, {}, False),
        ({"breach": "LatePayment"}, {"payment": {"overdueSince": "2026-05-26"}}, True),
        ({"breach": "LatePayment"}, {}, False),
    ],
    ids=["still so", "remedied", "overdue", "paid"],
)
async def test_a_formal_notice_whose_cause_is_gone_is_not_sent_late(
    office: Office, spec: JsonObject, contract: JsonObject, *, left: bool
) -> None:
    office.tenant = {"contract": {"signedOn": "2026-05-25", **contract}}
    office.put(about="FormalNotice", **spec)
    await office.work()
    assert bool(office.post.sent) is left
    assert office.condition("Sent")[1] == ("AsWanted" if left else "Withdrawn")
    assert ("withdrawnAt" in office.status) is not left
    assert office.restarted_states() == {"sent" if left else "elsewhere": 1}
