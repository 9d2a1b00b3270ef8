"""The commands, run as a pod or a person runs them."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import pytest

from jitsi_tenant_operator.cli import main

if TYPE_CHECKING:
    from tests.unit.logs.conftest import Site

DAY = "2025-03-04"


@pytest.fixture
def files(site: Site) -> list[str]:
    """The options that name volumes and configuration; there is one old day."""
    site.tenant(since=DAY, until=DAY, retention="P90Y")
    site.log([f"{DAY}T08:00:00Z jvb-0 stdout \x1b[31mred"], day=DAY)
    configuration = site.root / "logs.json"
    configuration.write_text(site.configuration.model_dump_json(by_alias=True))
    (site.root / "holds.json").write_text('{"holds": []}')
    return [
        f"--current={site.layout.current}",
        f"--archives={site.layout.archives}",
        f"--configuration={configuration}",
    ]


def holds(site: Site) -> str:
    return f"--holds={site.root / 'holds.json'}"


def test_archive_prove_and_show(
    site: Site, files: list[str], capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    message = site.root / "termination"
    done = main(["archive-logs", *files, holds(site), f"--termination-message={message}"])
    assert (done, capfdbinary.readouterr().out) == (0, b"acme: 1 archived\n")
    [tenant] = orjson.loads(message.read_bytes())["tenants"]
    assert (tenant["archived"], tenant["head"]["number"]) == (1, 1)

    period = ["--tenant=acme", f"--from={DAY}", f"--to={DAY}"]
    head = f"--head={tenant['head']['number']}:{tenant['head']['digest']}"
    assert main(["logs", "prove", *files, *period, head, "-o", "json"]) == 0
    assert orjson.loads(capfdbinary.readouterr().out)["proved"] is True

    assert main(["logs", "show", *files, *period, "--by=alex", "--reason=why not"]) == 0
    assert capfdbinary.readouterr().out == b"jvb 2025-03-04T08:00:00Z jvb-0 stdout \x1b[31mred\n"

    site.archive(DAY).unlink()
    assert main(["logs", "prove", *files, *period]) == 1
    assert capfdbinary.readouterr().out.endswith(b"NOT PROVED\n")


def test_a_terminal_gets_no_escapes(site: Site, files: list[str]) -> None:
    command = [sys.executable, "-m", "jitsi_tenant_operator.cli", "logs", "show", *files]
    command += ["--tenant=acme", f"--from={DAY}", f"--to={DAY}", "--reason=look"]
    terminal, end = pty.openpty()
    subprocess.run(command, check=True, stdout=end)
    os.close(end)
    assert os.read(terminal, 4096).decode().strip().endswith(r"stdout \x1b[31mred")
    os.close(terminal)


def test_holds_that_cannot_be_read_stop_expiry_and_are_told_of(
    site: Site, files: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    (site.root / "holds.json").write_text('{"holds": [{"tenant": "acme"}]}')
    assert main(["archive-logs", *files, holds(site), "-o", "json"]) == 1
    out, err = capfd.readouterr()
    assert orjson.loads(out)["findings"][0]["trouble"] == "HoldsUnreadable"
    assert "holds.0.name" in err


@pytest.mark.parametrize(
    "content",
    ["", "{", "{}", '{"timeZone": "Europe/Nowhere"}', '{"unknown": 1}'],
)
def test_a_configuration_that_cannot_be_used_changes_nothing(
    site: Site, files: list[str], content: str, capfd: pytest.CaptureFixture[str]
) -> None:
    (site.root / "logs.json").write_text(content)
    before = site.files()
    assert main(["archive-logs", *files, holds(site)]) == 2
    assert main(["logs", "prove", *files, "--tenant=acme"]) == 2
    assert site.files() == before
    assert "logs.json" in capfd.readouterr().err


def test_a_volume_that_is_not_mounted_is_told_of(
    site: Site, files: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    site.layout.archives.rename(site.root / "unmounted")
    assert main(["archive-logs", *files, holds(site)]) == 1
    assert "Storage" in capfd.readouterr().out
    assert not site.layout.archives.exists()


def test_a_report_that_cannot_be_handed_over_is_a_failure(
    site: Site, files: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    message = f"--termination-message={site.root / 'nowhere' / 'message'}"
    assert main(["archive-logs", *files, holds(site), message]) == 1
    assert site.archive(DAY).exists()
    assert "termination message" in capfd.readouterr().err


def test_a_tenant_has_no_path_for_a_name(
    site: Site, files: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["logs", "prove", *files, "--tenant=../acme"]) == 2
    assert "'../acme' is not the name of a tenant" in capfd.readouterr().err


def test_two_tenants_of_a_name_are_refused(site: Site, files: list[str]) -> None:
    configuration = site.root / "logs.json"
    content = orjson.loads(configuration.read_bytes())
    content["tenants"] *= 2
    configuration.write_bytes(orjson.dumps(content))
    assert main(["archive-logs", *files, holds(site)]) == 2


def test_the_date_of_the_sample_is_past(files: list[str]) -> None:
    assert date.fromisoformat(DAY) < date(2026, 1, 1)
    assert Path(files[0].partition("=")[2]).is_dir()
