"""Years of many clients, with crashes, wrong clocks and late e-mails, against the clauses."""

from __future__ import annotations

import ast
import os
from collections import Counter
from pathlib import Path

import pytest

from .play import Play

TENANTS = int(os.environ.get("SIMULATED_TENANTS", "30"))
FIRST_SEED = int(os.environ.get("SIMULATED_FROM", "0"))
TOGETHER = 5
"""How many clients make one test."""


@pytest.mark.parametrize(
    "seeds",
    [
        range(first, min(first + TOGETHER, FIRST_SEED + TENANTS))
        for first in range(FIRST_SEED, FIRST_SEED + TENANTS, TOGETHER)
    ],
    ids=str,
)
def test_three_years_without_a_violation(seeds: range) -> None:
    for seed in seeds:
        outcome = Play(seed).run()
        assert outcome.checks > 900


def test_the_play_shows_what_it_is_about() -> None:
    seen: Counter[str] = Counter()
    for seed in range(1000, 1020):
        seen += Play(seed).run().seen
    for word in (
        *("InForce", "UnderNotice", "Ended", "Serving", "Suspended", "Disabled"),
        *("LatePayment", "ProhibitedUse", "Security", "ClientRequest"),
        *("Live", "Retained", "Restituted", "Erasing", "Erased", "BackupsExpired", "Closed"),
        "crash",
    ):
        assert seen[word], word


@pytest.mark.parametrize("name", ["oracle.py", "after.py", "almanac.py", "file.py"])
def test_the_oracle_knows_nothing_of_the_engine(name: str) -> None:
    tree = ast.parse((Path(__file__).parent / name).read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            module = node.module or ""
            assert "contract" not in module or module.endswith("api.contract"), module
        elif isinstance(node, ast.Import):
            assert not any("operator" in each.name for each in node.names)
