"""What the clauses say of a client's file on a day, worked out by hand.

Written from the clauses alone, to hold the engine against: nothing here may come from it.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from .after import AfterTheEnd, Verdict
from .almanac import back, last_day, midnight, night_after, paris_day, time_up, units
from .file import File, Letter, Works


class Audit(AfterTheEnd):
    """One look at one file at one instant."""

    def judge(self) -> Verdict:
        """The verdict."""
        self.ends: list[tuple[datetime, date, bool]] = []
        self.running: dict[str, datetime] = {}
        self.renewal: tuple[date, date] | None = None
        if self.file.contract.signed_on is not None:
            self._clause_13_1()
            self._clause_13_2()
        end = min(self.ends, default=None)
        gone = [at for at in (self.file.erasure_started, self.file.erased) if at]
        if gone and (end is None or end[0] > min(gone)):
            end = (min(gone), paris_day(min(gone)), False)
        if end is not None and end[0] <= self.now:
            self.after_the_end(*end)
        elif self._signed():
            self._in_force(end)
        return self.verdict

    def _signed(self) -> bool:
        signed = self.file.contract.signed_on
        return signed is not None and signed <= self.today

    # 13.1: in force from signature for its duration; renewed as the commercial document says.

    def _clause_13_1(self) -> None:
        contract = self.file.contract
        first, renewal = contract.signed_on, contract.renewal
        assert first is not None
        months, days, _ = units(contract.term)
        last = last_day(first, months, days)
        declared = self.file.termination.non_renewal
        received = declared.received_on if declared else None
        over: date | None = last
        if renewal.mode == "Manual" and renewal.renewed_until and renewal.renewed_until > last:
            over = renewal.renewed_until
        if renewal.mode == "Tacit":
            assert renewal.period
            assert renewal.notice_period
            over = None
            more_months, more_days, _ = units(renewal.period)
            count = 0
            while True:
                latest = back(last, renewal.notice_period)
                if received and self.true_day(received) and received <= latest:
                    over = last
                    break
                if last >= self.today and (received is None or not self.true_day(received)):
                    break
                count += 1
                last = last_day(first, months + count * more_months, days + count * more_days)
            self.renewal = self._running_term(first)
        if over is not None:
            self.ends.append((night_after(over), over, True))
        early = self.file.termination.early_end
        if not early or not self.true_day(early.agreed_on) or early.ends_on < early.agreed_on:
            return
        if over is None or early.ends_on <= over:
            self.ends.append((night_after(early.ends_on), early.ends_on, True))

    def _running_term(self, first: date) -> tuple[date, date]:
        """The first and the last day of the term that runs today."""
        contract = self.file.contract
        assert contract.renewal.period
        months, days, _ = units(contract.term)
        more_months, more_days, _ = units(contract.renewal.period)
        begin, last = first, last_day(first, months, days)
        while last < self.today:
            months, days = months + more_months, days + more_days
            begin, last = last + timedelta(days=1), last_day(first, months, days)
        return begin, last

    # 13.2 and 5: formal notice, received by 15.4, without effect.

    def _clause_13_2(self) -> None:
        terms = self.file.terms.formal_notice
        for letter in self._credible():
            got = _received(letter)
            if letter.kind != "FormalNotice" or got is None or terms is None:
                continue
            text = terms.prohibited_use if letter.breach == "ProhibitedUse" else terms.remedy
            assert text
            limit = time_up(got, text, extend=self.extend)
            if letter.remedied is not None and letter.remedied < limit:
                continue
            if limit <= self.now:
                # Of a time in days the last day ends it; of hours, the instant.
                day = paris_day(limit - timedelta(microseconds=1))
                self.ends.append((limit, day, not units(text)[2]))
            else:
                self.running["Remedy:" + "/".join(letter.about)] = limit

    def _credible(self) -> list[Letter]:
        """Letters whose dates can be true."""
        file, found = self.file, []
        overdue = self._overdue()
        for letter in file.letters:
            way = [letter.created, letter.sent, letter.delivered, letter.acknowledged]
            known = [at for at in way if at is not None]
            every = [*known, *([letter.remedied] if letter.remedied else [])]
            if known != sorted(known) or max(every) > self.now or min(every) < letter.created:
                continue
            if letter.kind == "FormalNotice":
                signed = file.contract.signed_on
                if signed is None or paris_day(letter.created) < signed:
                    continue
                if letter.breach == "ProhibitedUse" and letter.by == "Client":
                    continue
                if letter.breach == "LatePayment" and not overdue and not letter.remedied:
                    continue
            found.append(letter)
        return found

    def _overdue(self) -> date | None:
        since = self.file.contract.payment.overdue_since
        return since if self.true_day(since) else None

    # 3.1, 5, 6.4, 9: while the contract is in force.

    def _in_force(self, end: tuple[datetime, date, bool] | None) -> None:
        verdict = self.verdict
        verdict.contract = "UnderNotice" if self.running else "InForce"
        verdict.dates |= self.running
        self._term_dates(end)
        self._clause_9()
        order = self.file.suspension.service
        lasts = order is not None and (order.until is None or order.until > self.now)
        if order and lasts and (order.reason != "LatePayment" or self._overdue()):
            verdict.service_reasons.add(str(order.reason))
        verdict.service = "Suspended" if verdict.service_reasons else "Serving"
        self._clause_8_1()
        self._clause_6_4()

    def _term_dates(self, end: tuple[datetime, date, bool] | None) -> None:
        renewal, dates = self.file.contract.renewal, self.verdict.dates
        signed = self.file.contract.signed_on
        assert signed
        if end is not None:
            dates["ContractEnd"] = end[0]
        if self.renewal is not None and (end is None or end[0] > night_after(self.renewal[1])):
            begin, last = self.renewal
            dates["Renewal"] = night_after(last)
            if not self.true_day(_received_on(self.file)):
                assert renewal.notice_period
                dates["NonRenewal"] = night_after(back(last, renewal.notice_period))
            self._reminders("RenewalAhead", last, begin)
        elif end is not None:
            self._reminders("EndAhead", end[1], signed)

    def _reminders(self, kind: str, last: date, begin: date) -> None:
        terms = self.file.terms.end_of_contract
        due: list[tuple[date, str]] = []
        for text in (terms.reminders if terms else None) or ():
            day = back(last, text)
            if day >= begin and day <= self.today:
                due.append((day, text))
        if due:
            self.verdict.notices.add((kind, str(last), max(due)[1]))

    def _clause_9(self) -> None:
        since, terms = self._overdue(), self.file.terms.payment
        if since is None or not terms or not terms.notice_after or not terms.suspension_after:
            return
        asked = time_up(since, terms.notice_after, extend=self.extend)
        self.verdict.dates["LatePaymentNotice"] = asked
        ours = ("LatePayment", str(since))
        letters = [
            letter
            for letter in self._credible()
            if letter.sent is not None and self._asks_to_pay(letter, since, asked)
        ]
        starts = [at for letter in letters if (at := _received(letter) or letter.sent)]
        if starts:
            limit = time_up(min(starts), terms.suspension_after, extend=self.extend)
            self.verdict.dates["LatePaymentSuspension"] = limit
            if limit <= self.now:
                self.verdict.service_reasons.add("LatePayment")
        if asked <= self.now and all(letter.about == ours for letter in letters):
            self.verdict.notices.add(ours)

    def _asks_to_pay(self, letter: Letter, since: date, asked: datetime) -> bool:
        if letter.kind == "FormalNotice":
            if letter.breach != "LatePayment" or letter.remedied is not None:
                return False
        elif letter.kind != "LatePayment":
            return False
        assert letter.sent
        ours = letter.about == ("LatePayment", str(since))
        return letter.by == "Host" and (ours or letter.sent >= asked)

    # 8.1: planned maintenance, notified ahead except in an emergency.

    def _clause_8_1(self) -> None:
        stands: list[Works] = []
        for work in sorted(self.file.works, key=lambda work: (work.declared, work.name)):
            if work.end <= work.start or work.declared > self.now:
                continue
            planned = not work.emergency or not work.reason.strip()
            clash = [
                other
                for other in stands
                if planned
                and not (other.emergency and other.reason.strip())
                and other.start < work.end
                and work.start < other.end
            ]
            if not clash:
                stands.append(work)
        for work in stands:
            self.verdict.windows[work.name] = self._window(work)

    def _window(self, work: Works) -> str:
        about = ("Maintenance", work.name, work.start.isoformat(), work.end.isoformat())
        told = [letter.sent for letter in self._credible() if letter.about == about and letter.sent]
        if self.now >= work.end:
            return "Over"
        begun = "Running" if self.now >= work.start else "Planned"
        if work.emergency and work.reason.strip():
            self.verdict.notices.add(about)
            return begun
        terms = self.file.terms.maintenance
        assert terms
        assert terms.notice
        hours = units(terms.notice)[2]
        latest = work.start - hours
        if not hours:
            latest = midnight(back(paris_day(work.start), terms.notice))
        if told and min(told) <= latest:
            self.verdict.notices.add(about)
            return begun
        if told or self.now >= latest:
            return "Refused"
        self.verdict.notices.add(about)
        return "Pending"

    def _clause_6_4(self) -> None:
        verdict, file = self.verdict, self.file
        if "Recording" not in file.contract.options:
            return
        order = file.suspension.recording
        if order and (order.until is None or order.until > self.now):
            verdict.recording_reasons.add(str(order.reason))
        if file.full_since is not None and file.full_since <= self.now:
            verdict.recording_reasons.add("StorageSaturated")
        for work in file.works:
            if work.records_not and verdict.windows.get(work.name) == "Running":
                verdict.recording_reasons.add("Maintenance")
        stopped = verdict.recording_reasons or verdict.service == "Suspended"
        verdict.recording = "Suspended" if stopped else "Serving"


def _received(letter: Letter) -> datetime | None:
    """15.4: by registered letter or by e-mail with acknowledgement of receipt."""
    ways = [letter.acknowledged]
    if letter.registered:
        ways.append(letter.delivered)
    return min((at for at in ways if at is not None), default=None)


def _received_on(file: File) -> date | None:
    declared = file.termination.non_renewal
    return declared.received_on if declared else None
