"""What is told of a closed service, in French and English words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum

from jitsi_tenant_operator.api.contract import ClientLanguage
from jitsi_tenant_operator.contract import french, words

_TIME = "{time}"


class ClosedReason(StrEnum):
    """Why nobody can meet, as far as it may be told to the public.

    Suspended stands for every reason of a suspension: late payment, prohibited use, security and
    the client's own wish are the business of the parties.
    """

    SUSPENDED = "Suspended"
    MAINTENANCE = "Maintenance"
    ENDED = "Ended"
    NOT_YET = "NotYet"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence with a time in it: `machine` is the time as HTML has it, or None without one."""

    before: str
    machine: str | None = None
    time: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """The words of one language; {time} stands where a sentence tells a time."""

    titles: Mapping[ClosedReason, str]
    facts: Mapping[ClosedReason, str]
    again: Mapping[ClosedReason, str]
    retrieval: str
    retrieval_from_contact: str
    organiser: str
    contact: str
    email: str
    telephone: str
    hours: str
    day: Callable[[date], str]
    clock: Callable[[time], str]
    on_clocks_of: Callable[[str], str]

    def sentences(
        self,
        reason: ClosedReason,
        until: datetime | None,
        retrieval_until: date | None,
        *,
        has_contact: bool,
    ) -> Iterator[Sentence]:
        """What there is to say; `until` is told on the clocks of its own zone, a ZoneInfo."""
        yield Sentence(self.facts[reason])
        if until is not None and reason in self.again:
            before, after = self.again[reason].split(_TIME)
            yield Sentence(before, until.isoformat(), self._instant(until), after)
        if reason is ClosedReason.ENDED and retrieval_until is not None:
            told = self.retrieval_from_contact if has_contact else self.retrieval
            before, after = told.split(_TIME)
            yield Sentence(before, retrieval_until.isoformat(), self.day(retrieval_until), after)
        yield Sentence(self.organiser)

    def _instant(self, at: datetime) -> str:
        """A day and, unless it is the beginning of that day, the time and whose time that is."""
        day = self.day(at.date())
        if at.time() == time():
            return day
        zone = ", ".join(filter(None, (self._place(at), words.offset(at))))
        return f"{day}{self.clock(at.time())} ({zone})"

    def _place(self, at: datetime) -> str:
        area, _, place = str(at.tzinfo).rpartition("/")
        return self.on_clocks_of(place.replace("_", " ")) if area not in ("", "Etc") else ""


def _heure_de(place: str) -> str:
    return f"heure d'{place}" if place[0] in "AEIOU" else f"heure de {place}"


_FRENCH = Language(
    titles={
        ClosedReason.SUSPENDED: "Service suspendu",
        ClosedReason.MAINTENANCE: "Maintenance en cours",
        ClosedReason.ENDED: "Service terminé",
        ClosedReason.NOT_YET: "Service pas encore ouvert",
    },
    facts={
        ClosedReason.SUSPENDED: "Ce service de réunion est suspendu pour le moment.",
        ClosedReason.MAINTENANCE: "Une maintenance est en cours sur ce service de réunion.",
        ClosedReason.ENDED: "Ce service de réunion a pris fin.",
        ClosedReason.NOT_YET: "Ce service de réunion n'est pas encore ouvert.",
    },
    again={
        ClosedReason.SUSPENDED: "Il devrait être de nouveau disponible le {time}.",
        ClosedReason.MAINTENANCE: "Il devrait être de nouveau disponible le {time}.",
        ClosedReason.NOT_YET: "Il ouvrira le {time}.",
    },
    retrieval="L'organisation qui l'utilisait peut demander ses données jusqu'au {time} inclus.",
    retrieval_from_contact="L'organisation qui l'utilisait peut demander ses données au contact"
    " ci-dessous, jusqu'au {time} inclus.",
    organiser="Pour rejoindre une réunion prévue ici, adressez-vous à la personne qui l'organise.",
    contact="Contact",
    email="Adresse électronique",
    telephone="Téléphone",
    hours="Horaires",
    day=french.day,
    clock=lambda at: f" à {french.clock(at)}",
    on_clocks_of=_heure_de,
)
_ENGLISH = Language(
    titles={
        ClosedReason.SUSPENDED: "Service suspended",
        ClosedReason.MAINTENANCE: "Maintenance in progress",
        ClosedReason.ENDED: "Service ended",
        ClosedReason.NOT_YET: "Service not open yet",
    },
    facts={
        ClosedReason.SUSPENDED: "This meeting service is suspended for the time being.",
        ClosedReason.MAINTENANCE: "Maintenance is in progress on this meeting service.",
        ClosedReason.ENDED: "This meeting service has ended.",
        ClosedReason.NOT_YET: "This meeting service is not open yet.",
    },
    again={
        ClosedReason.SUSPENDED: "It should be available again on {time}.",
        ClosedReason.MAINTENANCE: "It should be available again on {time}.",
        ClosedReason.NOT_YET: "It opens on {time}.",
    },
    retrieval="The organisation that used it can ask for its data up to and including {time}.",
    retrieval_from_contact="The organisation that used it can ask the contact below for its data,"
    " up to and including {time}.",
    organiser="If you are expected at a meeting here, please ask the person who organises it.",
    contact="Contact",
    email="E-mail",
    telephone="Telephone",
    hours="Hours",
    day=words.day,
    clock=lambda at: f" at {at:%H:%M}",
    on_clocks_of=lambda place: f"{place} time",
)
LANGUAGES: Mapping[ClientLanguage, Language] = {
    ClientLanguage.FRENCH: _FRENCH,
    ClientLanguage.ENGLISH: _ENGLISH,
}
