"""What the documentation names exists: commands, options, metrics, labels, fields, reasons."""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

import chart
from jitsi_tenant_operator import cli
from jitsi_tenant_operator.api.crd import structural_schema
from jitsi_tenant_operator.api.kinds import BY_NAME, KINDS
from jitsi_tenant_operator.api.objects import GROUP
from jitsi_tenant_operator.contract.terms import REQUIRED
from jitsi_tenant_operator.reconcile.metrics import PREFIX
from trial.argocd import CUSTOMIZATIONS

if TYPE_CHECKING:
    from tests.unit.docs.conftest import Page

OTHERS_OPTIONS = {"--help", "--server-side", "--timeout"}
"""Options that are spoken of without the command in front: argparse's own, and kubectl's."""
NEVER_SET = f"{GROUP}/unused"
"""The name that kopf is given for a finalizer which it has no use for."""
SUFFIXES = {"Counter": "_total", "Gauge": "", "Histogram": ""}
OF_THE_PLATFORM = {"metallb.io/address-pool"}
"""What golden tenants have because their platform says so."""
NO_FIELDS = {"meet.jitsi"}
"""Names with dots that are neither fields nor files."""
FOR_CONTRIBUTORS = {"CONTRIBUTING.md", "docs/architecture.md", "docs/decisions.md"}
"""Pages that speak of modules, which look like fields."""
COMMAND = re.compile(r"(?:^|[|;&]\s*|/)jitsi-tenant-operator ([a-z][a-z-]*)(?![\w-])([^|;&]*)")


