"""Whole tenants as they are rendered, kept as YAML that a person reviews.

After a wanted change: UPDATE_GOLDEN=1 .venv/bin/pytest tests/unit/render/test_golden.py
"""

from __future__ import annotations

import os
from pathlib import Path

from jitsi_tenant_operator import render
from jitsi_tenant_operator.render import TenantContext
from jitsi_tenant_operator.render.manifest import as_yaml

GOLDEN = Path(__file__).parents[2] / "golden"


def test_a_tenant_is_rendered_as_reviewed(case: tuple[str, TenantContext]) -> None:
    name, context = case
    path = GOLDEN / f"{name}.yaml"
    text = as_yaml(render.tenant(context).values())
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_no_golden_file_lies_about_without_a_case(contexts: dict[str, TenantContext]) -> None:
    assert {path.stem for path in GOLDEN.glob("*.yaml")} == set(contexts)
