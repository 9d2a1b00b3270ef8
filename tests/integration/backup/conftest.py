"""Servers that only append, as a tenant's Job has them, and servers that delete, as a sweep has."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import debian
from trial.restic_keys import make_quick
from trial.restic_servers import Server, serving

from .site import KEYS, PASSWORD, TENANT, Site

OTHERS = {"globex": "tenant-globex-login"}


class Servers(NamedTuple):
    """The server of each copy."""

    primary: Server
    offsite: Server


def _serving(folder: Path, *, append_only: bool) -> Iterator[Servers]:
    users = {TENANT: PASSWORD, **OTHERS}
    kind = "append" if append_only else "delete"
    stores = folder / "stores"
    with (
        serving(folder / f"{kind}-1", stores / "1", users, append_only=append_only) as primary,
        serving(folder / f"{kind}-2", stores / "2", users, append_only=append_only) as offsite,
    ):
        yield Servers(primary, offsite)


@pytest.fixture(scope="session")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Empty repositories that belong together, quick to open; to be copied, not used."""
    folder = tmp_path_factory.mktemp("repositories")
    restic, source = str(debian.program("restic")), ["--from-repo", f"{folder}/1"]
    for name, word, how in (
        ("1", KEYS[0], []),
        (
            "2",
            KEYS[1],
            ["--copy-chunker-params", *source, "--from-password-file", f"{folder}/1.key"],
        ),
    ):
        key = folder / f"{name}.key"
        key.write_text(word)
        at = ["--repo", f"{folder}/{name}", "--password-file", str(key), "--no-cache"]
        subprocess.run([restic, *at, "init", *how], check=True, stdout=subprocess.DEVNULL)
    for name, word in zip(("1", "2"), KEYS, strict=True):
        make_quick(folder / name, word)
    return folder


@pytest.fixture
def append_only(tmp_path: Path) -> Iterator[Servers]:
    """Servers on which nothing can be deleted."""
    yield from _serving(tmp_path, append_only=True)


@pytest.fixture
def deleting(tmp_path: Path) -> Iterator[Servers]:
    """Servers of the same stores on which things can be deleted."""
    yield from _serving(tmp_path, append_only=False)


@pytest.fixture
def new_site(tmp_path: Path, append_only: Servers) -> Site:
    """A tenant that was never backed up, as its own Job sees it."""
    return Site.at(tmp_path / "tenant", *append_only)


@pytest.fixture
def site(new_site: Site, append_only: Servers, repositories: Path) -> Site:
    """A tenant with empty repositories, as its own Job sees it."""
    for server, name in zip(append_only, ("1", "2"), strict=True):
        shutil.copytree(repositories / name, server.store / TENANT)
    return new_site


@pytest.fixture
def operators(site: Site, deleting: Servers) -> Site:
    """The same tenant, as a Job in the operator's namespace sees it."""
    return site.served_by(*deleting)
