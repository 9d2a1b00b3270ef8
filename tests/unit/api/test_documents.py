"""YAML as Kubernetes reads it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jitsi_tenant_operator.api.documents import (
    MAX_DEPTH,
    MAX_VALUES,
    DocumentError,
    documents,
)


def value(text: str) -> Any:
    """The value of the one document in `text`."""
    (document,) = documents(text)
    return document.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-06-01", "2026-06-01"),
        ("2026-06-01T08:00:00Z", "2026-06-01T08:00:00Z"),
        ("22:30", "22:30"),
        ("yes", True),
        ("y", True),
        ("Off", False),
        ('"yes"', "yes"),
        ("'75'", "75"),
        ("~", None),
        ("", None),
        ('""', ""),
        ("75", 75),
        ("-5", -5),
        ("+5", 5),
        ("1_000", 1000),
        ("010", 8),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b11", 3),
        ("75.0", 75),
        ("1e3", 1000),
        (".5", 0.5),
        ("=", "="),
        ("P10D", "P10D"),
        ("None", "None"),
        ("stable-11146-2", "stable-11146-2"),
        ("1.2.3", "1.2.3"),
        ("5Gi", "5Gi"),
        ("|\n  two\n  lines\n", "two\nlines\n"),
    ],
)
def test_a_value_is_what_kubectl_makes_of_it(text: str, expected: object) -> None:
    found = value(f"a: {text}\nb: x\n")["a"]
    assert found == expected
    assert type(found) is type(expected)


# How fast this machine is proves nothing.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

# YAML 1.1 knows more line ends than JSON, and fewer characters.
printable = st.characters(
    exclude_categories=("Cc", "Cs", "Zl", "Zp"), exclude_characters="\ufeff\ufffe\uffff"
)


def json_values(text: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Whatever JSON can hold at the top of a document, with keys and texts of `text`."""
    scalars = (
        st.none()
        | st.booleans()
        | st.integers(-(2**53), 2**53)
        | st.floats(-1e9, 1e9).filter(lambda number: not number.is_integer())
        | text
    )
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
        max_leaves=8,
    ).filter(lambda made: made is not None)


@patient
@given(json_values(st.text(printable, max_size=20)))
def test_json_is_yaml(made: object) -> None:
    assert value(orjson.dumps(made).decode()) == made


# Of letters that make no word which one of the two takes for a number or a truth value.
@patient
@given(json_values(st.text("abé :#-'\"\\{}[]&*!|>%@\n", max_size=20)))
def test_what_pyyaml_writes_is_read_back(made: object) -> None:
    assert value(yaml.safe_dump(made)) == made


def test_documents_follow_one_another_and_empty_ones_are_none() -> None:
    found = list(documents("---\na: 1\n---\n# nothing\n---\n---\nb: 2\n..."))
    assert [document.value for document in found] == [{"a": 1}, {"b": 2}]
    assert [document.line("") for document in found] == [2, 7]


def test_lines_of_fields() -> None:
    (document,) = documents(
        "# a tenant\nkind: T\nspec:\n  list:\n"
        "    - name: a\n      port: 1\n    - name: b\n  text: |\n    x\n"
    )
    lines = {
        "kind": 2,
        "spec": 3,
        "spec.list": 4,
        "spec.list[0]": 5,
        "spec.list[0].port": 6,
        "spec.list[1].name": 7,
        "spec.text": 8,
        "spec.missing": 3,
        "spec.list[1].missing.deeper": 7,
        "missing": 2,
        "": 2,
    }
    assert {path: document.line(path) for path in lines} == lines


def test_aliases_and_merges() -> None:
    found = value(
        "base: &base {a: 1, b: 2}\n"
        "other: &other {c: 3, a: 9}\n"
        "x: {<<: [*base, *other], b: 5}\n"
        "z: *base\n"
    )
    assert found["x"] == {"a": 1, "b": 5, "c": 3}
    assert found["z"] == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "a is given twice"),
        ("x:\n  a: 1\n  a: 1\n", 3, "a is given twice"),
        ("5: x\n", 1, "put it in quotes"),
        ("on: x\n", 1, "put it in quotes"),
        ("? [a]\n: x\n", 1, "put it in quotes"),
        ("a: [1\nb: 2\n", 2, "expected"),
        ("a: b: c\n", 1, "not allowed"),
        ("a:\n\t- b\n", 2, "cannot start any token"),
        ("a: *nowhere\n", 1, "undefined alias"),
        ("a: &a [*a]\n", 1, f"{MAX_DEPTH} levels"),
        ("a: !!binary aGk=\n", 1, "tag"),
        ("a: !!python/object/apply:os.system [x]\nb: !!python/name:x y\n", 2, "tag"),
        ("a: .nan\n", 1, "JSON"),
        ("a: -.inf\n", 1, "JSON"),
        ("a: 99999999999999999999\n", 1, "out of range"),
        ("a: 1e400\n", 1, "out of range"),
        ("a: 089\n", 1, "quotes"),
        ("a: x\nb: \x07\n", 2, "does not allow"),
        ("[" * 100 + "]" * 100, 1, f"{MAX_DEPTH} levels"),
        ("[" * 100_000, 1, f"{MAX_DEPTH} levels"),
        ("<<: 5\n", 1, "merge"),
    ],
)
def test_what_is_no_document_is_told_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(DocumentError, match=words) as caught:
        list(documents(text))
    assert caught.value.line == line


def test_aliases_of_aliases_stay_within_bounds() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 30)]
    with pytest.raises(DocumentError, match=f"more than {MAX_VALUES} values"):
        list(documents("\n".join(lines)))


def test_no_message_repeats_the_text_of_a_file() -> None:
    with pytest.raises(DocumentError) as caught:
        list(documents("password: 'hunter2\n"))
    assert "hunter2" not in str(caught.value)


@patient
@given(st.text(st.sampled_from("ab:- \n\t{}[]&*!<>'\"#%?,|0159.eE+_~\x00é"), max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        for document in documents(text):
            orjson.dumps(document.value)
    except DocumentError as error:
        assert 1 <= error.line <= text.count("\n") + 1  # noqa: PT017 - or else it was read
