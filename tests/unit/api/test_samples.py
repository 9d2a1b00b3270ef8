"""The samples read without a cluster."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from jitsi_tenant_operator.api.entry import EntryType
from jitsi_tenant_operator.api.files import read_files
from jitsi_tenant_operator.api.media import Exposure
from jitsi_tenant_operator.api.meeting import Authentication
from jitsi_tenant_operator.api.model import CustomResource
from jitsi_tenant_operator.api.plan import JitsiPlan
from jitsi_tenant_operator.api.platform import JitsiPlatform
from jitsi_tenant_operator.api.tenant import JitsiTenant
from jitsi_tenant_operator.api.terms import JitsiTerms
from jitsi_tenant_operator.contract.terms import effective_terms

SAMPLES = Path(__file__).parents[3] / "manifests" / "samples"
FEATURES = sorted((SAMPLES / "features").glob("*.yaml"))
ALL = read_files([SAMPLES])
DOCUMENTS = {terms.metadata.name: terms for terms in ALL if isinstance(terms, JitsiTerms)}
TENANTS = {tenant.metadata.name: tenant for tenant in ALL if isinstance(tenant, JitsiTenant)}
PLANS = {plan.metadata.name: plan for plan in ALL if isinstance(plan, JitsiPlan)}


def in_force(tenant: JitsiTenant) -> dict[str, tuple[str, str, str | None]]:
    (platform,) = [found for found in ALL if isinstance(found, JitsiPlatform)]
    names = tenant.spec.contract.documents or platform.spec.documents
    found = effective_terms(tenant.spec.contract, [DOCUMENTS[name] for name in names])
    return {name: (value, source.document, source.clause) for name, value, source in found.rows()}


def test_the_numbers_of_the_terms_of_service_come_from_their_clauses() -> None:
    terms = in_force(TENANTS["globex"])
    expected = {
        "backup.daily": ("P10D", "6.3"),
        "backup.weekly": ("P2M", "6.3"),
        "backup.offsite": ("true", "6.3"),
        "maintenance.notice": ("PT48H", "8.1"),
        "logs.retention": ("P6M", "11.3"),
        "confidentiality.afterEnd": ("P5Y", "12"),
        "formalNotice.remedy": ("P30D", "13.2"),
        "formalNotice.prohibitedUse": ("PT48H", "13.2"),
    }
    for name, (value, clause) in expected.items():
        assert terms[name] == (value, "cgu-2026-05-19", clause)
    assert terms["location.countries"][:2] == ("FR", "dpa-2026-05-19")
    assert terms["endOfContract.erasure"][:2] == ("P30D", "dpa-2026-05-19")


def test_the_terms_of_service_alone_are_enough_to_host_a_tenant() -> None:
    contract = TENANTS["globex"].spec.contract
    terms = effective_terms(contract, [DOCUMENTS["cgu-2026-05-19"]]).terms
    assert terms.location is not None
    assert terms.location.countries == ("FR",)


def test_the_commercial_document_of_acme_prevails() -> None:
    assert in_force(TENANTS["acme"])["backup.weekly"] == ("P3M", "DC-2026-0142", None)


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_the_digest_of_a_document_is_that_of_its_text(name: str) -> None:
    spec = DOCUMENTS[name].spec
    text = SAMPLES / "documents" / spec.address.rpartition("/")[2]
    assert hashlib.sha256(text.read_bytes()).hexdigest() == spec.sha256


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_every_clause_stands_in_the_text_of_its_document(name: str) -> None:
    spec = DOCUMENTS[name].spec
    text = (SAMPLES / "documents" / spec.address.rpartition("/")[2]).read_text()
    numbers = re.findall(r"^([0-9][0-9.]*)\. ", text, re.MULTILINE)
    assert [clause.clause for clause in spec.clauses] == numbers


def test_recording_is_subscribed_and_offered() -> None:
    acme = TENANTS["acme"].spec
    assert acme.recording.enabled
    assert set(acme.contract.options) <= set(PLANS[acme.plan].spec.features)


@pytest.mark.parametrize("file", FEATURES, ids=lambda file: file.stem)
def test_a_feature_sample_stands_alone(file: Path) -> None:
    """It names plans and documents that the other samples bring, and explains itself first."""
    assert file.read_text().startswith("# ")
    for found in read_files([file]):
        if isinstance(found, JitsiTenant):
            assert found.metadata.namespace == f"tenant-{found.metadata.name}"
            plan = PLANS[found.spec.plan].spec
            assert set(found.spec.contract.options) <= set(plan.features)
            assert found.spec.recording.recorders <= max(plan.capacity.recorders, 1)
            assert found.spec.media.bridges <= plan.capacity.bridges.maximum
        elif isinstance(found, JitsiPlatform):
            assert set(found.spec.documents) <= DOCUMENTS.keys()


def of_features() -> list[CustomResource]:
    return [found for file in FEATURES for found in read_files([file])]


def test_tenants_of_all_samples_have_names_and_references_of_their_own() -> None:
    found = [tenant for tenant in (*ALL, *of_features()) if isinstance(tenant, JitsiTenant)]
    assert len({tenant.metadata.name for tenant in found}) == len(found)
    assert len({tenant.spec.contract.reference for tenant in found}) == len(found)


def test_there_is_a_sample_for_each_way_in_and_each_way_of_access() -> None:
    platforms = [found for found in of_features() if isinstance(found, JitsiPlatform)]
    tenants = [found for found in of_features() if isinstance(found, JitsiTenant)]
    assert {platform.spec.entry.type for platform in platforms} == set(EntryType)
    assert {platform.spec.media.exposure for platform in platforms} >= set(Exposure)
    assert {tenant.spec.access.authentication for tenant in tenants} == set(Authentication)
