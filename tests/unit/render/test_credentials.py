"""Generated passwords, and what is said of those that a user brings."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitsi_tenant_operator.render import credentials
from jitsi_tenant_operator.render.labels import is_retained

if TYPE_CHECKING:
    from tests.unit.render.conftest import MakeContext

PLAIN = [chr(code) for code in range(0x21, 0x7F) if chr(code) not in "\"'\\"]


def test_passwords_are_letters_and_digits_and_all_different() -> None:
    found = credentials.generate([str(index) for index in range(200)], random.Random(1))
    assert all(re.fullmatch(r"[A-Za-z0-9]{32}", value) for value in found.values())
    assert len(set(found.values())) == 200


def test_passwords_come_from_the_source_that_is_given() -> None:
    one, same, other = (credentials.generate(["a"], random.Random(seed)) for seed in (7, 7, 8))
    assert one == same != other


def test_recorders_have_passwords_only_where_there_are_recorders(make: MakeContext) -> None:
    assert set(credentials.required_keys(make())) == {"salt", "jicofo", "jvb"}
    with_recorders = credentials.required_keys(make(recording=True))
    assert set(with_recorders) == {"salt", "jicofo", "jvb", "jibri", "recorder"}


def test_the_secret_outlives_the_tenant_object(make: MakeContext) -> None:
    body = credentials.secret(make(), {"jvb": "x"})
    assert body["metadata"]["name"] == "jitsi-credentials"
    assert body["stringData"] == {"jvb": "x"}
    assert is_retained(body)


@given(st.text(alphabet=PLAIN, min_size=1))
def test_secrets_of_printable_characters_can_be_used(value: str) -> None:
    assert credentials.problem(value) is None


@pytest.mark.parametrize(
    "value",
    ["", "top secret", 'top"secret', "top'secret", "top\\secret", "top\n", "é", "\t", "\x7f"],
)
def test_secrets_that_would_break_a_file_are_refused_and_not_quoted(value: str) -> None:
    problem = credentials.problem(value)
    assert problem is not None
    assert not value or value not in problem
