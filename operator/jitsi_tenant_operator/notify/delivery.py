"""What comes of handing a notice over: accepted, refused for good, or to be tried again."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

MAX_REPLY = 300
"""How many characters of a server's words are kept."""

_ADDRESS = re.compile(r"<?[^\s<>()\[\],;:\"']+@[^\s<>()\[\],;:\"']+>?")
_UNPRINTABLE = re.compile(r"[^\x21-\x7e\xa1-\u1fff\u2030-\ud7ff\ue000-\ufffd]+")


@dataclass(frozen=True, slots=True)
class Accepted:
    """The other side has taken the notice: its last words, as proof, and when they came."""

    reply: str
    at: datetime


class NotDeliveredError(Exception):
    """The notice was not taken; the message says why, without addresses and passwords."""

    def __init__(self, reason: str, *, code: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


class Refused(NotDeliveredError):  # noqa: N818 - an answer rather than an error
    """This recipient, sender or message was refused for good; `code` is the server's answer."""


class Deferred(NotDeliveredError):  # noqa: N818
    """Not taken for now, or not known to be taken: to be tried again, or for the platform to mend.

    `retry_after` is in how many seconds the other side asks to be tried again, where it says so.
    """

    def __init__(
        self, reason: str, *, code: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(reason, code=code)
        self.retry_after = retry_after


def told(text: str, secrets: Iterable[str] = ()) -> str:
    """The words of another side in one line of at most `MAX_REPLY` characters.

    Mail addresses and `secrets` are struck out, as these words reach logs and status.
    """
    for secret in secrets:
        if secret:
            text = text.replace(secret, "<struck out>")
    line = _ADDRESS.sub("<address>", _UNPRINTABLE.sub(" ", text)).strip()
    return line if len(line) <= MAX_REPLY else f"{line[: MAX_REPLY - 1]}…"
