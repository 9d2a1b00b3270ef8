"""What people ordered of a tenant, as the ledger should have it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jitsi_tenant_operator.api.tenant import JitsiTenant
from jitsi_tenant_operator.contract import overrides
from jitsi_tenant_operator.contract.decision import Decision
from jitsi_tenant_operator.contract.facts import Facts
from jitsi_tenant_operator.contract.ledger import Happening
from jitsi_tenant_operator.contract.terms import EffectiveTerms
from jitsi_tenant_operator.reconcile.updates import APPLY_ANNOTATION

_NAME_OF_CHANGE = re.compile(r"[0-9a-f]{1,64}")


def happenings(
    tenant: JitsiTenant, facts: Facts, decision: Decision, terms: EffectiveTerms
) -> Iterator[Happening]:
    """The orders that the ledger does not have yet."""
    yield from overrides.happenings(facts, decision, terms)
    change = tenant.metadata.annotations.get(APPLY_ANNOTATION, "")
    if _NAME_OF_CHANGE.fullmatch(change):
        yield overrides.applied_at_once(tenant.metadata.uid, change)
