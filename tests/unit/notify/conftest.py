"""A letter to write about, a clock turned by hand, and a mail server on this machine."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from jitsi_tenant_operator.api.contract import ClientLanguage
from jitsi_tenant_operator.api.notice import NoticeKind
from jitsi_tenant_operator.notify.letter import Letter, write
from jitsi_tenant_operator.notify.samples import ACKNOWLEDGE_URL, samples
from localplane.credentials import write_serving_certificate

NOW = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)


class HandClock:
    """A clock that stands still until it is turned."""

    def __init__(self) -> None:
        self.at, self.seconds = NOW, 0.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.turn(seconds)

    def turn(self, seconds: float) -> None:
        self.seconds += seconds
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(scope="session")
def letter() -> Letter:
    """A formal notice in French, with everything that a letter can have."""
    matter = samples(NoticeKind.FORMAL_NOTICE)[0]
    return write(
        NoticeKind.FORMAL_NOTICE, ClientLanguage.FRENCH, matter, acknowledge_url=ACKNOWLEDGE_URL
    )


@dataclass(frozen=True, slots=True)
class Authority:
    """Who signed the certificate of a server, as PEM, and what the server needs to show it."""

    pem: bytes
    server: ssl.SSLContext


def authority(folder: Path) -> Authority:
    certificate, key = folder / "server.crt", folder / "server.key"
    write_serving_certificate(folder / "ca.crt", certificate, key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return Authority((folder / "ca.crt").read_bytes(), context)


@pytest.fixture(scope="session")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("trusted"))


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("stranger"))


@dataclass
class MailServer:
    """What a mail server answers, and what it was given."""

    answers: dict[str, str] = field(default_factory=dict)
    """What is answered at MAIL, RCPT and DATA instead of a yes."""
    silent_at: str = ""
    drops_at: str = ""
    delay: float = 0.0
    """How many seconds each step takes."""
    password: str = "correct horse"
    received: list[Envelope] = field(default_factory=list)
    greetings: list[str] = field(default_factory=list)

    async def _step(self, server: SMTP, name: str) -> str | None:
        await asyncio.sleep(self.delay)
        if name == self.silent_at:
            await asyncio.Event().wait()
        if name == self.drops_at:
            abort(server)
        return self.answers.get(name)

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, host: str, lines: list[str]
    ) -> list[str]:
        session.host_name = host
        self.greetings.append(host)
        await self._step(server, "EHLO")
        return lines

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return await self._step(server, "MAIL") or "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return await self._step(server, "RCPT") or "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        self.received.append(envelope)
        return await self._step(server, "DATA") or "250 2.0.0 Ok: queued as 4F3A2"

    async def handle_QUIT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        return await self._step(server, "QUIT") or "221 Bye"

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        assert session.ssl is not None, "credentials came in clear text"
        assert isinstance(data, LoginPassword)
        return AuthResult(success=data.password.decode() == self.password, handled=False)


@pytest.fixture
def server() -> MailServer:
    """A mail server that takes everything, until it is told otherwise."""
    return MailServer()


def abort(server: SMTP) -> None:
    """Drop the connection without a word."""
    if isinstance(server.transport, asyncio.Transport):
        server.transport.abort()


Serve = Callable[..., Any]


@pytest.fixture
def serve_mail() -> Serve:
    """Runs a mail server while a block runs; yields its port."""

    @asynccontextmanager
    async def serve(
        mail: MailServer,
        context: ssl.SSLContext | None,
        *,
        implicit: bool = False,
        address: str = "127.0.0.1",
        **options: Any,
    ) -> AsyncIterator[int]:
        loop = asyncio.get_running_loop()
        starttls = None if implicit else context
        protocols: list[SMTP] = []

        def connected() -> SMTP:
            protocols.append(
                SMTP(
                    mail,
                    tls_context=starttls,
                    require_starttls=starttls is not None,
                    hostname="mail.hosting.example",
                    loop=loop,
                    **options,
                )
            )
            return protocols[-1]

        server = await loop.create_server(connected, address, 0, ssl=context if implicit else None)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            for protocol in protocols:
                abort(protocol)
            await server.wait_closed()

    return serve
