"""Contracts and what happens to them, by chance: the likely, the late and the contradictory."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from jitsi_tenant_operator.api.contract import Contract
from jitsi_tenant_operator.api.terms import OperationalTerms

from . import changes
from .after import EVERY_STORE
from .file import File, Letter, Order, Works

Event = tuple[datetime, Callable[[File], None]]
"""Something that becomes known: when it does, and what it changes in the file."""

FIRST = date(2026, 1, 5)


def terms(chance: random.Random) -> OperationalTerms:
    """Terms as contracts differ in them."""
    pick = chance.choice
    end: dict[str, Any] = {
        "erasure": pick(["P30D", "P45D", "P2M"]),
        "reminders": pick([[], ["P2M", "P1M", "P1W"], ["P1M", "P3D"]]),
    }
    if chance.random() < 0.6:
        end["retrieval"] = pick(["P15D", "P30D", "PT72H"])
    sections: dict[str, Any] = {
        "backup": {"daily": pick(["P10D", "P30D"]), "weekly": pick(["P2M", "P3M"])},
        "logs": {"retention": pick(["P6M", "P1Y"])},
        "maintenance": {"notice": pick(["PT48H", "PT72H", "P5D"])},
        "formalNotice": {
            "remedy": pick(["P30D", "P30D", "P15D", "P1M"]),
            "prohibitedUse": pick(["PT48H", "PT48H", "P3D"]),
        },
        "endOfContract": end,
        "deadlines": {"extendToWorkingDay": chance.random() < 0.5},
    }
    if chance.random() < 0.7:
        sections["payment"] = {
            "noticeAfter": pick(["P15D", "P8D", "P1M"]),
            "suspensionAfter": pick(["P10D", "P15D", "PT240H"]),
        }
    return OperationalTerms.model_validate(sections)


def contract(chance: random.Random, number: int) -> Contract:
    """A contract, signed within the first months, some on odd days."""
    pick = chance.choice
    signed = FIRST + timedelta(days=chance.randrange(240))
    odd = ["2026-08-31", "2026-05-31", "2026-03-29", "2026-10-25", "2026-01-31", "2026-11-01"]
    if chance.random() < 0.2:
        signed = date.fromisoformat(pick(odd))
    mode = pick(["None", "Manual", "Tacit", "Tacit", "Tacit"])
    renewal: dict[str, Any] = {"mode": mode}
    if mode == "Tacit":
        renewal["period"] = pick(["P1M", "P3M", "P6M", "P12M"])
        renewal["noticePeriod"] = pick(["P2W", "P1M", "P2M"])
    return Contract.model_validate(
        {
            "reference": f"DC-{number}",
            "client": {"legalName": "Client SAS", "email": "it@client.example"},
            "signedOn": None if chance.random() < 0.02 else signed,
            "term": pick(["P1M", "P3M", "P6M", "P12M", "P12M", "P1Y6M", "P24M", "P180D"]),
            "renewal": renewal,
            "options": pick([[], ["Recording"], ["Recording"]]),
        }
    )


class Course:
    """What becomes known of one client over three years, in the order of `known`."""

    def __init__(self, chance: random.Random, file: File, until: date) -> None:
        self.chance, self.file = chance, file
        self.start = file.contract.signed_on or FIRST
        self.days = (until - self.start).days
        self.count = 0

    def events(self) -> list[Event]:
        """All of it."""
        sources: list[tuple[float, Callable[[], Iterator[Event]]]] = [
            (0.9, self._payments),
            (0.5, self._breaches),
            (0.5, self._suspensions),
            (0.4, self._recording),
            (0.5, self._non_renewal),
            (0.15, self._early_end),
            (0.8, self._manual_renewal),
            (0.4, self._holds),
            (0.6, self._works),
            (0.9, self._farewell),
            (0.3, self._mistakes),
        ]
        found: list[Event] = []
        for share, source in sources:
            if self.chance.random() < share:
                for _ in range(self.chance.choice([1, 1, 2, 3])):
                    found += source()
        return sorted(found, key=lambda event: event[0])

    def _when(self, early: int = 0, late: int | None = None) -> datetime:
        day = self.chance.randint(early, max(early, late or self.days))
        return self._at(self.start + timedelta(days=day))

    def _at(self, day: date) -> datetime:
        """A time of that day, often a moment at which days or clocks change."""
        minutes = self.chance.choice([0, 1, 59, 60, 61, 119, 120, 600, 1319, 1320, 1380, 1439])
        if self.chance.random() < 0.5:
            minutes = self.chance.randrange(1440)
        return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=minutes)

    def _later(self, at: datetime, days: float) -> datetime:
        """Up to so many days later."""
        return at + timedelta(minutes=self.chance.randint(1, max(1, int(days * 1440))))

    def _name(self) -> str:
        self.count += 1
        return f"{self.count}"

    def _payments(self) -> Iterator[Event]:
        since = self._when(5).date()
        known = self._later(self._at(since + timedelta(days=1)), 20)
        yield known, changes.paying(since)
        if self.chance.random() < 0.4:
            yield from self._letter_by_hand(self._later(self._at(since), 50))
        yield self._later(known, 90), changes.paying(None)

    def _letter_by_hand(self, created: datetime) -> Iterator[Event]:
        letter = Letter(("ByHand", self._name()), "LatePayment", created)
        letter.by = self.chance.choice(["Host", "Host", "Host", "Client"])
        letter.registered = self.chance.random() < 0.6
        letter.sent = self._later(created, 1)
        yield letter.sent, lambda file: file.letters.append(letter)
        got = self._later(letter.sent, 9)
        yield self._later(got, 9), changes.setting(letter, delivered=got)

    def _breaches(self) -> Iterator[Event]:
        breach = self.chance.choice(["Other", "Other", "ProhibitedUse", "LatePayment"])
        by = "Host" if breach != "Other" else self.chance.choice(["Host", "Client"])
        created = self._when(3)
        letter = Letter(("ByHand", self._name()), "FormalNotice", created, by, breach)
        letter.registered = self.chance.random() < 0.4
        yield created, lambda file: file.letters.append(letter)
        sent = self._later(created, 2)
        yield sent, changes.setting(letter, sent=sent)
        if self.chance.random() < 0.9:
            got = self._later(sent, 12)
            if not letter.registered and self.chance.random() < 0.5:
                arrived = sent + (got - sent) * self.chance.random()
                yield self._later(arrived, 1), changes.setting(letter, delivered=arrived)
            way = "delivered" if letter.registered else "acknowledged"
            yield self._later(got, 15), changes.setting(letter, **{way: got})
        if self.chance.random() < 0.75:
            mended = self._later(sent, 40 if breach == "Other" else 6)
            yield self._later(mended, 10), changes.setting(letter, remedied=mended)

    def _suspensions(self) -> Iterator[Event]:
        reason = self.chance.choice(["ProhibitedUse", "Security", "ClientRequest", "LatePayment"])
        begin = self._when(2)
        until = self._later(begin, 30) if self.chance.random() < 0.4 else None
        order = {"reason": reason, "until": until}
        yield begin, changes.ordering("service", order)
        yield self._later(begin, 60), changes.ordering("service", None)

    def _recording(self) -> Iterator[Event]:
        begin = self._when(2)
        if self.chance.random() < 0.5:
            yield begin, changes.full(begin)
            yield self._later(begin, 20), changes.full(None)
            return
        reason = self.chance.choice(["Incident", "StorageSaturated", "Security", "Maintenance"])
        until = self._later(begin, 10) if self.chance.random() < 0.5 else None
        yield begin, changes.ordering("recording", {"reason": reason, "until": until})
        yield self._later(begin, 20), changes.ordering("recording", None)

    def _non_renewal(self) -> Iterator[Event]:
        received = self._when(2)
        known = self._later(received, self.chance.choice([0.01, 3, 60]))
        by = self.chance.choice(["Client", "Host"])
        declared = {"by": by, "receivedOn": received.date()}
        yield known, changes.terminating(nonRenewal=declared)
        if self.chance.random() < 0.1:
            yield self._later(known, 30), changes.terminating(nonRenewal=None)

    def _early_end(self) -> Iterator[Event]:
        agreed = self._when(2)
        ends = agreed.date() + timedelta(days=self.chance.randint(0, 120))
        early = {"agreedOn": agreed.date(), "endsOn": ends}
        yield self._later(agreed, 5), changes.terminating(earlyEnd=early)

    def _manual_renewal(self) -> Iterator[Event]:
        until = self._when(30).date()
        yield self._when(20), changes.renewing(until)

    def _holds(self) -> Iterator[Event]:
        placed = self._when(2)
        size = self.chance.choice([0, 1, 2, 5])
        scope = frozenset(self.chance.sample(EVERY_STORE, size))
        basis = self.chance.choice(["court order", "court order", ""])
        order = Order(self._name(), scope, basis, placed)
        yield placed, lambda file: file.orders.append(order)
        if self.chance.random() < 0.8:
            released = self._later(placed, 300)
            yield self._later(released, 5), lambda file: setattr(order, "released", released)
        if self.chance.random() < 0.4:
            broken = self._when(2)
            yield broken, lambda file: setattr(file, "orders_readable", False)
            yield self._later(broken, 6), lambda file: setattr(file, "orders_readable", True)

    def _works(self) -> Iterator[Event]:
        declared = self._when(2)
        start = self._later(declared, self.chance.choice([1, 4, 15]))
        length = timedelta(hours=self.chance.choice([0, 1, 3, 30]))
        emergency = self.chance.random() < 0.2
        work = Works(
            name=self._name(),
            declared=declared,
            start=start,
            end=start + length,
            emergency=emergency,
            reason=self.chance.choice(["disk", "disk", ""]) if emergency else "",
            records_not=self.chance.random() < 0.7,
        )
        yield declared, lambda file: file.works.append(work)
        if self.chance.random() < 0.3:
            moved = timedelta(days=self.chance.choice([-1, 1, 5]))
            yield self._later(declared, 3), changes.moving(work, moved)

    def _farewell(self) -> Iterator[Event]:
        returned = self._when(40)
        if self.chance.random() < 0.6:
            known = self._later(returned, 10)
            yield known, changes.terminating(restitutionAcknowledgedOn=returned.date())
        if self.chance.random() < 0.2:
            return
        confirmation = {
            "contractReference": self.file.contract.reference,
            "confirmedBy": "dpo",
        }
        yield self._when(30), changes.terminating(erasure=confirmation)
        yield self._when(30), changes.taking_the_bundle(self._when(60))

    def _mistakes(self) -> Iterator[Event]:
        at = self._when(5)
        kind = self.chance.randrange(6)
        before = self.start - timedelta(days=9)
        ahead = at.date() + timedelta(days=self.chance.randint(1, 40))
        if kind == 0:
            yield at, changes.terminating(nonRenewal={"by": "Client", "receivedOn": before})
        elif kind == 1:
            yield at, changes.terminating(earlyEnd={"agreedOn": at.date(), "endsOn": before})
        elif kind == 2:
            yield at, changes.terminating(nonRenewal={"by": "Host", "receivedOn": ahead})
        elif kind == 3:
            yield at, changes.paying(ahead)
        elif kind == 4:
            yield at, changes.terminating(earlyEnd={"agreedOn": ahead, "endsOn": ahead})
        else:
            letter = Letter(("ByHand", self._name()), "FormalNotice", at)
            letter.sent = self._later(at, 3)
            letter.acknowledged = at - timedelta(days=2)
            yield letter.sent, lambda file: file.letters.append(letter)
