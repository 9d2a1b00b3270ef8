"""Days, instants and durations in French and English, in the platform's zone."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from jitsi_tenant_operator.api.contract import ClientLanguage
from jitsi_tenant_operator.contract.calendar import Calendar
from jitsi_tenant_operator.notify.matter import Window
from jitsi_tenant_operator.notify.wording import WORDINGS, Wording

PARIS = Calendar.of("Europe/Paris")
FRENCH, ENGLISH = WORDINGS[ClientLanguage.FRENCH], WORDINGS[ClientLanguage.ENGLISH]


def plain(text: str | None) -> str:
    return (text or "").replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("wording", "at", "expected"),
    [
        (FRENCH, "2027-06-01T12:30:00", "mardi 1er juin 2027 à 14 h 30"),
        (FRENCH, "2027-02-28T23:00:00", "lundi 1er mars 2027 à 0 h"),
        (FRENCH, "2027-08-15T07:05:09", "dimanche 15 août 2027 à 9 h 05 min 09 s"),
        (FRENCH, "2027-10-31T00:30:00", "dimanche 31 octobre 2027 à 2 h 30 (UTC+2)"),
        (FRENCH, "2027-10-31T01:30:00", "dimanche 31 octobre 2027 à 2 h 30 (UTC+1)"),
        (ENGLISH, "2027-06-01T12:30:00", "Tuesday 1 June 2027 at 14:30"),
        (ENGLISH, "2027-10-31T01:30:00", "Sunday 31 October 2027 at 02:30 (UTC+1)"),
    ],
)
def test_an_instant_is_told_on_local_clocks(wording: Wording, at: str, expected: str) -> None:
    instant = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert plain(wording.instant(instant, PARIS)) == expected


def test_the_end_of_a_day_is_told_of_the_day_that_ends() -> None:
    at = datetime(2027, 5, 31, 22, 0, tzinfo=UTC)
    assert plain(FRENCH.over(at, PARIS)) == "lundi 31 mai 2027 inclus"
    assert ENGLISH.over(at, PARIS) == "Monday 31 May 2027, end of the day"
    assert plain(FRENCH.over(at.replace(hour=12), PARIS)) == "lundi 31 mai 2027 à 14 h"


@pytest.mark.parametrize(
    ("wording", "end", "expected"),
    [
        (FRENCH, (1, 21, 30), "le mardi 1er juin 2027 de 22 h à 23 h 30"),
        (FRENCH, (1, 23, 0), "du mardi 1er juin 2027 à 22 h au mercredi 2 juin 2027 à 1 h"),
        (ENGLISH, (1, 21, 30), "on Tuesday 1 June 2027 from 22:00 to 23:30"),
        (
            ENGLISH,
            (1, 23, 0),
            "from Tuesday 1 June 2027 at 22:00 to Wednesday 2 June 2027 at 01:00",
        ),
    ],
)
def test_8_1_a_window_names_its_day_once_where_there_is_one(
    wording: Wording, end: tuple[int, int, int], expected: str
) -> None:
    window = Window(datetime(2027, 6, 1, 20, 0, tzinfo=UTC), datetime(2027, 6, *end, tzinfo=UTC))
    assert plain(wording.span(window, PARIS)) == expected


@pytest.mark.parametrize(
    ("duration", "french", "english"),
    [
        ("P30D", "30 jours", "30 days"),
        ("PT48H", "48 heures", "48 hours"),
        ("P1Y6M", "1 an et 6 mois", "1 year and 6 months"),
        ("P1W", "1 semaine", "1 week"),
        ("P1DT1H", "1 jour et 1 heure", "1 day and 1 hour"),
    ],
)
def test_durations(duration: str, french: str, english: str) -> None:
    assert plain(FRENCH.duration(duration)) == french
    assert plain(ENGLISH.duration(duration)) == english


def test_a_clause_is_named_with_its_document_or_alone() -> None:
    assert plain(FRENCH.basis("8.1", "CGU")) == "article 8.1 du document « CGU »"
    assert plain(FRENCH.basis(None, "CGU")) == "document « CGU »"
    assert plain(FRENCH.basis("8.1", None)) == "article 8.1"
    assert ENGLISH.basis("8.1", "Terms") == "clause 8.1 of “Terms”"
    assert FRENCH.basis(None, None) is ENGLISH.basis(None, None) is None


def test_every_month_and_weekday_has_its_name() -> None:
    days = [date(2027, month, 10 + month) for month in range(1, 13)]
    assert len({plain(FRENCH.day(day)).split()[2] for day in days}) == 12
    assert len({plain(FRENCH.day(date(2027, 3, 1 + n))).split()[0] for n in range(7)}) == 7
