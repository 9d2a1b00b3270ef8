"""Rendering: from a tenant, its plan and its platform to the Kubernetes objects it consists of.

Pure: no input or output, no clock, no randomness. `tenant` is the way in.
"""

from __future__ import annotations

from jitsi_tenant_operator.render.context import (
    BridgeSlots,
    MediaAddress,
    Observed,
    Source,
    SourceKind,
    TenantContext,
)
from jitsi_tenant_operator.render.sources import sources
from jitsi_tenant_operator.render.tenant import tenant

__all__ = [
    "BridgeSlots",
    "MediaAddress",
    "Observed",
    "Source",
    "SourceKind",
    "TenantContext",
    "sources",
    "tenant",
]
