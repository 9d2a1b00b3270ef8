"""`jitsi-tenant-operator contract`, as an account manager uses it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from tests.unit.contract import strategies

from jitsi_tenant_operator.cli import main
from jitsi_tenant_operator.contract.calendar import Calendar
from jitsi_tenant_operator.contract.decide import decide
from jitsi_tenant_operator.contract.facts import Facts
from jitsi_tenant_operator.contract.terms import EffectiveTerms
from jitsi_tenant_operator.contract_text import TITLES

SAMPLES = Path(__file__).parents[3] / "manifests" / "samples"
ACME, DUNDER = SAMPLES / "tenant-acme.yaml", SAMPLES / "features" / "termination.yaml"
GRINGOTTS = SAMPLES / "features" / "terms.yaml"
UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")

Shown = Callable[..., str]


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str]) -> Shown:
    def show(*arguments: str | Path, status: int = 0) -> str:
        found: int | str | None
        try:
            found = main(["contract", *map(str, arguments)])
        except SystemExit as end:
            found = end.code
        out, err = capsys.readouterr()
        assert found == status, err
        return err if status else out

    return show


def changed(path: Path, tmp_path: Path, *changes: tuple[str, str]) -> Path:
    text = path.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    copy = tmp_path / path.name
    copy.write_text(text)
    return copy


def test_the_decision_as_json(shown: Shown) -> None:
    found = json.loads(shown("-f", ACME, "--at", "2027-03-20T08:00:00Z", "-o", "json"))
    expected: dict[str, Any] = {
        "tenant": "tenant-acme/acme",
        "at": "2027-03-20T08:00:00Z",
        "phase": "InForce",
        "contract": "InForce",
        "service": "Serving",
        "data": "Live",
        "next": "2027-03-30T22:00:00Z",
        "actions": [],
        "contradictions": [],
        "end": None,
    }
    assert {key: found[key] for key in expected} == expected
    deadlines = {each["name"]: each for each in found["deadlines"]}
    assert deadlines["NonRenewal"]["at"] == "2027-03-31T22:00:00Z"
    assert deadlines["Renewal"]["clause"] == "13.1"
    assert deadlines["RenewalAheadP2M"]["document"] == "dpa-2026-05-19"
    for each in found["deadlines"]:
        assert UTC.fullmatch(each["at"])
        assert each["rule"]
        assert each["clause"]
        assert each["document"]


def test_the_calendar_as_json(shown: Shown) -> None:
    steps = json.loads(
        shown("-f", DUNDER, "--at", "2027-04-01", "--until", "2027-12-31", "-o", "json")
    )
    assert [step["at"] for step in steps] == sorted(step["at"] for step in steps)
    (end,) = [step for step in steps if step["at"] == "2027-05-31T22:00:00Z"]
    assert end["changes"]["contract"] == "Ended"
    assert [each["name"] for each in end["deadlines"]] == ["ContractEnd"]
    assert "Erase/DC-2026-0213" in [each["key"] for each in end["actions"]]
    assert steps[-1]["phase"] == "Closed"


def test_several_tenants_are_a_list(shown: Shown) -> None:
    found = json.loads(shown("-f", ACME, GRINGOTTS, "--at", "2027-01-01", "-o", "json"))
    assert [each["tenant"] for each in found] == ["tenant-acme/acme", "tenant-gringotts/gringotts"]
    steps = json.loads(
        shown("-f", ACME, "-f", GRINGOTTS, "--at", "2027-01-01", "--until", "2027-06-30", "-ojson")
    )
    assert {step["tenant"] for step in steps} == {each["tenant"] for each in found}
    assert [step["at"] for step in steps] == sorted(step["at"] for step in steps)


def test_words_for_a_person(shown: Shown) -> None:
    text = shown("-f", ACME, "--at", "2027-03-20")
    assert "At           Saturday 20 March 2027 at 00:00 (Europe/Paris)" in text
    assert "Wednesday 31 March 2027, end of the day: Last day to decline the renewal" in text
    assert "clause 13.1 of cgu-2026-05-19" in text
    assert "clause 9 of dpa-2026-05-19" in text
    assert max(map(len, text.splitlines())) <= 100


def test_both_dates_are_shown_where_one_was_moved(shown: Shown, tmp_path: Path) -> None:
    payment = 'term: P12M\n    payment: {overdueSince: "2026-10-02"}'
    late = changed(GRINGOTTS, tmp_path, ("term: P12M", payment))
    text = shown("-f", late, "--at", "2026-10-03")
    assert "Monday 19 October 2026, end of the day: Notice of late payment" in text
    assert "not worked on Saturday 17 October 2026, end of the day; moved" in text
    found = json.loads(shown("-f", late, "--at", "2026-10-03", "-o", "json"))
    (notice,) = [each for each in found["deadlines"] if each["name"] == "LatePaymentNotice"]
    assert notice["at"] == "2026-10-19T22:00:00Z"
    assert notice["withoutExtension"] == "2026-10-17T22:00:00Z"


def test_the_calendar_in_words(shown: Shown) -> None:
    text = shown("-f", DUNDER, "--at", "2027-04-01", "--until", "2027-12-31")
    assert "\nMonday 31 May 2027\n  24:00  The contract ends\n" in text
    assert "  00:00  Contract: InForce becomes Ended\n" in text
    assert "Notice to the client: Ended" in text


def test_facts_of_the_future_are_reported(shown: Shown) -> None:
    text = shown("-f", DUNDER, "--at", "2026-11-23")
    assert "Contradictions, which have no effect" in text
    assert "spec.termination.nonRenewal.receivedOn: 2027-03-15 is yet to come" in text


def test_a_draft_has_no_dates(shown: Shown, tmp_path: Path) -> None:
    draft = changed(ACME, tmp_path, ('signedOn: "2026-06-01"', "# not signed"))
    assert "none: the contract is not signed" in shown("-f", draft, "--at", "2026-11-23")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("2026-06-01", "2026-02-30"), "spec.contract.signedOn: expected a day"),
        (("dpa-2026-05-19", "dpa-2025"), "there is no JitsiTerms dpa-2025"),
        (("term: P12M", "term: P0D"), "spec.contract.term: expected a duration"),
        (("dsi@acme.example", "dsi"), "spec.contract.client.email: expected an e-mail address"),
    ],
)
def test_files_that_cannot_be_used(
    shown: Shown, tmp_path: Path, change: tuple[str, str], expected: str
) -> None:
    path = changed(ACME, tmp_path, change)
    message = shown("-f", path, status=2)
    assert message.startswith(str(path))
    assert "JitsiTenant tenant-acme/acme: " in message
    assert expected in message


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--at", "2027-02-30"], "'2027-02-30' is not a day"),
        (["--at", "2027-02-03T10:00:00"], "is not an instant with its zone"),
        (["--at", "yesterday"], "is not a day"),
        (["--at", "1999-01-01"], "is not in this century"),
        (["--until", "2027"], "'2027' is not a day"),
        (["--at", "2027-01-02", "--until", "2027-01-01"], "give a later day"),
    ],
)
def test_dates_that_cannot_be_used(shown: Shown, arguments: list[str], expected: str) -> None:
    assert expected in shown("-f", ACME, *arguments, status=2)


def test_a_tenant_that_cannot_be_rendered_has_a_contract_all_the_same(
    shown: Shown, tmp_path: Path
) -> None:
    unknown = changed(ACME, tmp_path, ("plan: business", "plan: none"))
    assert "Phase        InForce" in shown("-f", unknown, "--at", "2026-11-23")


@settings(max_examples=100, deadline=None)
@given(facts=strategies.facts(), terms=strategies.terms(), now=strategies.instants)
def test_every_deadline_has_a_title(
    paris: Calendar, facts: Facts, terms: EffectiveTerms, now: datetime
) -> None:
    found: Any = decide(facts, terms, now, paris)
    for deadline in found.deadlines:
        assert re.sub(r"(?<=Ahead)P.*", "", deadline.name) in TITLES


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give either"),
        (["tenant-acme/acme", "-f", ACME], "give either"),
        (["acme"], "NAMESPACE/NAME"),
        (["tenant-acme/"], "NAMESPACE/NAME"),
        (["tenant-acme/acme/more"], "NAMESPACE/NAME"),
        (["../acme"], "NAMESPACE/NAME"),
    ],
)
def test_either_files_or_a_tenant_of_the_cluster_are_looked_at(
    shown: Shown, arguments: list[str | Path], words: str
) -> None:
    assert words in shown(*arguments, status=2)


def test_without_a_cluster_it_is_said_where_one_was_looked_for(
    shown: Shown, tmp_path: Path
) -> None:
    missing = tmp_path / "config"
    assert str(missing) in shown("tenant-acme/acme", "--kubeconfig", missing, status=1)
