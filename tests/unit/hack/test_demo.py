"""The demonstration tells what it waits for, and ends only what it started."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from demo import operator_process, tenants
from demo.clusters import confirmed
from demo.errors import DemoError
from demo.operator_process import OperatorProcess
from demo.scenario import NAMESPACES, SHARED, TENANTS, sample_files


def tenant(*conditions: tuple[str, str, str], seen: int = 2, **status: Any) -> dict[str, Any]:
    fields = ("type", "status", "reason")
    return {
        "kind": "JitsiTenant",
        "metadata": {"name": "acme", "namespace": "tenant-acme", "generation": 2},
        "status": {
            "observedGeneration": seen,
            "conditions": [dict(zip(fields, one, strict=True)) for one in conditions],
            **status,
        },
    }


def test_ready_counts_only_for_the_version_that_was_applied() -> None:
    assert tenants.is_ready(tenant(("Ready", "True", "AllReady")))
    assert not tenants.is_ready(tenant(("Ready", "True", "AllReady"), seen=1))
    assert not tenants.is_ready(tenant(("Ready", "False", "Waiting")))
    assert not tenants.is_ready({"metadata": {"name": "new", "generation": 1}})


def test_progress_names_what_is_missing() -> None:
    waiting = tenant(
        ("Ready", "False", "NotAvailable"),
        ("SpecValid", "True", "Valid"),
        ("Available", "False", "PodsStarting"),
    )
    new = {"metadata": {"name": "new", "generation": 1}}
    shown = tenants.progress([waiting, new, tenant(("Ready", "True", "AllReady"))])
    assert shown == "acme: Available PodsStarting, new: not seen yet, acme: Ready"


def test_the_summary_shows_address_bridges_children_and_conditions() -> None:
    bridges = [
        {"name": "acme-jvb-0", "addresses": ["203.0.113.11", "203.0.113.12"], "port": 30123},
        {"name": "acme-jvb-1", "addresses": []},
    ]
    shown = tenants.summary(
        [tenant(("Ready", "True", "AllReady"), url="https://meet.acme.example", bridges=bridges)],
        [
            {"kind": "Service", "metadata": {"namespace": "tenant-acme"}},
            {"kind": "Pod", "metadata": {"namespace": "tenant-acme"}},
            {"kind": "Service", "metadata": {"namespace": "tenant-acme"}},
            {"kind": "Pod", "metadata": {"namespace": "tenant-other"}},
        ],
    )
    assert "acme  (namespace tenant-acme)" in shown
    assert "URL         https://meet.acme.example" in shown
    assert "acme-jvb-0 at 203.0.113.11:30123 203.0.113.12:30123" in shown
    assert "acme-jvb-1 at address pending" in shown
    assert "children    1 Pod, 2 Service\n" in shown
    assert "Ready  True     AllReady" in shown


def test_the_samples_are_two_tenants_with_all_that_they_refer_to() -> None:
    options = sample_files((*NAMESPACES, *SHARED, *TENANTS))
    assert set(options[::2]) == {"-f"}
    names = [Path(file).name for file in options[1::2]]
    assert names[0] == "00-namespaces.yaml"
    assert names[1] == "platform.yaml"
    assert len([name for name in names if name.startswith("tenant-")]) == 2


@pytest.mark.parametrize(
    ("environ", "answer", "expected"),
    [
        ({"CONFIRM": "yes"}, None, True),
        ({"CONFIRM": "no"}, None, None),
        ({}, None, None),
        ({}, "y", True),
        ({}, " Yes ", True),
        ({}, "", False),
        ({}, "n", False),
    ],
)
def test_nothing_is_taken_for_a_yes_but_yes(
    environ: dict[str, str], answer: str | None, *, expected: bool | None
) -> None:
    ask = None if answer is None else lambda _: answer
    assert confirmed("Install?", environ, ask) is expected


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    """A program in the operator's place: writes what it was given and waits to be told to stop."""
    path = tmp_path / "stand-in"
    path.write_text(
        f"#!{sys.executable}\nimport os, signal, sys\n"
        "signal.signal(signal.SIGTERM, lambda *_: (print('lease released'), sys.exit(0)))\n"
        "print(os.environ['KUBECONFIG'], *sys.argv[1:], flush=True)\nsignal.pause()\n"
    )
    path.chmod(0o755)
    return path


def test_the_operator_is_found_again_and_ended_politely(tmp_path: Path, stand_in: Path) -> None:
    OperatorProcess(tmp_path, stand_in).start(tmp_path / "kubeconfig")
    again = OperatorProcess(tmp_path)
    while not again.log.read_text().endswith("\n"):
        again.check()
    assert again.log.read_text().startswith(f"{tmp_path / 'kubeconfig'} run ")
    assert again.stop()
    assert again.log.read_text().endswith("lease released\n")
    assert not again.running
    assert not again.stop()


def test_a_changed_program_is_started_anew(
    tmp_path: Path, stand_in: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "package"
    package.mkdir()
    monkeypatch.setattr(operator_process, "PACKAGE", package)
    operator = OperatorProcess(tmp_path, stand_in)
    operator.start(tmp_path / "kubeconfig")
    before = operator.up_to_date
    (package / "new.py").touch()
    assert (before, operator.running, operator.up_to_date) == (True, True, False)
    assert operator.stop()


def test_an_operator_that_ends_shows_its_log(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\nexec >&1; echo no such Lease; exit 1\n")
    broken.chmod(0o755)
    operator = OperatorProcess(tmp_path, broken)
    operator.start(tmp_path / "kubeconfig")
    while operator.running:
        pass
    with pytest.raises(DemoError, match=r"the operator has ended(.|\n)*no such Lease"):
        operator.check()
    assert not operator.stop()


def test_another_process_with_the_same_id_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        state = {"pid": bystander.pid, "started": "1@boot"}
        (tmp_path / "operator.json").write_text(json.dumps({"process": state}))
        operator = OperatorProcess(tmp_path)
        assert not operator.running
        assert not operator.stop()
        assert bystander.poll() is None
        bystander.communicate(b"\n")
