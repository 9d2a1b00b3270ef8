"""What the Jobs of backups reported, read from the termination messages of their pods. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import ValidationError

from jitsi_tenant_operator.api.objects import ObjectRef, TenantKey
from jitsi_tenant_operator.backup.report import Listed, Outcome, Program, Report, Verification
from jitsi_tenant_operator.backup.store import Copy
from jitsi_tenant_operator.kube.children import ChildRecord
from jitsi_tenant_operator.kube.facts import JobFacts, PodFacts

_DONE = (Outcome.SUCCEEDED, Outcome.UNCHANGED)


@dataclass(frozen=True, slots=True)
class Run:
    """One Job: whose it is, how it ended, and what its programs reported."""

    job: ObjectRef
    owner_uid: str | None
    started: str
    succeeded: bool
    failed: bool
    why_not: str
    reports: tuple[Report, ...]

    @property
    def problem(self) -> str:
        """Why it failed, in a line: the word of its program before that of Kubernetes."""
        said = [
            f"{each.reason}: {each.message}"
            for report in self.reports
            if report.outcome is Outcome.FAILED
            for each in report.problems
        ]
        return said[-1] if said else self.why_not

    def done(self, *programs: Program) -> Report | None:
        """The newest report of one of `programs` that did what it was to do."""
        found = [each for each in self.reports if each.program in programs and is_done(each)]
        return max(found, key=lambda each: each.started, default=None)


@dataclass(frozen=True, slots=True)
class Kept:
    """What the repositories hold, as the programs in the operator's namespace saw it last."""

    at: datetime
    primary: Listed | None
    offsite: Listed | None
    verified: Verification | None
    """The newest verification of either copy that was sound."""


def is_done(report: Report) -> bool:
    """Whether a program did what it was to do."""
    return report.outcome in _DONE


def ended(report: Report) -> datetime:
    """When a run was over, to the second."""
    return (report.started + timedelta(seconds=report.seconds)).replace(microsecond=0)


def runs(records: Iterable[ChildRecord[TenantKey]], namespace: str) -> list[Run]:
    """The Jobs in `namespace`, the oldest first; of another one, nobody's word counts."""
    inside = [each for each in records if each.ref.namespace == namespace]
    words: dict[str | None, list[Report]] = {}
    for each in inside:
        if isinstance(each.facts, PodFacts):
            words.setdefault(each.owner_uid, []).extend(_reports(each.facts.last_words))
    found = [
        Run(
            each.ref,
            each.owner_uid,
            each.facts.started,
            each.facts.succeeded,
            each.facts.failed,
            each.facts.why_not,
            tuple(words.get(each.uid, ())),
        )
        for each in inside
        if isinstance(each.facts, JobFacts)
    ]
    return sorted(found, key=lambda run: run.started)


def kept(found: Sequence[Run]) -> Kept | None:
    """What the newest reports of the keeping say; None while there is none."""
    reports = [report for run in found for report in run.reports]
    listing = max(
        (each for each in reports if each.copies), key=lambda each: each.started, default=None
    )
    sound = [each for report in reports if is_done(report) for each in report.verified]
    verified = max(sound, key=lambda each: each.at, default=None)
    if listing is None:
        return None
    copies = {each.copy_: each for each in listing.copies}
    return Kept(ended(listing), copies.get(Copy.PRIMARY), copies.get(Copy.OFFSITE), verified)


def since(found: Iterable[Run], at: datetime | None) -> list[Run]:
    """The runs that began after `at`, none where that is not known."""
    return [
        run
        for run in found
        if at is not None and run.started and datetime.fromisoformat(run.started) > at
    ]


def failure(found: Sequence[Run], schedules: Collection[str]) -> str:
    """Why the newest ended run of one of the CronJobs with these uids failed; empty if none did."""
    newest: dict[str | None, Run] = {}
    for run in found:
        if run.owner_uid in schedules and (run.succeeded or run.failed):
            newest[run.owner_uid] = run
    failed = [f"{run.job.name}: {run.problem}" for run in newest.values() if run.failed]
    return "; ".join(sorted(failed))


def _reports(words: Iterable[str]) -> Iterator[Report]:
    for text in words:
        try:
            yield Report.parse(text)
        except ValidationError:
            # Cut off, or somebody else's: what it does not say stays unknown.
            continue
