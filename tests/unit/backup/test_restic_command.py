"""What restic says when it fails, in its own words of 0.14, and what that means."""

from __future__ import annotations

from pathlib import Path

import pytest

from jitsi_tenant_operator.api.platform import RepositoryDriver
from jitsi_tenant_operator.backup.configuration import ResticRepository, ServerLogin
from jitsi_tenant_operator.backup.process import Finished
from jitsi_tenant_operator.backup.restic import pattern
from jitsi_tenant_operator.backup.restic_command import access, failure
from jitsi_tenant_operator.backup.store import StoreError, StoreReason

SAID = {
    "Fatal: wrong password or no key found": "KeyRefused",
    "Fatal: unable to open config file: <config/> does not exist\nIs there a repository at the"
    " following location?\nrest:http://acme:***@127.0.0.1/acme/": "RepositoryMissing",
    "Fatal: unable to open config file: stat /r/config: no such file": "RepositoryMissing",
    'Fatal: unable to open config file: client.Head: Head "http://acme:***@127.0.0.1:9/": dial tcp'
    " 127.0.0.1:9: connect: connection refused": "RepositoryUnreachable",
    "Fatal: unable to open config file: unexpected HTTP response (401)": "RepositoryUnreachable",
    "Fatal: Get: x509: certificate signed by unknown authority": "RepositoryUnreachable",
    "unable to create lock in backend: repository is already locked": "RepositoryLocked",
    "Fatal: open /r/locks/7f: read-only file system": "RepositoryReadOnly",
    "blob not removed, server response: 403 Forbidden (403)": "RepositoryReadOnly",
    "Fatal: write /r/data/7f: no space left on device": "RepositoryFull",
    "Fatal: server response unexpected: 507 Insufficient Storage": "RepositoryFull",
    "Fatal: repository contains errors": "RepositoryDamaged",
    "Fatal: There were 2 errors\n": "RepositoryDamaged",
    'Ignoring "7f": no matching ID found\nFatal: invalid id "7f"': "SnapshotUnknown",
    "Fatal: something new": "StoreFailed",
}
STATUSES = {
    3: "SourceIncomplete",
    10: "RepositoryMissing",
    11: "RepositoryLocked",
    12: "KeyRefused",
}


@pytest.mark.parametrize(
    ("status", "words", "reason"),
    [
        *((1, words, reason) for words, reason in SAID.items()),
        *((status, "Fatal: in other words", reason) for status, reason in STATUSES.items()),
    ],
)
def test_each_failure_has_a_stable_reason(status: int, words: str, reason: str) -> None:
    error = failure(Finished(status, words))
    assert error.reason.value == reason
    assert not any(word in str(error) for word in ("acme", "127.0.0.1", "/r/", "7f"))


def test_a_login_stands_in_a_file_that_nobody_else_reads(tmp_path: Path) -> None:
    (tmp_path / "username").write_text("acme\n")
    (tmp_path / "password").write_text("p@ss/wörd:\n")
    repository = ResticRepository(
        driver=RepositoryDriver.RESTIC,
        address="rest:https://backup.example.org:8000/acme/",
        key_file="/keys/primary",
        login=ServerLogin(
            username_file=f"{tmp_path}/username", password_file=f"{tmp_path}/password"
        ),
    )
    reached = access(repository, tmp_path / "access", "primary")
    assert reached.address_file.read_text() == (
        "rest:https://acme:p%40ss%2Fw%C3%B6rd%3A@backup.example.org:8000/acme/"
    )
    assert (reached.address_file.stat().st_mode & 0o777, "p@ss" in str(reached.options())) == (
        0o600,
        False,
    )
    (tmp_path / "password").unlink()
    with pytest.raises(StoreError) as refused:
        access(repository, tmp_path / "access", "primary")
    assert refused.value.reason is StoreReason.UNREACHABLE


def test_a_pattern_stands_for_one_name() -> None:
    assert pattern(Path("/a/[b]*?\\c \n")) == b"/a/\\[b]\\*\\?\\\\c \n"
