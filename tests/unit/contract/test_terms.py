"""Effective terms: which document wins each term, and what the contract's clauses say."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitsi_tenant_operator.api.contract import Contract
from jitsi_tenant_operator.api.files import read_files
from jitsi_tenant_operator.api.objects import API_VERSION, JsonObject
from jitsi_tenant_operator.api.plan import Feature, JitsiPlanSpec
from jitsi_tenant_operator.api.terms import JitsiTerms, Subject
from jitsi_tenant_operator.contract.entitlements import subscribed, why_not_subscribed
from jitsi_tenant_operator.contract.terms import (
    REQUIRED,
    EffectiveTerms,
    TermsError,
    TermSource,
    effective_terms,
)

SAMPLES = Path(__file__).parents[3] / "manifests" / "samples"

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "backup.daily": st.sampled_from(["P7D", "P10D"]),
    "backup.weekly": st.sampled_from(["P1M", "P2M"]),
    "backup.offsite": st.booleans(),
    "logs.retention": st.sampled_from(["P6M", "P1Y"]),
    "logs.compressAfter": st.sampled_from(["P1D", "P2D"]),
    "logs.disposal": st.sampled_from(["Delete", "Anonymise"]),
    "maintenance.notice": st.sampled_from(["PT48H", "P7D"]),
    "formalNotice.remedy": st.sampled_from(["P30D", "P15D"]),
    "formalNotice.prohibitedUse": st.sampled_from(["PT48H", "PT24H"]),
    "endOfContract.erasure": st.sampled_from(["P30D", "P60D"]),
    "endOfContract.reminders": st.lists(st.sampled_from(["P2M", "P1M", "P1W"]), max_size=3),
    "location.countries": st.lists(st.sampled_from(["FR", "DE", "BE"]), min_size=1, max_size=3),
    "support.email": st.sampled_from(["a@example.org", "b@example.org"]),
    "deadlines.extendToWorkingDay": st.booleans(),
}
"""Terms in the words of a document, each with some values that it can have."""

FLAT = st.dictionaries(st.sampled_from(sorted(VALUES)), st.none(), max_size=8).flatmap(
    lambda names: st.fixed_dictionaries({name: VALUES[name] for name in names})
)
"""What one document sets: term by term, as a person would list it."""

WHOLE: JsonObject = {
    name: {"backup.offsite": True, "location.countries": ["FR"], "logs.disposal": "Delete"}.get(
        name, "P1D"
    )
    for name in REQUIRED
}
LOWEST_FIRST = ("PrivacyPolicy", "TermsOfService", "DataProcessingAgreement")


def nested(flat: JsonObject) -> JsonObject:
    sections: JsonObject = {}
    for name, value in flat.items():
        section, term = name.split(".")
        sections.setdefault(section, {})[term] = value
    return sections


def document(
    name: str, type_: str, *clauses: JsonObject, governs: dict[str, list[str]] | None = None
) -> JitsiTerms:
    """A document whose clauses set these terms; the number of a clause is its place, from 1."""
    numbered = [
        {
            "clause": str(number),
            "terms": nested(flat),
            "governs": (governs or {}).get(str(number), []),
        }
        for number, flat in enumerate(clauses, 1)
    ]
    spec = {
        "type": type_,
        "title": name,
        "effectiveFrom": "2026-05-19",
        "address": "https://hosting.example/terms",
        "sha256": "0" * 64,
        "clauses": numbered or [{"clause": "0", "terms": {}}],
    }
    body = {"apiVersion": API_VERSION, "kind": "JitsiTerms", "metadata": {"name": name}}
    return JitsiTerms.parse({**body, "spec": spec}, strict=True)


def contract(flat: JsonObject | None = None, **parts: Any) -> Contract:
    return Contract.model_validate(
        {
            "reference": "DC-1",
            "client": {"legalName": "ACME", "email": "dsi@acme.example"},
            "term": "P12M",
            **({"terms": nested(flat)} if flat else {}),
            **parts,
        }
    )


def as_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, list) else str(value)


@given(
    flats=st.fixed_dictionaries({type_: st.none() | FLAT for type_ in LOWEST_FIRST}),
    commercial=FLAT,
    order=st.permutations(LOWEST_FIRST),
    split=st.integers(0, 8),
)
def test_of_each_term_the_highest_document_that_sets_it_prevails(
    flats: dict[str, JsonObject | None], commercial: JsonObject, order: list[str], split: int
) -> None:
    """2.2: commercial document, data processing agreement, terms of service, privacy policy."""
    documents: dict[str, JitsiTerms] = {}
    expected: dict[str, tuple[Any, str, str | None]] = {}
    base = {**WHOLE, **(flats["PrivacyPolicy"] or {})}  # so that nothing required is missing
    for type_ in LOWEST_FIRST:
        flat = base if type_ == "PrivacyPolicy" else flats[type_]
        if flat is None:
            continue
        names = list(flat)
        parts = [{name: flat[name] for name in names[:split]}]
        parts.append({name: flat[name] for name in names[split:]})
        documents[type_] = document(type_.lower(), type_, *parts)
        for place, name in enumerate(names):
            expected[name] = (flat[name], type_.lower(), "1" if place < split else "2")
    expected |= {name: (value, "DC-1", None) for name, value in commercial.items()}

    given_in_any_order = [documents[type_] for type_ in order if type_ in documents]
    found = effective_terms(contract(commercial), given_in_any_order)

    assert found.rows() == sorted(
        (name, as_text(value), TermSource(source, clause))
        for name, (value, source, clause) in expected.items()
    )
    written = found.terms.to_json()
    for name, (value, _, _) in expected.items():
        section, term = name.split(".")
        assert written[section][term] == value


def test_two_documents_of_a_type_are_refused() -> None:
    both = [document("cgu-1", "TermsOfService", WHOLE), document("cgu-2", "TermsOfService")]
    with pytest.raises(TermsError, match=r"cgu-1 and cgu-2 are both a TermsOfService"):
        effective_terms(contract(), both)


def test_a_term_that_two_clauses_set_is_refused() -> None:
    torn = document("cgu", "TermsOfService", WHOLE, {"backup.daily": "P7D"})
    with pytest.raises(TermsError, match=r"cgu sets backup.daily in clause 1 and in clause 2"):
        effective_terms(contract(), [torn])


def test_a_subject_that_two_clauses_rule_is_refused() -> None:
    both = {"1": ["Payment"], "2": ["Payment"]}
    torn = document("cgu", "TermsOfService", WHOLE, {}, governs=both)
    with pytest.raises(TermsError, match=r"Payment in clause 1 and in clause 2"):
        effective_terms(contract(), [torn])


@pytest.mark.parametrize("name", REQUIRED)
def test_a_promise_without_a_figure_is_refused(name: str) -> None:
    lacking = {each: value for each, value in WHOLE.items() if each != name}
    documents = [document("cgu", "TermsOfService", lacking)]
    with pytest.raises(TermsError, match=re.escape(f"sets {name}: ")):
        effective_terms(contract(), documents)
    assert effective_terms(contract({name: WHOLE[name]}), documents).sources[name] == TermSource(
        "DC-1", None
    )


def test_all_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(TermsError) as error:
        effective_terms(contract(), [])
    assert ", ".join(REQUIRED) in str(error.value)
    assert "spec.contract.documents" in str(error.value)
    assert "spec.contract.terms" in str(error.value)


# The contract itself, as the samples carry it, clause by clause.


@pytest.fixture(scope="module")
def in_force() -> EffectiveTerms:
    """What a contract promises that says nothing of its own."""
    documents = [
        found
        for file in sorted(SAMPLES.glob("terms-*.yaml"))
        for found in read_files([file])
        if isinstance(found, JitsiTerms)
    ]
    assert {document.spec.type for document in documents} == set(LOWEST_FIRST)
    return effective_terms(contract(), documents)


@pytest.fixture(scope="module")
def cgu(in_force: EffectiveTerms) -> Callable[[str], dict[str, str]]:
    """What a clause of the terms of service sets, whatever documents above them repeat."""
    (document,) = read_files([SAMPLES / "terms-cgu-2026-05-19.yaml"])
    assert isinstance(document, JitsiTerms)
    clauses = {clause.clause: clause for clause in document.spec.clauses}

    def of(number: str) -> dict[str, str]:
        written = clauses[number].terms.to_json()
        return {
            f"{section}.{name}": as_text(value)
            for section, terms in written.items()
            for name, value in terms.items()
        }

    return of


def test_1_a_working_day_is_monday_to_friday_nine_to_six(cgu: Any) -> None:
    hours = cgu("1")["support.hours"]
    assert "Monday to Friday, 9:00 to 18:00 Paris time" in hours
    assert "public holidays" in hours


def test_6_3_dailies_are_kept_ten_days_weeklies_two_more_months_and_off_site(cgu: Any) -> None:
    assert cgu("6.3") == {
        "backup.daily": "P10D",
        "backup.weekly": "P2M",
        "backup.offsite": "true",
    }


def test_8_1_planned_maintenance_is_notified_48_hours_ahead(cgu: Any) -> None:
    assert cgu("8.1") == {"maintenance.notice": "PT48H"}


def test_11_2_data_stays_in_france(cgu: Any) -> None:
    assert cgu("11.2") == {"location.countries": "FR"}


def test_11_3_logs_are_kept_six_months_and_compressed_when_their_day_is_over(cgu: Any) -> None:
    assert cgu("11.3") == {
        "logs.compressAfter": "P1D",
        "logs.retention": "P6M",
        "logs.disposal": "Delete",
    }


def test_12_confidentiality_lasts_five_years_beyond_the_end(cgu: Any) -> None:
    assert cgu("12") == {"confidentiality.afterEnd": "P5Y"}


def test_13_2_a_formal_notice_runs_thirty_days_or_48_hours_for_prohibited_use(cgu: Any) -> None:
    assert cgu("13.2") == {"formalNotice.remedy": "P30D", "formalNotice.prohibitedUse": "PT48H"}


def test_13_3_production_data_is_erased_within_thirty_days(cgu: Any) -> None:
    assert cgu("13.3")["endOfContract.erasure"] == "P30D"


@pytest.mark.parametrize(
    ("subject", "clause"),
    [
        (Subject.PROHIBITED_USE, "5"),
        (Subject.RECORDING_SUSPENSION, "6.4"),
        (Subject.PAYMENT, "9"),
        (Subject.DURATION, "13.1"),
        (Subject.RENEWAL, "13.1"),
        (Subject.TERMINATION, "13.2"),
        (Subject.END_OF_CONTRACT, "13.3"),
        (Subject.NOTICES, "15.4"),
    ],
)
def test_what_is_ruled_by_words_has_its_clause(
    subject: Subject, clause: str, in_force: EffectiveTerms
) -> None:
    assert in_force.governing[subject] == TermSource("cgu-2026-05-19", clause)


def test_all_numbers_of_the_contract_are_in_force_together(in_force: EffectiveTerms) -> None:
    table = {name: value for name, value, _ in in_force.rows()}
    assert (
        table.items()
        >= {
            "backup.daily": "P10D",
            "backup.weekly": "P2M",
            "backup.offsite": "true",
            "logs.retention": "P6M",
            "maintenance.notice": "PT48H",
            "formalNotice.remedy": "P30D",
            "formalNotice.prohibitedUse": "PT48H",
            "location.countries": "FR",
            "endOfContract.erasure": "P30D",
        }.items()
    )


def test_a_document_of_higher_rank_changes_one_number_and_leaves_the_others() -> None:
    documents = [
        found
        for found in read_files([SAMPLES / "terms-cgu-2026-05-19.yaml"])
        if isinstance(found, JitsiTerms)
    ]
    usual = effective_terms(contract(), documents)
    own = effective_terms(contract({"backup.weekly": "P3M"}), documents)
    changed = [row for row in own.rows() if row not in usual.rows()]
    assert changed == [("backup.weekly", "P3M", TermSource("DC-1", None))]


# What a contract entitles to.


@given(
    options=st.sets(st.sampled_from(Feature)),
    offered=st.sets(st.sampled_from(Feature)),
    feature=st.sampled_from(Feature),
)
def test_recording_exists_only_where_it_is_ordered_and_offered(
    options: set[Feature], offered: set[Feature], feature: Feature
) -> None:
    """1, 2.1, 6.1: the option in the commercial document, and the formula that has it."""
    agreed = contract(options=sorted(options))
    plan = JitsiPlanSpec.model_validate({"features": sorted(offered)})
    has = feature in options and feature in offered
    assert (feature in subscribed(agreed, plan)) == has
    why = why_not_subscribed(feature, agreed, plan)
    assert (why is None) == has
    if why is not None:
        assert feature.value in why
        assert ("spec.contract.options" in why) == (feature not in options)
