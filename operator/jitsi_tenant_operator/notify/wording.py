"""Days, instants, durations and sources in the words of the client's language."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Protocol

from jitsi_tenant_operator.api.contract import ClientLanguage
from jitsi_tenant_operator.contract import french, words
from jitsi_tenant_operator.contract.calendar import Calendar
from jitsi_tenant_operator.contract.french import NO_BREAK_SPACE
from jitsi_tenant_operator.notify.matter import Window

_UNITS = {
    "dateY": ("an", "ans"),
    "dateM": ("mois", "mois"),
    "dateW": ("semaine", "semaines"),
    "dateD": ("jour", "jours"),
    "timeH": ("heure", "heures"),
    "timeM": ("minute", "minutes"),
    "timeS": ("seconde", "secondes"),
}


class Wording(Protocol):
    """How one language says it."""

    @property
    def colon(self) -> str:
        """What stands between a label and its value."""

    def day(self, value: date) -> str:
        """A day."""

    def instant(self, at: datetime, calendar: Calendar) -> str:
        """An instant, on the clocks of the calendar's zone."""

    def over(self, at: datetime, calendar: Calendar) -> str:
        """When a time is over: the end of a day is told of the day that ends."""

    def span(self, window: Window, calendar: Calendar) -> str:
        """From when to when, with prepositions."""

    def duration(self, text: str) -> str:
        """An ISO 8601 duration."""

    def basis(self, clause: str | None, document: str | None) -> str | None:
        """A clause and its document; None without both."""


class English:
    """English."""

    colon = ": "

    def day(self, value: date) -> str:
        """A day, for instance "Monday 31 May 2027"."""
        return words.day(value)

    def instant(self, at: datetime, calendar: Calendar) -> str:
        """An instant, for instance "Monday 31 May 2027 at 14:30"."""
        return words.instant(at, calendar) + _offset(at, calendar)

    def over(self, at: datetime, calendar: Calendar) -> str:
        """For instance "Monday 31 May 2027, end of the day"."""
        return words.over(at, calendar) + _offset(at, calendar)

    def span(self, window: Window, calendar: Calendar) -> str:
        """For instance "on Monday 31 May 2027 from 22:00 to 23:30"."""
        start, end = self.instant(window.start, calendar), self.instant(window.end, calendar)
        day, _, begins = start.partition(" at ")
        same, _, ends = end.partition(" at ")
        if day == same:
            return f"on {day} from {begins} to {ends}"
        return f"from {start} to {end}"

    def duration(self, text: str) -> str:
        """For instance "30 days"."""
        return words.duration(text).replace(" ", NO_BREAK_SPACE, 1)

    def basis(self, clause: str | None, document: str | None) -> str | None:
        """For instance "clause 8.1 of “Terms of service”"."""
        named = None if document is None else f"\N{LEFT DOUBLE QUOTATION MARK}{document}”"
        if clause is None:
            return named
        return f"clause {clause}" + ("" if named is None else f" of {named}")


class French:
    """French."""

    colon = f"{NO_BREAK_SPACE}: "

    def day(self, value: date) -> str:
        """A day, for instance "lundi 31 mai 2027"."""
        return french.day(value)

    def instant(self, at: datetime, calendar: Calendar) -> str:
        """An instant, for instance "lundi 31 mai 2027 à 14 h 30"."""
        local = at.astimezone(calendar.zone)
        return f"{self.day(local.date())} à {french.clock(local.time())}{_offset(at, calendar)}"

    def over(self, at: datetime, calendar: Calendar) -> str:
        """For instance "lundi 31 mai 2027 inclus"."""
        local = at.astimezone(calendar.zone)
        if local.time() == time():
            return f"{self.day(local.date() - timedelta(days=1))} inclus"
        return self.instant(at, calendar)

    def span(self, window: Window, calendar: Calendar) -> str:
        """For instance "le lundi 31 mai 2027 de 22 h à 23 h 30"."""
        start, end = self.instant(window.start, calendar), self.instant(window.end, calendar)
        day, _, begins = start.partition(" à ")
        same, _, ends = end.partition(" à ")
        if day == same:
            return f"le {day} de {begins} à {ends}"
        return f"du {start} au {end}"

    def duration(self, text: str) -> str:
        """For instance "30 jours"."""
        date_part, _, time_part = text.removeprefix("P").partition("T")
        parts = [*_amounts("date", date_part), *_amounts("time", time_part)]
        return " et ".join(part for part in (", ".join(parts[:-1]), parts[-1]) if part)

    def basis(self, clause: str | None, document: str | None) -> str | None:
        """For instance "article 8.1 du document « Conditions générales »"."""
        space = NO_BREAK_SPACE
        named = None if document is None else f"document «{space}{document}{space}»"
        if clause is None:
            return named
        return f"article{space}{clause}" + ("" if named is None else f" du {named}")


def _amounts(part: str, text: str) -> list[str]:
    return [
        f"{amount}{NO_BREAK_SPACE}{_UNITS[part + unit][amount != '1']}"
        for amount, unit in re.findall(r"(\d+)([A-Z])", text)
    ]


def _offset(at: datetime, calendar: Calendar) -> str:
    """What tells an hour from the same hour after the clocks were put back; else nothing."""
    local = at.astimezone(calendar.zone)
    if local.replace(fold=1 - local.fold).utcoffset() == local.utcoffset():
        return ""
    return f" ({words.offset(local)})"


WORDINGS: dict[ClientLanguage, Wording] = {
    ClientLanguage.FRENCH: French(),
    ClientLanguage.ENGLISH: English(),
}
"""The words of each language."""
