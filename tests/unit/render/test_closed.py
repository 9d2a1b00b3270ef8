"""What a closed service tells its visitors, and what it never tells them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitsi_tenant_operator.api.contract import ClientLanguage, SuspensionReason
from jitsi_tenant_operator.api.terms import SupportTerms
from jitsi_tenant_operator.render import closed
from jitsi_tenant_operator.render.closed import Closed, ClosedReason
from jitsi_tenant_operator.render.configuration import File

if TYPE_CHECKING:
    from tests.unit.render.conftest import MakeContext

UNTIL = datetime(2026, 9, 4, 12, 30, tzinfo=UTC)
CLOSED = Closed(
    reason=ClosedReason.SUSPENDED,
    application_name="ACME Visio",
    support_email="support@example.net",
    support_telephone="+33 (0)1 23 45 67 89",
    support_hours="du lundi au vendredi",
)
LANGUAGES = ("fr", "en")
NASTY = ("'", '"', "\\", "\n", "$uri", "${", "}", ";", "{{", "{%", "<!--#", "&amp;", "漢", "🎥")
TAGS = ("</title>", "</style>", "</main>", "<script>alert(1)</script>", "<img src=x onerror=x>")
TEXTS = st.lists(st.sampled_from((*NASTY, *TAGS)) | st.text(max_size=8), max_size=8).map("".join)


class Read(HTMLParser):
    """What a browser makes of a page: its elements, their attributes, the text of each."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.extend(attrs)
        if tag != "meta":
            self._open.append(tag)
            self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open:
            for tag in self._open:
                self.texts[tag][-1] += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def attribute(self, name: str) -> list[str | None]:
        return [value for key, value in self.attributes if key == name]


def contents(told: Closed) -> dict[str, str]:
    return {each.key: each.content for each in closed.files(told)}


def read(told: Closed, language: str) -> Read:
    return Read(contents(told)[f"closed.{language}.html"])


def sentences(told: Closed, language: str) -> list[str]:
    return read(told, language).texts["main"][0].replace("\n\n", "\n").split("\n")


def test_there_is_one_nginx_file_and_a_page_in_each_language() -> None:
    found = closed.files(CLOSED)
    assert {each.path for each in found} == {
        "/config/nginx-custom/closed.conf",
        "/config/nginx-custom/closed.fr.html",
        "/config/nginx-custom/closed.en.html",
    }
    assert all(each.content.isascii() for each in found)


def test_a_page_needs_nothing_from_elsewhere_and_runs_nothing() -> None:
    for language in LANGUAGES:
        page = read(CLOSED, language)
        assert not set(page.tags) & {"script", "link", "img", "iframe", "form", "object", "base"}
        assert not [name for name, _ in page.attributes if name.startswith("on") or name == "src"]
        assert not re.search(r"url\(|@import|https?:", contents(CLOSED)[f"closed.{language}.html"])


def test_a_page_says_what_it_is_to_a_screen_reader() -> None:
    for language in LANGUAGES:
        page = read(CLOSED, language)
        assert page.attribute("lang") == [language]
        assert [page.tags.count(tag) for tag in ("title", "main", "h1", "header")] == [1] * 4
        (title,) = page.texts["title"]
        assert title == f"{page.texts['h1'][0]} \N{EN DASH} ACME Visio"


@pytest.mark.parametrize(
    ("reason", "french", "english"),
    [
        (
            ClosedReason.SUSPENDED,
            (
                "Il devrait être de nouveau disponible le vendredi 4\xa0septembre 2026 à"
                " 14\xa0h\xa030 (heure de Paris, UTC+2)."
            ),
            "It should be available again on Friday 4 September 2026 at 14:30 (Paris time, UTC+2).",
        ),
        (
            ClosedReason.MAINTENANCE,
            (
                "Il devrait être de nouveau disponible le vendredi 4\xa0septembre 2026 à"
                " 14\xa0h\xa030 (heure de Paris, UTC+2)."
            ),
            "It should be available again on Friday 4 September 2026 at 14:30 (Paris time, UTC+2).",
        ),
        (
            ClosedReason.NOT_YET,
            "Il ouvrira le vendredi 4\xa0septembre 2026 à 14\xa0h\xa030 (heure de Paris, UTC+2).",
            "It opens on Friday 4 September 2026 at 14:30 (Paris time, UTC+2).",
        ),
        (
            ClosedReason.ENDED,
            (
                "L'organisation qui l'utilisait peut demander ses données au contact"
                " ci-dessous, jusqu'au mardi 1er\xa0décembre 2026 inclus."
            ),
            (
                "The organisation that used it can ask the contact below for its data, up to and"
                " including Tuesday 1 December 2026."
            ),
        ),
    ],
)
def test_people_are_told_until_when(reason: ClosedReason, french: str, english: str) -> None:
    told = replace(CLOSED, reason=reason, until=UNTIL, retrieval_until=date(2026, 12, 1))
    assert sentences(told, "fr")[3] == french
    assert sentences(told, "en")[3] == english


