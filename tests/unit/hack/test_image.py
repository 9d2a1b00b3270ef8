"""The image is built by whatever container engine there is, or says that there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

import image


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in which programs are found."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    for name in ("ENGINE", "IMAGE", "BASE_IMAGE"):
        monkeypatch.delenv(name, raising=False)
    return folder


def program(path: Path, *, answers: bool = True, builds: bool = True) -> None:
    record = path.with_suffix(".arguments")
    path.write_text(
        f"#!/bin/sh\n[ $1 = info ] && exit {int(not answers)}\n"
        f'echo "$@" > {record}\nexit {int(not builds)}\n'
    )
    path.chmod(0o755)


def test_without_an_engine_it_says_so(programs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert image.main([]) == 1
    assert "built with docker or podman: install it" in capsys.readouterr().err


def test_an_engine_that_does_not_answer_is_named(
    programs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program(programs / "docker", answers=False)
    assert image.main([]) == 1
    assert "docker is installed but does not answer" in capsys.readouterr().err


def test_the_engine_that_answers_is_taken(programs: Path) -> None:
    program(programs / "docker", answers=False)
    program(programs / "podman")
    assert image.engine({}) == "podman"


def test_a_named_engine_is_not_replaced(programs: Path) -> None:
    program(programs / "docker")
    with pytest.raises(image.ImageError, match="built with podman"):
        image.engine({"ENGINE": "podman"})


def test_the_tag_is_the_version_and_the_base_can_be_chosen(
    programs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program(programs / "docker")
    monkeypatch.setenv("BASE_IMAGE", "debian:trixie-slim")
    assert image.main(["--network", "host"]) == 0
    tag = f"jitsi-tenant-operator:{image.version()}"
    asked = (programs / "docker.arguments").read_text().strip()
    base = "--build-arg BASE_IMAGE=debian:trixie-slim"
    assert asked == f"build --tag {tag} {base} --network host {image.ROOT}"
    assert capsys.readouterr().out == f"built {tag}\n"


def test_a_failed_build_fails(programs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program(programs / "docker", builds=False)
    assert image.main([]) == 1
    assert capsys.readouterr().out == ""
