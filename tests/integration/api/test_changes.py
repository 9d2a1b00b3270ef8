"""What may no longer change, as the API server enforces it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from jitsi_tenant_operator.api.objects import API_VERSION
from jitsi_tenant_operator.api.tenant import JitsiTenant
from jitsi_tenant_operator.api.terms import JitsiTerms

ONCE_SIGNED = "reference and signedOn are immutable once the contract is signed"


@pytest.fixture
def change(server: Any, objects: Any, namespace: str) -> Any:
    """Creates a tenant with a contract, then changes the contract: what the server says."""

    def creating(before: dict[str, Any], after: dict[str, Any]) -> str:
        obj = objects.base(JitsiTenant)
        obj["metadata"]["namespace"] = namespace
        obj["spec"]["contract"].update(before)
        created = server.create(JitsiTenant, namespace, obj)
        assert created.accepted, created.message
        changed = copy.deepcopy(created.found)
        changed["spec"]["contract"].update(after)
        changed["spec"]["contract"] = {
            name: value for name, value in changed["spec"]["contract"].items() if value is not ...
        }
        return str(server.replace(JitsiTenant, namespace, changed).message)

    return creating


@pytest.mark.parametrize(
    "after", [{"signedOn": "2026-06-02"}, {"signedOn": ...}, {"reference": "DC-2"}]
)
def test_a_signed_contract_keeps_its_reference_and_its_day(
    change: Any, after: dict[str, Any]
) -> None:
    said = change({"signedOn": "2026-06-01"}, after)
    assert f"spec.contract: Invalid value: {ONCE_SIGNED}" in said


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"reference": "DC-2"}),
        ({}, {"signedOn": "2026-06-01"}),
        ({"signedOn": "2026-06-01"}, {"term": "P24M", "options": ["Recording"]}),
    ],
)
def test_a_draft_can_change_and_so_can_the_rest_of_a_signed_contract(
    change: Any, before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert change(before, after) == ""


@pytest.fixture
def terms(server: Any, objects: Any, namespace: str) -> Iterator[dict[str, Any]]:
    """A document as the server holds it."""
    obj = objects.base(JitsiTerms)
    obj["metadata"]["name"] = namespace
    created = server.create(JitsiTerms, "", obj)
    assert created.accepted, created.message
    yield created.found
    server.send("DELETE", f"/apis/{API_VERSION}/jitsiterms/{namespace}")


def test_published_terms_never_change(server: Any, terms: dict[str, Any]) -> None:
    for field, value in (
        ("title", "Other terms"),
        ("effectiveFrom", "2026-05-20"),
        ("clauses", [{"clause": "1", "terms": {"backup": {"daily": "P1D"}}}]),
        ("clauses", [*terms["spec"]["clauses"], {"clause": "2", "terms": {}}]),
    ):
        changed = {**terms, "spec": {**terms["spec"], field: value}}
        verdict = server.replace(JitsiTerms, "", changed)
        assert "terms are immutable: publish a new JitsiTerms instead" in verdict.message


def test_published_terms_can_be_labelled_and_written_again(
    server: Any, terms: dict[str, Any]
) -> None:
    labelled = copy.deepcopy(terms)
    labelled["metadata"]["labels"] = {"reviewed": "yes"}
    assert server.replace(JitsiTerms, "", labelled).message == ""
