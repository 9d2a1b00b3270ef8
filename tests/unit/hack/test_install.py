"""A checkout is installed from its locks, on a machine with nothing but Python."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

import install
from install import ROOT, InstallError, VirtualEnvironment

LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
PINNED = re.compile(r"^([a-z0-9-]+)==(\S+)(?: ;[^\\]*)?(?: \\)?$", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    return dict(PINNED.findall((ROOT / "requirements" / f"{name}.txt").read_text()))


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package index; what lies in the folder is offered."""
    (tmp_path / "simple" / "pip").mkdir(parents=True)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    Thread(target=server.serve_forever, daemon=True).start()
    # As on Debian without python3-venv.
    monkeypatch.setattr(install, "_succeeds", lambda *_: False)
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple")
    yield tmp_path / "simple" / "pip"
    server.shutdown()
    server.server_close()


def test_every_lock_has_hashes_and_names_no_index() -> None:
    assert {path.stem for path in LOCKS} == {"build", "dev", "go", "pip", "runtime", "uv"}
    for path in LOCKS:
        text = path.read_text()
        blocks = re.split(r"\n(?=[a-z])", text[text.index("\n", text.index("make lock")) + 1 :])
        assert blocks
        for block in blocks:
            assert PINNED.match(block), f"{path.name}: {block[:80]}"
            assert "--hash=sha256:" in block, f"{path.name}: {block[:80]}"
        assert "index-url" not in text
        assert "find-links" not in text


def test_what_is_tested_is_what_is_shipped() -> None:
    shipped, tested = pins("runtime"), pins("dev")
    assert shipped.items() <= tested.items()
    assert pins("build").items() <= tested.items()


def test_the_locks_hold_what_the_project_asks_for() -> None:
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.split(r"[<>=]", requirement)[0] for requirement in asked}
    assert names <= set(pins("runtime"))


def test_another_file_than_the_locked_pip_is_refused(index: Path, tmp_path: Path) -> None:
    name = f"pip-{pins('pip')['pip']}-py3-none-any.whl"
    (index / name).write_bytes(b"something else")
    (index / "index.html").write_text(f'<a href="/simple/pip/{name}#sha256=0">{name}</a>')
    with pytest.raises(InstallError, match=r"is not the file that requirements/pip.txt"):
        VirtualEnvironment(tmp_path / "venv").create(Path(sys.executable))


def test_an_index_without_the_locked_pip_is_named(index: Path, tmp_path: Path) -> None:
    (index / "index.html").write_text('<a href="/simple/pip/pip-1.0-py3-none-any.whl">pip</a>')
    with pytest.raises(InstallError, match=r"http://127\S+/simple/pip/ does not offer pip-\d"):
        VirtualEnvironment(tmp_path / "venv").create(Path(sys.executable))


def test_an_index_that_cannot_be_reached_is_named_without_its_password(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://user:pass-word@127.0.0.1:1/simple")
    with pytest.raises(InstallError, match=r"cannot reach the package index") as caught:
        VirtualEnvironment(tmp_path / "venv").create(Path(sys.executable))
    assert "PIP_INDEX_URL" in str(caught.value)
    assert "pass-word" not in str(caught.value)


def test_an_old_python_is_refused_with_a_way_out(tmp_path: Path) -> None:
    old = tmp_path / "python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    with pytest.raises(InstallError, match=r"older than Python 3\.11(.|\n)*PYTHON=python3"):
        install.install_checkout(old, tmp_path / "venv")


def test_an_installed_checkout_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    monkeypatch.setattr(VirtualEnvironment, "create", lambda *_: done.append("create"))
    monkeypatch.setattr(VirtualEnvironment, "install", lambda *_: done.append("install"))
    folder = tmp_path / "venv"
    folder.mkdir()
    assert install.install_checkout(Path(sys.executable), folder)
    assert done == ["create", "install", "install"]
    assert not install.install_checkout(Path(sys.executable), folder)
    assert done == ["create", "install", "install"]
    # Newer packages keep the environment, so that what uses it meanwhile goes on.
    (folder / ".installed-from").write_text("another lock")
    assert install.install_checkout(Path(sys.executable), folder)
    assert done == ["create", "install", "install", "install", "install"]
