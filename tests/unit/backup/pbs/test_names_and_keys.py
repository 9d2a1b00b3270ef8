"""Names of namespaces, keys, addresses: what is told apart must stay so."""

from __future__ import annotations

import base64
import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jitsi_tenant_operator.backup.pbs.address import Address
from jitsi_tenant_operator.backup.pbs.keys import is_key_file, key_file, new_key
from jitsi_tenant_operator.backup.pbs.names import LONGEST, component, tenant_namespace
from localpbs.parameters import check_namespace

from .conftest import NOW

LABELS = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)


@given(LABELS)
@example("a" * 63)
def test_the_server_takes_the_namespace_of_every_tenant(name: str) -> None:
    assert check_namespace(tenant_namespace(name)) == f"tenants/{component(name)}"
    assert len(component(name)) <= LONGEST


@given(st.lists(LABELS, min_size=2, max_size=40, unique=True))
@example(["a" * 63, "a" * 62 + "b"])
def test_tenants_have_namespaces_of_their_own(names: list[str]) -> None:
    assert len({component(name) for name in names}) == len(names)


@given(LABELS)
@example("a" * 63)
def test_no_name_is_that_of_another_one_that_was_cut(name: str) -> None:
    cut = component(name)
    assert cut == name or component(cut) != cut


def test_a_short_name_stays_and_a_long_one_is_always_cut_in_the_same_way() -> None:
    assert component("tenant-acme") == "tenant-acme"
    assert component("tenant-" + "a" * 56) == component("tenant-" + "a" * 56)
    assert re.fullmatch(r"tenant-a{14}-[0-9a-f]{10}", component("tenant-" + "a" * 56))


@pytest.mark.parametrize("name", ["", ".hidden", "-dash", "a/b", "ä"])
def test_what_can_be_no_component_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="letter or digit"):
        component(name)


def test_a_key_is_a_file_of_the_client_without_a_passphrase() -> None:
    found = json.loads(key_file(bytes(range(32)), NOW))
    assert found == {
        "kdf": None,
        "created": "2026-09-01T23:30:00+00:00",
        "modified": "2026-09-01T23:30:00+00:00",
        "data": base64.b64encode(bytes(range(32))).decode(),
    }


def test_no_two_keys_are_alike() -> None:
    assert new_key(NOW) != new_key(NOW)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b'{"kdf": {"Scrypt": {}}, "data": "AAAA"}',
        b'{"kdf": null, "data": "AAAA"}',
        b'{"kdf": null, "data": 3}',
    ],
)
def test_what_is_no_key_is_told_from_one(content: bytes) -> None:
    assert is_key_file(new_key(NOW))
    assert not is_key_file(content)


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ("jitsi@pbs!tenant-acme@pbs.example:8007:store1", 8007),
        ("jitsi@pbs!operator@pbs.example:store1", 8007),
        ("jitsi@pbs!operator@[fe80::1]:443:store1", 443),
    ],
)
def test_an_address_is_read_as_proxmox_writes_it(text: str, port: int) -> None:
    address = Address.parse(text)
    assert (address.user, address.datastore, address.port) == ("jitsi@pbs", "store1", port)
    assert Address.parse(str(address)) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "store1",
        "jitsi@pbs@pbs.example:8007:store1",
        "jitsi@pbs!t@pbs.example:0:store1",
        "jitsi@pbs!t@pbs.example:99999:store1",
        "jitsi@pbs!t@pbs.example:8007:store/1",
        "jitsi@pbs!t@pbs.example:8007:store1\n",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected USER@REALM!TOKEN"):
        Address.parse(text)
