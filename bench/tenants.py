"""The tenants that are measured with, and the bodies of their children.

All are the sample tenant globex under other names. What `render` prints for it is the template of
what the bare client sends; names are put in by replacing the sample's, as long as each other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson
import yaml

from installation import SAMPLES
from jitsi_tenant_operator.api.objects import ObjectRef, TenantKey
from jitsi_tenant_operator.kube.apply import Owner
from jitsi_tenant_operator.kube.comparison import desired_hash
from jitsi_tenant_operator.kube.resources import ResourceRegistry
from jitsi_tenant_operator.leader import HASH_ANNOTATION
from jitsi_tenant_operator.offline import render_files
from jitsi_tenant_operator.render.labels import MANAGER, is_retained

SAMPLE = SAMPLES / "tenant-globex.yaml"
SAMPLE_NAME = "globex"
NOBODY = "00000000-0000-0000-0000-000000000000"
"""The uid in the template, in whose place the tenant's comes."""


@dataclass(frozen=True, slots=True)
class ChildTemplate:
    """One child of the sample tenant: where it is applied, and the body."""

    resource: str
    name: str
    path: str
    body: str


def names(first: int, number: int) -> list[str]:
    """The names of so many tenants, as long as the sample's; 100,000 are told apart."""
    return [f"t{index:05}" for index in range(first, first + number)]


def namespace_of(name: str) -> str:
    """The namespace of a tenant."""
    return f"tenant-{name}"


def namespace(name: str) -> dict[str, Any]:
    """The namespace of a tenant, as an object."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace_of(name)}}


def tenant(name: str) -> dict[str, Any]:
    """The tenant, as an object."""
    text = SAMPLE.read_text(encoding="utf-8").replace(SAMPLE_NAME, name)
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def child_templates() -> list[ChildTemplate]:
    """The children of the sample tenant, as the operator applies them."""
    resources = ResourceRegistry()
    owner = Owner(
        ObjectRef.of(tenant(SAMPLE_NAME)), NOBODY, TenantKey(namespace_of(SAMPLE_NAME), SAMPLE_NAME)
    )
    found = []
    for obj in yaml.safe_load_all(render_files([SAMPLE])):
        metadata = obj["metadata"]
        if not is_retained(obj):
            metadata["ownerReferences"] = [owner.reference()]
        metadata["annotations"][HASH_ANNOTATION] = desired_hash(obj).hex()
        resource = resources.of(obj["apiVersion"], obj["kind"])
        path = resource.path(metadata["namespace"], metadata["name"])
        found.append(
            ChildTemplate(
                resource=resource.plural,
                name=metadata["name"],
                path=f"{path}?fieldManager={MANAGER}&force=true",
                body=orjson.dumps(obj).decode(),
            )
        )
    return found


def children(names_: Iterable[str], templates: Iterable[ChildTemplate]) -> set[tuple[str, ...]]:
    """Resource, namespace and name of each child of these tenants."""
    known = list(templates)
    return {
        (child.resource, namespace_of(name), child.name.replace(SAMPLE_NAME, name))
        for name in names_
        for child in known
    }
