"""`make bench` on a small scale: that it measures everything, and what holds at any scale."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import yaml

from installation import ROOT, SAMPLES
from jitsi_tenant_operator.offline import render_files

TENANTS = 8
BESIDES_CHILDREN = {
    "patch jitsitenants": 1,
    "patch jitsitenants/status": 1,
    "create jitsitenantrecords": 1,
    "create secrets": 1,
}
"""What is written for a tenant: finalizer, status, ledger, generated passwords."""


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
    assert sum(each["tenants"] for each in measured["rounds"]) == TENANTS - 1, "one is the model"
    besides = Counter(measured["writes"])
    assert {write: besides[write] for write in BESIDES_CHILDREN} == BESIDES_CHILDREN
    for each in measured["rounds"]:
        assert each["children"] == each["tenants"] * _children_of_the_sample(tmp_path)
        assert each["writes"] == each["children"] + each["tenants"] * sum(BESIDES_CHILDREN.values())
        # The bare client sends the model's writes, each once, and nothing else.
        assert each["operator"]["requests"] >= each["writes"] == each["floor"]["requests"]
        for side in (each["operator"], each["floor"]):
            assert 0 < side["children_seconds"] <= side["seconds"]
    last = measured["rounds"][-1]
    assert measured["children_alone"]["requests"] == last["children"]
    children = sum(each["children"] for each in measured["rounds"])
    [restart] = measured["restarts"]
    assert restart["objects"] > children
    assert restart["writes"] == 0
    assert measured["idle"]["logged"] == measured["idle"]["counted"] == {}
    assert [each["tenants"] for each in measured["memory"]] == [0, 2, TENANTS]
    assert all(each["resident_bytes"] > 10**7 for each in measured["memory"])
    assert len(measured["samples"]) == 1

    verdicts = {each["target"]: each["met"] for each in result["figures"] if each["target"]}
    assert verdicts.pop("0") is True
    # The others are promised for a thousand tenants.
    assert set(verdicts.values()) == {None}


def _children_of_the_sample(folder: Path) -> int:
    """Without those of backups, for which the operator would have to know its own image."""
    platform = yaml.safe_load((SAMPLES / "platform.yaml").read_text())
    del platform["spec"]["backup"]
    file = folder / "platform.yaml"
    file.write_text(yaml.safe_dump(platform))
    rendered = yaml.safe_load_all(render_files([file, SAMPLES / "tenant-globex.yaml"]))
    return sum(body["kind"] != "Secret" for body in rendered)
