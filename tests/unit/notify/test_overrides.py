"""Templates of a platform: by name, with the same values, tried before they are used, bounded."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from jitsi_tenant_operator.api.contract import ClientLanguage
from jitsi_tenant_operator.api.notice import NoticeKind
from jitsi_tenant_operator.notify.letter import Letter, TemplatesError, check, write
from jitsi_tenant_operator.notify.matter import Matter
from jitsi_tenant_operator.notify.samples import samples
from jitsi_tenant_operator.notify.sandbox import TEMPLATES, TemplateError

BODY = "resumption.fr.body.j2"


def resumption(*, note: str = "A note.", **overrides: str) -> Letter:
    names = {"body": BODY, "subject": "resumption.fr.subject.txt.j2", "layout": "layout.html.j2"}
    return write(
        NoticeKind.RESUMPTION,
        ClientLanguage.FRENCH,
        replace(samples(NoticeKind.RESUMPTION)[0], note=note),
        acknowledge_url=None,
        overrides={names[name]: source for name, source in overrides.items()},
    )


def test_a_template_of_the_platform_replaces_ours_in_both_forms() -> None:
    letter = resumption(body="{% call paragraph() %}Bonjour {{ client ~ ' <x>' }}{% endcall %}")
    assert "\nBonjour ACME SAS <x>\n" in letter.text
    assert "<p>Bonjour ACME SAS &lt;x&gt;</p>" in letter.html
    assert "suspension" not in letter.text
    assert resumption(subject="Reprise\n {{ host }}").subject == "Reprise meet.acme.example"


def test_every_shape_escapes_what_it_is_given() -> None:
    calls = ("heading(x)", "quotation(x)", "fact(x, x)", "link(x, x)", "mail(x)")
    body = "{% set x = note %}" + "".join("{{ " + call + " }}" for call in calls)
    for shape in ("paragraph", "point", "facts"):
        body += "{% call " + shape + "() %}{{ x }}{% endcall %}"
    letter = resumption(body=body, note="<b>note</b>")
    assert letter.text.count("<b>note</b>") == 9
    assert letter.html.count("&lt;b&gt;note&lt;/b&gt;") == 11
    assert "<b>" not in letter.html


def test_what_can_be_used_passes() -> None:
    check({})
    check({path.name: path.read_text(encoding="utf-8") for path in TEMPLATES.glob("*.j2")})


@pytest.mark.parametrize(
    ("source", "line", "problem"),
    [
        ("{% if %}", 1, "Expected an expression"),
        ("\n\n{{ nobody }}", 3, "'nobody' is undefined"),
        ("\n{{ note }}", 2, "printed without"),
        ("{{ client.upper() }}", 1, "unsafe"),
        ("{{ ''.__class__.__mro__ }}", 1, "unsafe"),
        ("{{ client|safe }}", 1, "No filter named 'safe'"),
        ("{{ client|center(100000000) }}", 1, "No filter named 'center'"),
        ("\n{% autoescape false %}{{ client }}{% endautoescape %}", 2, "autoescape"),
        ("{{ 'x' * 1000000000 }}", 1, "whole numbers"),
        ("{{ 9 ** 9 ** 9 }}", 1, "whole numbers"),
        ("{% for n in range(9) %}{% endfor %}", 1, "'range' is undefined"),
        ("{{ 1 // 0 }}", 1, "ZeroDivisionError"),
        ("{% include 'secrets.j2' %}", 1, "no template secrets.j2"),
        ("{% include 'resumption.fr.body.j2' %}", 1, "RecursionError"),
        ("{{ since|day|instant }}", 1, "AttributeError"),
    ],
)
def test_a_broken_template_is_told_with_its_name_and_line(
    source: str, line: int, problem: str
) -> None:
    with pytest.raises(TemplatesError) as caught:
        check({BODY: source})
    first = caught.value.problems[0]
    assert (first.template, first.line) == (BODY, line)
    assert problem in first.problem
    assert f"{BODY}, line {line}: " in str(caught.value)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(TemplatesError) as caught:
        check({"suspention.fr.body.j2": "", BODY: "{{", "ended.en.body.j2": "{{ x }}"})
    found = [problem.template for problem in caught.value.problems]
    assert found == ["suspention.fr.body.j2", "ended.en.body.j2", BODY]
    assert "suspension.fr.body.j2" in caught.value.problems[0].problem


def test_output_and_source_are_bounded() -> None:
    loops = "{% for a in rows %}" * 4 + "x" * 1000 + "{% endfor %}" * 4
    many = "{% set rows = " + repr(list(range(30))) + " %}" + loops
    for source, problem in ((many, "gives more than"), ("x" * 70_000, "is longer than")):
        with pytest.raises(TemplateError, match=problem):
            resumption(body=source)


def test_an_error_quotes_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TemplateError) as caught:
        resumption(body="{{ 1 + client }}")
    error: Any = caught.value
    assert "ACME" not in str(error)
    assert error.__cause__ is None
    assert error.__context__ is None


def test_the_page_lists_all_names_and_values() -> None:
    page = (Path(__file__).parents[3] / "docs" / "notices.md").read_text(encoding="utf-8")
    (table,) = re.findall(r"<!-- template-values -->(.*?)<!-- end -->", page, re.DOTALL)
    rows = re.findall(r"^\| `(\w+)`(\??)", table, re.MULTILINE)
    given = {field.name for field in fields(Matter)} | {"kind", "language", "basis"}
    assert {name for name, _ in rows} == given | {"acknowledge_url", "subject", "body"}
    missing = {name for kind in NoticeKind for name in none_of(samples(kind))}
    assert {name for name, mark in rows if mark} == missing | {"basis", "acknowledge_url"}
    stems = re.findall(r"^\| `\w+` \| `([a-z-]+)` \|", page, re.MULTILINE)
    made = {f"{stem}.{language}" for stem in stems for language in ClientLanguage}
    shared = {path.name for path in TEMPLATES.glob("*.j2")} - {
        f"{stem}.{part}.j2" for stem in made for part in ("subject.txt", "body")
    }
    assert len(stems) == len(NoticeKind)
    assert all(re.sub(r"\.(fr|en)\.", ".<language>.", name) in page for name in shared)


def none_of(matters: tuple[Matter, ...]) -> set[str]:
    """The values that are missing in some of the matters and there in others."""
    there = {f.name for f in fields(Matter) if any(getattr(m, f.name) is not None for m in matters)}
    missing = {f.name for f in fields(Matter) if any(getattr(m, f.name) is None for m in matters)}
    return (there & missing) | {"overdue_since"}
