"""What a chart can be told: each value has a default, a meaning, and bounds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import chart
from jitsi_tenant_operator import __version__
from jitsi_tenant_operator.api.kinds import KINDS

CHARTS = [folder for folder in sorted(chart.CHARTS.iterdir()) if folder.is_dir()]


@pytest.fixture(params=CHARTS, ids=lambda folder: folder.name)
def folder(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def bounded(schema: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """The paths of the values that a schema knows."""
    for name, below in schema.get("properties", {}).items():
        if "properties" in below:
            assert below["additionalProperties"] is False, f"{prefix}{name} takes anything"
            yield from bounded(below, f"{prefix}{name}.")
        elif name != "global":
            yield f"{prefix}{name}"


def owners(path: str, known: set[str]) -> set[str]:
    """`path` itself, or the free map of `known` that it is in."""
    parts = path.split(".")
    prefixes = {".".join(parts[:end]) for end in range(1, len(parts) + 1)}
    return prefixes & known


def test_each_value_has_bounds_and_what_has_bounds_is_a_value(folder: Path) -> None:
    schema = json.loads((folder / "values.schema.json").read_text())
    assert schema["additionalProperties"] is False
    known = set(bounded(schema))
    described = [owners(value.path, known) for value in chart.values(folder)]
    assert set().union(*described) == known
    assert all(len(found) == 1 for found in described)


def test_a_value_without_a_meaning_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text("# Known.\na: 1\nb:\n  c: 2\n")
    with pytest.raises(ValueError, match=r"does not say what b\.c means"):
        chart.values(tmp_path)


def test_values_are_found_as_they_are_written(tmp_path: Path) -> None:
    text = "# One,\n# two.\na: {}\n\nb:\n  c:\n    # Deep.\n    d: [1]\n  # Less.\n  e: x\n"
    (tmp_path / "values.yaml").write_text(text)
    assert chart.values(tmp_path) == [
        chart.Value("a", {}, "One, two."),
        chart.Value("b.c.d", [1], "Deep."),
        chart.Value("b.e", "x", "Less."),
    ]


def test_the_chart_is_of_the_same_version_as_the_operator(folder: Path) -> None:
    about = yaml.safe_load((folder / "Chart.yaml").read_text())
    assert about["version"] == about["appVersion"] == __version__


def test_there_is_a_template_for_each_kind_and_no_other() -> None:
    templates = (chart.CHARTS / "jitsi-tenant-operator-crds" / "templates").glob("*.yaml")
    assert {path.stem for path in templates} == {kind.definition.plural for kind in KINDS}


def test_what_helm_would_take_for_an_action_is_printed_as_it_is() -> None:
    assert chart.escaped("a{{b}}{c}") == 'a{{ "{{" }}b}}{c}'
