"""Sending e-mail to the platform's mail server by SMTP submission (RFC 6409, RFC 8314)."""

from __future__ import annotations

import asyncio
import base64
import ssl
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP as SMTP_LINES
from enum import StrEnum
from typing import Protocol

import aiosmtplib
from aiosmtplib import errors

from jitsi_tenant_operator.clock import Clock
from jitsi_tenant_operator.notify.delivery import (
    Accepted,
    Deferred,
    NotDeliveredError,
    Refused,
    told,
)

IMPLICIT_TLS_PORT = 465

_PERMANENT = range(500, 600)
_FAREWELL_SECONDS = 2.0
_AUTHENTICATION = frozenset({530, 534, 535, 538})
"""Answers that ask for other credentials, whatever they were given to (RFC 4954, section 6)."""


class Mailer(Protocol):
    """Hands messages over to a mail server."""

    async def send(self, message: EmailMessage) -> Accepted:
        """Hand `message` over, from its From to its To. Raises Refused or Deferred."""


class Tls(StrEnum):
    """How the connection is encrypted; there is none that is not."""

    STARTTLS = "StartTls"
    IMPLICIT = "Implicit"


class SmtpMailer:
    """Hands messages to one mail server over verified TLS, one connection for each.

    `credentials` are username and password. `tls` follows from the port when None.
    `certificate_authority` is PEM and replaces the public authorities. `timeout` bounds one
    sending as a whole, in seconds. Raises ValueError when the authority cannot be read.
    """

    __slots__ = ("_clock", "_context", "_credentials", "_host", "_port", "_timeout", "_tls")

    def __init__(
        self,
        host: str,
        port: int,
        *,
        clock: Clock,
        credentials: tuple[str, str] | None = None,
        tls: Tls | None = None,
        certificate_authority: bytes | None = None,
        timeout: float = 60.0,
    ) -> None:
        implied = Tls.IMPLICIT if port == IMPLICIT_TLS_PORT else Tls.STARTTLS
        self._host, self._port, self._tls = host, port, tls or implied
        self._clock, self._timeout = clock, timeout
        self._credentials = credentials
        self._context = _context(certificate_authority)

    async def send(self, message: EmailMessage) -> Accepted:
        """Hand `message` over, from its From to its To.

        Raises Refused when the server refuses sender, recipient or message for good, and Deferred
        for all else: it says to try again, cannot be reached in time, offers no TLS, its
        certificate is not valid, it does not take the credentials. After a Deferred the server may
        have the message nevertheless, so it must be sent again unchanged.
        """
        failure: NotDeliveredError
        client = self._client(message["From"].addresses[0].domain)
        try:
            async with asyncio.timeout(self._timeout):
                accepted = await self._hand_over(client, message)
            await _leave(client)
        except errors.SMTPException as error:
            failure = self._answer(error)
        except ssl.SSLCertVerificationError as error:
            failure = Deferred(f"the certificate is not valid: {told(error.verify_message)}")
        except ssl.SSLError:
            failure = Deferred("no TLS connection could be made")
        except TimeoutError:
            failure = Deferred(f"the mail server did not answer within {self._timeout:g} s")
        except OSError:
            failure = Deferred("the connection to the mail server failed")
        else:
            return accepted
        finally:
            client.close()
        # Not from where it was caught: what was caught can quote addresses and passwords.
        raise failure

    def _client(self, name: str) -> aiosmtplib.SMTP:
        """A client that greets with `name`, as it would look up and tell the pod's own."""
        return aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            use_tls=self._tls is Tls.IMPLICIT,
            start_tls=self._tls is Tls.STARTTLS,
            tls_context=self._context,
            local_hostname=name,
            timeout=self._timeout,
        )

    async def _hand_over(self, client: aiosmtplib.SMTP, message: EmailMessage) -> Accepted:
        await client.connect()
        await client.ehlo()
        if self._credentials is not None:
            await _log_in(client, *self._credentials)
        await client.mail(message["From"].addresses[0].addr_spec)
        await client.rcpt(message["To"].addresses[0].addr_spec)
        reply = await client.data(message.as_bytes(policy=SMTP_LINES))
        return Accepted(self._told(f"{reply.code} {reply.message}"), self._clock.now())

    def _answer(self, error: errors.SMTPException) -> NotDeliveredError:
        if isinstance(error, errors.SMTPTimeoutError):
            return Deferred(f"the mail server did not answer within {self._timeout:g} s")
        if not isinstance(error, errors.SMTPResponseException):
            return self._no_answer(error)
        reason = self._told(f"{error.code} {error.message}")
        about = (errors.SMTPSenderRefused, errors.SMTPRecipientRefused, errors.SMTPDataError)
        refused = isinstance(error, about) and error.code in _PERMANENT
        if refused and error.code not in _AUTHENTICATION:
            return Refused(reason, code=error.code)
        return Deferred(reason, code=error.code)

    def _no_answer(self, error: errors.SMTPException) -> Deferred:
        cause = error.__cause__
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Deferred(f"the certificate is not valid: {told(cause.verify_message)}")
        if isinstance(error, errors.SMTPServerDisconnected | errors.SMTPConnectError):
            return Deferred("the connection to the mail server failed")
        return Deferred(self._told(error.message))

    def _told(self, text: str) -> str:
        return told(text, _forms(self._credentials))


async def _log_in(client: aiosmtplib.SMTP, username: str, password: str) -> None:
    """Log in once: more attempts, by other mechanisms, could lock the account."""
    offered = client.server_auth_methods
    if "plain" in offered:
        await client.auth_plain(username, password)
    elif "login" in offered:
        await client.auth_login(username, password)
    else:
        raise errors.SMTPNotSupported("the mail server offers neither AUTH PLAIN nor AUTH LOGIN")


async def _leave(client: aiosmtplib.SMTP) -> None:
    """Say goodbye; the message is handed over, however that goes."""
    with suppress(errors.SMTPException, OSError):
        await client.quit(timeout=_FAREWELL_SECONDS)


def _context(certificate_authority: bytes | None) -> ssl.SSLContext:
    # Not an empty text, for which the public authorities would be loaded.
    data = None if certificate_authority is None else certificate_authority or b"\n"
    try:
        context = ssl.create_default_context(cadata=data and data.decode("ascii", "replace"))
    except (ssl.SSLError, ValueError):
        problem = "the certificate authority of the mail server is not PEM"
    else:
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # Python 3.13 became stricter about extensions that authorities of one's own leave out.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        return context
    raise ValueError(problem)


def _forms(credentials: tuple[str, str] | None) -> list[str]:
    """The credentials in all forms in which they go over the line, the longest first."""
    if credentials is None:
        return []
    username, password = credentials
    plain = [f"\0{username}\0{password}", password, username]
    encoded = [base64.b64encode(text.encode()).decode() for text in plain]
    return [*encoded, password, username]
