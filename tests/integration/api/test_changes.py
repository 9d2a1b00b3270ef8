"""What may no longer change, as the API server enforces it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from jitsi_tenant_operator.api.backup import JitsiBackup
from jitsi_tenant_operator.api.objects import API_VERSION
from jitsi_tenant_operator.api.restore import JitsiRestore
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


EVIDENCE = {
    "snapshot": "0f1e2d3c",
    "startedAt": "2027-02-01T00:30:00Z",
    "completedAt": "2027-02-01T00:31:00Z",
    "files": 3,
    "size": 12,
    "added": 5,
    "manifestDigest": "0" * 64,
}
COPY = {"snapshot": "4b5a6978", "copiedAt": "2027-02-01T04:30:00Z"}


@pytest.fixture
def backup(server: Any, objects: Any, namespace: str) -> dict[str, Any]:
    """A backup with all its evidence, as the server holds it."""
    obj = objects.base(JitsiBackup)
    obj["metadata"]["namespace"] = namespace
    created = server.create(JitsiBackup, namespace, obj)
    assert created.accepted, created.message
    status = {"evidence": EVIDENCE, "offsite": COPY}
    reported = server.send("PUT", _status(created.found), {**created.found, "status": status})
    assert reported.accepted, reported.message
    found: dict[str, Any] = reported.found
    return found


def _status(backup: dict[str, Any]) -> str:
    namespace, name = backup["metadata"]["namespace"], backup["metadata"]["name"]
    return f"/apis/{API_VERSION}/namespaces/{namespace}/jitsibackups/{name}/status"


@pytest.mark.parametrize(
    "status",
    [
        {"evidence": {**EVIDENCE, "files": 4}, "offsite": COPY},
        {"evidence": {**EVIDENCE, "manifestDigest": "1" * 64}, "offsite": COPY},
        {"evidence": EVIDENCE, "offsite": {**COPY, "snapshot": "another"}},
        {"evidence": EVIDENCE},
        {"offsite": COPY},
        {},
    ],
)
def test_the_evidence_of_a_backup_is_neither_changed_nor_taken_away(
    server: Any, backup: dict[str, Any], status: dict[str, Any]
) -> None:
    verdict = server.send("PUT", _status(backup), {**backup, "status": status})
    assert not verdict.accepted
    assert "evidence is never" in verdict.message


def test_what_is_found_out_later_is_added_to_it(server: Any, backup: dict[str, Any]) -> None:
    verified = {"at": "2027-02-02T04:30:00Z", "depth": "Sample"}
    status = {**backup["status"], "verified": verified}
    assert server.send("PUT", _status(backup), {**backup, "status": status}).message == ""


@pytest.mark.parametrize("kind", [JitsiBackup, JitsiRestore])
def test_what_was_asked_for_is_not_changed(
    server: Any, objects: Any, namespace: str, kind: Any
) -> None:
    obj = objects.base(kind)
    obj["metadata"]["namespace"] = namespace
    created = server.create(kind, namespace, obj)
    assert created.accepted, created.message
    changed = {**created.found, "spec": {**created.found["spec"], "reason": "another"}}
    assert "make another one" in server.replace(kind, namespace, changed).message
