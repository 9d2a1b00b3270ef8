"""The tenants that are measured with: all are the sample tenant globex under other names."""

from __future__ import annotations

from typing import Any

import yaml

from installation import SAMPLES

SAMPLE = SAMPLES / "tenant-globex.yaml"
SAMPLE_NAME = "globex"


def names(first: int, number: int) -> list[str]:
    """The names of so many tenants, as long as the sample's; 100,000 are told apart."""
    return [f"t{index:05}" for index in range(first, first + number)]


def namespace_of(name: str) -> str:
    """The namespace of a tenant."""
    return f"tenant-{name}"


def namespace(name: str) -> dict[str, Any]:
    """The namespace of a tenant, as an object."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace_of(name)}}


def tenant(name: str) -> dict[str, Any]:
    """The tenant, as an object."""
    text = SAMPLE.read_text(encoding="utf-8").replace(SAMPLE_NAME, name)
    found: dict[str, Any] = yaml.safe_load(text)
    return found
