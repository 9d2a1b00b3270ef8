"""A mail server on this machine, with TLS and an authority of its own."""

from __future__ import annotations

import asyncio
import email
import email.policy
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from localplane.credentials import write_serving_certificate


@dataclass
class MailServer:
    """What a mail server answers, and what it was given."""

    answers: dict[str, str] = field(default_factory=dict)
    """What is answered at DATA instead of a yes."""
    unknown: set[str] = field(default_factory=set)
    """The addresses for which it takes nothing."""
    drops_after: bool = False
    """Whether it takes a message and then drops the connection without a word."""
    received: list[bytes] = field(default_factory=list)
    port: int = 0
    authority: str = ""
    """The certificate that its own is signed by, as PEM."""

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self,
        server: SMTP,  # noqa: ARG002
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],  # noqa: ARG002
    ) -> str:
        """The answer to a recipient."""
        assert session.ssl is not None, "a recipient was named in clear text"
        if address in self.unknown:
            return f"550 5.1.1 no such user {address}"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self,
        server: SMTP,
        session: Session,  # noqa: ARG002
        envelope: Envelope,
    ) -> str:
        """The answer to a message."""
        answer = self.answers.get("DATA", "250 2.0.0 Ok: queued as 4F3A2")
        if answer.startswith("2"):
            assert isinstance(envelope.content, bytes)
            self.received.append(envelope.content)
        if self.drops_after and isinstance(server.transport, asyncio.Transport):
            server.transport.abort()
        return answer

    def messages(self) -> list[EmailMessage]:
        """The messages, each once: a repetition is the same to the byte, so a receiver drops it."""
        found: dict[str, bytes] = {}
        for data in self.received:
            message = _parsed(data)
            known = found.setdefault(message["Message-ID"], data)
            assert known == data, "a repetition differs from the message before"
        return [_parsed(data) for data in found.values()]


def _parsed(data: bytes) -> EmailMessage:
    return email.message_from_bytes(data, policy=email.policy.default)


@asynccontextmanager
async def mail_server(folder: Path) -> AsyncIterator[MailServer]:
    """A mail server at 127.0.0.1 that asks for STARTTLS; its certificates are in `folder`."""
    certificate, key = folder / "server.crt", folder / "server.key"
    write_serving_certificate(folder / "ca.crt", certificate, key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    found = MailServer(authority=(folder / "ca.crt").read_text())
    loop = asyncio.get_running_loop()

    def connected() -> SMTP:
        return SMTP(
            found,
            tls_context=context,
            require_starttls=True,
            hostname="mail.hosting.example",
            loop=loop,
        )

    server = await loop.create_server(connected, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()
