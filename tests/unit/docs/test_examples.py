"""Every object that the documentation shows can be applied as it stands, and rendered."""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from jitsi_tenant_operator import cli
from jitsi_tenant_operator.api.documents import documents
from jitsi_tenant_operator.api.files import read_files
from jitsi_tenant_operator.api.kinds import BY_NAME
from jitsi_tenant_operator.api.objects import API_VERSION
from jitsi_tenant_operator.api.tenant import JitsiTenant
from jitsi_tenant_operator.offline import render_files

if TYPE_CHECKING:
    from tests.unit.docs.conftest import Block, Page

    Capture = pytest.CaptureFixture[str]

SNAPSHOTS = """\
[{"id": "91ab77d0", "time": "2027-05-02T00:31:00+02:00", "group": "scheduled"},
 {"id": "4c1f20aa", "time": "2027-05-01T00:31:00+02:00", "group": "scheduled"},
 {"id": "e07c5b12", "time": "2027-05-30T00:31:00+02:00", "group": "scheduled"}]
"""
MISTAKEN = """\
apiVersion: jitsi.rezosocial.com/v1alpha1
kind: JitsiTenant
metadata:
  name: acme
  namespace: tenant-acme
spec:
  contract:
    reference: DC-2026-0142
    client: {legalName: ACME SAS, email: nobody}
    term: 12 months
  plan: business
"""
"""What docs/commands.md shows the complaints about."""
LANGUAGES = {"console", "text", "yaml"}
SAMPLES = {"JitsiTenant": "tenant-globex.yaml", "JitsiPlatform": "platform.yaml"}
"""What a part of an object is laid over."""


def laid_over(below: Any, above: Any) -> Any:
    """`above` over `below`; what is not an object replaces what was there."""
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    both = {key: laid_over(below[key], above[key]) for key in below.keys() & above.keys()}
    return {**below, **above, **both}


def whole(example: Block, samples: Path) -> str:
    """The example as whole objects: a part of one is laid over the sample of its kind."""
    if not example.about:
        return example.text
    (below,) = documents((samples / SAMPLES[example.about]).read_text(encoding="utf-8"))
    (above,) = documents(example.text)
    return json.dumps(laid_over(below.value, above.value))


def test_objects_are_read_strictly_and_rendered(example: Block, root: Path, tmp_path: Path) -> None:
    samples = root / "manifests" / "samples"
    file = tmp_path / "example.yaml"
    file.write_text(whole(example, samples), encoding="utf-8")
    kinds = {obj.definition.kind for obj in read_files([file])}
    if API_VERSION in example.text or example.about:
        assert kinds, "nothing of ours in it"
        tenant = [] if "JitsiTenant" in kinds else [samples / "tenant-globex.yaml"]
        assert "kind: Deployment" in render_files([file, *tenant])


def test_the_front_page_shows_the_children_that_a_sample_has(
    pages: dict[str, Page], root: Path
) -> None:
    (line,) = re.findall(r"^  children +(.*)$", pages["README.md"].text, re.MULTILINE)
    shown = {kind: int(count) for count, kind in re.findall(r"(\d+) (\w+)", line)}
    text = render_files([root / "manifests" / "samples" / "tenant-acme.yaml"])
    rendered = Counter(
        child["kind"]
        for child in yaml.load_all(text, yaml.CSafeLoader)
        if child["metadata"]["namespace"] == "tenant-acme"
    )
    assert {kind: count for kind, count in shown.items() if kind != "Pod"} == rendered


def test_what_commands_print_is_what_is_shown(
    page: Page, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    (tmp_path / "tenant.yaml").write_text(MISTAKEN, encoding="utf-8")
    (tmp_path / "snapshots.json").write_text(SNAPSHOTS, encoding="utf-8")
    (tmp_path / "terms.yaml").write_text("backup: {daily: P10D, weekly: P2M}", encoding="utf-8")
    for block in page.blocks:
        command, _, shown = block.text.partition("\n")
        if command.startswith("$ jitsi-tenant-operator "):
            arguments = shlex.split(command)[2:]
            monkeypatch.chdir(root if "manifests/" in command else tmp_path)
            cli.main(arguments)
            printed = capsys.readouterr()
            text = printed.out + printed.err
            start, cut, _ = shown.partition("…\n")
            assert text.startswith(start) if cut else text == shown, block.place


def test_kubectl_shows_these_columns(pages: dict[str, Page]) -> None:
    (head,) = re.findall(r"^NAMESPACE .*$", pages["README.md"].text, re.MULTILINE)
    narrow = [column.name for column in JitsiTenant.definition.columns if not column.wide]
    assert head.split() == ["NAMESPACE", "NAME", *(name.upper() for name in narrow), "AGE"]


def test_a_part_of_an_object_says_of_which_kind(example: Block) -> None:
    if example.about:
        assert example.about in SAMPLES
        assert example.about in BY_NAME
        assert example.text.startswith("spec:\n")


def test_blocks_say_what_language_they_are(page: Page) -> None:
    assert {block.language for block in page.blocks} <= LANGUAGES
