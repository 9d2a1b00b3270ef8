"""The Jitsi releases that the rendering knows, each with the variables that its images read.

A file in releases/ names every environment variable that one release reads and where it was
found; tests hold the rendering against it.
"""

from __future__ import annotations

import re
from importlib import resources

import yaml

MINIMUM = "stable-11146-2"
"""The oldest release that can run: older ones run as root or lose data (docker-jitsi-meet)."""

_TAG = re.compile(r"stable-(\d+)(?:-(\d+))?")


def is_supported(release: str) -> bool:
    """Whether the rendering fits `release`, a tag such as stable-11146-2."""
    return _order(release) >= _order(MINIMUM)


def variables(release: str) -> dict[str, dict[str, str]]:
    """By component, each variable that the images of `release` read, and the file that reads it.

    FileNotFoundError when the release is not described.
    """
    text = (resources.files(__package__) / "releases" / f"{release}.yaml").read_text()
    found: dict[str, dict[str, str]] = yaml.safe_load(text)
    return found


def _order(release: str) -> tuple[int, int]:
    found = _TAG.fullmatch(release)
    if found is None:
        return (0, 0)
    return int(found[1]), int(found[2] or 0)
