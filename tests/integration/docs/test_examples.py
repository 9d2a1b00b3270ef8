"""Every object that the documentation shows is one that a real API server takes."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

import installation
from localplane import Connection
from toolbox.places import kubectl

SAMPLES = {"JitsiTenant": "tenant-globex.yaml", "JitsiPlatform": "platform.yaml"}
"""What a part of an object is laid over."""


def _pages() -> ModuleType:
    """How the other tests of the documentation take its pages apart."""
    path = Path(__file__).parents[2] / "unit" / "docs" / "conftest.py"
    spec = importlib.util.spec_from_file_location("documentation", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def laid_over(below: Any, above: Any) -> Any:
    """`above` over `below`; what is not an object replaces what was there."""
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    both = {key: laid_over(below[key], above[key]) for key in below.keys() & above.keys()}
    return {**below, **above, **both}


def _examples() -> dict[str, list[Any]]:
    """The objects of each page, those that are shown in part laid over a sample."""
    found: dict[str, list[Any]] = defaultdict(list)
    for block in _pages().EXAMPLES:
        for body in yaml.safe_load_all(block.text):
            whole = body
            if block.about:
                sample = installation.SAMPLES / SAMPLES[block.about]
                whole = laid_over(yaml.safe_load(sample.read_text()), body)
            found[block.place.partition(":")[0]].append(whole)
    return dict(found)


EXAMPLES = _examples()
OVERLAYS = [body for page in EXAMPLES.values() for body in page if body["kind"] == "Kustomization"]


@pytest.mark.parametrize("page", EXAMPLES)
def test_the_objects_of_a_page_can_be_applied(plane: Connection, page: str) -> None:
    objects = [body for body in EXAMPLES[page] if body["kind"] != "Kustomization"]
    for body in objects:
        if "namespace" in body["metadata"]:
            body["metadata"]["namespace"] = "default"
        command = ("apply", "--server-side", "--force-conflicts", "--dry-run=server")
        answer = plane.kubectl(*command, "--validate=strict", "-f", "-", stdin=json.dumps(body))
        assert answer.startswith(body["kind"].lower())


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda overlay: overlay["images"][-1]["newName"])
def test_an_overlay_names_its_images(overlay: Any, tmp_path: Path) -> None:
    body = dict(overlay)
    for part in ("resources", "components"):
        if part in overlay:
            body[part] = [_local(reference, tmp_path) for reference in overlay[part]]
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(body))
    done = subprocess.run(
        [str(kubectl()), "kustomize", str(tmp_path)], capture_output=True, text=True, check=True
    )
    for image in overlay["images"]:
        tag = f":{image['newTag']}\n" if "newTag" in image else ""
        assert f"image: {image['newName']}{tag}" in done.stdout


def _local(reference: str, folder: Path) -> str:
    """What an overlay takes of the repository, as it is here."""
    _, found, below = reference.partition("/manifests/")
    assert found, reference
    return os.path.relpath(installation.ROOT / "manifests" / below, folder)
