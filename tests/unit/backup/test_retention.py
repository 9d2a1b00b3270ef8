"""Each backup is kept exactly as long as clause 6.3 promises, whatever happens around it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jitsi_tenant_operator.backup.retention import RetentionRule, Terms, Verdict, plan
from jitsi_tenant_operator.backup.store import Group, Snapshot
from jitsi_tenant_operator.cli import main
from jitsi_tenant_operator.contract.calendar import Calendar
from trial.clause_backups import Taken, last_day_as_daily, last_day_at_all, monday, owed

PARIS = Calendar.of("Europe/Paris")
CLAUSE = Terms("P10D", "P2M")
SPRING = datetime(2027, 1, 1, tzinfo=UTC)


def taken(name: object, at: str, series: str = "scheduled", *, held: bool = False) -> Taken:
    return Taken(str(name), datetime.fromisoformat(at).astimezone(UTC), series, held)


def nightly(first: date, days: int) -> list[Taken]:
    """One a day, in the first hour in Paris."""
    nights = (first + timedelta(index) for index in range(days))
    return [Taken(f"{day}", PARIS.start_of(day) + timedelta(minutes=31)) for day in nights]


def snapshot(each: Taken) -> Snapshot:
    return Snapshot(each.name, each.at, Group(each.series), each.held)


def verdicts(backups: Iterable[Taken], at: datetime, terms: Terms = CLAUSE) -> dict[str, Verdict]:
    return {v.snapshot.id: v for v in plan(map(snapshot, backups), terms, at, PARIS)}


def kept(backups: Iterable[Taken], at: datetime, terms: Terms = CLAUSE) -> set[str]:
    return {name for name, verdict in verdicts(backups, at, terms).items() if verdict.keep}


minutes = st.integers(0, 400 * 24 * 60).map(lambda count: SPRING + timedelta(minutes=count))
histories = st.lists(
    st.tuples(minutes, st.sampled_from(list(Group)), st.booleans()), max_size=40
).map(lambda rows: [Taken(f"{n}", at, group, held) for n, (at, group, held) in enumerate(rows)])


@given(histories, minutes, st.integers(1, 40), st.integers(1, 14))
def test_keeps_what_the_clause_says_and_nothing_else(
    backups: list[Taken], at: datetime, days: int, months: int
) -> None:
    terms = Terms(f"P{days}D", f"P{months}M")
    assert kept(backups, at, terms) == owed(backups, at, days, months)


@given(histories, minutes, minutes)
def test_a_clock_that_is_behind_never_removes_more(
    backups: list[Taken], one: datetime, other: datetime
) -> None:
    early, late = sorted((one, other))
    removed = {each.name for each in backups} - kept(backups, early)
    assert removed <= {each.name for each in backups} - kept(backups, late)


@given(histories, minutes)
def test_nothing_from_the_future_is_removed_or_removes(backups: list[Taken], at: datetime) -> None:
    future = {each.name for each in backups if each.at > at}
    past = [each for each in backups if each.at <= at]
    assert kept(backups, at) == kept(past, at) | future


def test_a_backup_from_the_future_does_not_stand_for_its_week_yet() -> None:
    """Where dailies are kept for less than a week, it would cost the week its only backup."""
    forged = [taken("monday", "2027-05-03T00:31+02:00"), taken("forged", "2027-05-09T00:31+02:00")]
    terms, thursday = Terms("P1D", "P2M"), datetime(2027, 5, 6, 12, tzinfo=UTC)
    assert verdicts(forged, thursday, terms)["monday"].rule is RetentionRule.WEEKLY


@given(histories, minutes, st.sampled_from(list(Group)))
def test_other_groups_do_not_disturb_a_series(
    backups: list[Taken], at: datetime, group: Group
) -> None:
    series = [each for each in backups if each.series == group]
    assert kept(series, at) == kept(backups, at) & {each.name for each in series}


@given(histories, minutes)
def test_a_hold_keeps_what_it_covers_and_changes_nothing_else(
    backups: list[Taken], at: datetime
) -> None:
    free = [replace(each, held=False) for each in backups]
    held = {each.name for each in backups if each.held}
    assert kept(backups, at) == kept(free, at) | held


@settings(deadline=None, max_examples=40)
@given(
    st.sets(st.integers(0, 150), min_size=1),
    st.sets(st.integers(0, 260)),
    st.integers(0, 24 * 60 - 1),
)
def test_through_outages_of_backups_and_of_sweeps(
    backed_up: set[int], swept: set[int], minute: int
) -> None:
    """What a sweep removed is gone: no later day may miss it."""
    first = date(2027, 2, 1)
    present: list[Taken] = []
    everything: list[Taken] = []
    last_of_week: dict[date, Taken] = {}
    for index in range(261):
        day = first + timedelta(index)
        noon = PARIS.start_of(day) + timedelta(hours=12)
        if index in backed_up:
            at = PARIS.start_of(day) + timedelta(minutes=minute)
            new = Taken(f"{index}", min(at, noon))
            present.append(new)
            everything.append(new)
            last_of_week[monday(day)] = new
        if index in swept:
            present = [each for each in present if each.name in kept(present, noon)]
            assert all(last_day_at_all(each) >= day for each in present)
        names = {each.name for each in present}
        for each in everything:
            assert each.name in names or last_day_as_daily(each) < day
        for last in last_of_week.values():
            assert last.name in names or last_day_at_all(last) < day


def test_the_promise_in_figures() -> None:
    """Ten days, then Sundays: on 1 June after a year of nights, seventeen to twenty backups."""
    backups = nightly(date(2026, 6, 1), 365)
    at = PARIS.start_of(date(2027, 5, 31)) + timedelta(hours=12)
    by_rule: dict[RetentionRule, list[str]] = {rule: [] for rule in RetentionRule}
    for name, verdict in verdicts(backups, at).items():
        by_rule[verdict.rule].append(name)
    assert by_rule[RetentionRule.DAILY] == [f"2027-05-{day}" for day in range(21, 32)]
    sundays = ["03-21", "03-28", "04-04", "04-11", "04-18", "04-25", "05-02", "05-09", "05-16"]
    assert by_rule[RetentionRule.WEEKLY] == [f"2027-{day}" for day in sundays]


@pytest.mark.parametrize(
    ("began", "daily", "weekly"),
    [
        # A month without a 31st, and one without a 30th.
        ("2026-12-21T00:31+01:00", "2027-01-01T00:00+01:00", "2027-03-01T00:00+01:00"),
        ("2026-12-20T00:31+01:00", "2026-12-31T00:00+01:00", "2027-03-01T00:00+01:00"),
        ("2027-12-20T00:31+01:00", "2027-12-31T00:00+01:00", "2028-03-01T00:00+01:00"),
        # Across both changes of the clocks.
        ("2027-03-20T00:31+01:00", "2027-03-31T00:00+02:00", "2027-05-31T00:00+02:00"),
        ("2027-10-24T00:31+02:00", "2027-11-04T00:00+01:00", "2028-01-04T00:00+01:00"),
    ],
)
def test_months_are_calendar_months_and_days_end_at_midnight(
    began: str, daily: str, weekly: str
) -> None:
    only = [taken("only", began)]
    second = timedelta(seconds=1)
    for rule, end in ((RetentionRule.DAILY, daily), (RetentionRule.WEEKLY, weekly)):
        until = datetime.fromisoformat(end)
        verdict = verdicts(only, until - second)["only"]
        assert (verdict.keep, verdict.rule, verdict.until) == (True, rule, until)
    assert not verdicts(only, datetime.fromisoformat(weekly))["only"].keep


def test_weeks_are_told_in_the_zone_of_the_platform() -> None:
    """Monday, half past midnight in Paris, is Sunday in UTC: another week."""
    monday_night = taken("monday", "2027-05-03T00:30+02:00")
    sunday_night = taken("sunday", "2027-05-02T00:30+02:00")
    at = datetime(2027, 6, 1, tzinfo=UTC)
    assert kept([monday_night, sunday_night], at) == {"monday", "sunday"}


def test_week_53_is_one_week_over_new_year() -> None:
    backups = nightly(date(2026, 12, 28), 7)
    assert kept(backups, datetime(2027, 2, 1, tzinfo=UTC)) == {"2027-01-03"}


def test_of_two_backups_in_one_night_none_is_lost_while_dailies_are_owed() -> None:
    """The clock struck two twice, and so did the schedule."""
    twice = [taken("first", "2027-10-31T02:30+02:00"), taken("second", "2027-10-31T02:30+01:00")]
    assert kept(twice, datetime(2027, 11, 9, tzinfo=UTC)) == {"first", "second"}
    assert kept(twice, datetime(2027, 11, 20, tzinfo=UTC)) == {"second"}


def test_hours_in_the_terms_are_elapsed_hours() -> None:
    only = [taken("only", "2027-03-27T10:00+01:00")]
    terms = Terms("PT48H", "PT24H")
    assert verdicts(only, SPRING, terms)["only"].until == datetime(2027, 3, 29, 9, tzinfo=UTC)
    assert kept(only, datetime(2027, 3, 30, 8, 59, tzinfo=UTC), terms) == {"only"}
    assert not kept(only, datetime(2027, 3, 30, 9, tzinfo=UTC), terms)


Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> Command:
    def run(snapshots: str, terms: str, *options: str) -> tuple[int, str, str]:
        (tmp_path / "snapshots.json").write_text(snapshots)
        (tmp_path / "terms.yaml").write_text(terms)
        files = ("--snapshots", f"{tmp_path}/snapshots.json", "--terms", f"{tmp_path}/terms.yaml")
        status = main(["retention", "plan", *files, *options])
        out, err = capfdbinary.readouterr()
        return status, out.decode(), err.decode()

    return run


TERMS = "backup: {daily: P10D, weekly: P2M}\n"


def listing(backups: Iterable[Taken]) -> str:
    return json.dumps(
        [
            {"id": e.name, "time": e.at.isoformat(), "group": e.series, "protected": e.held}
            for e in backups
        ]
    )


def test_the_command_explains_each_snapshot_in_order_of_time(command: Command) -> None:
    backups = [
        taken("young", "2027-05-30T00:31+02:00"),
        taken("held", "2026-01-01T00:31+01:00", "final", held=True),
        taken("old", "2026-01-02T00:31+01:00"),
        taken("sunday", "2027-05-02T00:31+02:00"),
        taken("saturday", "2027-05-01T00:31+02:00"),
        taken("asked", "2027-05-01T09:00+02:00", "ondemand"),
    ]
    status, out, _ = command(listing(backups), TERMS, "--at", "2027-06-01T08:00:00Z", "-o", "json")
    assert status == 0
    assert json.loads(out) == [
        {"id": "held", "keep": True, "rule": "protected", "until": None},
        {"id": "old", "keep": False, "rule": "expired", "until": "2026-03-12T23:00:00Z"},
        {"id": "saturday", "keep": False, "rule": "superseded", "until": "2027-05-11T22:00:00Z"},
        {"id": "asked", "keep": True, "rule": "weekly", "until": "2027-07-11T22:00:00Z"},
        {"id": "sunday", "keep": True, "rule": "weekly", "until": "2027-07-12T22:00:00Z"},
        {"id": "young", "keep": True, "rule": "daily", "until": "2027-06-09T22:00:00Z"},
    ]
    status, out, _ = command(listing(backups), TERMS, "--at", "2027-06-01")
    assert status == 0
    assert out.splitlines()[1].split()[0] == "held"
    assert "remove" in out


@pytest.mark.parametrize(
    ("snapshots", "terms", "options", "said"),
    [
        ("[", TERMS, (), "snapshots.json"),
        ('[{"id": "a", "time": "2027-06-01"}]', TERMS, (), "[0].time"),
        ('[{"id": "a", "time": "2027-06-01T00:00:00"}]', TERMS, (), "with its zone"),
        (
            '[{"id": "a", "time": "2027-06-01T00:00:00Z", "group": "daily"}]',
            TERMS,
            (),
            "[0].group",
        ),
        (
            listing(2 * [taken("a", "2027-06-01T00:31+02:00")]),
            TERMS,
            (),
            "twice",
        ),
        ("[]", "backup: {daily: P10D}", (), "expected both terms"),
        ("[]", "backup: {daily: ten, weekly: P2M}", (), "backup.daily: expected a duration"),
        ("[]", TERMS, ("--time-zone", "Mars/Olympus"), "no zone Mars/Olympus"),
    ],
)
def test_the_command_says_what_it_cannot_use(
    command: Command, snapshots: str, terms: str, options: tuple[str, ...], said: str
) -> None:
    status, out, err = command(snapshots, terms, *options)
    assert (status, out) == (2, "")
    assert said in err
