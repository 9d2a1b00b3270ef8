"""What the cache of namespaces says."""

from __future__ import annotations

from collections.abc import Mapping

from jitsi_tenant_operator.api.objects import ObjectRef
from jitsi_tenant_operator.kube.metadata import MetadataRecord


def namespace(name: str, labels: Mapping[str, str]) -> MetadataRecord:
    """A namespace with these labels."""
    ref = ObjectRef("v1", "Namespace", "", name)
    return MetadataRecord(ref, "u", 1, dict(labels), {}, deleting=False)
