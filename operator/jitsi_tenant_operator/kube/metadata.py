"""Records of objects of which only the metadata is wanted, such as Namespaces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef


@dataclass(frozen=True, slots=True)
class MetadataRecord:
    """The metadata of an object; use with an informer whose selection is `metadata_only`."""

    ref: ObjectRef
    uid: str
    resource_version: int
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    deleting: bool


def metadata_record(obj: JsonObject, _old: MetadataRecord | None = None) -> MetadataRecord:
    """The `transform` of an informer that keeps metadata."""
    metadata = obj["metadata"]
    return MetadataRecord(
        ref=ObjectRef.of(obj),
        uid=metadata["uid"],
        resource_version=int(metadata["resourceVersion"]),
        labels=metadata.get("labels") or {},
        annotations=metadata.get("annotations") or {},
        deleting="deletionTimestamp" in metadata,
    )
