"""Handing mail to a real server: accepted, refused, deferred, and never in clear text."""

from __future__ import annotations

import asyncio
import logging
import traceback
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any

import pytest

from jitsi_tenant_operator.api.contract import ClientLanguage
from jitsi_tenant_operator.notify.delivery import (
    MAX_REPLY,
    Accepted,
    Deferred,
    NotDeliveredError,
    Refused,
    told,
)
from jitsi_tenant_operator.notify.letter import Letter
from jitsi_tenant_operator.notify.mail import SmtpMailer, Tls
from jitsi_tenant_operator.notify.message import compose, message_id

if TYPE_CHECKING:
    from tests.unit.notify.conftest import Authority, HandClock, MailServer, Serve

SECRETS = ("correct horse", "notices-user", "wrong battery", "dsi@acme.example")
LONG = 30.0
"""Seconds within which a server on this machine certainly answers."""
SHORT = 0.3
"""Seconds that a silent server is waited for."""


@pytest.fixture
def message(letter: Letter) -> EmailMessage:
    return compose(
        letter,
        sender="notices@hosting.example",
        sender_name="Hébergeur Exemple SAS",
        recipient="dsi@acme.example",
        message_id=message_id("0b6c0d8e", "hosting.example"),
        date=datetime(2027, 3, 1, 9, 0, tzinfo=UTC),
        language=ClientLanguage.FRENCH,
    )


class Post:
    """A mail server and a mailer for it."""

    def __init__(self, serve: Serve, authority: Authority, clock: HandClock) -> None:
        self.serve, self.authority, self.clock = serve, authority, clock

    async def send(
        self,
        server: MailServer,
        message: EmailMessage,
        *,
        tls: Tls = Tls.STARTTLS,
        ca: bytes | None = b"",
        host: str = "localhost",
        seconds: float = LONG,
        credentials: tuple[str, str] | None = None,
        encrypted: bool = True,
        **options: Any,
    ) -> Accepted:
        context = self.authority.server if encrypted else None
        implicit = tls is Tls.IMPLICIT
        async with self.serve(server, context, implicit=implicit, **options) as port:
            mailer = SmtpMailer(
                host,
                port,
                clock=self.clock,
                credentials=credentials,
                tls=tls,
                certificate_authority=self.authority.pem if ca == b"" else ca,
                timeout=seconds,
            )
            return await mailer.send(message)


@pytest.fixture
def post(serve_mail: Serve, trusted: Authority, clock: HandClock) -> Post:
    return Post(serve_mail, trusted, clock)


@pytest.mark.parametrize("tls", Tls)
async def test_the_server_takes_the_message(
    post: Post, server: MailServer, message: EmailMessage, tls: Tls
) -> None:
    accepted = await post.send(server, message, tls=tls)
    assert accepted == Accepted("250 2.0.0 Ok: queued as 4F3A2", post.clock.at)
    (received,) = server.received
    assert (received.mail_from, received.rcpt_tos) == (
        "notices@hosting.example",
        ["dsi@acme.example"],
    )
    assert received.content == message.as_bytes()
    assert set(server.greetings) == {"hosting.example"}


async def test_a_repetition_arrives_as_the_same_bytes(
    post: Post, server: MailServer, message: EmailMessage
) -> None:
    server.drops_at = "DATA"
    with pytest.raises(Deferred, match="connection"):
        await post.send(server, message)
    server.drops_at = ""
    await post.send(server, message)
    first, second = server.received
    assert first.content == second.content


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("code", [550, 554, 451, 452, 421, 530])
async def test_5_is_refused_and_4_is_deferred(
    post: Post, server: MailServer, message: EmailMessage, step: str, code: int
) -> None:
    server.answers[step] = f"{code} 5.1.1 <dsi@acme.example>: no such user here"
    expected = Refused if code in (550, 554) else Deferred
    with pytest.raises(expected, match="<address>: no such user") as caught:
        await post.send(server, message)
    assert caught.value.code == code


async def test_accepted_stays_accepted_however_the_server_says_goodbye(
    post: Post, server: MailServer, message: EmailMessage
) -> None:
    server.answers["QUIT"] = "554 No"
    assert (await post.send(server, message)).reply.startswith("250")
    server.drops_at = "QUIT"
    assert (await post.send(server, message)).reply.startswith("250")


@pytest.mark.parametrize("step", ["EHLO", "MAIL", "RCPT", "DATA"])
async def test_a_silent_server_is_not_waited_for(
    post: Post, server: MailServer, message: EmailMessage, step: str
) -> None:
    server.silent_at = step
    with pytest.raises(Deferred, match=r"did not answer within 0\.3 s"):
        await post.send(server, message, seconds=SHORT)


