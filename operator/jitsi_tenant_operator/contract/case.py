"""One tenant's facts at one moment, with the terms that apply: what every rule is given."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import lru_cache

from jitsi_tenant_operator.api.terms import Subject
from jitsi_tenant_operator.contract.calendar import Calendar, Due
from jitsi_tenant_operator.contract.decision import Contradiction, Deadline
from jitsi_tenant_operator.contract.facts import Facts
from jitsi_tenant_operator.contract.moment import Moment
from jitsi_tenant_operator.contract.terms import EffectiveTerms, TermSource


@dataclass(frozen=True, slots=True)
class Figure:
    """The duration that a term sets, and where it stands."""

    value: str
    source: TermSource


@dataclass(frozen=True, slots=True)
class Case:
    """What a rule may look at, and the place where it reports facts that contradict each other.

    `noticed` holds the keys of all notices that exist, whatever can be said of them; `unclear` is
    whether one from which an end or a suspension could follow contradicts itself or another.
    """

    facts: Facts
    terms: EffectiveTerms
    moment: Moment
    calendar: Calendar
    noticed: frozenset[str] = frozenset()
    unclear: bool = False
    doubts: list[Contradiction] = field(default_factory=list)

    def figure(self, name: str) -> Figure | None:
        """The duration that the terms set for `name`, for instance `formalNotice.remedy`."""
        section, leaf = _attributes(name)
        value = getattr(getattr(self.terms.terms, section), leaf, None)
        if value is None:
            return None
        return Figure(value, self.terms.sources.get(name) or self.commercial)

    @property
    def reminders(self) -> tuple[str, ...]:
        """How long ahead the client is reminded of an end or a renewal."""
        end = self.terms.terms.end_of_contract
        return (end.reminders if end is not None else None) or ()

    def ruled_by(self, subject: Subject) -> TermSource:
        """The clause that governs `subject`; where none does, the commercial document."""
        return self.terms.governing.get(subject) or self.commercial

    @property
    def commercial(self) -> TermSource:
        """The commercial document."""
        return TermSource(self.facts.contract.reference, None)

    def due(self, event: date, figure: Figure) -> Due:
        """When the time of `figure` is over, moved to a working day where the terms say so."""
        deadlines = self.terms.terms.deadlines
        extend = deadlines is not None and bool(deadlines.extend_to_working_day)
        return self.calendar.due(event, figure.value, extend=extend)

    def deadline(
        self, name: str, at: Due | datetime, rule: str, source: TermSource, subject: str = ""
    ) -> Deadline:
        """A deadline as it stands at this moment."""
        due = at if isinstance(at, Due) else Due(at, at)
        passed = self.moment.reached(due.at)
        return Deadline(name, due.at, due.plain, rule, source, passed, subject)

    def beginning(
        self, name: str, at: datetime, rule: str, source: TermSource, subject: str = ""
    ) -> Deadline:
        """The same for an instant at which something begins."""
        return replace(self.deadline(name, at, rule, source, subject), begins=True)

    def doubt(self, where: str, problem: str, remedy: str) -> None:
        """Report facts that do not go together."""
        self.doubts.append(Contradiction(where, problem, remedy))


@lru_cache(maxsize=64)
def _attributes(name: str) -> tuple[str, str]:
    section, leaf = re.sub(r"[A-Z]", lambda capital: f"_{capital[0].lower()}", name).split(".")
    return section, leaf
