"""Dates: months, days to their end, hours that pass, working days, the year's odd days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitsi_tenant_operator.contract.calendar import Calendar, Span

At = Callable[[str], datetime]
DAYS = st.dates(date(2020, 1, 1), date(2099, 12, 31))
INSTANTS = st.datetimes(
    datetime(2020, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(2099, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)
IN_DAYS = st.sampled_from(
    ["P1D", "P10D", "P30D", "P1W", "P1M", "P2M", "P6M", "P1Y", "P1Y6M", "P5Y"]
)
IN_HOURS = st.sampled_from(["PT1H", "PT48H", "PT72H", "PT90M"])


@pytest.mark.parametrize(
    ("day", "duration", "expected"),
    [
        ("2026-08-31", "P6M", "2027-02-28"),
        ("2027-08-31", "P6M", "2028-02-29"),
        ("2028-02-29", "P1Y", "2029-02-28"),
        ("2028-02-29", "P4Y", "2032-02-29"),
        ("2027-01-31", "P1M", "2027-02-28"),
        ("2027-01-31", "P2M", "2027-03-31"),
        ("2026-12-28", "P1W", "2027-01-04"),
    ],
)
def test_months_keep_the_day_or_take_the_last(
    paris: Calendar, at: At, day: str, duration: str, expected: str
) -> None:
    assert paris.plus(date.fromisoformat(day), duration) == date.fromisoformat(expected)
    due = paris.due(at(f"{day} 14:30"), duration, extend=False)
    assert due.at == due.plain == at(f"{expected} 24:00")


@pytest.mark.parametrize(
    ("first", "term", "last"),
    [
        ("2026-06-01", "P12M", "2027-05-31"),
        ("2026-06-01", "P30D", "2026-06-30"),
        ("2028-02-29", "P12M", "2029-02-28"),
        ("2028-02-29", "P4Y", "2032-02-28"),
        ("2026-08-31", "P6M", "2027-02-28"),
        ("2026-08-31", "P1M15D", "2026-10-15"),
        ("2027-01-01", "P1M", "2027-01-31"),
    ],
)
def test_13_1_a_term_ends_the_day_before_the_same_day_or_with_the_month(
    paris: Calendar, first: str, term: str, last: str
) -> None:
    assert paris.last_day(date.fromisoformat(first), term) == date.fromisoformat(last)


def test_13_1_renewals_do_not_wander_through_the_month(paris: Calendar) -> None:
    lasts = [paris.last_day(date(2027, 1, 31), "P1M", "P1M", number) for number in range(4)]
    assert lasts == [date(2027, 2, 28), date(2027, 3, 30), date(2027, 4, 30), date(2027, 5, 30)]


@given(first=DAYS, term=IN_DAYS, period=IN_DAYS, number=st.integers(0, 40))
def test_13_1_each_renewal_ends_later_than_the_one_before(
    paris: Calendar, first: date, term: str, period: str, number: int
) -> None:
    one, next_one = (paris.last_day(first, term, period, n) for n in (number, number + 1))
    assert one < next_one


def test_hours_pass_as_hours_when_the_clocks_change(paris: Calendar, at: At) -> None:
    spring = paris.due(at("2027-03-27 10:00"), "PT48H", extend=True)
    assert spring.at == at("2027-03-29 11:00")
    autumn = paris.due(at("2027-10-30 10:00"), "PT48H", extend=True)
    assert autumn.at == at("2027-11-01 09:00")
    assert paris.before(at("2027-03-29 11:00"), "PT48H") == at("2027-03-27 10:00")


def test_days_run_to_their_end_when_the_clocks_change(paris: Calendar, at: At) -> None:
    short = paris.due(at("2027-03-27 10:00"), "P1D", extend=False)
    assert short.at == datetime(2027, 3, 28, 22, tzinfo=UTC)
    long = paris.due(at("2027-10-30 10:00"), "P1D", extend=False)
    assert long.at == datetime(2027, 10, 31, 23, tzinfo=UTC)
    assert paris.end_of(date(2027, 3, 28)) - paris.start_of(date(2027, 3, 28)) == timedelta(
        hours=23
    )
    assert paris.end_of(date(2027, 10, 31)) - paris.start_of(date(2027, 10, 31)) == timedelta(
        hours=25
    )


def test_a_day_has_its_end_also_in_week_53(paris: Calendar, at: At) -> None:
    assert date(2026, 12, 28).isocalendar()[:2] == date(2027, 1, 3).isocalendar()[:2] == (2026, 53)
    assert paris.due(at("2026-12-24 09:00"), "P10D", extend=False).at == at("2027-01-03 24:00")
    assert paris.due(at("2026-12-24 09:00"), "P10D", extend=True).at == at("2027-01-04 24:00")


def easter(year: int) -> date:
    """Easter Sunday after Gauss, in the form of Butcher and Meeus."""
    a, b, c = year % 19, year // 100, year % 100
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    w = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    m = (a + 11 * h + 22 * w) // 451
    month, day = divmod(h + w - 7 * m + 114, 31)
    return date(year, month, day + 1)


def public_holidays(year: int) -> set[date]:
    """Those of metropolitan France: article L3133-1 of the labour code."""
    fixed = [(1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)]
    sunday = easter(year)
    return {date(year, *day) for day in fixed} | {
        sunday + timedelta(days=days) for days in (1, 39, 50)
    }


@pytest.mark.parametrize("year", [2026, 2027, 2028, 2038, 2050, 2099])
def test_1_working_days_are_monday_to_friday_but_for_public_holidays(
    paris: Calendar, year: int
) -> None:
    holidays, day = public_holidays(year), date(year, 1, 1)
    while day.year == year:
        assert paris.is_working_day(day) == (day.isoweekday() <= 5 and day not in holidays), day
        day += timedelta(days=1)


def test_1_easter_is_known_by_other_means() -> None:
    assert [easter(year) for year in (2026, 2027, 2028)] == [
        date(2026, 4, 5),
        date(2027, 3, 28),
        date(2028, 4, 16),
    ]


@pytest.mark.parametrize(
    ("clock", "worked"),
    [("08:59", False), ("09:00", True), ("17:59", True), ("18:00", False)],
)
def test_1_working_hours_are_nine_to_six(paris: Calendar, at: At, clock: str, worked: bool) -> None:
    assert paris.is_working_time(at(f"2026-11-23 {clock}")) == worked
    assert not paris.is_working_time(at(f"2026-11-22 {clock}"))
    assert not paris.is_working_time(at(f"2026-11-11 {clock}"))


@pytest.mark.parametrize(
    ("start", "hours", "expected"),
    [
        ("2026-11-23 10:00", 4, "2026-11-23 14:00"),
        ("2026-11-23 16:00", 4, "2026-11-24 11:00"),
        ("2026-11-20 17:00", 4, "2026-11-23 12:00"),
        ("2026-11-10 16:00", 4, "2026-11-12 11:00"),
        ("2026-11-22 03:00", 1, "2026-11-23 10:00"),
        ("2026-11-23 09:00", 9, "2026-11-23 18:00"),
        ("2027-03-26 17:00", 2, "2027-03-30 10:00"),
    ],
)
def test_8_2_response_times_count_working_hours_only(
    paris: Calendar, at: At, start: str, hours: int, expected: str
) -> None:
    assert paris.add_working_time(at(start), timedelta(hours=hours)) == at(expected)


def test_a_deadline_moves_over_weekend_and_holiday_and_shows_both(paris: Calendar, at: At) -> None:
    due = paris.due(at("2026-10-16 08:00"), "P15D", extend=True)  # a Saturday, then All Saints
    assert (due.plain, due.at) == (at("2026-10-31 24:00"), at("2026-11-02 24:00"))
    assert due.extended
    assert not paris.due(at("2026-10-16 08:00"), "P17D", extend=True).extended


@given(one=INSTANTS, other=INSTANTS, duration=IN_DAYS | IN_HOURS, extend=st.booleans())
def test_a_later_event_has_no_earlier_deadline(
    paris: Calendar, one: datetime, other: datetime, duration: str, extend: bool
) -> None:
    first, second = sorted((one, other))
    due, later = (paris.due(event, duration, extend=extend) for event in (first, second))
    assert due.at <= later.at
    assert first < due.plain <= due.at


@given(event=INSTANTS, duration=IN_DAYS)
def test_an_extended_deadline_ends_with_the_first_working_day(
    paris: Calendar, event: datetime, duration: str
) -> None:
    due = paris.due(event, duration, extend=True)
    day = paris.day_of(due.plain - timedelta(seconds=1))
    skipped = 0
    while day.isoweekday() > 5 or day in public_holidays(day.year):
        day, skipped = day + timedelta(days=1), skipped + 1
    assert due.at == paris.end_of(day)
    assert due.extended == bool(skipped)


@given(event=INSTANTS, duration=IN_HOURS)
def test_hours_end_to_the_second_on_any_day(
    paris: Calendar, event: datetime, duration: str
) -> None:
    due = paris.due(event, duration, extend=True)
    assert due.at - event == Span.parse(duration).elapsed


@given(at_=INSTANTS, duration=IN_DAYS)
def test_before_leaves_whole_days(paris: Calendar, at_: datetime, duration: str) -> None:
    latest = paris.before(at_, duration)
    assert paris.start_of(paris.day_of(latest)) == latest
    assert paris.plus(paris.day_before(latest), duration) <= paris.day_before(at_)


@pytest.mark.parametrize(
    ("start", "notice", "latest"),
    [
        ("2027-03-10 22:00", "P5D", "2027-03-05 00:00"),
        ("2027-03-10 00:00", "P5D", "2027-03-04 24:00"),
        ("2027-03-10 22:00", "PT48H", "2027-03-08 22:00"),
    ],
)
def test_8_1_days_ahead_are_whole_days(
    paris: Calendar, at: At, start: str, notice: str, latest: str
) -> None:
    assert paris.before(at(start), notice) == at(latest)


def test_6_3_a_backup_is_kept_as_a_daily_and_then_as_a_weekly(paris: Calendar, at: At) -> None:
    assert paris.kept_until(at("2027-01-01 01:15"), "P10D", "P2M") == at("2027-03-11 24:00")
    assert paris.kept_until(date(2027, 1, 1), "P10D", "P2M") == at("2027-03-11 24:00")
    assert paris.kept_until(at("2027-03-27 10:00"), "PT48H", "PT1H") == at("2027-03-29 12:00")


@pytest.mark.parametrize("text", ["P", "PT", "12M", "P1H", "PT1D", "-P1D", "P1.5D", ""])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        Span.parse(text)


@given(day=DAYS)
def test_a_day_begins_where_the_one_before_ends(paris: Calendar, day: date) -> None:
    assert paris.end_of(day) == paris.start_of(day + timedelta(days=1))
    assert paris.day_of(paris.start_of(day)) == day
    assert paris.day_before(paris.end_of(day)) == day
