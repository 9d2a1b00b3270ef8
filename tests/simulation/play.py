"""Three years of one client: what becomes known, the operator, its clock, and the auditor."""

from __future__ import annotations

import heapq
import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

from jitsi_tenant_operator.contract.decision import ActionKind, Decision
from jitsi_tenant_operator.contract.facts import Axis

from .after import Verdict
from .chance import Course, contract, terms
from .file import File, Letter
from .operating import OWN, Crashed, Operator
from .oracle import Audit

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
YEARS = 3

_DATES = frozenset(
    (
        "BackupsExpiry",
        "ContractEnd",
        "DataRetrieval",
        "ErasureDue",
        "LatePaymentNotice",
        "LatePaymentSuspension",
        "LogsExpiry",
        "NonRenewal",
        "Remedy",
        "Renewal",
    )
)


class Violation(AssertionError):  # noqa: N818 - of a clause
    """The operator did not do what the clauses say."""


@dataclass
class Outcome:
    """What a play saw, to know that it saw something."""

    checks: int = 0
    seen: Counter[str] = field(default_factory=Counter)


class Play:
    """The world around one operator. Everything random comes from the seed."""

    def __init__(self, seed: int, years: int = YEARS) -> None:
        self.seed, self.chance = seed, random.Random(seed)
        self.until = datetime(BEGIN.year + years, 1, 1, tzinfo=UTC)
        self.file = File(contract(self.chance, seed), terms(self.chance))
        self.operator = Operator(self.file, BEGIN)
        self.outcome = Outcome()
        self.lag = timedelta()
        self.down = False
        self.mail_down = False
        self._erasing = False
        self._heap: list[tuple[datetime, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._written: set[tuple[str, ...]] = set()
        self._steps: set[str] = set()

    def run(self) -> Outcome:
        """All days, from the first to the last; raises Violation."""
        for at, change in Course(self.chance, self.file, self.until.date()).events():
            self._plan(at, partial(self._learn, change))
        for at, happen in self._troubles():
            self._plan(at, happen)
        for day in range((self.until - BEGIN).days):
            self._plan(self._some_time(BEGIN + timedelta(days=day)), self._look)
        self._now = BEGIN
        self._wake()
        while self._heap:
            self._now, _, happen = heapq.heappop(self._heap)
            if self._now >= self.until:
                break
            happen()
        self._count_up()
        return self.outcome

    def _plan(self, at: datetime, happen: Callable[[], None]) -> None:
        heapq.heappush(self._heap, (at, next(self._numbers), happen))

    def _some_time(self, day: datetime) -> datetime:
        """A time of the day, and often a moment before, at or after the night."""
        edge = self.chance.choice([-1, 0, 1])
        if self.chance.random() < 0.4:
            hours = self.chance.choice([21, 22, 23])
            return day + timedelta(hours=hours, seconds=edge)
        return day + timedelta(seconds=self.chance.randrange(86400))

    def _troubles(self) -> Iterator[tuple[datetime, Callable[[], None]]]:
        span = int((self.until - BEGIN).total_seconds())
        for _ in range(self.chance.choice([0, 0, 2, 5])):
            at = BEGIN + timedelta(seconds=self.chance.randrange(span))
            lag = timedelta(minutes=self.chance.choice([1, 61, 600, 3000]))
            yield at, partial(self._set_clock, lag)
            yield (
                at + timedelta(hours=self.chance.randint(1, 80)),
                partial(self._set_clock, timedelta()),
            )
        for _ in range(self.chance.choice([0, 2, 12])):
            at = BEGIN + timedelta(seconds=self.chance.randrange(span))
            yield at, lambda: setattr(self, "mail_down", True)
            yield at + timedelta(hours=self.chance.randint(1, 300)), self._mail_up
        for _ in range(self.chance.choice([0, 3, 10])):
            at = BEGIN + timedelta(seconds=self.chance.randrange(span))
            yield at, self._crash

    def _set_clock(self, lag: timedelta) -> None:
        self.lag = lag
        self._wake()

    def _mail_up(self) -> None:
        self.mail_down = False
        for letter in self.file.letters:
            if letter.sent is None and letter.about[0] != "ByHand":
                self._send(letter)
        self._wake()

    def _crash(self) -> None:
        self.down = True
        self._plan(self._now + timedelta(minutes=self.chance.randint(1, 600)), self._restart)

    def _restart(self) -> None:
        self.down = False
        self._wake()

    def _learn(self, change: Callable[[File], None]) -> None:
        change(self.file)
        self._wake()

    def _clock(self) -> datetime:
        """What the operator takes the time to be."""
        return self._now - self.lag

    def _wake(self) -> None:
        if self.down:
            return
        crashing = self.chance.random() < 0.04
        try:
            self.operator.wake(
                self._clock(), lambda: crashing and self.chance.random() < 0.3, self._send
            )
        except Crashed:
            self.outcome.seen["crash"] += 1
            self._crash()
            return
        self._audit()
        if self.file.erasure_started and not self._erasing:
            self._erasing = True
            self._plan(self._now + timedelta(minutes=self.chance.randint(1, 9000)), self._erase)
        decision = self.operator.decision
        assert decision is not None
        if decision.next is not None:
            self._plan(max(self._now, decision.next + self.lag), self._timer(decision))

    def _erase(self) -> None:
        """The erasure is through, unless the operator is down or no longer asks for it."""
        decision = self.operator.decision
        asked = decision and any(each.kind is ActionKind.ERASE for each in decision.actions)
        if self.down or not asked:
            self._plan(self._now + timedelta(days=1), self._erase)
            return
        self.file.erased = max(self._clock(), self.operator.ledger.latest)
        self._wake()

    def _timer(self, decision: Decision) -> Callable[[], None]:
        def ring() -> None:
            if self.operator.decision is decision and not self.down:
                assert decision.next is not None
                if self._clock() >= decision.next:
                    self._wake()
                else:
                    self._plan(decision.next + self.lag, ring)

        return ring

    def _send(self, letter: Letter) -> None:
        """E-mail goes out unless it is down; its receipt is known later, or never."""
        if self.mail_down:
            return
        letter.sent = max(self._clock(), letter.created)
        if letter.kind == "LatePayment" and self.chance.random() < 0.6:
            got = letter.sent + timedelta(minutes=self.chance.randint(1, 12_000))
            known = got + self.lag + timedelta(minutes=self.chance.randint(1, 9_000))

            def acknowledge(_: File) -> None:
                letter.acknowledged = got

            self._plan(known, lambda: self._learn(acknowledge))

    def _look(self) -> None:
        """The day's check, whether the operator was woken or not."""
        if not self.down:
            self._audit()

    def _audit(self) -> None:
        found = self.operator.decision
        assert found is not None
        at = max(self._clock(), self.operator.ledger.latest)
        # A timer of this very instant may not have rung yet.
        if found.next is not None and found.next <= self._clock():
            return
        verdict = Audit(self.file, at).judge()
        self.outcome.checks += 1
        self._compare("contract", str(found.contract), verdict.contract, at)
        self._compare("service", str(found.service.state), verdict.service, at)
        reasons = {str(reason) for reason in found.service.reasons}
        self._compare("service reasons", reasons, verdict.service_reasons, at)
        self._compare("recording", str(found.recording.state), verdict.recording, at)
        reasons = {str(reason) for reason in found.recording.reasons}
        self._compare("recording reasons", reasons, verdict.recording_reasons, at)
        self._compare("data", str(found.data.state), verdict.data, at)
        windows = {window.name: str(window.state) for window in found.windows}
        self._compare("windows", windows, verdict.windows, at)
        self._compare_dates(found, verdict, at)
        self._compare_notices(verdict, at)
        self._compare_steps(verdict, at)
        for word in (verdict.contract, verdict.service, verdict.data, *verdict.service_reasons):
            self.outcome.seen[word] += 1

    def _compare_dates(self, found: Decision, verdict: Verdict, at: datetime) -> None:
        dates = {
            f"{each.name}:{each.subject}" if each.name == "Remedy" else each.name: each.at
            for each in found.deadlines
            if each.name in _DATES
        }
        if verdict.contract != "Draft":
            self._compare("dates", dates, verdict.dates, at)

    def _compare_notices(self, verdict: Verdict, at: datetime) -> None:
        """Every notice that must exist does, and every new one had to be made."""
        made = {letter.about for letter in self.file.letters if letter.about[0] != "ByHand"}
        if missing := verdict.notices - made:
            self._violated(at, f"notices are missing: {missing}")
        new = {about for about in made - self._written if about[0] not in OWN}
        if surplus := new - verdict.notices:
            self._violated(at, f"nothing calls for these notices: {surplus}")
        self._written |= made

    def _compare_steps(self, verdict: Verdict, at: datetime) -> None:
        """Each step with the data is taken when the clauses allow it, and not before."""
        file = self.file
        for step, taken, allowed in (
            ("erasure", file.erasure_started, verdict.may_erase),
            ("expiry of backups", file.backups_gone, verdict.may_expire),
            ("close", file.closed, verdict.may_close),
        ):
            if allowed and taken is None:
                self._violated(at, f"the {step} was due and not done")
            if taken is not None and step not in self._steps:
                self._steps.add(step)
                if not allowed:
                    self._violated(at, f"nothing allows the {step}")

    def _count_up(self) -> None:
        """Each action once, and one notice for each suspension and each return."""
        twice = {key: count for key, count in self.operator.carried_out.items() if count > 1}
        if twice:
            self._violated(self._now, f"done more than once: {twice}")
        if self.down:
            return
        letters = Counter(letter.kind for letter in self.file.letters)
        service = [
            (value, reasons)
            for axis, value, reasons in self.operator.entries
            if axis is Axis.SERVICE
        ]
        suspended = sum(value == "Suspended" for value, _ in service)
        resumed = sum(
            (before, after) == ("Suspended", "Serving")
            for (before, _), (after, _) in itertools.pairwise(service)
        )
        self._compare("suspensions told", letters["Suspension"], suspended, self._now)
        self._compare("returns told", letters["Resumption"], resumed, self._now)

    def _compare(self, what: str, found: object, expected: object, at: datetime) -> None:
        if found != expected:
            self._violated(at, f"{what} is {found}, by the clauses it is {expected}")

    def _violated(self, at: datetime, what: str) -> None:
        raise Violation(f"seed {self.seed}, {at.isoformat()}: {what}\n{self.file}")
