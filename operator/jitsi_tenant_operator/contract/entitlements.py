"""What a contract entitles its tenant to.

Recording exists only where it is subscribed to (clauses 1, 2.1 and 6.1): the commercial document
holds the option, and the plan offers it.
"""

from __future__ import annotations

from jitsi_tenant_operator.api.contract import Contract
from jitsi_tenant_operator.api.plan import Feature, JitsiPlanSpec


def subscribed(contract: Contract, plan: JitsiPlanSpec) -> frozenset[Feature]:
    """The features that are subscribed to and offered by the plan."""
    return frozenset(contract.options) & frozenset(plan.features)


def why_not_subscribed(feature: Feature, contract: Contract, plan: JitsiPlanSpec) -> str | None:
    """What keeps `feature` from being subscribed, and what to change; None when nothing does."""
    if feature not in contract.options:
        return (
            f"the contract {contract.reference} does not hold the option {feature}:"
            f" add it to spec.contract.options once it is ordered"
        )
    if feature not in plan.features:
        return f"the plan does not offer {feature}: choose a plan whose spec.features has it"
    return None