async def test_a_slow_server_is_cut_off_in_all(
    post: Post, server: MailServer, message: EmailMessage
) -> None:
    """Each answer comes in time; together they come too late."""
    server.delay = SHORT * 0.6
    with pytest.raises(Deferred, match="did not answer"):
        await post.send(server, message, seconds=SHORT)
    assert server.greetings


async def test_nobody_listens(clock: HandClock, message: EmailMessage) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    with pytest.raises(Deferred, match="connection"):
        await SmtpMailer("127.0.0.1", port, clock=clock, timeout=LONG).send(message)


@pytest.mark.parametrize("tls", Tls)
async def test_a_certificate_of_another_authority_is_not_taken(
    post: Post, server: MailServer, message: EmailMessage, stranger: Authority, tls: Tls
) -> None:
    for ca in (stranger.pem, None):
        with pytest.raises(Deferred, match="certificate"):
            await post.send(server, message, tls=tls, ca=ca)
        assert server.received == []


@pytest.mark.parametrize("tls", Tls)
async def test_a_certificate_for_another_name_is_not_taken(
    serve_mail: Serve,
    server: MailServer,
    trusted: Authority,
    clock: HandClock,
    message: EmailMessage,
    tls: Tls,
) -> None:
    implicit = tls is Tls.IMPLICIT
    context = trusted.server
    async with serve_mail(server, context, implicit=implicit, address="127.0.0.2") as port:
        mailer = SmtpMailer(
            "127.0.0.2", port, clock=clock, tls=tls, certificate_authority=trusted.pem
        )
        with pytest.raises(Deferred, match="certificate"):
            await mailer.send(message)
    assert server.received == []


async def test_without_starttls_nothing_is_sent(
    post: Post, server: MailServer, message: EmailMessage
) -> None:
    with pytest.raises(Deferred, match="STARTTLS"):
        await post.send(server, message, encrypted=False, credentials=("u", "p"))
    assert server.received == []


async def test_credentials_are_taken_or_the_platform_has_to_mend_them(
    post: Post, server: MailServer, message: EmailMessage
) -> None:
    options: dict[str, Any] = {"authenticator": server.authenticate, "auth_required": True}
    good, bad = ("notices-user", "correct horse"), ("notices-user", "wrong battery")
    await post.send(server, message, credentials=good, **options)
    with pytest.raises(Deferred) as caught:
        await post.send(server, message, credentials=bad, **options)
    assert caught.value.code == 535
    with pytest.raises(Deferred) as caught:
        await post.send(server, message, **options)
    assert caught.value.code == 530
    assert len(server.received) == 1


async def test_secrets_and_addresses_are_told_nowhere(
    post: Post, server: MailServer, message: EmailMessage, caplog: pytest.LogCaptureFixture
) -> None:
    server.password = "wrong battery"
    caplog.set_level(logging.DEBUG)
    echo = "550 notices-user wrong battery AHdyb25nIGJhdHRlcnk= <dsi@acme.example> said no"
    for step in ("MAIL", "RCPT", "DATA"):
        server.answers = {step: echo}
        with pytest.raises(NotDeliveredError) as caught:
            await post.send(
                server,
                message,
                credentials=("notices-user", "wrong battery"),
                authenticator=server.authenticate,
            )
        error = caught.value
        seen = "".join((*traceback.format_exception(error), repr(error), str(vars(error))))
        assert "said no" in seen
        assert not any(secret in seen for secret in SECRETS)
        assert error.__cause__ is error.__context__ is None
    client = [record for record in caplog.records if not record.name.startswith("mail.")]
    assert not any(secret in record.getMessage() for record in client for secret in SECRETS)


def test_a_mailer_shows_no_password(clock: HandClock) -> None:
    mailer = SmtpMailer("mail.example.org", 587, clock=clock, credentials=("user", "correct horse"))
    assert "correct horse" not in repr(mailer)
    assert not hasattr(mailer, "__dict__")


def test_an_authority_that_is_none_is_refused(clock: HandClock) -> None:
    for pem in (b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"):
        with pytest.raises(ValueError, match="certificate authority"):
            SmtpMailer("mail.example.org", 587, clock=clock, certificate_authority=pem)


def test_words_of_a_server_are_short_and_in_one_line() -> None:
    assert told("a\r\nb\x1b[31m\u2028c") == "a b [31m c"
    assert len(told("x" * 10_000)) == MAX_REPLY
    assert told("to <a.b+c@example.org>, mailto:d@e") == "to <address>, mailto:<address>"
    assert told("pass word", ["pass word"]) == "<struck out>"
