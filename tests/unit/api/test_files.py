"""Objects read from files, and what is said of files that cannot be used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jitsi_tenant_operator.api.files import MAX_BYTES, InvalidFilesError, read_files, read_text

PLAN = """\
apiVersion: jitsi.rezosocial.com/v1alpha1
kind: JitsiPlan
metadata: {name: essential}
spec:
  capacity:
    participants: 25
"""
TENANT = """\
apiVersion: jitsi.rezosocial.com/v1alpha1
kind: JitsiTenant
metadata:
  name: acme
  namespace: tenant-acme
spec:
  contract:
    reference: DC-1
    client: {legalName: ACME, email: it@acme.example}
    signedOn: 2026-06-01
    term: P12M
  plan: essential
"""
SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: jwt, namespace: tenant-acme}
stringData: {secret: hunter2}
"""


def refusal(text: str) -> list[str]:
    with pytest.raises(InvalidFilesError) as caught:
        read_text(text, "t.yaml")
    return [str(problem) for problem in caught.value.problems]


def test_objects_come_in_their_order_and_others_are_passed_over() -> None:
    found = read_text(f"{SECRET}---\n{TENANT}---\n{PLAN}", "t.yaml")
    assert [str(resource.ref) for resource in found] == [
        "JitsiTenant tenant-acme/acme",
        "JitsiPlan essential",
    ]


def test_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(PLAN)
    (tmp_path / "a.yml").write_text(TENANT)
    (tmp_path / "c.json").write_text(json.dumps({"apiVersion": "v1", "kind": "Namespace"}))
    (tmp_path / "README.md").write_text("# not YAML: [")
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "d.yaml").write_text("not read: [")
    found = read_files([tmp_path])
    assert [resource.metadata.name for resource in found] == ["acme", "essential"]


def test_what_kubectl_prints_can_be_read() -> None:
    items = "".join(
        "  - " + text.replace("\n", "\n    ").rstrip() + "\n" for text in (PLAN, TENANT)
    )
    listed = f"apiVersion: v1\nkind: List\nmetadata: {{resourceVersion: ''}}\nitems:\n{items}"
    assert len(read_text(listed, "list.yaml")) == 2
    (problem,) = refusal(listed.replace("participants: 25", "participants: 1"))
    assert problem == (
        "t.yaml:10: JitsiPlan essential: spec.capacity.participants: expected at least 2"
    )


def test_a_problem_names_file_line_object_and_field() -> None:
    text = f"{PLAN}---\n{TENANT}".replace("25", "1000").replace("P12M", "a year")
    assert refusal(text.replace("  plan: essential\n", "  plans: essential\n")) == [
        "t.yaml:6: JitsiPlan essential: spec.capacity.participants: expected at most 500",
        "t.yaml:13: JitsiTenant tenant-acme/acme: spec.plan: required",
        (
            "t.yaml:18: JitsiTenant tenant-acme/acme: spec.contract.term:"
            " expected a duration of ISO 8601, such as P10D, P2M or PT48H"
        ),
        "t.yaml:19: JitsiTenant tenant-acme/acme: spec.plans: unknown field; did you mean plan?",
    ]


def test_problems_of_all_files_are_told_in_the_order_of_the_files(tmp_path: Path) -> None:
    (tmp_path / "z.yaml").write_text(PLAN.replace("25", "1"))
    (tmp_path / "a.yaml").write_text("a: [")
    with pytest.raises(InvalidFilesError) as caught:
        read_files([tmp_path / "z.yaml", tmp_path / "missing.yaml", tmp_path / "a.yaml"])
    assert [Path(problem.file).name for problem in caught.value.problems] == [
        "z.yaml",
        "missing.yaml",
        "a.yaml",
    ]
    assert "no such file" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- a\n", "t.yaml:1: expected a Kubernetes object"),
        ("text\n", "t.yaml:1: expected a Kubernetes object"),
        ("kind: Pod\n", "t.yaml:1: apiVersion: required, as in every Kubernetes object"),
        ("apiVersion: v1\n", "t.yaml:1: kind: required, as in every Kubernetes object"),
        ("apiVersion: v1\nkind: 5\n", "t.yaml:2: kind: required, as in every Kubernetes object"),
        (
            PLAN.replace("v1alpha1", "v1"),
            "t.yaml:1: apiVersion: expected jitsi.rezosocial.com/v1alpha1 for a JitsiPlan",
        ),
        (
            PLAN.replace("rezosocial.com", "rezosocial.org"),
            "t.yaml:1: apiVersion: expected jitsi.rezosocial.com/v1alpha1 for a JitsiPlan",
        ),
        (
            PLAN.replace("JitsiPlan", "JitsiPlane"),
            "t.yaml:2: kind: unknown in jitsi.rezosocial.com; expected JitsiPlan",
        ),
        (
            PLAN.replace("essential", "essential, namespace: x"),
            (
                "t.yaml:3: JitsiPlan x/essential: metadata.namespace: a JitsiPlan belongs to the"
                " whole cluster and has no namespace"
            ),
        ),
        (
            TENANT.replace("  namespace: tenant-acme\n", ""),
            (
                "t.yaml:3: JitsiTenant acme: metadata.namespace: required, since a JitsiTenant"
                " lives in a namespace of its own"
            ),
        ),
        (
            f"{PLAN}---\n{PLAN}",
            "t.yaml:8: JitsiPlan essential: stands in t.yaml:1 already",
        ),
        (f"{PLAN}---\na: b: c\n", "t.yaml:8: mapping values are not allowed here"),
    ],
)
def test_what_is_no_object_of_ours(text: str, expected: str) -> None:
    assert refusal(text) == [expected]


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "large.yaml"
    file.write_text("#" * (MAX_BYTES + 1))
    with pytest.raises(InvalidFilesError, match=r"large\.yaml: larger than 1024 KiB"):
        read_files([file])


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    file = tmp_path / "latin.yaml"
    file.write_bytes("a: 1\nb: é\n".encode("latin-1"))
    with pytest.raises(InvalidFilesError, match=r"latin\.yaml:2: not text in UTF-8"):
        read_files([file])


def test_a_byte_order_mark_is_no_character(tmp_path: Path) -> None:
    file = tmp_path / "windows.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + PLAN.replace("\n", "\r\n").encode())
    assert len(read_files([file])) == 1
