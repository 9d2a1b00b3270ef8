"""Links, anchors and paths lead somewhere, and every page can be reached."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

if TYPE_CHECKING:
    from tests.unit.docs.conftest import Page

_PATH = re.compile(r"(?:[\w.-]+/)+[\w.*-]*")
_MODULE = re.compile(r"\w+\.py")


def test_links_lead_somewhere(page: Page, pages: dict[str, Page], root: Path) -> None:
    for link in page.links:
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.path.parent / path).resolve() if path else page.path
        assert has_files(target), f"{link} is not there"
        if anchor:
            name = target.relative_to(root).as_posix()
            assert anchor in pages[name].anchors, f"{link}: no such heading"


def test_every_page_can_be_reached_from_the_front(pages: dict[str, Page], root: Path) -> None:
    reached, waiting = set[str](), ["README.md"]
    while waiting:
        name = waiting.pop()
        if name in reached or name not in pages:
            continue
        reached.add(name)
        folder = pages[name].path.parent
        targets = (folder / link.partition("#")[0] for link in pages[name].links)
        waiting += [
            path.resolve().relative_to(root).as_posix() for path in targets if path.exists()
        ]
    assert set(pages) - reached == set()


def test_paths_exist(page: Page, root: Path, package: Path) -> None:
    for path in paths(page, root, package):
        places = (root / path, package / path)
        assert any(has_files(place) for place in places), f"{path} is not there"


def test_pictures_are_whole(root: Path) -> None:
    pictures = sorted((root / "docs" / "images").iterdir())
    for picture in pictures:
        tree = ET.fromstring(picture.read_bytes())
        assert tree.find("{http://www.w3.org/2000/svg}title") is not None, picture.name


@pytest.mark.parametrize("name", ["README.md", "docs/architecture.md"])
def test_the_picture_says_in_words_what_it_shows(name: str, pages: dict[str, Page]) -> None:
    (words,) = re.findall(r"!\[([^\]]+)\]\([^)]*data-path\.svg\)", pages[name].text)
    assert {"kopf", "informers", "work-queue", "reconcile"} <= set(re.findall(r"[\w-]+", words))


def paths(page: Page, root: Path, package: Path) -> Iterator[str]:
    """What is named as a path in the repository or, shorter, in the package."""
    folders = {path.name for place in (root, package) for path in place.iterdir() if path.is_dir()}
    for word in (word for line in page.commands for word in re.split(r"[\s=]+", line)):
        if _PATH.fullmatch(word) and word.partition("/")[0] in folders:
            yield word
        elif _MODULE.fullmatch(word):
            (found,) = {path.name for path in package.rglob(word)} or {word}
            yield found if (package / found).exists() else str(next(package.rglob(word), word))


def has_files(path: Path) -> bool:
    """Whether it is a file, or a folder with a file somewhere in it: git keeps no empty ones."""
    if "*" in path.name:
        return any(path.parent.glob(path.name))
    return path.is_file() or any(each.is_file() for each in path.rglob("*"))