def test_each_reason_has_words_of_its_own_in_each_language() -> None:
    for language in LANGUAGES:
        pages = [read(replace(CLOSED, reason=reason), language) for reason in ClosedReason]
        for tag in ("h1", "p"):
            # The first paragraph is the name of the service.
            texts = [page.texts[tag][0 if tag == "h1" else 1] for page in pages]
            assert len(set(texts)) == len(ClosedReason)


def test_nobody_is_told_why_a_service_is_suspended() -> None:
    assert not {each.value for each in ClosedReason} & {each.value for each in SuspensionReason}
    told = " ".join(read(CLOSED, language).texts["html"][0] for language in LANGUAGES).lower()
    for word in ("pay", "pai", "factur", "invoice", "prohibit", "interdit", "abus", "secur"):
        assert word not in told


def test_without_an_end_none_is_told() -> None:
    for reason in ClosedReason:
        told = replace(CLOSED, reason=reason)
        assert "time" not in read(told, "fr").tags
        assert "Retry-After" not in contents(told)["closed.conf"]


@pytest.mark.parametrize(
    ("zone", "until", "french", "english"),
    [
        (
            "Europe/Paris",
            datetime(2026, 12, 31, 23, 0, tzinfo=UTC),
            "1er\xa0janvier 2027.",
            "2027.",
        ),
        ("Europe/Paris", datetime(2026, 1, 5, 8, 5, tzinfo=UTC), "Paris, UTC+1).", "UTC+1)."),
        ("America/New_York", UNTIL, "(heure de New York, UTC-4).", "(New York time, UTC-4)."),
        ("Europe/Amsterdam", UNTIL, "(heure d'Amsterdam, UTC+2).", "(Amsterdam time, UTC+2)."),
        ("Asia/Kolkata", UNTIL, "(heure de Kolkata, UTC+5:30).", "(Kolkata time, UTC+5:30)."),
        ("UTC", UNTIL, "à 12\xa0h\xa030 (UTC).", "at 12:30 (UTC)."),
        ("Etc/GMT+3", UNTIL, "à 9\xa0h\xa030 (UTC-3).", "at 09:30 (UTC-3)."),
    ],
)
def test_times_are_told_on_the_clocks_of_the_platform(
    zone: str, until: datetime, french: str, english: str
) -> None:
    told = replace(CLOSED, until=until, time_zone=zone)
    assert sentences(told, "fr")[3].endswith(french)
    assert sentences(told, "en")[3].endswith(english)


def test_a_machine_reads_the_same_instant() -> None:
    told = replace(CLOSED, until=UNTIL)
    (written,) = read(told, "fr").attribute("datetime")
    assert datetime.fromisoformat(written or "") == UNTIL
    assert 'Retry-After "Fri, 04 Sep 2026 12:30:00 GMT"' in contents(told)["closed.conf"]


def test_support_can_be_written_to_and_called() -> None:
    page = read(CLOSED, "fr")
    assert page.attribute("href") == ["mailto:support@example.net", "tel:+33123456789"]
    assert page.texts["dd"] == [
        "support@example.net",
        "+33 (0)1 23 45 67 89",
        "du lundi au vendredi",
    ]


@pytest.mark.parametrize(
    ("email", "telephone", "addresses"),
    [
        ("a+b@x.example", None, ["mailto:a%2Bb@x.example"]),
        ("a?cc=b&c%d#e/f@x.example", None, ["mailto:a%3Fcc%3Db%26c%25d%23e%2Ff@x.example"]),
        (None, "01 23 45 67 89", ["tel:0123456789"]),
        (None, "01.23.45-(67)", ["tel:01234567"]),
        (None, None, []),
    ],
)
def test_addresses_lead_to_who_is_meant(
    email: str | None, telephone: str | None, addresses: list[str]
) -> None:
    page = read(replace(CLOSED, support_email=email, support_telephone=telephone), "en")
    assert page.attribute("href") == addresses


