"""Which maintenance windows can be relied on."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from jitsi_tenant_operator.contract.case import Case
from jitsi_tenant_operator.contract.facts import Maintenance
from jitsi_tenant_operator.contract.moment import SKEW


def windows(case: Case) -> tuple[Maintenance, ...]:
    """The windows that have a beginning and an end, and no other planned window in them."""
    return _without_overlaps(case, [_reasoned(case, window) for window in _whole(case)])


def _whole(case: Case) -> list[Maintenance]:
    by_name: dict[str, set[Maintenance]] = defaultdict(set)
    for window in case.facts.maintenances:
        by_name[window.name].add(window)
    kept = []
    for name in sorted(by_name):
        same = by_name[name]
        window = next(iter(same))
        if len(same) > 1:
            case.doubt(
                f"maintenance {name}",
                f"it is declared in {len(same)} versions",
                "keep the true one",
            )
        elif window.end <= window.start:
            case.doubt(f"maintenance {name}", "it ends before it begins", "correct start or end")
        elif not case.moment.reached(window.declared - SKEW):
            case.doubt(
                f"maintenance {name}", "it was declared in the future", "correct the instant"
            )
        else:
            kept.append(window)
    return kept


def _reasoned(case: Case, window: Maintenance) -> Maintenance:
    if not window.emergency or window.reason.strip():
        return window
    case.doubt(
        f"maintenance {window.name}",
        "an emergency without a reason counts as planned",
        "say what the emergency is",
    )
    return replace(window, emergency=False)


def _without_overlaps(case: Case, found: list[Maintenance]) -> tuple[Maintenance, ...]:
    """The window declared first stands; an emergency stands whatever is planned."""
    kept: list[Maintenance] = []
    for window in sorted(found, key=lambda window: (window.declared, window.name)):
        other = next((other for other in kept if _overlap(window, other)), None)
        if other is None:
            kept.append(window)
        elif not case.moment.reached(window.end):
            case.doubt(
                f"maintenance {window.name}",
                f"it overlaps the window {other.name}, which was declared before",
                "move one of them, or make them one",
            )
    return tuple(sorted(kept, key=lambda window: window.name))


def _overlap(one: Maintenance, other: Maintenance) -> bool:
    planned = not one.emergency and not other.emergency
    return planned and one.start < other.end and other.start < one.end
