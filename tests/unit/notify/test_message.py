"""E-mails: well formed whatever the values, and the same bytes for the same notice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import compat32, default
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jitsi_tenant_operator.api.contract import ClientLanguage
from jitsi_tenant_operator.notify.letter import Letter
from jitsi_tenant_operator.notify.message import compose, message_id

UID = "0b6c0d8e-7d5b-4a52-9c4e-0f5c3a5d1e7f"
IDENTITY = message_id(UID, "hosting.example")
SHORT = Letter("Objet", "Bonjour.\n", "<p>Bonjour.</p>\n")


def composed(letter: Letter = SHORT, **changed: Any) -> EmailMessage:
    values: dict[str, Any] = {
        "sender": "notices@hosting.example",
        "sender_name": "Hébergeur Exemple SAS",
        "recipient": "dsi@acme.example",
        "message_id": IDENTITY,
        "date": datetime(2027, 3, 1, 9, 0, tzinfo=UTC),
        "language": ClientLanguage.FRENCH,
    }
    return compose(letter, **values | changed)


def test_a_message_says_what_it_is(letter: Letter) -> None:
    parsed = message_from_bytes(composed(letter).as_bytes(), policy=default)
    assert parsed["Message-ID"] == f"<{UID}@hosting.example>"
    assert parsed["Date"].datetime == datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
    assert parsed["From"] == "Hébergeur Exemple SAS <notices@hosting.example>"
    assert parsed["To"] == "dsi@acme.example"
    assert parsed["Subject"] == letter.subject
    assert parsed["Auto-Submitted"] == "auto-generated"
    assert parsed["Content-Language"] == "fr"
    assert parsed.get_content_type() == "multipart/alternative"
    text, html = parsed.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert text.get_content().replace("\r\n", "\n") == letter.text
    assert html.get_content().replace("\r\n", "\n").rstrip() == letter.html.rstrip()


def test_a_repetition_is_the_same_to_the_byte(letter: Letter) -> None:
    first = composed(letter).as_bytes()
    paris = timezone(timedelta(hours=1))
    again = composed(letter, date=datetime(2027, 3, 1, 10, 0, tzinfo=paris)).as_bytes()
    assert again == first
    other = composed(letter, message_id=message_id("another", "hosting.example"))
    assert other.get_boundary() != composed(letter).get_boundary()


def test_content_cannot_hold_the_boundary() -> None:
    boundary = composed().get_boundary()
    closing = f"--{boundary}--\r\n"
    message = composed(Letter("s", f"{closing}a\n", f"{closing}b\n"))
    parsed = message_from_bytes(message.as_bytes(), policy=default)
    contents = [part.get_content() for part in parsed.iter_parts()]
    assert contents == [f"--{boundary}--\r\na\r\n", f"--{boundary}--\r\nb\r\n"]


@settings(deadline=None, max_examples=300)
@given(st.text(), st.text(), st.text(st.characters(codec="utf-8")))
def test_no_text_adds_a_header_or_changes_one(subject: str, name: str, text: str) -> None:
    message = composed(Letter(subject, text, text), sender_name=name)
    raw = message.as_bytes()
    raw.decode("ascii")
    assert all(len(line) <= 998 and b"\n" not in line for line in raw.split(b"\r\n"))
    # Not the newer parser: it puts blanks between the encoded words of a name.
    parsed = message_from_bytes(raw, policy=compat32)
    assert parsed.keys() == composed().keys()
    shown = str(make_header(decode_header(parsed["Subject"])))
    assert " ".join(shown.split()) == shown
    assert shown == str(message["Subject"])
    assert (
        parsed["From"].endswith("notices@hosting.example>")
        or not message["From"].addresses[0].display_name
    )
    assert [part.get_content_type() for part in parsed.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]


@pytest.mark.parametrize("text", ["a\r\nBcc: x@example.org", "a\nb", "a\x00b", "a\u2028b"])
def test_line_ends_in_a_header_become_blanks(text: str) -> None:
    message = composed(Letter(text, "t\n", "h\n"), sender_name=text)
    assert message["Subject"] == " ".join(text.replace("\x00", " ").split())
    assert "Bcc" not in message_from_bytes(message.as_bytes())


def test_what_looks_encoded_is_shown_as_it_was_written() -> None:
    message = composed(Letter("=?utf-8?q?evil?=", "t\n", "h\n"))
    parsed = message_from_bytes(message.as_bytes(), policy=default)
    assert "q?evil" in parsed["Subject"]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nobody",
        "a@b\r\nBcc: c@d.example",
        "a b@c.example",
        '"a"@c.example',
        "a@c.example, d@e.example",
        "a@é.example",
        "a@c.example>",
        f"{'a' * 300}@c.example",
    ],
)
def test_an_address_is_one_address_or_refused(address: str) -> None:
    for name in ("sender", "recipient"):
        changed: dict[str, Any] = {name: address}
        with pytest.raises(ValueError, match="address"):
            composed(**changed)


@pytest.mark.parametrize(
    ("uid", "domain"), [("", "a.example"), ("a@b", "a.example"), ("a", "b\r\nc"), ("a", "")]
)
def test_an_identity_has_a_fixed_form(uid: str, domain: str) -> None:
    with pytest.raises(ValueError, match=r"uid|domain"):
        message_id(uid, domain)
    with pytest.raises(ValueError, match="Message-ID"):
        composed(message_id=f"<{uid}@{domain}> x")


def test_a_date_has_a_zone() -> None:
    with pytest.raises(ValueError, match="zone"):
        composed(date=datetime(2027, 3, 1, 9, 0))  # noqa: DTZ001 - that is the point
