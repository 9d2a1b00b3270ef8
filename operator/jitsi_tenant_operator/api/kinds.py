"""All kinds of the group in the order of applying: what is referred to comes first."""

from __future__ import annotations

from jitsi_tenant_operator.api.backup import JitsiBackup
from jitsi_tenant_operator.api.hold import JitsiLegalHold
from jitsi_tenant_operator.api.maintenance import JitsiMaintenance
from jitsi_tenant_operator.api.model import CustomResource
from jitsi_tenant_operator.api.notice import JitsiNotice
from jitsi_tenant_operator.api.plan import JitsiPlan
from jitsi_tenant_operator.api.platform import JitsiPlatform
from jitsi_tenant_operator.api.record import JitsiTenantRecord
from jitsi_tenant_operator.api.restore import JitsiRestore
from jitsi_tenant_operator.api.tenant import JitsiTenant
from jitsi_tenant_operator.api.terms import JitsiTerms

KINDS: tuple[type[CustomResource], ...] = (
    JitsiTerms,
    JitsiPlan,
    JitsiPlatform,
    JitsiTenantRecord,
    JitsiMaintenance,
    JitsiTenant,
    JitsiNotice,
    JitsiLegalHold,
    JitsiBackup,
    JitsiRestore,
)

BY_NAME: dict[str, type[CustomResource]] = {kind.definition.kind: kind for kind in KINDS}
"""The kinds by the word that stands after `kind:`."""
