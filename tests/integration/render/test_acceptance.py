"""The API server takes every rendered object as it is, and stores it as it was written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from jitsi_tenant_operator.api.objects import JsonObject
from localplane import Connection, PlaneError

GOLDEN = sorted((Path(__file__).parents[2] / "golden").glob("*.yaml"))
SERVED = ["v1", "apps/v1", "networking.k8s.io/v1", "policy/v1"]
"""What the local control plane knows; others bring CustomResourceDefinitions of their own."""


@pytest.fixture(params=GOLDEN, ids=[path.stem for path in GOLDEN])
def rendered(request: pytest.FixtureRequest, namespace: str) -> list[JsonObject]:
    """The objects of one golden tenant, moved to the namespace of this test."""
    objects = [body for body in yaml.safe_load_all(request.param.read_text()) if body is not None]
    for body in objects:
        body["metadata"]["namespace"] = namespace
    return [body for body in objects if body["apiVersion"] in SERVED]


def applied(plane: Connection, objects: list[JsonObject], *options: str) -> list[JsonObject]:
    """What the API server makes of `objects`, which it validates strictly."""
    answer = plane.kubectl(
        "apply",
        "--server-side",
        "--field-manager=jitsi-tenant-operator",
        "--validate=strict",
        "--output=json",
        *options,
        "--filename=-",
        stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}),
    )
    found = json.loads(answer)
    items: list[JsonObject] = found["items"] if found["kind"] == "List" else [found]
    return items


def differences(sent: Any, stored: Any, path: str = "") -> Iterator[str]:
    """Where `stored` does not hold what was sent."""
    if isinstance(sent, dict) and isinstance(stored, dict):
        for key, value in sent.items():
            yield from differences(value, stored.get(key), f"{path}.{key}")
    elif isinstance(sent, list) and isinstance(stored, list) and len(sent) == len(stored):
        for index, (one, other) in enumerate(zip(sent, stored, strict=True)):
            yield from differences(one, other, f"{path}[{index}]")
    elif sent != stored:
        yield f"{path}: sent {sent!r}, stored {stored!r}"


def test_it_is_valid_and_stored_as_written(plane: Connection, rendered: list[JsonObject]) -> None:
    stored = applied(plane, rendered, "--dry-run=server")
    assert len(stored) == len(rendered)
    for sent, kept in zip(rendered, stored, strict=True):
        assert list(differences(sent, kept)) == [], sent["metadata"]["name"]


def test_its_pods_are_allowed_where_pod_security_is_restricted(
    plane: Connection, namespace: str, rendered: list[JsonObject], request: pytest.FixtureRequest
) -> None:
    level = "pod-security.kubernetes.io/enforce=restricted"
    plane.kubectl("label", "namespace", namespace, level)
    applied(plane, [body for body in rendered if body["kind"] == "ServiceAccount"])
    for body in rendered:
        template = body.get("spec", {}).get("template")
        if template is None:
            continue
        spec = {key: part for key, part in template["spec"].items() if key != "priorityClassName"}
        pod = {"metadata": {"name": body["metadata"]["name"]}, "spec": spec}
        path = f"/api/v1/namespaces/{namespace}/pods?dryRun=All&fieldValidation=Strict"
        on_host = "hostPort" in json.dumps(spec)
        if on_host:
            with pytest.raises(PlaneError, match=r"violates PodSecurity.*hostPort"):
                plane.request("POST", path, pod)
        else:
            plane.request("POST", path, pod)
        assert on_host == ("host-port" in request.node.name and "-jvb-" in pod["metadata"]["name"])
