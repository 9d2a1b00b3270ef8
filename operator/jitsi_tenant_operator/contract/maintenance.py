"""Planned maintenance (clause 8.1): notified far enough ahead, except in an emergency.

A window whose notice was not sent in time is refused for the tenant; the notice is what it needs,
so it is due from the day on which the window is declared.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from jitsi_tenant_operator.api.notice import NoticeKind
from jitsi_tenant_operator.contract import words
from jitsi_tenant_operator.contract.case import Case
from jitsi_tenant_operator.contract.decision import (
    Action,
    ActionKind,
    Deadline,
    Window,
    WindowState,
)
from jitsi_tenant_operator.contract.facts import Maintenance
from jitsi_tenant_operator.contract.terms import TermSource

_TOLD = (WindowState.PENDING, WindowState.PLANNED, WindowState.RUNNING)


def windows(case: Case) -> tuple[Window, ...]:
    """How each window stands."""
    return tuple(_window(case, window) for window in case.facts.maintenances)


def key(window: Maintenance) -> str:
    """The key of a window's notice: a window that is moved is notified again."""
    return (
        f"Notice/{NoticeKind.MAINTENANCE}/{window.name}"
        f"/{window.start.isoformat()}/{window.end.isoformat()}"
    )


def _window(case: Case, window: Maintenance) -> Window:
    latest = _latest_notice(case, window)
    state, why = _state(case, window, latest)
    return Window(window.name, state, latest, why, _sent(case, window))


def _latest_notice(case: Case, window: Maintenance) -> datetime:
    figure = case.figure("maintenance.notice")
    if window.emergency or figure is None:
        return window.start
    return case.calendar.before(window.start, figure.value)


def _state(case: Case, window: Maintenance, latest: datetime) -> tuple[WindowState, str]:
    begun, over = case.moment.reached(window.start), case.moment.reached(window.end)
    if over:
        return WindowState.OVER, "it is over"
    if window.emergency:
        state = WindowState.RUNNING if begun else WindowState.PLANNED
        return state, f"an emergency: {window.reason}"
    sent = _sent(case, window)
    if sent is not None and sent <= latest:
        state = WindowState.RUNNING if begun else WindowState.PLANNED
        return state, f"notified on {words.instant(sent, case.calendar)}"
    limit = f"by {words.instant(latest, case.calendar)}"
    if sent is not None or case.moment.reached(latest):
        return WindowState.REFUSED, f"it was not notified {limit}: move it, or declare an emergency"
    return WindowState.PENDING, f"it must be notified {limit}"


def _sent(case: Case, window: Maintenance) -> datetime | None:
    sent = [
        notice.sent
        for notice in case.facts.notices
        if notice.key == key(window) and notice.sent is not None
    ]
    return min(sent, default=None)


def deadlines(case: Case, found: tuple[Window, ...]) -> Iterator[Deadline]:
    """Latest notice, start and end of the windows that are not refused and not over."""
    source = _source(case)
    windows_by_name = {window.name: window for window in case.facts.maintenances}
    for window in found:
        if window.state in (WindowState.REFUSED, WindowState.OVER):
            continue
        fact = windows_by_name[window.name]
        if not fact.emergency:
            rule = f"maintenance from {words.instant(fact.start, case.calendar)} is notified ahead"
            yield case.deadline(
                "MaintenanceNotice", window.latest_notice, rule, source, window.name
            )
        yield case.beginning("MaintenanceStart", fact.start, window.why, source, window.name)
        yield case.deadline("MaintenanceEnd", fact.end, window.why, source, window.name)


def notify(case: Case, found: tuple[Window, ...]) -> Iterator[Action]:
    """The notices of the windows that count, or still can."""
    states = {window.name: window.state for window in found}
    for window in case.facts.maintenances:
        if states.get(window.name) in _TOLD:
            yield Action(
                ActionKind.NOTIFY,
                key(window),
                window.declared,
                f"maintenance from {words.instant(window.start, case.calendar)}",
                _source(case),
                notice=NoticeKind.MAINTENANCE,
                subject=window.name,
            )


def _source(case: Case) -> TermSource:
    return case.terms.sources.get("maintenance.notice") or case.commercial
