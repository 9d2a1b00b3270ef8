"""The ledger: entries that are only ever added, each holding the digest of the one before.

Pure. What happened is found by comparing what is recorded with what is there, so that an entry
that a crash kept from being written is written by the next run, and none is written twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

import orjson

from jitsi_tenant_operator.api.contract import Party
from jitsi_tenant_operator.api.notice import Channel
from jitsi_tenant_operator.api.record import RecordedNotice, RecordEntry, RecordEvent
from jitsi_tenant_operator.contract.decision import Action
from jitsi_tenant_operator.contract.facts import Axis, Entry, Hold, Ledger, Notice, Order
from jitsi_tenant_operator.contract.terms import TermSource

BEFORE_THE_FIRST = "0" * 64
"""What the first entry holds in place of a digest."""
OPERATOR = "jitsi-tenant-operator"
_SENT, _RECEIVED, _REMEDIED = "Sent", "Received", "Remedied"
_OF_NOTICES = (RecordEvent.NOTICE, RecordEvent.RECEIPT, RecordEvent.REMEDY)


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that belongs into the ledger: an entry without its place in the chain."""

    event: RecordEvent
    subject: str
    value: str
    key: str
    why: str
    by: str = OPERATOR
    reasons: tuple[str, ...] = ()
    source: TermSource | None = None
    happened: datetime | None = None
    notice: RecordedNotice | None = None


def appended(
    entries: Sequence[RecordEntry], happenings: Iterable[Happening], at: datetime
) -> tuple[RecordEntry, ...]:
    """The entries to add after `entries` at an instant (aware), without those that are there."""
    known = {entry.key for entry in entries}
    last = entries[-1] if entries else None
    return chained(
        last.number if last is not None else 0,
        last.digest if last is not None else BEFORE_THE_FIRST,
        (each for each in happenings if each.key not in known),
        at,
    )


def chained(
    number: int, previous: str, happenings: Iterable[Happening], at: datetime
) -> tuple[RecordEntry, ...]:
    """`happenings` as entries after the entry with this number and digest."""
    found = []
    for happening in happenings:
        number += 1
        entry = _entry(happening, number, previous, at)
        found.append(entry)
        previous = entry.digest
    return tuple(found)


def _entry(happening: Happening, number: int, previous: str, at: datetime) -> RecordEntry:
    source = happening.source
    entry = RecordEntry(
        number=number,
        at=at.astimezone(UTC),
        event=happening.event,
        subject=happening.subject[:253],
        value=happening.value[:64],
        reasons=happening.reasons,
        key=happening.key[:512],
        by=happening.by[:128],
        why=happening.why[:1024],
        happened_at=happening.happened.astimezone(UTC) if happening.happened is not None else None,
        notice=happening.notice,
        clause=source.clause if source is not None else None,
        document=source.document[:253] if source is not None else None,
        previous=previous,
        digest=BEFORE_THE_FIRST,
    )
    return entry.model_copy(update={"digest": digest(entry)})


def digest(entry: RecordEntry) -> str:
    """The SHA-256 of an entry without its own digest, as JSON with sorted keys and no blanks."""
    content = entry.to_json()
    del content["digest"]
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def first_broken(entries: Sequence[RecordEntry]) -> int | None:
    """The place of the first entry that is not as it was written; None when all are."""
    expected = BEFORE_THE_FIRST
    for number, entry in enumerate(entries, start=1):
        if entry.number != number or entry.previous != expected or digest(entry) != entry.digest:
            return number
        expected = entry.digest
    return None


def ledger_of(entries: Sequence[RecordEntry]) -> Ledger | None:
    """What the decision is told of the ledger; None while it is empty."""
    if not entries:
        return None
    axes = {axis: _last(entries, axis) for axis in Axis}
    return Ledger(
        latest=entries[-1].at,
        contract=axes[Axis.CONTRACT],
        service=axes[Axis.SERVICE],
        recording=axes[Axis.RECORDING],
        data=axes[Axis.DATA],
        done=frozenset(entry.key for entry in entries),
        notices=tuple(_notices(entries)),
        orders=tuple(_orders(entries)),
    )


