"""A reader finds any behaviour quickly: files stay small, and modules say what they are for."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "operator" / "jitsi_tenant_operator"
MODULES = sorted(PACKAGE.rglob("*.py"))
LONGEST_FILE = 400
LONGEST_FUNCTION = 60
VAGUE = {"common", "helper", "helpers", "manager", "misc", "util", "utils"}


@pytest.fixture(params=MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def module(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def test_a_file_can_be_read_in_one_go(module: Path) -> None:
    assert len(module.read_text().splitlines()) <= LONGEST_FILE


def test_a_function_can_be_seen_whole(module: Path) -> None:
    functions = [
        node
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    lengths = {node.name: (node.end_lineno or 0) - node.lineno + 1 for node in functions}
    assert not {name: n for name, n in lengths.items() if n > LONGEST_FUNCTION}


def test_a_module_says_what_it_is_for(module: Path) -> None:
    assert ast.get_docstring(ast.parse(module.read_text()))
    assert module.stem not in VAGUE


def test_operator_is_no_package() -> None:
    """It would shadow the standard library's module of that name."""
    assert not (PACKAGE.parent / "__init__.py").exists()
