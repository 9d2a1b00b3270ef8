"""A decision and a calendar in words, for people who answer for a contract."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import groupby

from jitsi_tenant_operator.api.plan import Feature
from jitsi_tenant_operator.contract import words
from jitsi_tenant_operator.contract.decision import (
    Action,
    ActionKind,
    Deadline,
    Decision,
    Recording,
    Service,
    Wait,
)
from jitsi_tenant_operator.contract.outlook import Step
from jitsi_tenant_operator.contract.terms import TermSource
from jitsi_tenant_operator.offline import Agreement

_WIDTH = 96

TITLES = {
    "BackupsExpiry": "The last backup has expired",
    "ConfidentialityEnd": "Confidentiality ends",
    "ContractEnd": "The contract ends",
    "ContractStart": "The contract begins",
    "DataRetrieval": "Last day to retrieve the data",
    "EndAhead": "Reminder that the contract ends",
    "ErasureDue": "Latest erasure of production data",
    "HoldReview": "Review of a legal hold",
    "LatePaymentNotice": "Notice of late payment",
    "LatePaymentSuspension": "Suspension for late payment",
    "LogsExpiry": "The last technical logs expire",
    "MaintenanceEnd": "Maintenance ends",
    "MaintenanceNotice": "Latest notice of maintenance",
    "MaintenanceStart": "Maintenance begins",
    "NonRenewal": "Last day to decline the renewal",
    "RecordingSuspensionEnd": "The suspension of recording ends",
    "Remedy": "Last day to remedy the breach",
    "Renewal": "The contract is renewed",
    "RenewalAhead": "Reminder that the contract is renewed",
    "SuspensionEnd": "The suspension ends",
}
"""What each deadline is called; reminders by their name without the duration."""

_WAITS = {
    Wait.RESTITUTION: "the return of the data, or the end of the time for it",
    Wait.CONFIRMATION: "the confirmation in spec.termination.erasure",
    Wait.HOLD: "the release of every hold",
    Wait.RETENTION: "the end of the retention",
}

_DONE = {
    ActionKind.NOTIFY: "Notice to the client",
    ActionKind.EXPORT: "The client's data is exported for its return",
    ActionKind.ERASE: "Production data is erased",
    ActionKind.EXPIRE_BACKUPS: "The expiry of all backups is verified",
    ActionKind.CERTIFY: "Certificate of erasure",
    ActionKind.CLOSE: "The file is closed",
}


def decision(agreement: Agreement, at: datetime, found: Decision) -> str:
    """How a contract stands, with every deadline and everything that is due."""
    lines = [*_head(agreement), "", *_table(_standing(agreement, at, found)), "", "Deadlines"]
    for deadline in found.deadlines:
        lines += _deadline(agreement, deadline)
    if not found.deadlines:
        lines.append("  none: the contract is not signed, so no date can be told")
    if found.actions:
        lines += ["", "Due now"]
        for action in found.actions:
            lines += [f"  {_action(action)}", *_details(action.why, action.source)]
    lines += _contradictions(found)
    return "\n".join(lines) + "\n"


def calendar(agreement: Agreement, steps: Sequence[Step], until: date) -> str:
    """What happens when, a day at a time, from the first of `steps` to the end of `until`."""
    start = words.instant(steps[0].at, agreement.calendar)
    lines = [
        *_head(agreement),
        f"from {start} to {words.day(until)},",
        "if each action is carried out when it is due and nothing else is recorded",
    ]
    rows = [row for step in steps for row in _rows(agreement, step)]
    for day, group in groupby(rows, key=lambda row: row[0]):
        lines += ["", words.day(day)]
        for _, clock, text, details in group:
            lines += [f"  {clock}  {text}", *details]
    if not rows:
        lines += ["", "Nothing changes."]
    last = steps[-1].after
    lines += _contradictions(last)
    return "\n".join(lines) + "\n"


def _head(agreement: Agreement) -> list[str]:
    contract = agreement.tenant.spec.contract
    return [
        str(agreement.tenant.ref),
        f"{contract.reference}, {contract.client.legal_name}",
    ]


def _standing(agreement: Agreement, at: datetime, found: Decision) -> list[tuple[str, str]]:
    zone = agreement.calendar.zone.key
    end = "none is known"
    if found.end is not None:
        end = f"{words.over(found.end.at, agreement.calendar)}: {found.end.rule}"
    ahead = "nothing changes any more"
    if found.next is not None:
        ahead = words.instant(found.next, agreement.calendar)
    return [
        ("At", f"{words.instant(at, agreement.calendar)} ({zone})"),
        ("Phase", found.phase),
        ("Contract", found.contract),
        ("Service", _axis(agreement, found.service)),
        ("Recording", _recording(agreement, found.recording)),
        ("Data", _data(found)),
        ("End", end),
        ("Next change", ahead),
    ]


def _axis(agreement: Agreement, found: Service | Recording) -> str:
    text = str(found.state)
    if found.reasons:
        text += f" for {', '.join(found.reasons)}"
    if found.until is not None:
        text += f" until {words.instant(found.until, agreement.calendar)}"
    return text if found.source is None else f"{text} ({_source(found.source)})"


def _recording(agreement: Agreement, found: Recording) -> str:
    if Feature.RECORDING not in agreement.tenant.spec.contract.options:
        return f"{found.state}, not subscribed to in {agreement.tenant.spec.contract.reference}"
    return _axis(agreement, found)


def _data(found: Decision) -> str:
    waits = "; ".join(_WAITS[wait] for wait in found.data.waits)
    held = f" ({', '.join(found.data.held_by)})" if found.data.held_by else ""
    return f"{found.data.state}, waits for {waits}{held}" if waits else found.data.state


def _table(rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    width = max(len(name) for name, _ in rows) + 2
    for name, value in rows:
        yield from textwrap.wrap(
            value, _WIDTH, initial_indent=name.ljust(width), subsequent_indent=" " * width
        )


def _deadline(agreement: Agreement, deadline: Deadline) -> list[str]:
    when = _when(agreement, deadline.at, begins=deadline.begins)
    passed = " (passed)" if deadline.passed else ""
    lines = [f"  {when}: {_title(deadline)}{passed}"]
    if deadline.extended:
        plain = _when(agreement, deadline.plain, begins=deadline.begins)
        lines.append(f"      not worked on {plain}; moved to the next working day")
    return [*lines, *_details(deadline.rule, deadline.source)]


def _when(agreement: Agreement, at: datetime, *, begins: bool) -> str:
    day, clock = _clock(agreement, at, begins=begins)
    if clock == "24:00":
        return f"{words.day(day)}, end of the day"
    return words.day(day) if clock == "00:00" else words.instant(at, agreement.calendar)


def _title(deadline: Deadline) -> str:
    name = deadline.name.partition("AheadP")
    title = TITLES[f"{name[0]}Ahead" if name[1] else deadline.name]
    return f"{title} ({deadline.subject})" if deadline.subject else title


def _action(action: Action) -> str:
    if action.notice is None:
        return _DONE[action.kind]
    subject = f" ({action.subject})" if action.subject else ""
    return f"{_DONE[action.kind]}: {action.notice}{subject}"


def _details(rule: str, source: TermSource) -> list[str]:
    indent = " " * 6
    return [
        *textwrap.wrap(rule, _WIDTH, initial_indent=indent, subsequent_indent=indent),
        f"{indent}{_source(source)}",
    ]


def _source(source: TermSource) -> str:
    return f"clause {source.clause} of {source.document}" if source.clause else source.document


_Row = tuple[date, str, str, list[str]]


def _rows(agreement: Agreement, step: Step) -> Iterator[_Row]:
    notified = {action.due for action in step.done if action.kind is ActionKind.NOTIFY}
    for deadline in step.reached:
        if deadline.begins and deadline.at in notified:
            continue
        day, clock = _clock(agreement, step.at, begins=deadline.begins)
        yield day, clock, _title(deadline), _details(deadline.rule, deadline.source)
    day, clock = _clock(agreement, step.at, begins=True)
    before, after = step.before, step.after
    if before.end != after.end and after.end is not None:
        text = f"From now on the contract ends on {words.day(after.end.day)}"
        yield day, clock, text, _details(after.end.rule, after.end.source)
    for name, old, new in (
        ("Contract", before.contract, after.contract),
        ("Service", _axis(agreement, before.service), _axis(agreement, after.service)),
        (
            "Recording",
            _recording(agreement, before.recording),
            _recording(agreement, after.recording),
        ),
        ("Data", before.data.state, after.data.state),
    ):
        if old != new:
            yield day, clock, f"{name}: {old} becomes {new}", []
    for action in step.done:
        if action.kind is not ActionKind.RECORD:
            yield day, clock, _action(action), _details(action.why, action.source)


def _clock(agreement: Agreement, at: datetime, *, begins: bool) -> tuple[date, str]:
    """Day and time of day; what ends with a day ends at 24:00 of it."""
    local = at.astimezone(agreement.calendar.zone)
    if local.time() == time() and not begins:
        return local.date() - timedelta(days=1), "24:00"
    return local.date(), f"{local:%H:%M}"


def _contradictions(found: Decision) -> list[str]:
    if not found.contradictions:
        return []
    lines = ["", "Contradictions, which have no effect"]
    for each in found.contradictions:
        lines += textwrap.wrap(str(each), _WIDTH, initial_indent="  ", subsequent_indent=" " * 6)
    return lines
