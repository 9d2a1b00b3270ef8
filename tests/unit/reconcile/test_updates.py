"""A meeting is cut only where the tenant, a window or a person says so; all else waits, and says
for what.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitsi_tenant_operator.api.objects import TenantKey
from jitsi_tenant_operator.api.tenant import UpdatePolicy
from jitsi_tenant_operator.contract.decision import Window, WindowState
from jitsi_tenant_operator.contract.facts import Maintenance
from jitsi_tenant_operator.media.meetings import Meetings, Unknown
from jitsi_tenant_operator.reconcile.conditions import Reason
from jitsi_tenant_operator.reconcile.turns import Turns
from jitsi_tenant_operator.reconcile.updates import (
    APPLY_ANNOTATION,
    Question,
    Windows,
    is_told,
    meeting_windows,
    name_of_change,
    waiting,
)

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=8)
IDLE, MET, UNKNOWN = Meetings(0, 0), Meetings(1, 2), Unknown("Jicofo could not be reached")
WHEN_IDLE, IN_WINDOW, AT_ONCE = UpdatePolicy
BOTH = ("Prosody", "Jicofo")


@pytest.mark.parametrize(
    ("policy", "windows", "meetings", "reason"),
    [
        (WHEN_IDLE, Windows(), IDLE, None),
        (WHEN_IDLE, Windows(), MET, Reason.WAITING_FOR_IDLE),
        (WHEN_IDLE, Windows(), UNKNOWN, Reason.MEETINGS_UNKNOWN),
        (WHEN_IDLE, Windows(following=LATER), MET, Reason.WAITING_FOR_IDLE),
        (WHEN_IDLE, Windows(running=True), MET, None),
        (IN_WINDOW, Windows(), None, Reason.WAITING_FOR_WINDOW),
        (IN_WINDOW, Windows(), IDLE, Reason.WAITING_FOR_WINDOW),
        (IN_WINDOW, Windows(following=LATER), None, Reason.WAITING_FOR_WINDOW),
        (IN_WINDOW, Windows(running=True), None, None),
        (AT_ONCE, Windows(), MET, None),
        (AT_ONCE, Windows(), None, None),
    ],
)
def test_what_a_change_waits_for(
    policy: UpdatePolicy,
    windows: Windows,
    meetings: Meetings | Unknown | None,
    reason: Reason | None,
) -> None:
    question = Question(BOTH, policy, windows)
    found = waiting(question, meetings)
    assert (found.reason if found else None) is reason
    assert waiting(replace(question, told=True), meetings) is None
    assert waiting(replace(question, changes=()), meetings) is None
    if found is not None:
        assert "Prosody and Jicofo" in found.message
        assert ("2026-06-01T20:00:00Z" in found.message) is (windows.following is not None)


def test_the_condition_says_why_nothing_is_known() -> None:
    found = waiting(Question(BOTH, WHEN_IDLE), UNKNOWN)
    assert found
    assert "Jicofo could not be reached" in found.message


def test_a_message_does_not_change_with_the_number_of_people() -> None:
    """Else the status would be written at each look."""
    assert waiting(Question(BOTH, WHEN_IDLE), MET) == waiting(
        Question(BOTH, WHEN_IDLE), Meetings(9, 40)
    )


def test_only_the_start_of_a_window_need_not_be_looked_for() -> None:
    in_window = waiting(Question(BOTH, IN_WINDOW), None)
    assert in_window
    assert not in_window.looks_again
    for meetings in (MET, UNKNOWN):
        found = waiting(Question(BOTH, WHEN_IDLE), meetings)
        assert found
        assert found.looks_again


QUESTIONS = st.builds(
    Question,
    st.lists(st.sampled_from(BOTH), unique=True).map(tuple),
    st.sampled_from(UpdatePolicy),
    st.builds(Windows, st.booleans(), st.none() | st.datetimes(timezones=st.just(UTC))),
    st.booleans(),
)
MEETINGS = (
    st.none()
    | st.builds(Unknown, st.text(max_size=20))
    | st.builds(Meetings, st.integers(0, 3), st.integers(0, 3))
)


@given(QUESTIONS, MEETINGS)
def test_no_meeting_is_cut_unless_somebody_said_so(
    question: Question, meetings: Meetings | Unknown | None
) -> None:
    made = waiting(question, meetings) is None
    nobody_meets = isinstance(meetings, Meetings) and not (
        meetings.conferences or meetings.participants
    )
    said = question.policy is AT_ONCE or question.windows.running or question.told
    if question.changes and made:
        assert said or nobody_meets
    if said or not question.changes:
        assert made, "nothing waits in vain"
    if not question.depends_on_meetings:
        assert waiting(question, IDLE) == waiting(question, MET) == waiting(question, UNKNOWN)


TEMPLATES = {"prosody": {"spec": {"image": "a"}}, "jicofo": {"spec": {"image": "b"}}}


@pytest.mark.parametrize(
    ("later", "told"),
    [
        (TEMPLATES, True),
        (dict(reversed(TEMPLATES.items())), True),
        (TEMPLATES | {"prosody": {"spec": {"image": "c"}}}, False),
        (TEMPLATES | {"jicofo": {"spec": {"image": "c"}}}, False),
        ({"prosody": TEMPLATES["prosody"]}, False),
    ],
    ids=["the same", "in another order", "of Prosody", "of Jicofo", "less"],
)
def test_a_person_speaks_of_one_change(later: dict[str, Any], *, told: bool) -> None:
    """Whether it comes from the spec, the platform or a new operator."""
    body: dict[str, Any] = {"metadata": {"generation": 3}}
    assert not is_told(body, name_of_change(TEMPLATES))
    body["metadata"]["annotations"] = {APPLY_ANNOTATION: name_of_change(TEMPLATES)}
    assert is_told(body, name_of_change(later)) is told
    body["metadata"]["annotations"] = {APPLY_ANNOTATION: "3"}
    assert not is_told(body, name_of_change(TEMPLATES)), "a generation is no change"


def windows_of(*known: tuple[WindowState, bool]) -> Windows:
    """What follows of windows, each an hour after the one before: its state, whether it is for
    meetings.
    """
    states, declared = [], []
    for hours, (state, cuts) in enumerate(known):
        start = NOON + timedelta(hours=hours)
        states.append(Window(f"w{hours}", state, NOON, ""))
        declared.append(Maintenance(f"w{hours}", NOON, start, start, interrupts_meetings=cuts))
    return meeting_windows(states, declared)


def test_only_windows_for_meetings_that_were_notified_count() -> None:
    assert windows_of() == Windows()
    assert windows_of((WindowState.RUNNING, True)) == Windows(running=True)
    assert windows_of((WindowState.RUNNING, False)) == Windows()
    for state in (WindowState.PENDING, WindowState.REFUSED, WindowState.OVER):
        assert windows_of((state, True)) == Windows()
    planned = WindowState.PLANNED
    found = windows_of((planned, False), (planned, True), (planned, True))
    assert found == Windows(following=NOON + timedelta(hours=1))


KEYS = [TenantKey(f"tenant-{n}", f"t{n}") for n in range(8)]


def test_only_so_many_tenants_are_interrupted_at_once(clock: Any) -> None:
    turns = Turns(clock, at_once=2, longest=60)
    assert [turns.take(key) for key in KEYS[:3]] == [True, True, False]
    assert turns.take(KEYS[0]), "it is its turn already"
    turns.give_back(KEYS[1])
    turns.give_back(KEYS[5])
    assert turns.take(KEYS[2])
    assert not turns.take(KEYS[3])


async def test_a_change_that_does_not_end_stops_nobody_for_ever(clock: Any) -> None:
    turns = Turns(clock, at_once=1, longest=60)
    assert turns.take(KEYS[0])
    await clock.advance(59)
    assert not turns.take(KEYS[1])
    await clock.advance(1)
    assert turns.take(KEYS[1])


OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["take", "give back", "wait"]), st.sampled_from(KEYS)), max_size=60
)


@given(OPERATIONS)
def test_never_are_there_more(new_clock: Callable[[], Any], operations: list[Any]) -> None:
    clock = new_clock()
    turns = Turns(clock, at_once=3, longest=10)
    since: dict[TenantKey, float] = {}
    for operation, key in operations:
        if operation == "wait":
            clock.seconds += 4
        elif operation == "give back":
            turns.give_back(key)
            since.pop(key, None)
        elif turns.take(key):
            since[key] = clock.seconds
        since = {other: at for other, at in since.items() if clock.seconds - at < 10}
        assert len(since) <= 3
