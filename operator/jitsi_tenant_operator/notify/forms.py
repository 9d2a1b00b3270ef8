"""The two forms of a letter, plain text and HTML: what templates write paragraphs and lists with.

A letter is written once; each form gives its paragraphs, headings and points their shape. In HTML
everything that is no mark-up of ours is escaped.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from typing import Protocol
from urllib.parse import quote

from markupsafe import Markup, escape

WIDTH = 76
"""How wide a line of plain text is, in characters; only what has no blank can be longer."""

_BLANKS = re.compile(r"[ \t\n\r\f\v]+")
_EMPTY_LINES = re.compile(r"\n{2,}")

Caller = Callable[[], str]
"""The content of a `{% call %}` block."""


class Form(Protocol):
    """What a template can call."""

    def paragraph(self, caller: Caller) -> str:
        """A paragraph around the content of a `{% call %}` block."""

    def point(self, caller: Caller) -> str:
        """A point of a list around such a content."""

    def heading(self, text: str) -> str:
        """A heading."""

    def quotation(self, text: str) -> str:
        """What a person wrote, line by line."""

    def facts(self, caller: Caller) -> str:
        """A table around calls of `fact`."""

    def fact(self, label: str, value: object) -> str:
        """A line of that table."""

    def link(self, address: str, label: str) -> str:
        """A link that is also shown as an address."""

    def mail(self, address: str) -> str:
        """An e-mail address."""


class PlainText:
    """Plain text."""

    def __init__(self, colon: str) -> None:
        self._colon = colon

    def paragraph(self, caller: Caller) -> str:
        """Lines of `WIDTH`, then an empty one."""
        return _fill(caller()) + "\n\n"

    def point(self, caller: Caller) -> str:
        """A paragraph with a dash in front."""
        return _fill(caller(), first="- ", rest="  ") + "\n\n"

    def heading(self, text: str) -> str:
        """Underlined."""
        filled = _fill(text)
        return f"{filled}\n{'-' * max(map(len, filled.splitlines()), default=0)}\n\n"

    def quotation(self, text: str) -> str:
        """Each line with a bar in front."""
        lines = [_fill(line, first="| ", rest="| ") or "|" for line in text.split("\n")]
        return "\n".join(lines) + "\n\n"

    def facts(self, caller: Caller) -> str:
        """Line by line."""
        return _EMPTY_LINES.sub("\n", caller()).strip("\n") + "\n\n"

    def fact(self, label: str, value: object) -> str:
        """Label and value."""
        return _fill(f"{label}{self._colon}{value}", rest="  ") + "\n"

    def link(self, address: str, label: str) -> str:  # noqa: ARG002 - the address says it all
        """The address on a line of its own."""
        return f"{address}\n\n"

    def mail(self, address: str) -> str:
        """The address."""
        return address


class Html:
    """HTML, without anything that is loaded or run."""

    def __init__(self, colon: str) -> None:
        self._colon = colon

    def paragraph(self, caller: Caller) -> str:
        """A paragraph."""
        return Markup("<p>{}</p>\n").format(caller())

    def point(self, caller: Caller) -> str:
        """A paragraph with a dash in front, which needs no list around it."""
        return Markup('<p class="point">{}</p>\n').format(caller())

    def heading(self, text: str) -> str:
        """A heading of the second rank."""
        return Markup("<h2>{}</h2>\n").format(text)

    def quotation(self, text: str) -> str:
        """A quotation with its lines."""
        lines = Markup("<br>\n").join(escape(line) for line in text.split("\n"))
        return Markup("<blockquote><p>{}</p></blockquote>\n").format(lines)

    def facts(self, caller: Caller) -> str:
        """A table with a header for each row."""
        return Markup('<table class="facts">\n{}</table>\n').format(caller())

    def fact(self, label: str, value: object) -> str:
        """A row."""
        row = Markup('<tr><th scope="row">{}</th><td>{}</td></tr>\n')
        return row.format(label, value)

    def link(self, address: str, label: str) -> str:
        """A link that looks like a button, and the address for whoever copies it."""
        link = Markup('<p><a class="button" href="{0}">{1}</a></p>\n<p class="address">{0}</p>\n')
        return link.format(address, label)

    def mail(self, address: str) -> str:
        """A link that opens the mail program."""
        return Markup('<a href="mailto:{}">{}</a>').format(_quoted(address), address)


def _quoted(address: str) -> str:
    """The address for a mailto link, in which ? and & would start header fields."""
    return quote(address, safe="@")


def _fill(text: str, first: str = "", rest: str = "") -> str:
    return textwrap.fill(
        # Only these: a no-break space must not become one that breaks.
        _BLANKS.sub(" ", str(text)).strip(" "),
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
