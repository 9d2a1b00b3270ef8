"""Quantities keep their value and take the form in which Kubernetes stores them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernetes.utils.quantity import parse_quantity

from jitsi_tenant_operator.render import quantities
from jitsi_tenant_operator.render.durations import seconds


def amount(quantity: str) -> Decimal:
    """The value of a quantity, as the Kubernetes client reads it."""
    return Decimal(parse_quantity(quantity))  # type: ignore[no-untyped-call]


@given(st.integers(min_value=1, max_value=10**7))
def test_memory_keeps_its_value_in_the_largest_unit(mebi: int) -> None:
    text = quantities.memory(mebi)
    assert amount(text) == mebi * 2**20
    assert text.endswith("Ti") or int(text[:-2]) % 1024


@given(st.integers(min_value=1, max_value=10**6))
def test_cpu_keeps_its_value_in_the_largest_unit(milli: int) -> None:
    text = quantities.cpu(milli)
    assert amount(text) * 1000 == milli
    assert not text.endswith("000m")


@pytest.mark.parametrize(
    ("given_size", "stored"),
    [("1024Mi", "1Gi"), ("2048Gi", "2Ti"), ("1536Mi", "1536Mi"), ("1Ti", "1Ti")],
)
def test_sizes_of_volumes(given_size: str, stored: str) -> None:
    assert quantities.canonical_storage(given_size) == stored


@pytest.mark.parametrize(
    ("duration", "expected"),
    [
        ("PT3H", 10800),
        ("PT90M", 5400),
        ("PT45S", 45),
        ("P1D", 86400),
        ("P1DT2H", 93600),
        ("P1W", 604800),
        ("P1M", 2592000),
        ("P1Y", 31536000),
    ],
)
def test_durations_in_seconds(duration: str, expected: int) -> None:
    assert seconds(duration) == expected
