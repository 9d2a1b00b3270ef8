"""The pages of the documentation, taken apart: blocks, links, headings, words in code style."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "operator" / "jitsi_tenant_operator"

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
_SPAN = re.compile(r"`([^`\n]+)`")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_LINK = re.compile(r"\]\(([^()\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_ANCHOR = re.compile(r'<a id="([^"]+)"')


@dataclass(frozen=True, slots=True)
class Block:
    """A block between fences: `language` is the first word after the fence, `about` the rest."""

    place: str
    language: str
    about: str
    text: str


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path

    @property
    def name(self) -> str:
        """Its path in the repository."""
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def text(self) -> str:
        """All of it."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def blocks(self) -> list[Block]:
        """What stands between fences."""
        found = []
        for match in _FENCE.finditer(self.text):
            line = self.text.count("\n", 0, match.start()) + 1
            language, _, about = match["info"].partition(" ")
            found.append(Block(f"{self.name}:{line}", language, about, match["text"]))
        return found

    @cached_property
    def prose(self) -> str:
        """What is left without fences and comments."""
        return _COMMENT.sub("", _FENCE.sub("", self.text))

    @property
    def spans(self) -> list[str]:
        """What stands between backticks in a line."""
        return _SPAN.findall(self.prose)

    @property
    def commands(self) -> list[str]:
        """Lines that can be typed: those of console blocks, without output, and all spans."""
        return [*self.spans, *(line for block in self.blocks for line in _typed(block))]

    @property
    def links(self) -> list[str]:
        """Where links and pictures lead."""
        return _LINK.findall(_SPAN.sub("", self.prose))

    @cached_property
    def anchors(self) -> set[str]:
        """The anchors that a link can name: those of headings, as GitHub makes them, and others."""
        found = set(_ANCHOR.findall(self.text))
        for heading in _HEADING.findall(_FENCE.sub("", self.text)):
            plain = re.sub(r"\]\([^)]*\)", "", heading).lower()
            found.add(re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-"))
        return found


def _typed(block: Block) -> Iterator[str]:
    """The commands of a console block. With a prompt, what has none is output."""
    if block.language != "console":
        return
    lines = block.text.replace("\\\n", " ").splitlines()
    prompted = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    yield from prompted or lines


PAGES = [
    Page(path)
    for path in (
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
        *sorted((ROOT / "docs").rglob("*.md")),
    )
]
EXAMPLES = [block for page in PAGES for block in page.blocks if block.language == "yaml"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "page" in metafunc.fixturenames:
        metafunc.parametrize("page", PAGES, ids=lambda page: page.name)
    if "example" in metafunc.fixturenames:
        metafunc.parametrize("example", EXAMPLES, ids=lambda block: block.place)


@pytest.fixture(scope="session")
def pages() -> dict[str, Page]:
    """All pages by their paths in the repository."""
    return {page.name: page for page in PAGES}


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def package() -> Path:
    """The operator's package."""
    return PACKAGE


@pytest.fixture(scope="session")
def code() -> str:
    """Everything that is not documentation, as one text to look words up in."""
    folders = ("operator", "manifests", "crds", "hack", "tests/golden", "bench")
    files = [path for folder in folders for path in sorted((ROOT / folder).rglob("*"))]
    texts = [path for path in files if path.suffix in {".py", ".yaml", ".j2"}]
    others = [ROOT / "Makefile", ROOT / "Dockerfile", ROOT / "pyproject.toml"]
    return "\n".join(path.read_text(encoding="utf-8") for path in (*texts, *others))