def parsers() -> dict[str, argparse.ArgumentParser]:
    """The parser of each command."""
    (commands,) = (
        action
        for action in cli._parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    return dict(commands.choices)


def options(parser: argparse.ArgumentParser) -> set[str]:
    """Its options and those of its own commands, but for those that ask for help."""
    found = {option for action in parser._actions for option in action.option_strings}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found = found.union(*map(options, action.choices.values()))
    return found - {"-h", "--help"}


def test_commands_and_their_options_exist(page: Page) -> None:
    known = parsers()
    for line in page.commands:
        for command, rest in COMMAND.findall(line):
            assert command in known, line
            asked = set(re.findall(r"(?<!\S)-[-\w]+", rest))
            assert asked <= options(known[command]) | {"--help"}, line


def test_options_exist(page: Page) -> None:
    known = set().union(*map(options, parsers().values())) | OTHERS_OPTIONS
    assert {span.split()[0] for span in page.spans if span.startswith("--")} <= known


def test_all_commands_and_options_are_documented(pages: dict[str, Page]) -> None:
    page = pages["docs/commands.md"]
    spans = [span for row in table_rows(page) for span in re.findall(r"`([^`]+)`", row[0])]
    named = {span.split()[0] for span in spans if span.startswith("-")}
    assert named == set().union(*map(options, parsers().values()))
    rows = {cells[0].split()[-1] for cells in table(page, "| Command | Does |")}
    assert {row.strip("`") for row in rows} == set(parsers())


def test_targets_of_make_exist_and_all_are_documented(pages: dict[str, Page], root: Path) -> None:
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    named = {
        target
        for page in pages.values()
        for line in page.commands
        for target in re.findall(r"(?:^|\s)make ([a-z][a-z-]*)", line)
    }
    assert named == targets
    rows = table(pages["docs/commands.md"], "| Target | Does |")
    assert {cells[0].strip("`").removeprefix("make ") for cells in rows} == targets


def test_metrics_are_those_of_the_code(pages: dict[str, Page], package: Path) -> None:
    rows = table(pages["docs/reference/metrics.md"], "| Metric | Type | Labels | Meaning |")
    documented = {
        cells[0].strip("`"): (cells[1], tuple(re.findall(r"`(\w+)`", cells[2]))) for cells in rows
    }
    assert documented == metrics(package)


def test_alerts_and_prose_name_metrics_that_exist(page: Page, package: Path) -> None:
    assert set(re.findall(rf"\b{PREFIX}_\w+", page.text)) <= metrics(package).keys()


def test_labels_and_annotations_are_those_of_the_code(
    pages: dict[str, Page], package: Path, root: Path
) -> None:
    page = pages["docs/labels-and-annotations.md"]
    ours = set(re.findall(rf"`({re.escape(GROUP)}/[\w-]+)`", page.text))
    assert ours == (set(own_marks(package)) | marks_of_actions()) - {NEVER_SET}
    first_column = {cells[0].strip("`") for cells in table_rows(page)}
    assert marks_of_children(root) - OF_THE_PLATFORM <= first_column | set(page.spans)


def test_kinds_exist(page: Page) -> None:
    named = {span for span in page.spans if re.fullmatch(r"Jitsi[A-Z]\w+", span)}
    assert named <= set(BY_NAME)


def test_fields_exist(page: Page) -> None:
    if page.name in FOR_CONTRIBUTORS:
        return
    dotted = re.compile(r"[a-z][A-Za-z]+(\.[a-z][A-Za-z]+)+")
    for span in set(page.spans) - NO_FIELDS:
        if dotted.fullmatch(span) and not is_file(span):
            known = span.startswith("metadata.") or f".{span}" in fields() | chart_values()
            assert known, f"no kind has a field {span}, and no chart a value"


def test_words_in_code_style_occur_in_the_code(page: Page, code: str) -> None:
    words = set(re.findall(r"\w+", code))
    camel = re.compile(r"(?:[A-Z][a-z]+){2,}|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+=?")
    for span in page.spans:
        if camel.fullmatch(span):
            assert span.rstrip("=") in words, f"{span} is not in the code"


def test_required_terms_are_those_of_the_code(pages: dict[str, Page]) -> None:
    text = pages["docs/contract.md"].text
    (listed,) = re.findall(r"<!-- required-terms -->(.*?)<!-- end -->", text, re.DOTALL)
    assert tuple(re.findall(r"`([\w.]+)`", listed)) == REQUIRED


def table(page: Page, head: str) -> list[list[str]]:
    """The cells of each row of the table with this head."""
    _, found, rest = page.text.partition(f"{head}\n")
    assert found, head
    return [cells_of(row) for row in rest.split("\n\n")[0].splitlines()[1:]]


def table_rows(page: Page) -> Iterator[list[str]]:
    """The cells of each row of all tables."""
    yield from (cells_of(line) for line in page.text.splitlines() if line.startswith("|"))


def cells_of(row: str) -> list[str]:
    """The cells of one row."""
    return [cell.strip() for cell in row.strip("|").split("|")]


@cache
def metrics(package: Path) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Every metric that is made anywhere: its name as Prometheus sees it, its type, its labels."""
    found = {}
    for node in nodes(package):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in SUFFIXES:
            kind, name = ast.unparse(node.func), literal_text(node.args[0])
            if name is not None:
                suffix = SUFFIXES[kind]
                labels = ast.literal_eval(node.args[2]) if len(node.args) > 2 else ()
                full = f"{PREFIX}{name.removesuffix(suffix)}{suffix}"
                found[full] = (kind.lower(), tuple(labels))
    return found


def literal_text(node: ast.AST) -> str | None:
    """The letters of a text that is written in the code, without what is filled in."""
    if not isinstance(node, (ast.Constant, ast.JoinedStr)):
        return None
    parts = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant)]
    return "".join(part for part in parts if isinstance(part, str))


def own_marks(package: Path) -> Iterator[str]:
    """Every name of our group that the code makes: labels, annotations, finalizers."""
    for node in nodes(package):
        if isinstance(node, ast.JoinedStr) and len(node.values) == 2:
            group, name = node.values
            ours = isinstance(group, ast.FormattedValue) and ast.unparse(group.value) == "GROUP"
            written = literal_text(name)
            if ours and written is not None and written.startswith("/"):
                yield f"{GROUP}{written}"


def marks_of_actions() -> set[str]:
    """The annotations that the actions of Argo CD set."""
    texts = (path.read_text() for path in CUSTOMIZATIONS.glob("*/*/actions/*/action.lua"))
    return {mark for text in texts for mark in re.findall(rf'"({GROUP}/[\w-]+)"', text)}


def nodes(package: Path) -> Iterator[ast.AST]:
    """The syntax of the whole package."""
    for path in sorted(package.rglob("*.py")):
        yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def marks_of_children(root: Path) -> set[str]:
    """The keys of all labels and annotations in the golden tenants."""
    found: set[str] = set()
    for path in sorted((root / "tests" / "golden").glob("*.yaml")):
        for body in yaml.load_all(path.read_text(encoding="utf-8"), yaml.CSafeLoader):
            found |= set(keys_of_marks(body))
    return found


def keys_of_marks(value: Any) -> Iterator[str]:
    """The keys of labels and annotations anywhere in an object's metadata."""
    if isinstance(value, dict):
        for part in ("labels", "annotations"):
            yield from (value.get("metadata") or {}).get(part) or {}
        for below in value.values():
            yield from keys_of_marks(below)


@cache
def fields() -> frozenset[str]:
    """Every path at which a field stands, and every end of it, each after a dot."""
    paths = [f".{path}" for kind in KINDS for path in leaves(structural_schema(kind))]
    return frozenset(path[at:] for path in paths for at, c in enumerate(path) if c == ".")


@cache
def chart_values() -> frozenset[str]:
    """Every value of a chart and every section of values, each after a dot."""
    paths = [value.path for folder in chart.CHARTS.iterdir() for value in chart.values(folder)]
    return frozenset(f".{path[:at]}" for path in paths for at in ends(path))


def ends(path: str) -> list[int]:
    """Where the words of a dotted path end."""
    return [match.end() for match in re.finditer(r"\w+", path)]


def leaves(schema: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """The paths of all fields of a schema, without the indexes of lists."""
    for name, below in schema.get("properties", {}).items():
        yield f"{prefix}{name}"
        yield from leaves(below, f"{prefix}{name}.")
    if "items" in schema:
        yield from leaves(schema["items"], prefix)


def is_file(word: str) -> bool:
    """Whether it ends like the name of a file."""
    return word.rpartition(".")[2] in {"json", "md", "py", "svg", "toml", "txt", "yaml", "yml"}
