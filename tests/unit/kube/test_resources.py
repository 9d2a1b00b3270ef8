"""Paths of the API: https://kubernetes.io/docs/reference/using-api/api-concepts/."""

from __future__ import annotations

import pytest

from jitsi_tenant_operator.api.objects import ObjectRef
from jitsi_tenant_operator.kube.resources import (
    DEPLOYMENTS,
    NAMESPACES,
    SECRETS,
    Resource,
    ResourceRegistry,
    UnknownKind,
)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (SECRETS.path(), "/api/v1/secrets"),
        (SECRETS.path("a"), "/api/v1/namespaces/a/secrets"),
        (NAMESPACES.path(name="a"), "/api/v1/namespaces/a"),
        (
            DEPLOYMENTS.path("a", "b", "status"),
            "/apis/apps/v1/namespaces/a/deployments/b/status",
        ),
    ],
)
def test_paths_are_those_of_the_api(path: str, expected: str) -> None:
    assert path == expected


def test_a_name_cannot_reach_another_path() -> None:
    assert SECRETS.path("a", "../../b?x#y") == "/api/v1/namespaces/a/secrets/..%2F..%2Fb%3Fx%23y"


def test_a_namespaced_object_needs_its_namespace() -> None:
    with pytest.raises(ValueError, match="needs a namespace"):
        SECRETS.path(name="b")
    with pytest.raises(ValueError, match="cluster-scoped"):
        NAMESPACES.path("a")


def test_kinds_of_others_are_registered_from_outside() -> None:
    widgets = Resource("example.com", "v1", "widgets", "Widget")
    registry = ResourceRegistry([widgets])
    assert registry.of_ref(ObjectRef("example.com/v1", "Widget", "a", "b")) is widgets
    assert registry.of("apps/v1", "Deployment") is DEPLOYMENTS
    with pytest.raises(UnknownKind, match=r"example.com/v2 Widget"):
        registry.of("example.com/v2", "Widget")