def _notices(entries: Sequence[RecordEntry]) -> Iterator[Notice]:
    """The notices of which the ledger tells, as it has them."""
    told = {entry.key: entry.happened_at for entry in entries if entry.event in _OF_NOTICES}
    for entry in entries:
        was = entry.notice
        if was is None or entry.happened_at is None:
            continue
        received = told.get(f"{entry.key}/{_RECEIVED}")
        by_post = was.channel is Channel.REGISTERED_LETTER
        yield Notice(
            key=entry.key,
            kind=was.about,
            created=entry.happened_at,
            by=was.by,
            breach=was.breach,
            channel=was.channel,
            sent=told.get(f"{entry.key}/{_SENT}"),
            delivered=received if by_post else None,
            acknowledged=None if by_post else received,
            remedied=told.get(f"{entry.key}/{_REMEDIED}"),
        )


def _orders(entries: Sequence[RecordEntry]) -> Iterator[Order]:
    """The last entry for each thing that people order."""
    last = {entry.subject: entry for entry in entries if entry.event is RecordEvent.OVERRIDE}
    for subject in sorted(last):
        yield Order(subject, last[subject].value, last[subject].why, last[subject].number)


def _last(entries: Sequence[RecordEntry], axis: Axis) -> Entry | None:
    found = [
        entry
        for entry in entries
        if entry.event is RecordEvent.DECISION and entry.subject == axis.value
    ]
    if not found:
        return None
    before = next((earlier.value for earlier, later in pairwise(found) if later is found[-1]), None)
    return Entry(found[-1].value, found[-1].at, found[-1].reasons, before)


def of_action(action: Action, value: str, reasons: tuple[str, ...]) -> Happening:
    """That an axis has another value, as a `Record` action asks for."""
    return Happening(
        RecordEvent.DECISION,
        action.subject,
        value,
        action.key,
        action.why,
        reasons=reasons,
        source=action.source,
    )


def of_clock(ahead: datetime) -> Happening:
    """That the entry before, of an instant far `ahead`, was written by a clock that was wrong."""
    return Happening(
        RecordEvent.DECISION,
        "Clock",
        "SetBack",
        f"Clock/{ahead.isoformat()}",
        f"the entry before is of {ahead.isoformat()}, which lies far ahead; time counts from here",
    )


def of_notices(notices: Iterable[Notice]) -> Iterator[Happening]:
    """That notices were made, sent, received, answered by a remedy, and withdrawn before that."""
    for notice in notices:
        by = OPERATOR if notice.by is Party.HOST else "client"
        kind = f"{notice.kind} by {notice.channel}"
        made = RecordedNotice(
            about=notice.kind, by=notice.by, channel=notice.channel, breach=notice.breach
        )
        yield Happening(
            RecordEvent.NOTICE,
            notice.key,
            "Made",
            notice.key,
            kind,
            by,
            happened=notice.created,
            notice=made,
        )
        for event, value, at in (
            (RecordEvent.NOTICE, _SENT, notice.sent),
            (RecordEvent.RECEIPT, _RECEIVED, notice.received),
            (RecordEvent.REMEDY, _REMEDIED, notice.remedied),
        ):
            if at is not None:
                why = f"{kind}, {value.lower()} at {at.isoformat()}"
                key = f"{notice.key}/{value}"
                yield Happening(event, notice.key, value, key, why, by, happened=at)
        if notice.withdrawn is not None and notice.sent is None:
            at = notice.withdrawn
            why = f"{kind}, not sent, as what it would have told is not so"
            key = f"{notice.key}/Withdrawn/{at.isoformat()}"
            yield Happening(
                RecordEvent.NOTICE, notice.key, "Withdrawn", key, why, OPERATOR, happened=at
            )


def of_logs(number: int, head: str, month: str) -> Happening:
    """How the manifest of technical logs stood when it was looked at first in a month (YYYY-MM)."""
    return Happening(
        RecordEvent.LOGS,
        month,
        str(number),
        f"Logs/{month}",
        f"the manifest of archived logs has {number} entries; the digest of the last is {head}",
    )


def of_holds(holds: Iterable[Hold]) -> Iterator[Happening]:
    """That holds were placed and released."""
    for hold in holds:
        identity = f"Hold/{hold.name}/{hold.placed.isoformat()}"
        scope = ", ".join(sorted(hold.scope)) or "everything"
        yield Happening(
            RecordEvent.HOLD, hold.name, "Placed", identity, f"{scope}: {hold.basis}", "a person"
        )
        if hold.released is not None:
            why = f"{scope}, from {hold.released.isoformat()}"
            key = f"{identity}/Released"
            yield Happening(RecordEvent.RELEASE, hold.name, "Released", key, why, "a person")
