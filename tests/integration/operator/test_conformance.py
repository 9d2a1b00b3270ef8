"""Whole tenants agree with the schemas that the API server publishes, as kubeconform reads them."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import installation
from localplane import Connection
from toolbox import provide

GOLDEN = sorted((installation.ROOT / "tests" / "golden").glob("*.yaml"))
REFERENCE = "#/components/schemas/"
Schema = dict[str, Any]


def path_of(api_version: str) -> str:
    """Where the API server publishes the schemas of a group."""
    return f"/openapi/v3/{'apis' if '/' in api_version else 'api'}/{api_version}"


def references(schema: Any) -> Iterator[str]:
    """The names of all schemas that one refers to."""
    if isinstance(schema, dict):
        for key, part in schema.items():
            if key == "$ref":
                yield part.removeprefix(REFERENCE)
            else:
                yield from references(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from references(part)


def closed(schema: Any) -> Any:
    """The same schema, in which an object has no field but those that are described."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: closed(part) for key, part in schema.items()}
    if "properties" in found and "additionalProperties" not in found:
        found["additionalProperties"] = False
    return found


def standalone(published: Schema, api_version: str, kind: str) -> Schema:
    """The schema of one kind with all that it refers to."""
    schemas = published["components"]["schemas"]
    group, _, version = api_version.rpartition("/")
    wanted = {"group": group, "version": version, "kind": kind}
    (name,) = (
        name
        for name, schema in schemas.items()
        if wanted in schema.get("x-kubernetes-group-version-kind", ())
    )
    needed, waiting = set(), [name]
    while waiting:
        current = waiting.pop()
        if current not in needed:
            needed.add(current)
            waiting += references(schemas[current])
    # References have siblings in Kubernetes' schemas, which newer drafts allow.
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": f"{REFERENCE}{name}",
        "components": {"schemas": {each: closed(schemas[each]) for each in needed}},
    }


@pytest.fixture
def schemas(
    own_plane: Connection, install_http_routes: Callable[[], None], tmp_path: Path
) -> Callable[[str, str], Path]:
    """Writes the schema of a kind where kubeconform finds it; the file."""
    install_http_routes()

    def write(api_version: str, kind: str) -> Path:
        group, _, version = api_version.rpartition("/")
        # As kubeconform names it: of the group only its first word.
        parts = filter(None, (kind, group.partition(".")[0], version))
        file = tmp_path / f"{'-'.join(parts)}.json".lower()
        deadline = time.monotonic() + 60
        # The schemas of kinds that were just installed are published a moment later.
        while not file.exists():
            try:
                published = own_plane.request("GET", path_of(api_version))
                file.write_text(json.dumps(standalone(published, api_version, kind)))
            except Exception:
                if time.monotonic() > deadline:
                    raise
        return file

    return write


def check(folder: Path, *files: Path) -> subprocess.CompletedProcess[str]:
    """Run kubeconform with the schemas in `folder`, and no others."""
    program = provide(("kubeconform",))["kubeconform"]
    location = f"{folder}/{{{{ .ResourceKind }}}}{{{{ .KindSuffix }}}}.json"
    return subprocess.run(
        [
            str(program),
            "-strict",
            "-schema-location",
            location,
            "-output",
            "json",
            *map(str, files),
        ],
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_golden_tenant_agrees_with_the_published_schemas(
    schemas: Callable[[str, str], Path], tmp_path: Path
) -> None:
    objects = [body for file in GOLDEN for body in yaml.safe_load_all(file.read_text()) if body]
    for api_version, kind in sorted({(body["apiVersion"], body["kind"]) for body in objects}):
        schemas(api_version, kind)
    done = check(tmp_path, *GOLDEN)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_check_finds_a_field_that_is_not_there(
    schemas: Callable[[str, str], Path], tmp_path: Path
) -> None:
    schemas("v1", "Service")
    wrong = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "x"},
        "spec": {"ports": [{"port": 1, "portt": 2}]},
    }
    file = tmp_path / "wrong.yaml"
    file.write_text(yaml.safe_dump(wrong))
    done = check(tmp_path, file)
    assert done.returncode == 1
    assert "portt" in done.stdout
