"""Effective terms: the documents of a contract merged leaf by leaf, each leaf with its source.

Order of precedence (clause 2.2): commercial document, data processing agreement, terms of
service, privacy policy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jitsi_tenant_operator.api.contract import Contract
from jitsi_tenant_operator.api.model import Model
from jitsi_tenant_operator.api.terms import DocumentType, JitsiTerms, OperationalTerms, Subject

_RANK = (
    DocumentType.PRIVACY_POLICY,
    DocumentType.TERMS_OF_SERVICE,
    DocumentType.DATA_PROCESSING_AGREEMENT,
)
"""From the lowest rank to the highest; the commercial document stands above all of them."""

REQUIRED = (
    "backup.daily",
    "backup.weekly",
    "backup.offsite",
    "logs.retention",
    "logs.compressAfter",
    "logs.disposal",
    "maintenance.notice",
    "formalNotice.remedy",
    "formalNotice.prohibitedUse",
    "endOfContract.erasure",
    "location.countries",
)
"""The terms without which a tenant cannot be hosted, because a promise would have no figure."""


class TermsError(Exception):
    """The documents of a contract do not yield one set of terms; the message says the remedy."""


@dataclass(frozen=True, slots=True)
class TermSource:
    """Where a term stands: a document's name and, but for the commercial document, its clause."""

    document: str
    clause: str | None


@dataclass(frozen=True, slots=True)
class EffectiveTerms:
    """The terms in force, and the source of each by its name, for instance `backup.daily`.

    `governing` has the clause for what is ruled by words rather than by a term.
    """

    terms: OperationalTerms
    sources: Mapping[str, TermSource]
    governing: Mapping[Subject, TermSource] = field(default_factory=dict)

    def rows(self) -> list[tuple[str, str, TermSource]]:
        """Name, value as text and source of each term, by name."""
        return sorted(
            (name, _as_text(value), self.sources[name]) for name, value in _leaves(self.terms)
        )


def effective_terms(contract: Contract, documents: Iterable[JitsiTerms]) -> EffectiveTerms:
    """Merge what `documents` and the commercial document set; the higher rank wins each leaf.

    Raises TermsError when two documents are of one type, when two clauses of a document set the
    same term or govern the same subject, or when a required term is set by none.
    """
    values, sources, governing = _merged(documents)
    if contract.terms is not None:
        for name, value in _leaves(contract.terms):
            values[name] = value
            sources[name] = TermSource(contract.reference, None)
    missing = [name for name in REQUIRED if name not in values]
    if missing:
        raise TermsError(
            f"no document of the contract sets {', '.join(missing)}: name a JitsiTerms that does"
            " in spec.contract.documents, or set it in spec.contract.terms"
        )
    return EffectiveTerms(_from_leaves(values), sources, governing)


def leading_terms(documents: Iterable[JitsiTerms]) -> EffectiveTerms:
    """What `documents` set by themselves, for whom no contract is known; nothing is required.

    Raises TermsError when they contradict each other, as in `effective_terms`.
    """
    values, sources, governing = _merged(documents)
    return EffectiveTerms(_from_leaves(values), sources, governing)


def check(document: JitsiTerms) -> None:
    """TermsError when two clauses of `document` set the same term or govern the same subject."""
    document_terms(document)
    _governing(document)


def _merged(
    documents: Iterable[JitsiTerms],
) -> tuple[dict[str, Any], dict[str, TermSource], dict[Subject, TermSource]]:
    values: dict[str, Any] = {}
    sources: dict[str, TermSource] = {}
    governing: dict[Subject, TermSource] = {}
    for document in _by_rank(documents):
        governing |= _governing(document)
        for name, (value, clause) in document_terms(document).items():
            values[name] = value
            sources[name] = TermSource(document.metadata.name, clause)
    return values, sources, governing


def document_terms(document: JitsiTerms) -> dict[str, tuple[Any, str]]:
    """The terms of one document by name, each as value and clause.

    Raises TermsError when two of its clauses set the same term.
    """
    found: dict[str, tuple[Any, str]] = {}
    for clause in document.spec.clauses:
        for name, value in _leaves(clause.terms):
            if name in found:
                raise TermsError(
                    f"JitsiTerms {document.metadata.name} sets {name} in clause"
                    f" {found[name][1]} and in clause {clause.clause}: one of them must go"
                )
            found[name] = (value, clause.clause)
    return found


def _governing(document: JitsiTerms) -> dict[Subject, TermSource]:
    found: dict[Subject, TermSource] = {}
    for clause in document.spec.clauses:
        for subject in clause.governs:
            if subject in found:
                raise TermsError(
                    f"JitsiTerms {document.metadata.name} governs {subject} in clause"
                    f" {found[subject].clause} and in clause {clause.clause}: one of them must go"
                )
            found[subject] = TermSource(document.metadata.name, clause.clause)
    return found


def _by_rank(documents: Iterable[JitsiTerms]) -> list[JitsiTerms]:
    by_type: dict[DocumentType, JitsiTerms] = {}
    for document in documents:
        other = by_type.setdefault(document.spec.type, document)
        if other is not document:
            names = sorted((other.metadata.name, document.metadata.name))
            raise TermsError(
                f"JitsiTerms {names[0]} and {names[1]} are both a {document.spec.type}:"
                " a contract is bound to one document of a type"
            )
    return [by_type[rank] for rank in _RANK if rank in by_type]


def _leaves(model: Model, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for attribute, info in type(model).model_fields.items():
        value = getattr(model, attribute)
        name = f"{prefix}{info.alias or attribute}"
        if isinstance(value, Model):
            yield from _leaves(value, f"{name}.")
        elif value is not None:
            yield name, value


def _from_leaves(values: Mapping[str, Any]) -> OperationalTerms:
    tree: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        section, leaf = name.split(".")
        tree.setdefault(section, {})[leaf] = value
    return OperationalTerms.model_validate(tree)


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ",".join(str(item) for item in value)
    return str(value)
