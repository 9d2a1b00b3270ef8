"""The smallest shared words: a Kubernetes object as a dict, and the names of objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

JsonObject: TypeAlias = dict[str, Any]
"""A Kubernetes object, or a part of one, as it is written in JSON."""

GROUP = "jitsi.rezosocial.com"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
TEMPLATE_ANNOTATION = f"{GROUP}/template-hash"
"""On the pods of bridges: a hash of the template that they were made from."""


@dataclass(frozen=True, slots=True, order=True)
class ObjectRef:
    """The name of one object; `namespace` is empty for cluster-scoped kinds."""

    api_version: str
    kind: str
    namespace: str
    name: str

    @classmethod
    def of(cls, obj: JsonObject) -> ObjectRef:
        """The name that `obj` bears; KeyError when it lacks apiVersion, kind or metadata.name."""
        metadata = obj["metadata"]
        return cls(
            obj["apiVersion"], obj["kind"], metadata.get("namespace") or "", metadata["name"]
        )

    def __str__(self) -> str:
        place = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind} {place}{self.name}"


@dataclass(frozen=True, slots=True, order=True)
class TenantKey:
    """The namespace and name of one JitsiTenant: the key of the work-queue."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"
