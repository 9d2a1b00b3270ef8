"""A letter as an e-mail (RFC 5322): the same notice gives the same bytes, however often it is sent.

A receiver that gets a message twice tells by its Message-ID that it is the same one (RFC 5322,
section 3.6.4). So nothing in it depends on chance, on the clock or on the machine.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from jitsi_tenant_operator.api.contract import ClientLanguage
from jitsi_tenant_operator.notify.letter import Letter

_UID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}")
_DOMAIN = re.compile(r"(?!.{254})[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*")
# RFC 5322 dot-atom in ASCII, as the API has addresses: what needs no quoting anywhere.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_{|}~-]+"
_MAILBOX = re.compile(
    rf"(?!.{{255}})(?P<user>{_ATOM}(\.{_ATOM})*)@(?P<domain>[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*)"
)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]+")
_MESSAGE_ID = re.compile(rf"<{_ATOM}(\.{_ATOM})*@[A-Za-z0-9.-]+>")
_MAX_NAME = 200


def message_id(notice_uid: str, domain: str) -> str:
    """The Message-ID of a notice, by its uid and the sender's domain.

    Raises ValueError when either has a form that an identity cannot hold.
    """
    if _UID.fullmatch(notice_uid) is None:
        raise ValueError("the uid of a notice has letters, digits and hyphens only")
    if _DOMAIN.fullmatch(domain) is None:
        raise ValueError("the domain of a Message-ID must be a DNS name")
    return f"<{notice_uid}@{domain}>"


def compose(
    letter: Letter,
    *,
    sender: str,
    sender_name: str,
    recipient: str,
    message_id: str,
    date: datetime,
    language: ClientLanguage,
) -> EmailMessage:
    """The message with both forms of `letter`, of which a mail program shows the one it can.

    `date` is an aware instant; `message_id` is what the function of that name gives. Raises
    ValueError for an address, an identity or an instant that a header cannot hold; what a subject
    or a name cannot hold is left out of it.
    """
    if date.tzinfo is None:
        raise ValueError("the date of a message must be aware of its zone")
    if _MESSAGE_ID.fullmatch(message_id) is None:
        raise ValueError("this is no Message-ID")
    message = EmailMessage(policy=SMTP)
    message["Date"] = date.astimezone(UTC)
    message["Message-ID"] = message_id
    message["From"] = _mailbox(sender, sender_name)
    message["To"] = _mailbox(recipient, "")
    message["Subject"] = _line(letter.subject)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text, charset="utf-8", cte="quoted-printable")
    message.add_alternative(letter.html, subtype="html", charset="utf-8", cte="quoted-printable")
    message["Content-Language"] = str(language)  # setting the content takes such headers away
    # In quoted-printable an equals sign is never followed by an underscore, so that no content
    # can hold this boundary.
    message.set_boundary(f"=_{hashlib.sha256(message_id.encode()).hexdigest()[:32]}")
    return message


def _mailbox(address: str, name: str) -> Address:
    found = _MAILBOX.fullmatch(address)
    if found is None:
        raise ValueError("this is no e-mail address that a message can have")
    return Address(_line(name), username=found["user"], domain=found["domain"])


def _line(text: str) -> str:
    line = " ".join(_UNPRINTABLE.sub(" ", text).split())[:_MAX_NAME].rstrip()
    # What only looks like an encoded word (RFC 2047) would be read as one.
    return line.replace("=?", "= ?")
