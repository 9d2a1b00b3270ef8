"""The command `contract`: the decision on each tenant, or its calendar ahead.

For a person, dates are in words of the platform's zone; for a program, all of it is JSON. Files
hold what people know of a contract, and notices, holds, windows and the ledger as they are in a
cluster.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

from jitsi_tenant_operator import contract_json, contract_text
from jitsi_tenant_operator.contract.decide import decide
from jitsi_tenant_operator.contract.decision import Decision
from jitsi_tenant_operator.contract.outlook import outlook
from jitsi_tenant_operator.offline import Agreement, InputError, agreements


def contract_of_files(
    paths: Sequence[Path], at: datetime | date, until: date | None, *, as_json: bool
) -> str:
    """What `contract_of` says of the tenants in files. Raises InputError."""
    return contract_of(agreements(paths), at, until, as_json=as_json)


def contract_of(
    found: Sequence[Agreement], at: datetime | date, until: date | None, *, as_json: bool
) -> str:
    """The decision at `at`, or with `until` what changes from then to the end of that day.

    A day as `at` stands for its beginning. Of one tenant the JSON of a decision is an object, of
    several a list; a calendar is always one list, by time. Raises InputError.
    """
    if until is not None:
        return _calendars(found, at, until, as_json=as_json)
    decided = [(each, now := _instant(each, at), _decided(each, now)) for each in found]
    if not as_json:
        return "\n".join(contract_text.decision(*each) for each in decided)
    shown = [contract_json.decision(*each) for each in decided]
    return _json(shown[0] if len(shown) == 1 else shown)


def _calendars(
    found: Sequence[Agreement], at: datetime | date, until: date, *, as_json: bool
) -> str:
    texts, steps = [], []
    for each in found:
        now, end = _instant(each, at), each.calendar.end_of(until)
        if end <= now:
            raise InputError(f"--until {until} is over at {now.isoformat()}: give a later day")
        ahead = list(outlook(each.facts, each.terms, now, end, each.calendar))
        texts.append(contract_text.calendar(each, ahead, until))
        steps += [entry for step in ahead if (entry := contract_json.step(each, step))]
    return _json(sorted(steps, key=lambda step: step["at"])) if as_json else "\n".join(texts)


def _decided(agreement: Agreement, now: datetime) -> Decision:
    return decide(agreement.facts, agreement.terms, now, agreement.calendar)


def _instant(agreement: Agreement, at: datetime | date) -> datetime:
    return at if isinstance(at, datetime) else agreement.calendar.start_of(at)


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