def test_hours_alone_help_nobody() -> None:
    told = replace(
        CLOSED,
        reason=ClosedReason.ENDED,
        retrieval_until=date(2026, 12, 1),
        support_email=None,
        support_telephone=None,
    )
    assert "dl" not in read(told, "fr").tags
    assert sentences(told, "fr")[3].endswith("jusqu'au mardi 1er\xa0décembre 2026 inclus.")


@given(st.lists(TEXTS, min_size=5, max_size=5))
def test_texts_arrive_as_text_and_never_in_the_nginx_file(texts: list[str]) -> None:
    application, provider, email, telephone, hours = texts
    told = Closed(
        reason=ClosedReason.SUSPENDED,
        application_name=application,
        provider_name=provider,
        until=UNTIL,
        support_email=email,
        support_telephone=telephone,
        support_hours=hours,
    )
    found, usual = contents(told), contents(replace(CLOSED, until=UNTIL))
    assert found["closed.conf"] == usual["closed.conf"]
    for language in LANGUAGES:
        page, name = found[f"closed.{language}.html"], f"closed.{language}.html"
        assert Read(page).tags == Read(usual[name]).tags
        assert page.isascii()
        assert "<!--" not in page
        assert page.count("\n") == usual[name].count("\n")


def test_texts_are_shown_as_they_were_written() -> None:
    name = "\"'; } $uri {{ 7*7 }} </title><script>alert(1)</script> é漢"
    page = read(replace(CLOSED, application_name=name, provider_name="<ACME>"), "en")
    assert page.texts["header"] == [f"{name} (<ACME>)"]
    assert page.texts["title"] == [f"Service suspended \N{EN DASH} {name} (<ACME>)"]


@pytest.mark.parametrize(
    ("application", "provider", "name"),
    [
        ("ACME Visio", None, "ACME Visio"),
        ("ACME Visio", "ACME", "ACME Visio"),
        ("Jitsi Meet", "ACME", "Jitsi Meet (ACME)"),
    ],
)
def test_people_find_the_name_that_they_know(
    application: str, provider: str | None, name: str
) -> None:
    told = replace(CLOSED, application_name=application, provider_name=provider)
    assert read(told, "fr").texts["header"] == [name]


@pytest.mark.parametrize("language", ClientLanguage)
def test_the_language_of_the_client_is_for_browsers_that_know_neither(
    language: ClientLanguage,
) -> None:
    found = contents(replace(CLOSED, language=language))
    assert f"set $closed_language {language.value};" in found["closed.conf"]
    assert found["closed.en.html"] == contents(CLOSED)["closed.en.html"]


def test_a_tenant_and_its_terms_say_what_is_told(make: MakeContext) -> None:
    context = make({"branding": {"applicationName": "ACME Visio", "providerName": "ACME"}})
    support: dict[str, Any] = {"email": "a@b.example", "phone": "01 23 45", "hours": "9-18"}
    found = Closed.of(
        context.spec,
        SupportTerms.model_validate(support),
        "Europe/Brussels",
        ClosedReason.ENDED,
        until=UNTIL,
        retrieval_until=date(2026, 12, 1),
    )
    assert found == Closed(
        reason=ClosedReason.ENDED,
        application_name="ACME Visio",
        provider_name="ACME",
        until=UNTIL,
        retrieval_until=date(2026, 12, 1),
        support_email="a@b.example",
        support_telephone="01 23 45",
        support_hours="9-18",
        language=ClientLanguage.FRENCH,
        time_zone="Europe/Brussels",
    )
    assert Closed.of(context.spec, None, "UTC", ClosedReason.SUSPENDED).support_email is None


def test_an_open_service_has_no_file_of_a_closed_one() -> None:
    base = [File("/config/custom-config.js", "x")]
    assert closed.web_files(base, None) == base
    assert closed.web_files(base, CLOSED) == [*base, *closed.files(CLOSED)]


def test_pods_that_tell_the_same_are_not_replaced() -> None:
    assert closed.files(CLOSED) == closed.files(replace(CLOSED))
