"""The reference pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from jitsi_tenant_operator.api.crd import inlined_schema
from jitsi_tenant_operator.api.kinds import KINDS
from jitsi_tenant_operator.api.model import CustomResource
from jitsi_tenant_operator.api.reference import reference_page, reference_pages

each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.definition.kind))


def fields(schema: dict[str, Any], path: str = "") -> Iterator[str]:
    for name, part in schema.get("items", schema).get("properties", {}).items():
        yield f"{path}{name}"
        yield from fields(part, f"{path}{name}.")


@each_kind
def test_every_field_can_be_linked_to_and_every_link_leads_somewhere(
    kind: type[CustomResource],
) -> None:
    page = reference_page(kind)
    anchors = set(re.findall(r'<a id="([^"]+)">', page))
    links = set(re.findall(r"\]\(#([^)]+)\)", page))
    assert {path.lower().replace(".", "-") for path in fields(inlined_schema(kind))} == anchors
    assert links <= anchors


@each_kind
def test_every_row_of_a_table_has_as_many_cells_as_its_head(kind: type[CustomResource]) -> None:
    width = 0
    for line in reference_page(kind).splitlines():
        if not line.startswith("|"):
            width = 0
            continue
        cells = len(re.findall(r"(?<!\\)\|", line))
        width = width or cells
        assert cells == width, line


@each_kind
def test_every_rule_is_told(kind: type[CustomResource]) -> None:
    page = reference_page(kind)
    for rule in kind.rules:
        assert f"- {rule.message}" in page


def test_what_a_field_takes_is_said_in_words() -> None:
    pages = reference_pages()
    tenant, plan = pages["jitsitenant.md"], pages["jitsiplan.md"]
    assert "`maxParticipants` | integer, 2 to 500 |" in tenant
    assert (
        '`authentication` | one of `Anonymous`, `Internal`, `JWT`, `LDAP` | `"Internal"`' in tenant
    )
    assert "`term` | a duration of ISO 8601, such as P10D, P2M or PT48H | **required** |" in tenant
    assert "`options` | list of 0 to 8, each once: one of `Recording`, `Livestreaming`" in tenant
    assert "`bridges` | [object](#spec-capacity-bridges) | its fields' defaults |" in plan
    assert "- minimum must not be above maximum" in plan


def test_the_first_page_lists_the_others() -> None:
    pages = reference_pages()
    linked = set(re.findall(r"\]\(([a-z]+\.md)\)", pages["README.md"]))
    assert linked == pages.keys() - {"README.md"}
