"""Letters of every kind, in both languages and both forms, with and without what is optional."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, replace
from html.parser import HTMLParser
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jitsi_tenant_operator.api.contract import ClientLanguage
from jitsi_tenant_operator.api.notice import Breach, NoticeKind
from jitsi_tenant_operator.notify.forms import WIDTH
from jitsi_tenant_operator.notify.letter import MAX_SUBJECT, Letter, write
from jitsi_tenant_operator.notify.matter import REQUIRED, IncompleteError, Matter, Support
from jitsi_tenant_operator.notify.samples import ACKNOWLEDGE_URL, samples
from jitsi_tenant_operator.notify.sandbox import TEMPLATES

FRENCH, ENGLISH = ClientLanguage.FRENCH, ClientLanguage.ENGLISH
COMMON = ("clause", "document", "note")
SPACE = "\N{NO-BREAK SPACE}"

KINDS = pytest.mark.parametrize("kind", NoticeKind)
LANGUAGES = pytest.mark.parametrize("language", ClientLanguage)


class Page(HTMLParser):
    """What a browser makes of HTML: tags with their attributes, and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.links: list[str] = []
        self.text = ""
        self._hidden = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "br":
            self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action")]
        self._hidden = tag in ("style", "title")
        self.text += " "

    def handle_endtag(self, tag: str) -> None:
        self._hidden = False
        self.text += "" if tag == "a" else " "

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.text += data


def flat(text: str) -> str:
    return re.sub(r"[ \n]+", " ", text).strip()


def optional(kind: NoticeKind, matter: Matter) -> list[str]:
    """The values of this matter that a letter of `kind` can do without, besides the common ones."""
    bare = samples(kind)[-1]
    kept = {"overdue_since"} & set(REQUIRED.get(kind, ()))
    return [
        field.name
        for field in fields(matter)
        if getattr(matter, field.name) != field.default
        and field.name not in (*COMMON, *REQUIRED.get(kind, ()), *kept, "support")
        and getattr(matter, field.name) is not getattr(bare, field.name)
    ] + (["overdue_since"] if "overdue_since" not in kept and matter.overdue_since else [])


def every_letter(kind: NoticeKind, language: ClientLanguage) -> Iterator[Letter]:
    """The letters of every sample with every combination of the kind's optional values."""
    for matter in samples(kind):
        names = optional(kind, matter)
        for chosen in product((True, False), repeat=len(names)):
            left = {name: None for name, kept in zip(names, chosen, strict=True) if not kept}
            if "reasons" in left:
                left["reasons"] = ()  # type: ignore[assignment]
            values: Any = replace(matter, **left)  # type: ignore[arg-type]
            yield write(kind, language, values, acknowledge_url=None)


@KINDS
@LANGUAGES
def test_every_combination_of_values_gives_a_letter(
    kind: NoticeKind, language: ClientLanguage
) -> None:
    for letter in every_letter(kind, language):
        for text in (letter.subject, flat(letter.text), flat(Page(letter.html).text)):
            assert "None" not in text
            assert not re.search(r" [.,]|\.\.|,,| \)|\( ", text)
        assert "DC-2026-0142" in letter.subject
        assert "meet.acme.example" in letter.text


@LANGUAGES
def test_every_combination_of_what_all_letters_have_gives_a_letter(
    language: ClientLanguage,
) -> None:
    full = samples(NoticeKind.RESUMPTION)[0]
    support = [field.name for field in fields(Support)]
    for chosen in product((True, False), repeat=len(COMMON) + len(support) + 1):
        kept = dict(zip((*COMMON, *support, "url"), chosen, strict=True))
        matter = replace(
            full,
            support=Support(**{n: getattr(full.support, n) for n in support if kept[n]}),
            **{name: None for name in COMMON if not kept[name]},  # type: ignore[arg-type]
        )
        url = ACKNOWLEDGE_URL if kept["url"] else None
        letter = write(NoticeKind.RESUMPTION, language, matter, acknowledge_url=url)
        page = Page(letter.html).text
        assert "None" not in letter.text + page
        for text in (flat(letter.text), flat(page)):
            assert ("13.2" in text) == kept["clause"]
            assert ("19 mai 2026" in text) == kept["document"]
            assert ("réunion-du-lundi" in text) == kept["note"]
            assert ("support@hosting.example" in text) == kept["email"]
            assert ("+33 1 23 45 67 89" in text) == kept["phone"]
            assert ("9:00-18:00" in text) == kept["hours"]
            assert (f"4{SPACE}h" in text) == kept["response_time"]
            assert (ACKNOWLEDGE_URL in text) == kept["url"]


@KINDS
@LANGUAGES
def test_both_forms_say_the_same(kind: NoticeKind, language: ClientLanguage) -> None:
    for matter in samples(kind):
        letter = write(kind, language, matter, acknowledge_url=ACKNOWLEDGE_URL)
        page = flat(Page(letter.html).text)
        *_, body = re.split(r"(?:Madame, Monsieur,|Dear Sir or Madam,)\n", letter.text)
        for block in body.split("\n\n"):
            words = re.sub(r"(^|\n)(- |\| |-{3,})", r"\1", block)
            assert flat(words) in page


