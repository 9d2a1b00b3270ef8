"""Letters to clients: from what a notice is about to its subject, plain text and HTML.

The words of a letter are written once, in `templates/<kind>.<language>.body.j2`, and both forms are
made of them, so that a recipient reads the same whichever form its program shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import lru_cache
from itertools import product
from types import MappingProxyType
from typing import Any

from jitsi_tenant_operator.api.contract import ClientLanguage
from jitsi_tenant_operator.api.notice import NoticeKind
from jitsi_tenant_operator.notify.matter import Matter, require
from jitsi_tenant_operator.notify.samples import ACKNOWLEDGE_URL, samples
from jitsi_tenant_operator.notify.sandbox import Library, TemplateError, names
from jitsi_tenant_operator.notify.wording import WORDINGS

MAX_SUBJECT = 200
"""How many characters a subject has at most."""

_NONE: Mapping[str, str] = MappingProxyType({})
_ADDRESS = re.compile(r"https://[!#-;=?-\[\]_a-z~%]+")
_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")
_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}]")
# Characters that no mail can carry (controls, lone surrogates), and those that reverse a text.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufffe\uffff]"
)
_EMPTY_LINES = re.compile(r"\n{3,}")


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter: its subject in one line, and its two forms, which say the same."""

    subject: str
    text: str
    html: str


class TemplatesError(Exception):
    """Templates of a platform cannot be used; `problems` has each of them."""

    def __init__(self, problems: tuple[TemplateError, ...]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = problems


def write(
    kind: NoticeKind,
    language: ClientLanguage,
    matter: Matter,
    *,
    acknowledge_url: str | None,
    overrides: Mapping[str, str] = _NONE,
) -> Letter:
    """The letter of a notice.

    `acknowledge_url` is the https address of the page where its receipt is acknowledged (clause
    15.4), `overrides` has a platform's own templates by name. The same values give the same letter.
    Raises IncompleteError when `matter` lacks what the kind must say, TemplateError when a template
    of the platform cannot be rendered, ValueError for an address that is not an https one.
    """
    require(kind, matter)
    for address in (acknowledge_url, matter.retrieve_url):
        if address is not None and _ADDRESS.fullmatch(address) is None:
            raise ValueError("an address in a letter must be an https:// address")
    library = _library(language, tuple(sorted(overrides.items())))
    values = _values(kind, language, matter, acknowledge_url)
    stem = f"{_stem(kind)}.{language}"
    subject = library.render(f"{stem}.subject.txt.j2", values)
    subject = " ".join(subject.split())[:MAX_SUBJECT].rstrip()
    values |= {"subject": subject, "body": f"{stem}.body.j2"}
    text = library.render("layout.txt.j2", values)
    html = library.render("layout.html.j2", values, html=True)
    return Letter(subject, _EMPTY_LINES.sub("\n\n", text).strip("\n") + "\n", html)


def check(overrides: Mapping[str, str]) -> None:
    """Render every letter with `overrides` and samples of all values, with and without options.

    Raises TemplatesError with every name that is no template of ours and every template that
    cannot be rendered.
    """
    problems = [
        TemplateError(name, None, f"there is no template of this name; there are {_listed()}")
        for name in sorted(overrides.keys() - names())
    ]
    known = {name: source for name, source in overrides.items() if name in names()}
    found = {str(error): error for error in _problems(known)}
    problems += [found[text] for text in sorted(found)]
    if problems:
        raise TemplatesError(tuple(problems))


def _problems(overrides: Mapping[str, str]) -> Iterator[TemplateError]:
    stems = {name.split(".")[0] for name in overrides}
    kinds = {kind for kind in NoticeKind if _stem(kind) in stems}
    if stems - {_stem(kind) for kind in kinds}:  # of all letters
        kinds = set(NoticeKind)
    for kind, language, url in product(kinds, ClientLanguage, (None, ACKNOWLEDGE_URL)):
        for matter in samples(kind):
            try:
                write(kind, language, matter, acknowledge_url=url, overrides=overrides)
            except TemplateError as error:
                yield error


def _listed() -> str:
    return ", ".join(sorted(names()))


def _stem(kind: NoticeKind) -> str:
    return _WORDS.sub("-", kind).lower()


@lru_cache(maxsize=8)
def _library(language: ClientLanguage, overrides: tuple[tuple[str, str], ...]) -> Library:
    return Library(language, dict(overrides))


def _values(
    kind: NoticeKind, language: ClientLanguage, matter: Matter, acknowledge_url: str | None
) -> dict[str, Any]:
    """What a template sees: the fields of `matter` by name, and the rest of the letter."""
    values = {field.name: _printable(getattr(matter, field.name)) for field in fields(matter)}
    return values | {
        "kind": kind,
        "language": language,
        "basis": WORDINGS[language].basis(values["clause"], values["document"]),
        "acknowledge_url": acknowledge_url,
    }


def _printable(value: Any) -> Any:
    """Texts without what cannot be printed, and with one kind of line end and of blank."""
    if type(value) is str:
        return _UNPRINTABLE.sub("", _LINE_ENDS.sub("\n", value.replace("\t", " ")))
    if is_dataclass(value) and not isinstance(value, type):
        texts = {field.name: getattr(value, field.name) for field in fields(value)}
        return replace(
            value, **{name: _printable(text) for name, text in texts.items() if type(text) is str}
        )
    return value
