"""The samples on a real API server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from jitsi_tenant_operator.api.kinds import BY_NAME

SAMPLES = Path(__file__).parents[3] / "manifests" / "samples"
FILES = sorted(SAMPLES.rglob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SAMPLES)))
def test_each_object_of_a_sample_is_accepted(server: Any, file: Path) -> None:
    for obj in yaml.safe_load_all(file.read_text()):
        if obj["kind"] == "Namespace":
            folder = "/api/v1/namespaces"
            obj["metadata"]["name"] += "-sample"
            assert server.send("POST", folder, obj, "dryRun=All").message == ""
            continue
        if "namespace" in obj["metadata"]:
            obj["metadata"]["namespace"] = "default"
        assert server.dry_run(BY_NAME[obj["kind"]], obj).message == ""
