"""When a change that would cut meetings is made: now, or what it waits for. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

from jitsi_tenant_operator.api.objects import GROUP, JsonObject
from jitsi_tenant_operator.api.tenant import UpdatePolicy
from jitsi_tenant_operator.contract.decision import Window, WindowState
from jitsi_tenant_operator.contract.facts import Maintenance
from jitsi_tenant_operator.media.meetings import Meetings, Unknown
from jitsi_tenant_operator.reconcile.conditions import (
    ConditionType,
    Finding,
    Reason,
    found,
    lacking,
)

APPLY_ANNOTATION = f"{GROUP}/apply-changes"
"""On a tenant: the change of which a person says that it may cut meetings."""


@dataclass(frozen=True, slots=True)
class Windows:
    """The maintenance windows of a tenant in which its meetings may be cut.

    `running` says whether there is one now, `following` when the next one begins that was
    notified in time, if any.
    """

    running: bool = False
    following: datetime | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What would be changed though people may meet on it, and what has been said about that.

    `changes` are the components, in words; `told` that a person wants it now.
    """

    changes: tuple[str, ...]
    policy: UpdatePolicy
    windows: Windows = Windows()
    told: bool = False

    @property
    def allowed(self) -> bool:
        """Whether the change may cut meetings."""
        return self.told or self.windows.running or self.policy is UpdatePolicy.IMMEDIATELY

    @property
    def depends_on_meetings(self) -> bool:
        """Whether the answer depends on who meets."""
        return bool(self.changes) and not self.allowed and self.policy is not _ONLY_IN_WINDOWS


_ONLY_IN_WINDOWS = UpdatePolicy.MAINTENANCE_WINDOW


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why a change is not made yet, and what it waits for."""

    reason: Reason
    message: str

    @property
    def looks_again(self) -> bool:
        """Whether only looking again can tell that the wait is over."""
        return self.reason is not Reason.WAITING_FOR_WINDOW


def waiting(question: Question, meetings: Meetings | Unknown | None) -> Waiting | None:
    """What the changes wait for; None when they are made now.

    `meetings` is None when nobody was asked, which tells as little as an unknown answer.
    """
    if not question.changes or question.allowed:
        return None
    what = " and ".join(question.changes)
    following = question.windows.following
    window = f"the maintenance window that begins at {_instant(following)}" if following else ""
    if question.policy is _ONLY_IN_WINDOWS:
        when = window or "a maintenance window for meetings; none is planned"
        return Waiting(Reason.WAITING_FOR_WINDOW, f"the change of {what} waits for {when}")
    if isinstance(meetings, Meetings) and meetings.idle:
        return None
    alternative = f", or for {window}" if window else ""
    if isinstance(meetings, Meetings):
        return Waiting(
            Reason.WAITING_FOR_IDLE,
            f"the change of {what} waits until nobody meets{alternative}",
        )
    why = meetings.why if meetings is not None else "nobody was asked"
    return Waiting(
        Reason.MEETINGS_UNKNOWN,
        f"the change of {what} waits until it can be told that nobody meets{alternative}: {why}",
    )


def turn_awaited(changes: Sequence[str]) -> Waiting:
    """That changes could be made, but as many of other tenants are being made as may be."""
    return Waiting(
        Reason.WAITING_FOR_TURN,
        f"the change of {' and '.join(changes)} waits for those of other tenants to be done",
    )


def finding(waits: Waiting | None) -> Finding:
    """Whether everything that is wanted runs, as far as it is up to the operator."""
    if waits is None:
        return found(ConditionType.UP_TO_DATE)
    return lacking(ConditionType.UP_TO_DATE, waits.reason, waits.message)


def meeting_windows(decided: Iterable[Window], declared: Iterable[Maintenance]) -> Windows:
    """The windows in which meetings may be cut: `decided` is how each of `declared` stands."""
    starts = {each.name: each.start for each in declared if each.interrupts_meetings}
    relevant = [window for window in decided if window.name in starts]
    return Windows(
        running=any(window.state is WindowState.RUNNING for window in relevant),
        following=min(
            (starts[each.name] for each in relevant if each.state is WindowState.PLANNED),
            default=None,
        ),
    )


def name_of_change(templates: Mapping[str, JsonObject]) -> str:
    """What stands for a change: 16 hexadecimal digits, other ones for any other pod templates.

    `templates` are all that conduct meetings as they are wanted, whether they differ from what
    runs or not: so the name stays until all of it is made.
    """
    content = orjson.dumps(templates, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(content).hexdigest()[:16]


def is_told(body: JsonObject, change: str) -> bool:
    """Whether a person has said that this very change be made at once."""
    annotations: Mapping[str, str] = body["metadata"].get("annotations") or {}
    return annotations.get(APPLY_ANNOTATION) == change


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
