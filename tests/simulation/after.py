"""The oracle's clauses 13.3, 6.3 and 11.3: what becomes of the data after the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from .almanac import paris_day, time_up
from .file import File

EVERY_STORE = ("Recordings", "Accounts", "Keys", "Backups", "Logs")


@dataclass
class Verdict:
    """How things must stand; `dates` and `notices` are those that must be found."""

    contract: str = "Draft"
    service: str = "Disabled"
    service_reasons: set[str] = field(default_factory=set)
    recording: str = "Disabled"
    recording_reasons: set[str] = field(default_factory=set)
    data: str = "Live"
    dates: dict[str, datetime] = field(default_factory=dict)
    notices: set[tuple[str, ...]] = field(default_factory=set)
    windows: dict[str, str] = field(default_factory=dict)
    may_erase: bool = False
    may_expire: bool = False
    may_close: bool = False


class AfterTheEnd:
    """The part of an audit that looks at an ended contract."""

    def __init__(self, file: File, now: datetime) -> None:
        self.file, self.now, self.today = file, now, paris_day(now)
        self.verdict = Verdict()
        deadlines = file.terms.deadlines
        self.extend = bool(deadlines and deadlines.extend_to_working_day)

    def true_day(self, day: date | None) -> bool:
        """A day on which something was done lies between signature and today."""
        signed = self.file.contract.signed_on
        return day is not None and signed is not None and signed <= day <= self.today

    def after_the_end(self, at: datetime, day: date, whole: bool) -> None:
        """The contract ended on a day, with it or at an instant."""
        verdict, terms = self.verdict, self.file.terms
        verdict.contract, verdict.data = "Ended", "Retained"
        event = day if whole else at
        verdict.notices.add(("Ended", str(day)))
        verdict.dates["ContractEnd"] = at
        rules = terms.end_of_contract
        assert rules
        assert rules.erasure
        retrieval = at
        if rules.retrieval:
            retrieval = time_up(event, rules.retrieval, extend=self.extend)
        verdict.dates["DataRetrieval"] = retrieval
        verdict.dates["ErasureDue"] = time_up(event, rules.erasure, extend=self.extend)
        assert terms.logs
        assert terms.logs.retention
        verdict.dates["LogsExpiry"] = time_up(day, terms.logs.retention, extend=False)
        self._data(retrieval)

    def _data(self, retrieval: datetime) -> None:
        verdict, file = self.verdict, self.file
        if self._returned():
            verdict.data = "Restituted"
        verdict.may_erase = self._may_erase(retrieval)
        if file.erasure_started or verdict.may_erase:
            verdict.data = "Erasing"
        if file.erased:
            verdict.data = "Erased"
            verdict.notices.add(("ErasureDone", file.contract.reference, "Production"))
            verdict.dates["BackupsExpiry"] = self.backups_end()
            due = self.backups_end() <= self.now
            verdict.may_expire = due and not self.held({"Backups", "Keys"})
        if file.backups_gone:
            verdict.data = "BackupsExpired"
            verdict.notices.add(("ErasureDone", file.contract.reference, "Backups"))
            due = verdict.dates["LogsExpiry"] <= self.now
            verdict.may_close = due and not self.held(set(EVERY_STORE))
        if file.closed:
            verdict.data = "Closed"

    def _returned(self) -> bool:
        return self.true_day(self.file.termination.restitution_acknowledged_on) or any(
            bundle.acknowledged and bundle.offered <= bundle.acknowledged <= self.now
            for bundle in self.file.bundles
        )

    def _may_erase(self, retrieval: datetime) -> bool:
        confirmed = self.file.termination.erasure
        return (
            (self._returned() or retrieval <= self.now)
            and confirmed is not None
            and self.file.contract.signed_on is not None
            and not self.held({"Recordings", "Accounts", "Keys"})
        )

    def backups_end(self) -> datetime:
        """6.3: ten days as a daily, two more months as a weekly, whatever the terms say."""
        terms = self.file.terms.backup
        assert terms
        assert terms.daily
        assert terms.weekly
        assert self.file.erased
        daily = paris_day(time_up(self.file.erased, terms.daily, extend=False) - timedelta(hours=1))
        return time_up(daily, terms.weekly, extend=False)

    def held(self, scope: set[str]) -> bool:
        """Whether a hold keeps any of these stores."""
        if not self.file.orders_readable:
            return True
        for order in self.file.orders:
            freed = order.released is not None and order.placed <= order.released <= self.now
            if not freed and (not order.scope or order.scope & scope):
                return True
        return False
