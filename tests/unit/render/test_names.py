"""Names of children stay valid, distinct and stable, however tenants are called."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitsi_tenant_operator import render
from jitsi_tenant_operator.api.tenant import BRIDGE_SLOTS
from jitsi_tenant_operator.render import names

if TYPE_CHECKING:
    from tests.unit.render.conftest import MakeContext

SERVICE_NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
TENANTS = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)
SUFFIXES = ("web", "prosody", "jicofo", "jvb-0", "jvb-99", "jibri-19")
GROWTH = len("-0123456789-abcde")


@given(TENANTS)
def test_every_name_is_valid_for_services_and_leaves_room_for_pods(tenant: str) -> None:
    for suffix in SUFFIXES:
        name = names.child(tenant, suffix)
        assert SERVICE_NAME.fullmatch(name)
        assert len(name) + GROWTH <= 63


@given(TENANTS, st.integers(0, BRIDGE_SLOTS - 1))
def test_a_bridge_is_told_by_its_name(tenant: str, slot: int) -> None:
    assert names.slot(tenant, names.bridge(tenant, slot)) == slot


@pytest.mark.parametrize(
    "name",
    ["acme-jvb", "acme-jvb-", "acme-jvb-01", "acme-jvb-100", "acme-jvb-1-0", "acme-jvb-x", "jvb-1"],
)
def test_what_only_looks_like_a_bridge_is_none(name: str) -> None:
    assert names.slot("acme", name) is None


@given(st.sets(TENANTS, min_size=2, max_size=20))
def test_tenants_never_share_a_name(tenants: set[str]) -> None:
    found = {names.child(tenant, suffix) for tenant in tenants for suffix in SUFFIXES}
    assert len(found) == len(tenants) * len(SUFFIXES)


@given(
    st.from_regex(r"[a-z][-a-z0-9]{35}", fullmatch=True),
    st.from_regex(r"[a-z0-9]{1,27}", fullmatch=True),
    st.from_regex(r"[a-z0-9]{1,27}", fullmatch=True),
)
def test_tenants_with_a_long_common_prefix_are_told_apart(
    prefix: str, one: str, other: str
) -> None:
    same = names.head(prefix + one) == names.head(prefix + other)
    assert same == (one == other)


@given(TENANTS)
def test_a_name_that_looks_cut_does_not_meet_one_that_was(tenant: str) -> None:
    cut = names.head(tenant)
    assert cut == tenant or names.head(cut) != cut


@pytest.mark.parametrize(
    ("tenant", "head"),
    [
        ("acme", "acme"),
        ("a23456789-123456789-123456789-1234567", "a23456789-123456789-123456789-1234567"),
        ("a23456789-123456789-123456789-12345678", "a23456789-123456789-12345678-15338c94"),
        ("3m", "t3m-a2b0b6da"),
        ("acme-0123abcd", "acme-0123abcd-05dd33f4"),
    ],
)
def test_names_stay_what_they_were(tenant: str, head: str) -> None:
    assert names.head(tenant) == head


@pytest.mark.parametrize("name", ["acme", "3m", "a" * 63, f"{'a' * 50}-{'b' * 12}"])
def test_all_children_of_extreme_names_have_distinct_valid_names(
    make: MakeContext, name: str
) -> None:
    children = render.tenant(
        make({"media": {"bridges": 3}}, name=name, plan={"capacity": {"bridges": {"maximum": 3}}})
    )
    assert all(SERVICE_NAME.fullmatch(ref.name) for ref in children)
    assert len({(ref.kind, ref.name) for ref in children}) == len(children)
