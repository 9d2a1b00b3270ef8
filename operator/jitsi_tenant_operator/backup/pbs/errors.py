"""What a Proxmox Backup Server refuses, and what a store makes of it."""

from __future__ import annotations

import re
from http import HTTPStatus

from jitsi_tenant_operator.backup.store import StoreError, StoreReason

MAX_TEXT = 200
"""How many characters of a server's text a message keeps."""

_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")
_NO_SPACE = re.compile(r"no space left|ENOSPC|disk quota exceeded", re.IGNORECASE)


class RefusedError(StoreError):
    """The server answered, and did not do what it was asked; `status` is that of HTTP."""

    def __init__(self, status: int, text: str, *, changes: bool) -> None:
        super().__init__(_reason(status, text, changes=changes), f"{status}: {plain(text)}")
        self.status = status


def plain(text: str) -> str:
    """A text of the server's in one short line, without what it quotes: that names files."""
    line = " ".join(_QUOTED.sub("…", text).split())
    printable = "".join(letter for letter in line if letter.isprintable())
    return printable if len(printable) <= MAX_TEXT else f"{printable[: MAX_TEXT - 1]}…"


def out_of_space(text: str) -> bool:
    """Whether a text says that the disk is full."""
    return _NO_SPACE.search(text) is not None


def _reason(status: int, text: str, *, changes: bool) -> StoreReason:
    if out_of_space(text):
        return StoreReason.FULL
    if status == HTTPStatus.UNAUTHORIZED:
        return StoreReason.UNREACHABLE
    if status == HTTPStatus.FORBIDDEN:
        return StoreReason.READ_ONLY if changes else StoreReason.UNREACHABLE
    return StoreReason.MISSING if status == HTTPStatus.NOT_FOUND else StoreReason.FAILED
