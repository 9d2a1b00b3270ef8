"""`make bench` on a small scale: that it measures everything, and what holds at any scale."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from installation import ROOT

TENANTS = 8


def test_a_small_bench_measures_everything_and_finds_no_needless_request(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    options = ["--tenants", str(TENANTS), "--samples", "1", "--restarts", "1"]
    options += ["--idle-seconds", "2", "--json", str(path), "--check"]
    done = subprocess.run(
        [sys.executable, "-m", "bench", *options],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": "hack"},
        capture_output=True,
        text=True,
        check=False,
    )
    # With --check, a promise that is not kept fails it.
    assert done.returncode == 0, done.stdout + done.stderr

    result = json.loads(path.read_text())
    measured = result["measurements"]
    assert sum(each["tenants"] for each in measured["rounds"]) == TENANTS
    for each in measured["rounds"]:
        assert each["children"] >= 25 * each["tenants"]
        # The operator also writes the finalizer and the status.
        assert each["operator"]["requests"] > each["children"] == each["floor"]["requests"]
        assert min(each["operator"]["seconds"], each["floor"]["seconds"]) > 0
    children = sum(each["children"] for each in measured["rounds"])
    [restart] = measured["restarts"]
    assert restart["objects"] > children
    assert restart["writes"] == 0
    assert measured["idle"]["logged"] == measured["idle"]["counted"] == {}
    assert [each["tenants"] for each in measured["memory"]] == [0, 1, TENANTS]
    assert all(each["resident_bytes"] > 10**7 for each in measured["memory"])
    assert len(measured["samples"]) == 1

    verdicts = {each["target"]: each["met"] for each in result["figures"] if each["target"]}
    assert verdicts.pop("0") is True
    # The others are promised for a thousand tenants.
    assert set(verdicts.values()) == {None}
