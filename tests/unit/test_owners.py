"""Whose an object is, by its labels and its namespace."""

from __future__ import annotations

import pytest

from jitsi_tenant_operator.api.objects import TenantKey
from jitsi_tenant_operator.leader import _owner_key

TENANT = "jitsi.rezosocial.com/tenant"
NAMESPACE = "jitsi.rezosocial.com/tenant-namespace"


@pytest.mark.parametrize(
    ("namespace", "labels", "key"),
    [
        ("tenant-acme", {TENANT: "acme"}, TenantKey("tenant-acme", "acme")),
        ("tenant-acme", {}, None),
        ("operator", {TENANT: "acme", NAMESPACE: "tenant-acme"}, TenantKey("tenant-acme", "acme")),
        ("operator", {TENANT: "acme"}, TenantKey("operator", "acme")),
        (
            "tenant-globex",
            {TENANT: "acme", NAMESPACE: "tenant-acme"},
            TenantKey("tenant-globex", "acme"),
        ),
    ],
)
def test_only_in_its_own_namespace_labels_lead_the_operator_to_another_one(
    namespace: str, labels: dict[str, str], key: TenantKey | None
) -> None:
    assert _owner_key("operator", namespace, labels) == key
