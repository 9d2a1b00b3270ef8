"""Generated files are written when they differ, and a check tells when they do."""

from __future__ import annotations

from pathlib import Path

import pytest

import generate


def test_only_what_differs_is_written(tmp_path: Path) -> None:
    files = {"a/one.yaml": "one\n", "two.yaml": "é\n"}
    assert generate.write(files, tmp_path) == ["a/one.yaml", "two.yaml"]
    assert generate.differences(files, tmp_path) == ""
    (tmp_path / "two.yaml").write_text("old\n")
    assert generate.write(files, tmp_path) == ["two.yaml"]
    assert (tmp_path / "two.yaml").read_text(encoding="utf-8") == "é\n"


def test_the_check_shows_what_would_change(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text("old\n")
    diff = generate.differences({"one.yaml": "new\n", "missing.yaml": "text\n"}, tmp_path)
    assert "-old\n+new\n" in diff
    assert "missing.yaml" in diff
    assert (tmp_path / "one.yaml").read_text() == "old\n"


def test_two_generators_for_one_file_are_an_error() -> None:
    with pytest.raises(ValueError, match="a is generated twice"):
        generate.generated([lambda: {"a": "1"}, lambda: {"a": "2"}])
