"""What stays in memory of a Secret, and what its digests tell."""

from __future__ import annotations

import base64
import pickle

from hypothesis import given
from hypothesis import strategies as st

from jitsi_tenant_operator.kube.secrets import SecretRecord, secret_transform

KEYS = st.sampled_from(["a", "b", "c"])
DATA = st.dictionaries(KEYS, st.binary(max_size=4), min_size=1)


def _record(data: dict[str, bytes], salt: bytes = b"salt") -> SecretRecord:
    encoded = {k: base64.b64encode(v).decode() for k, v in {**data, "salt": salt}.items()}
    return secret_transform("salt")(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "keys", "namespace": "t", "uid": "u", "resourceVersion": "7"},
            "data": encoded,
        },
        None,
    )


@given(DATA, DATA, st.sets(KEYS) | st.none())
def test_the_digest_changes_when_and_only_when_a_chosen_value_does(
    one: dict[str, bytes], other: dict[str, bytes], keys: set[str] | None
) -> None:
    chosen = keys if keys is not None else {"a", "b", "c"}
    same = {k: one.get(k) for k in chosen} == {k: other.get(k) for k in chosen}
    if keys is None:
        assert (_record(one).digest() == _record(other).digest()) is (one == other)
    else:
        assert (_record(one).digest(keys) == _record(other).digest(keys)) is same


def test_equal_passwords_under_different_salts_have_different_digests() -> None:
    assert _record({"a": b"x"}, b"one").digest() != _record({"a": b"x"}, b"two").digest()


def test_equal_values_of_two_keys_have_different_digests() -> None:
    record = _record({"a": b"x", "b": b"x"})
    assert record.digests["a"] != record.digests["b"]


def test_without_a_salt_there_is_no_digest_but_the_keys_are_known() -> None:
    record = _record({"a": b"x"}, b"")
    assert record.digest() is None
    assert record.keys == {"a", "salt"}


def test_no_value_and_no_salt_stays_in_memory() -> None:
    dump = pickle.dumps(_record({"a": b"correct horse battery"}, b"a salt of the secret"))
    for secret in (b"correct horse battery", b"a salt of the secret"):
        assert secret not in dump
        assert base64.b64encode(secret) not in dump
