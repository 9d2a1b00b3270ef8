"""A tenant's data and its two repositories behind real servers, and the programs run on them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from jitsi_tenant_operator.backup.configuration import read_configuration
from jitsi_tenant_operator.backup.programs.backup import back_up
from jitsi_tenant_operator.backup.programs.drill import drill
from jitsi_tenant_operator.backup.programs.restore import Asked, restore
from jitsi_tenant_operator.backup.programs.running import Run, report_of
from jitsi_tenant_operator.backup.programs.sweep import sweep
from jitsi_tenant_operator.backup.programs.verify import verify
from jitsi_tenant_operator.backup.report import Program, Report, encode
from jitsi_tenant_operator.backup.restic import ResticStore
from jitsi_tenant_operator.backup.store import Copy, Depth, Group, Snapshot
from jitsi_tenant_operator.backup.stores import open_store
from trial.restic_servers import Server

TENANT, PASSWORD = "acme", "tenant-acme-login"
KEYS = ("the primary's key", "the off-site copy's key")
FIRST_NIGHT = datetime(2027, 3, 1, 0, 31, tzinfo=UTC)
VIDEO = b"".join(
    [
        b"\x00\x00\x00\x10ftypisom\x00\x00\x00\x01",
        b"\x00\x00\x00\x18mdat" + bytes(range(16)),
        b"\x00\x00\x00\x10moov\x00\x00\x00\x08trak",
    ]
)
ACCOUNT = b'return {\n\t["password"] = "s3cret";\n};\n'


@dataclass
class Wall:
    """A clock that stands until a test turns it."""

    at: datetime = FIRST_NIGHT

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass
class Site:
    """What one tenant has; `fields` is its configuration, which tests change."""

    folder: Path
    fields: dict[str, Any]
    clock: Wall = field(default_factory=Wall)

    @classmethod
    def at(cls, folder: Path, primary: Server, offsite: Server) -> Site:
        """A tenant below `folder` with a recording, an account and its configuration."""
        secrets = {"username": TENANT, "password": PASSWORD}
        secrets |= dict(zip(Copy, KEYS, strict=True))
        for name, secret in secrets.items():
            _write(folder / "secrets" / name, secret.encode())
        site = cls(
            folder,
            {
                "tenant": {"name": TENANT, "namespace": "tenant-acme", "uid": "5f0c"},
                "sources": {
                    part: str(folder / part) for part in ("recordings", "accounts", "configuration")
                },
                "primary": _repository(folder, primary, "primary"),
                "offsite": _repository(folder, offsite, "offsite"),
                "backup": {"daily": "P10D", "weekly": "P2M"},
                "scratch": str(folder / "scratch"),
            },
        )
        site.record("monday/meeting.mp4", VIDEO)
        _write(site.folder / "accounts" / "meet%2eexample" / "accounts" / "ada.dat", ACCOUNT)
        _write(site.folder / "configuration" / "tenant.yaml", b"kind: JitsiTenant\n")
        return site

    def record(self, name: str | bytes, content: bytes, age: timedelta = timedelta(1)) -> Path:
        """A recording that was finished `age` ago."""
        file = self.folder / "recordings" / os.fsdecode(name)
        _write(file, content)
        changed = (self.clock.at - age).timestamp()
        os.utime(file, (changed, changed))
        return file

    def served_by(self, primary: Server, offsite: Server) -> Site:
        """The same tenant by way of other servers, as the operator's own namespace has them."""
        fields = dict(self.fields)
        for name, server in (("primary", primary), ("offsite", offsite)):
            fields[name] = {**fields[name], "address": server.repository(TENANT)}
        return replace(self, fields={**fields, "scratch": str(self.folder / "operators-scratch")})

    def configuration_file(self) -> Path:
        file = self.folder / "backup.yaml"
        file.write_text(yaml.safe_dump(self.fields))
        return file

    def store(self) -> ResticStore:
        store = open_store(read_configuration(self.configuration_file()))
        assert isinstance(store, ResticStore)
        return store

    async def run(self, program: Program, work: Callable[[Run], Awaitable[None]]) -> Report:
        configuration = read_configuration(self.configuration_file())
        run = Run(configuration, open_store(configuration), self.clock)
        return Report.parse(encode(await report_of(program, run, work)))

    async def back_up(self, group: Group = Group.SCHEDULED) -> Report:
        return await self.run(Program.BACKUP, lambda run: back_up(run, group))

    async def sweep(self, *, dry_run: bool = False) -> Report:
        return await self.run(Program.SWEEP, lambda run: sweep(run, dry_run=dry_run))

    async def verify(self, depth: Depth = Depth.EVERYTHING) -> Report:
        return await self.run(Program.VERIFY, lambda run: verify(run, depth, 100))

    async def drill(self, copy: Copy = Copy.OFFSITE, recordings: int = 3) -> Report:
        return await self.run(Program.DRILL, lambda run: drill(run, copy, recordings))

    async def restore(self, **asked: Any) -> Report:
        wanted = Asked(**{"copy": Copy.PRIMARY, **asked})
        return await self.run(Program.RESTORE, lambda run: restore(run, wanted))

    async def snapshots(self, copy: Copy = Copy.PRIMARY) -> list[Snapshot]:
        return list(await self.store().snapshots(copy))

    def lose(self, part: str) -> None:
        shutil.rmtree(self.folder / part)


def contents(folder: Path) -> dict[bytes, bytes]:
    """The regular files below `folder`, by path."""
    return {
        bytes(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def reasons(report: Report) -> list[str]:
    """The reasons of its problems."""
    return [each.reason for each in report.problems]


def _repository(folder: Path, server: Server, name: str) -> dict[str, Any]:
    secrets = folder / "secrets"
    login = {"usernameFile": str(secrets / "username"), "passwordFile": str(secrets / "password")}
    return {
        "driver": "Restic",
        "address": server.repository(TENANT),
        "keyFile": str(secrets / name),
        "login": login,
    }


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
