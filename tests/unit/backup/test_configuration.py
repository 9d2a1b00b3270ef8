"""What the backup programs are told: read strictly, and without a secret in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jitsi_tenant_operator.backup.configuration import (
    ConfigurationError,
    Part,
    ProxmoxRepository,
    ResticRepository,
    read_configuration,
)

RESTIC = """
tenant: {name: acme, namespace: tenant-acme, uid: 5f0c-1}
sources: {recordings: /data/recordings, configuration: /data/configuration}
primary:
  driver: Restic
  address: rest:https://backup.example.org:8000/acme/
  keyFile: /keys/primary
  login: {usernameFile: /login/username, passwordFile: /login/password}
offsite:
  driver: ProxmoxBackupServer
  address: backup@pbs!acme@pbs.example.org:8007:jitsi
  namespace: tenants/acme
  secretFile: /offsite/secret
  fingerprint: FINGERPRINT
backup: {daily: P10D, weekly: P2M}
""".replace("FINGERPRINT", ":".join(["ab"] * 32))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "backup.yaml"
    path.write_text(RESTIC)
    return path


def test_a_file_tells_repositories_folders_and_terms(file: Path) -> None:
    read = read_configuration(file)
    assert isinstance(read.primary, ResticRepository)
    assert isinstance(read.offsite, ProxmoxRepository)
    assert read.sources is not None
    assert read.sources.folders() == {
        Part.RECORDINGS: Path("/data/recordings"),
        Part.CONFIGURATION: Path("/data/configuration"),
    }
    assert (read.backup.daily, read.backup.weekly, read.time_zone) == (
        "P10D",
        "P2M",
        "Europe/Paris",
    )


def test_json_is_read_as_well(file: Path) -> None:
    before = read_configuration(file)
    file.write_text(json.dumps(before.to_json()))
    assert read_configuration(file) == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("daily: P10D", "daily: 10 days"), "backup.daily: expected a duration of ISO 8601"),
        (("keyFile: /keys", "keyfile: /keys"), "keyfile: unknown field"),
        (("https://backup", "https://me:topsecret@backup"), "without a login in it"),
        (("/data/recordings", "data/recordings"), "sources.recordings: expected an absolute path"),
        (("driver: Restic", "driver: Borg"), "primary"),
        (("tenant:", "tenant"), "backup.yaml:"),
    ],
)
def test_a_mistake_is_refused_with_its_field(
    file: Path, change: tuple[str, str], said: str
) -> None:
    file.write_text(RESTIC.replace(*change))
    with pytest.raises(ConfigurationError, match="backup") as refused:
        read_configuration(file)
    assert said in str(refused.value)
    assert "topsecret" not in str(refused.value)


def test_a_missing_file_is_told_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nothing\.yaml: no such file"):
        read_configuration(tmp_path / "nothing.yaml")
