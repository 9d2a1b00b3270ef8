"""Reports and proofs in words for a person at a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import groupby

from jitsi_tenant_operator.logs.proof import DayProof, Proof
from jitsi_tenant_operator.logs.report import Finding, RunReport, TenantReport

_DAY = timedelta(days=1)
_UNSAFE = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def harmless(line: bytes) -> bytes:
    """A line that moves no cursor, changes no colour and turns no text round: what could is told.

    Tabs stay; bytes that are no UTF-8 are told too.
    """
    text = line.decode(errors="backslashreplace")
    return _UNSAFE.sub(lambda match: match[0].encode("unicode_escape").decode(), text).encode()


def of_run(report: RunReport) -> str:
    """What a run did: a line for each tenant with something to tell, and what is wrong."""
    lines = [line for tenant in report.tenants if (line := _of_tenant(tenant, report))]
    wrong = [f"! {_finding(each)}" for each in report.findings]
    for tenant in report.tenants:
        lines += (f"{tenant.tenant}: would expire {path}" for path in tenant.would)
        wrong += (f"! {tenant.tenant}: {_finding(each)}" for each in tenant.findings)
    return "".join(f"{line}\n" for line in (*lines, *wrong) or ("nothing to do",))


def _of_tenant(tenant: TenantReport, report: RunReport) -> str:
    would = " would be" if report.dry_run else ""
    counts = (
        (tenant.archived, "archived"),
        (tenant.gaps, "told as gaps"),
        (tenant.deleted, f"{would} deleted".strip()),
        (tenant.anonymised, f"{would} anonymised".strip()),
        (tenant.waiting, "waiting for late writers"),
        (tenant.held, "held"),
        (tenant.overdue, "overdue"),
    )
    told = ", ".join(f"{count} {what}" for count, what in counts if count)
    return f"{tenant.tenant}: {told}" if told else ""


def of_proof(proof: Proof) -> str:
    """A proof as a table: a row for each stretch of days that are accounted for alike."""
    head = f"{proof.head.number}:{proof.head.digest}" if proof.head else "-"
    lines = [
        f"tenant    {proof.tenant}",
        f"period    {proof.first} to {proof.last}",
        f"manifest  {proof.entries} entries, head {head}",
        f"archives  {proof.archives} read, oldest {proof.oldest or '-'}",
        f"overdue   {proof.overdue}",
        f"held      {proof.held}",
        "",
        *_table(_stretches(proof.days)),
        *(f"! {_finding(each)}" for each in proof.findings),
        "",
        "PROVED" if proof.proved else "NOT PROVED",
    ]
    return "".join(f"{line}\n" for line in lines)


def _stretches(days: Iterable[DayProof]) -> Iterator[tuple[str, ...]]:
    yield ("COMPONENT", "FROM", "TO", "DAYS", "COVERAGE", "LINES", "REASON", "")
    for _, group in groupby(
        enumerate(days),
        # Days that follow each other differ from their place by the same amount.
        key=lambda each: (
            each[1].component,
            each[1].day - each[0] * _DAY,
            each[1].coverage,
            each[1].reason,
            each[1].held,
            each[1].overdue,
        ),
    ):
        stretch = [day for _, day in group]
        first, last = stretch[0], stretch[-1]
        marks = ("held" if first.held else "", "overdue" if first.overdue else "")
        yield (
            first.component,
            first.day.isoformat(),
            last.day.isoformat(),
            str(len(stretch)),
            first.coverage.value,
            str(sum(day.lines for day in stretch)),
            first.reason or "",
            " ".join(filter(None, marks)),
        )


def _table(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    whole = list(rows)
    widths = [max(len(row[column]) for row in whole) for column in range(len(whole[0]))]
    for row in whole:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _finding(finding: Finding) -> str:
    where = " ".join(
        part for part in (finding.component, finding.day and finding.day.isoformat()) if part
    )
    return f"{finding.trouble.value}: {f'{where}: ' if where else ''}{finding.message}"
