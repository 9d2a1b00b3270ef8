"""Whether a contract's ledger is the one that was written, as far as can be told. Pure.

The chain shows what was changed in a record, but not that its end, or all of it, is gone. So the
tenant's status has the number and the digest of the last entry, which are held against the record.
"""

from __future__ import annotations

from jitsi_tenant_operator.api.contract import SuspensionReason
from jitsi_tenant_operator.api.objects import ObjectRef
from jitsi_tenant_operator.api.tenant import ContractStatus
from jitsi_tenant_operator.contract.decision import ContractState
from jitsi_tenant_operator.contract.facts import Standing
from jitsi_tenant_operator.reconcile.conditions import Reason
from jitsi_tenant_operator.reconcile.contract_objects import KnownRecord
from jitsi_tenant_operator.reconcile.resolve import Problem

_REMEDY = "restore it from a backup; until then nothing is recorded and no notice is made or sent"


def problem(
    ref: ObjectRef,
    record: KnownRecord | None,
    unreadable: str | None,
    told: ContractStatus | None,
) -> Problem | None:
    """Why the ledger cannot be relied on; None when it can.

    `unreadable` is why a record that is there cannot be read, `told` what the tenant's status had
    of it last.
    """
    if unreadable is not None:
        return _changed(f"the record cannot be read, {unreadable}")
    if record is not None and record.broken_at is not None:
        return _changed(f"{ref}, from entry {record.broken_at} on")
    return None if told is None or told.record != ref.name else _missed(ref, record, told)


def _missed(ref: ObjectRef, record: KnownRecord | None, told: ContractStatus) -> Problem | None:
    """What of the ledger that the status tells of is not there any more."""
    if record is None:
        return Problem(Reason.LEDGER_MISSING, f"{ref} is gone: {_REMEDY}")
    number = told.record_entries or 0
    if record.entries < number:
        what = f"{ref} has {record.entries} entries, but had {number}"
        return Problem(Reason.LEDGER_MISSING, f"{what}: {_REMEDY}")
    if number and told.record_digest not in (None, record.digest_of(number)):
        return _changed(f"{ref}: entry {number} is another than was written")
    return None


def standing(told: ContractStatus | None) -> Standing | None:
    """How the contract stood when its ledger was last relied on; None where nobody said."""
    if told is None or told.state not in set(ContractState):
        return None
    late = SuspensionReason.LATE_PAYMENT in told.service_reasons
    return Standing(ContractState(told.state), late_payment=late)


def _changed(what: str) -> Problem:
    return Problem(Reason.LEDGER_CHANGED, f"{what}: {_REMEDY}")
