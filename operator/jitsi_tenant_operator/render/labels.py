"""Labels and annotations of children. Nothing of the tenant's own metadata is copied."""

from __future__ import annotations

from enum import StrEnum

from jitsi_tenant_operator.api.objects import GROUP, JsonObject

MANAGER = "jitsi-tenant-operator"
TENANT_LABEL = f"{GROUP}/tenant"
"""The tenant that a child belongs to."""
TENANT_NAMESPACE_LABEL = f"{GROUP}/tenant-namespace"
"""On what is in the operator's namespace: the namespace of the tenant that it belongs to."""
INDEX_LABEL = f"{GROUP}/index"
"""Which of several bridges or recorders a pod is."""
RETAIN_ANNOTATION = f"{GROUP}/retain"
"""Marks children with data or keys, which outlive the JitsiTenant object."""
CONFIGURATION_ANNOTATION = f"{GROUP}/configuration-hash"
"""On pod templates: a hash of all that the pod reads at start, so that a change rolls it."""
MANAGED = f"app.kubernetes.io/managed-by={MANAGER}"
"""The label selector of all children."""


class Component(StrEnum):
    """The parts of a Jitsi, as their images are called."""

    WEB = "web"
    PROSODY = "prosody"
    JICOFO = "jicofo"
    JVB = "jvb"
    JIBRI = "jibri"


def labels(tenant: str, component: Component | None = None) -> dict[str, str]:
    """The labels of a child of `tenant`; a tenant's name is always a valid label value."""
    found = {
        "app.kubernetes.io/name": "jitsi",
        "app.kubernetes.io/instance": tenant,
        "app.kubernetes.io/part-of": "jitsi",
        "app.kubernetes.io/managed-by": MANAGER,
        TENANT_LABEL: tenant,
    }
    if component is not None:
        found["app.kubernetes.io/component"] = component.value
    return found


def selector(tenant: str, component: Component, index: int | None = None) -> dict[str, str]:
    """The labels that select the pods of a component, or one bridge or recorder of several."""
    found = {TENANT_LABEL: tenant, "app.kubernetes.io/component": component.value}
    if index is not None:
        found[INDEX_LABEL] = str(index)
    return found


def bridge_selector(tenant: str) -> str:
    """The label selector of the bridges' pods as text, for the scale subresource."""
    return ",".join(f"{key}={value}" for key, value in selector(tenant, Component.JVB).items())


def child_annotations(*, retain: bool = False) -> dict[str, str]:
    """The annotations of a child.

    Argo CD neither refreshes an application for a child's changes nor, with `retain`, prunes it or
    calls it out of sync.
    """
    found = {"argocd.argoproj.io/ignore-resource-updates": "true"}
    if retain:
        found[RETAIN_ANNOTATION] = "true"
        found["argocd.argoproj.io/compare-options"] = "IgnoreExtraneous"
        found["argocd.argoproj.io/sync-options"] = "Prune=false"
    return found


def is_retained(obj: JsonObject) -> bool:
    """Whether a child holds data or keys and so outlives the JitsiTenant object."""
    found = obj["metadata"].get("annotations") or {}
    return bool(found.get(RETAIN_ANNOTATION) == "true")
