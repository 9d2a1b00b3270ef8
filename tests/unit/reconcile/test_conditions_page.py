"""Whoever is on call finds every type and reason in docs/reference/conditions.md, and no others."""

from __future__ import annotations

import re
from pathlib import Path

from jitsi_tenant_operator.reconcile.conditions import ConditionType, Reason

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "conditions.md").read_text()
SECTIONS = dict(re.findall(r"^### (\w+)\n\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))


def test_every_reason_has_a_section_and_every_section_a_reason() -> None:
    assert sorted(SECTIONS) == sorted(reason.value for reason in Reason)
    assert len(re.findall(r"^### ", PAGE, re.MULTILINE)) == len(SECTIONS), "each of them once"


def test_every_section_says_something() -> None:
    assert not [name for name, text in SECTIONS.items() if len(text.split()) < 4]


def test_every_type_is_in_the_table_and_no_other() -> None:
    table = PAGE.partition("## Types\n")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == [
        each.value for each in ConditionType
    ]