@KINDS
@LANGUAGES
def test_lines_of_text_fit(kind: NoticeKind, language: ClientLanguage) -> None:
    for matter in samples(kind):
        letter = write(kind, language, matter, acknowledge_url=ACKNOWLEDGE_URL)
        lines = letter.text.splitlines()
        assert all(len(line) <= WIDTH or " " not in line.strip() for line in lines)
        assert not any(line.endswith(" ") for line in lines)
        assert "\n\n\n" not in letter.text


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("*.fr.*")), ids=lambda path: path.name)
def test_french_punctuation_does_not_stand_alone_on_a_line(path: Any) -> None:
    words = re.sub(r"\{[{%].*?[%}]\}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for mark in re.finditer(r"[:;?!»]", words):
        assert words[mark.start() - 1] == SPACE, words[max(0, mark.start() - 30) : mark.end()]
    assert "'" not in words


@pytest.mark.parametrize(
    ("breach", "language", "expected"),
    [
        (Breach.PROHIBITED_USE, FRENCH, ["cesser cet usage", f"48{SPACE}heures"]),
        (Breach.LATE_PAYMENT, FRENCH, ["régler la somme due", f"30{SPACE}jours"]),
        (Breach.OTHER, FRENCH, ["remédier à ce manquement", f"30{SPACE}jours"]),
        (Breach.PROHIBITED_USE, ENGLISH, ["end this use", f"48{SPACE}hours"]),
        (Breach.LATE_PAYMENT, ENGLISH, ["pay the amount due", f"30{SPACE}days"]),
        (Breach.OTHER, ENGLISH, ["remedy this breach", f"30{SPACE}days"]),
    ],
)
def test_13_2_a_formal_notice_says_what_is_asked_until_when_and_what_follows(
    breach: Breach, language: ClientLanguage, expected: list[str]
) -> None:
    remedy = "PT48H" if breach is Breach.PROHIBITED_USE else "P30D"
    matter = replace(samples(NoticeKind.FORMAL_NOTICE)[0], breach=breach, remedy=remedy)
    letter = write(NoticeKind.FORMAL_NOTICE, language, matter, acknowledge_url=ACKNOWLEDGE_URL)
    text = flat(letter.text)
    follows = {FRENCH: "il prend fin", ENGLISH: "the contract ends when"}
    for words in (*expected, follows[language], "13.2", ACKNOWLEDGE_URL):
        assert words in text


@pytest.mark.parametrize(
    ("kind", "missing"), [(kind, name) for kind, names in REQUIRED.items() for name in names]
)
def test_a_letter_that_would_say_nothing_is_not_written(kind: NoticeKind, missing: str) -> None:
    values: Any = {missing: None}
    matter = replace(samples(kind)[0], **values)
    with pytest.raises(IncompleteError, match=missing):
        write(kind, FRENCH, matter, acknowledge_url=None)


@pytest.mark.parametrize(
    "address", ["http://a.example/x", "javascript:alert(1)", 'https://a.example/"x', "https://a b"]
)
def test_a_letter_links_to_https_only(address: str) -> None:
    matter = samples(NoticeKind.ENDED)[0]
    with pytest.raises(ValueError, match="https"):
        write(NoticeKind.ENDED, FRENCH, matter, acknowledge_url=address)
    other = replace(matter, retrieve_url=address)
    with pytest.raises(ValueError, match="https"):
        write(NoticeKind.ENDED, FRENCH, other, acknowledge_url=None)


@KINDS
@LANGUAGES
def test_html_can_be_read_by_everyone_and_loads_nothing(
    kind: NoticeKind, language: ClientLanguage
) -> None:
    letter = write(kind, language, samples(kind)[0], acknowledge_url=ACKNOWLEDGE_URL)
    page = Page(letter.html)
    assert f'<html lang="{language}">' in letter.html
    assert [tag for tag, _ in page.tags].count("h1") == 1
    assert not {"script", "img", "link", "iframe", "form"} & {tag for tag, _ in page.tags}
    assert not re.search(r"url\(|@import|\bon[a-z]+=", letter.html)
    allowed = (ACKNOWLEDGE_URL, "https://meet.acme.example/recordings", "mailto:")
    assert all(link.startswith(allowed) for link in page.links)


HOSTILE = st.text(min_size=1, max_size=80) | st.sampled_from(
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "{{ 7 * 7 }} {% raw %}",
        "a\r\nBcc: everyone@example.org",
        "</style></title><p>",
        "&lt;b&gt;&#60;",
    ]
)


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(NoticeKind),
    st.sampled_from(ClientLanguage),
    st.fixed_dictionaries(
        dict.fromkeys(("provider", "client", "reference", "host", *COMMON), HOSTILE)
    ),
    st.tuples(HOSTILE, HOSTILE, HOSTILE),
)
def test_any_text_stays_text(
    kind: NoticeKind, language: ClientLanguage, values: Any, support: tuple[str, str, str]
) -> None:
    plain = samples(kind)[0]
    words: dict[str, Any] = {name: f"x{text}x" for name, text in values.items()}
    email, phone, hours = (f"x{text}x" for text in support)
    hostile = replace(plain, **words, support=Support(email, phone, hours, "PT4H"))
    tame = write(kind, language, plain, acknowledge_url=ACKNOWLEDGE_URL)
    letter = write(kind, language, hostile, acknowledge_url=ACKNOWLEDGE_URL)
    page = Page(letter.html)
    assert page.tags == Page(tame.html).tags
    assert letter.subject.splitlines() == [letter.subject]
    assert len(letter.subject) <= MAX_SUBJECT
    assert letter.subject.isprintable() or re.search(r"[^\x00-\x7f]", letter.subject)
    letter.text.encode()
    letter.html.encode()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", letter.text)
    if not re.search(r"[^ -~]", values["client"]):
        assert flat(words["client"]) in flat(letter.text)
        assert flat(words["client"]) in flat(page.text)


@KINDS
def test_the_same_values_give_the_same_letter(kind: NoticeKind) -> None:
    matter = samples(kind)[0]
    first = write(kind, FRENCH, matter, acknowledge_url=ACKNOWLEDGE_URL)
    assert write(kind, FRENCH, replace(matter), acknowledge_url=ACKNOWLEDGE_URL) == first
