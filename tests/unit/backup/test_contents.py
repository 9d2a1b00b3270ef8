"""What a backup is made of: its manifest, which files are taken, which of them can be opened."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitsi_tenant_operator.backup import manifest, sources
from jitsi_tenant_operator.backup.configuration import Part
from jitsi_tenant_operator.backup.manifest import Entry, Head, ManifestError
from jitsi_tenant_operator.backup.opening import is_lua_table, is_video
from jitsi_tenant_operator.backup.programs.contents import missing
from jitsi_tenant_operator.backup.store import StoredFile

NOW = datetime(2027, 3, 1, 0, 31, tzinfo=UTC)
FOLDERS = {Part.RECORDINGS: Path("/data/recordings"), Part.ACCOUNTS: Path("/scratch/accounts")}
HEAD = Head("acme", "5f0c", "2027-03-01", FOLDERS)

names = st.binary(min_size=1, max_size=20).filter(
    lambda name: not {0, ord("/")} & set(name) and name not in (b".", b"..")
)
entries = st.lists(
    st.builds(
        Entry,
        st.sampled_from(list(FOLDERS)),
        names.map(os.fsdecode),
        st.integers(0, 2**50),
        st.integers(0, 2**62),
        st.just("ab" * 32),
    ),
    max_size=20,
    unique_by=lambda each: each.key,
)


@given(entries)
def test_a_manifest_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, written: list[Entry]
) -> None:
    file = tmp_path_factory.getbasetemp() / "manifest.jsonl"
    digest, files, size = manifest.write(file, HEAD, written)
    found = manifest.read(file)
    assert (found.head, list(found.entries), found.sha256) == (HEAD, written, digest)
    assert (files, size) == (len(written), sum(each.size for each in written))
    assert hashlib.sha256(file.read_bytes()).hexdigest() == digest


@pytest.mark.parametrize(
    "line",
    [
        {"part": "recordings", "path": "../../etc/passwd", "size": 1, "mtime": 1, "sha256": "ab"},
        {"part": "recordings", "path": "/etc/passwd", "size": 1, "mtime": 1, "sha256": "ab"},
        {"part": "else", "path": "a", "size": 1, "mtime": 1, "sha256": "ab"},
        {"part": "recordings", "path": "a"},
        [],
    ],
)
def test_a_manifest_that_was_tampered_with_is_refused(tmp_path: Path, line: object) -> None:
    file = tmp_path / "manifest.jsonl"
    manifest.write(file, HEAD, [])
    file.write_text(file.read_text() + json.dumps(line) + "\n")
    with pytest.raises(ManifestError):
        manifest.read(file)


@given(entries, st.data())
def test_what_a_snapshot_lacks_or_has_besides_is_counted(
    listed: list[Entry], data: st.DataObject
) -> None:
    stored = [StoredFile(_go(FOLDERS[each.part] / each.path), each.size) for each in listed]
    stored.append(StoredFile(f"/scratch/{sources.STAGED}/{manifest.NAME}", 700))
    assert missing(HEAD, listed, stored) == 0
    assert missing(HEAD, listed, [*stored, StoredFile("/data/recordings/besides", 1)]) == 1
    if listed:
        lost = data.draw(st.integers(0, len(listed) - 1))
        assert missing(HEAD, listed, stored[:lost] + stored[lost + 1 :]) == 1
        cut = StoredFile(stored[lost].path, stored[lost].size + 1)
        assert missing(HEAD, listed, [*stored[:lost], cut, *stored[lost + 1 :]]) == 2


def _go(path: Path) -> str:
    """As Go writes a name into JSON."""
    text, rest = "", bytes(path)
    while rest:
        for length in range(1, 5):
            try:
                text += rest[:length].decode()
            except UnicodeDecodeError:
                continue
            rest = rest[length:]
            break
        else:
            text, rest = text + "\ufffd", rest[1:]
    return text


@pytest.mark.parametrize(
    ("minutes", "taken"),
    [(9, False), (11, True), (0, False), (-9, False), (-11, True), (60 * 24 * 400, True)],
)
def test_a_recording_is_taken_once_it_has_settled(
    tmp_path: Path, minutes: int, taken: bool
) -> None:
    folders = {part: tmp_path / part for part in FOLDERS}
    for folder in folders.values():
        folder.mkdir()
        changed = (NOW - timedelta(minutes=minutes)).timestamp()
        (folder / "file").touch()
        os.utime(folder / "file", (changed, changed))
    (folders[Part.RECORDINGS] / "link").symlink_to("/etc/hostname")
    os.mkfifo(folders[Part.RECORDINGS] / "pipe")
    found = sources.find(folders, NOW - timedelta(minutes=10), NOW)
    recording = folders[Part.RECORDINGS] / "file"
    # An account is copied as a whole, so that it counts at once.
    account = (Part.ACCOUNTS, folders[Part.ACCOUNTS] / "file")
    assert found.files == (account, *([(Part.RECORDINGS, recording)] if taken else []))
    assert found.postponed == (() if taken else (recording,))


def test_a_recording_that_did_not_change_is_not_read_again(tmp_path: Path) -> None:
    folders = {Part.RECORDINGS: tmp_path}
    for name in ("same", "longer", "touched"):
        (tmp_path / name).write_text("x")
        os.utime(tmp_path / name, (0, 0))
    found = sources.find(folders, NOW - timedelta(minutes=10), NOW)
    known = {(Part.RECORDINGS, name): entry(name) for name in ("same", "longer", "touched")}
    (tmp_path / "longer").write_text("xy")
    os.utime(tmp_path / "longer", (0, 0))
    os.utime(tmp_path / "touched", (1, 1))
    digests = {each.path: each.sha256 for each in sources.entries(found, folders, known)}
    assert digests == {
        "same": "of before",
        "longer": hashlib.sha256(b"xy").hexdigest(),
        "touched": hashlib.sha256(b"x").hexdigest(),
    }


def entry(name: str) -> Entry:
    return Entry(Part.RECORDINGS, name, 1, 0, "of before")


def box(kind: bytes, content: bytes = b"") -> bytes:
    return (8 + len(content)).to_bytes(4) + kind + content


FTYP, MDAT, MOOV = box(b"ftyp", b"isom"), box(b"mdat", bytes(100)), box(b"moov", box(b"trak"))
LONG = (1).to_bytes(4) + b"mdat" + (16 + 5).to_bytes(8) + bytes(5)


@pytest.mark.parametrize(
    ("content", "video"),
    [
        (FTYP + MDAT + MOOV, True),
        (FTYP + MOOV + MDAT, True),
        (FTYP + box(b"free") + LONG + MOOV, True),
        (FTYP + MOOV + (0).to_bytes(4) + b"mdat" + bytes(9), True),
        # Jibri was killed before ffmpeg could finish.
        (FTYP + MDAT, False),
        (FTYP + MDAT + MOOV[:-1], False),
        (FTYP + MDAT + MOOV + b"\0\0", False),
        (MDAT + MOOV, False),
        (b"", False),
        (b"<html>no such recording</html>", False),
    ],
)
def test_a_recording_is_a_video_if_its_boxes_are_whole(
    tmp_path: Path, content: bytes, video: bool
) -> None:
    file = tmp_path / "meeting.mp4"
    file.write_bytes(content)
    assert is_video(file) is video


@pytest.mark.parametrize(
    ("text", "account"),
    [
        ('return {\n\t["password"] = "s3cret";\n};\n', True),
        (
            'return {\n\t["iteration_count"] = 10000;\n\t["salt"] = "}\\"{";\n\t[1] = -1.5;\n};',
            True,
        ),
        ("return {};", True),
        ('return {\n\t["password"] = "s3c', False),
        ('return {\n\t["password"] = "s3cret";\n', False),
        ("return {}};", False),
        ("return {[}];", False),
        ("", False),
        ("\0\0\0\0", False),
    ],
)
def test_an_account_is_one_whole_table(text: str, account: bool) -> None:
    assert is_lua_table(text) is account
