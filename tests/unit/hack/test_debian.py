"""The programs that tests run are installed where that is possible, and named where it is not."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

import debian
from debian import MissingProgramError

APT_GET = """#!/bin/sh
echo "$*" >> {folder}/calls
test -x {folder}/policy && echo "no service is started" >> {folder}/calls
for each in $*; do case $each in chromium|nginx-light) touch {folder}/installed-$each;; esac; done
exit {status}
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with apt-get and none of the programs, seen by root; what is there is in it."""
    monkeypatch.setattr(debian, "_SEARCHED", str(tmp_path))
    monkeypatch.setattr(debian, "POLICY", tmp_path / "policy")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    put(tmp_path / "apt-get", APT_GET.format(folder=tmp_path, status=0))
    return tmp_path


def put(path: Path, script: str = "#!/bin/sh\n") -> None:
    path.write_text(script)
    path.chmod(0o755)


def test_what_is_missing_is_installed_and_starts_no_service(machine: Path) -> None:
    put(machine / "chromium")
    missing = [debian.PACKAGES[name] for name in debian.PACKAGES if name != "chromium"]
    debian.install_missing()
    assert (machine / "calls").read_text().splitlines() == [
        "--quiet=2 update",
        "no service is started",
        f"--quiet=2 install --yes --no-install-recommends {' '.join(missing)}",
        "no service is started",
    ]
    assert not debian.POLICY.exists()


def test_a_policy_that_is_there_stays(machine: Path) -> None:
    put(debian.POLICY, "#!/bin/sh\nexit 0\n")
    debian.install_missing()
    assert debian.POLICY.read_text() == "#!/bin/sh\nexit 0\n"


def test_nothing_is_done_where_all_are_there(machine: Path) -> None:
    for name in debian.PACKAGES:
        put(machine / name)
        assert debian.program(name) == machine / name
    debian.install_missing()
    assert not (machine / "calls").exists()


def test_a_failure_leaves_nothing_behind(machine: Path, capfd: pytest.CaptureFixture[str]) -> None:
    put(machine / "apt-get", APT_GET.format(folder=machine, status=100))
    assert debian.main() == 1
    assert "failed, see above" in capfd.readouterr().err
    assert not debian.POLICY.exists()


def test_who_is_not_root_is_told_what_to_install(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(MissingProgramError, match=r"apt-get install .* chromium nginx-light"):
        debian.install_missing()
    assert not (machine / "calls").exists()


def test_another_system_is_told_which_programs(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, path=None: None)
    with pytest.raises(MissingProgramError, match="chromium and nginx"):
        debian.install_missing()
    with pytest.raises(MissingProgramError, match="nginx missing"):
        debian.program("nginx")
