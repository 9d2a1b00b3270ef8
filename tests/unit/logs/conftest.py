"""Two volumes, a clock that is turned by hand, and the archiver between them."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from jitsi_tenant_operator.logs.archiver import Run
from jitsi_tenant_operator.logs.configuration import (
    Configuration,
    Holds,
    LogHold,
)
from jitsi_tenant_operator.logs.layout import Archive, CurrentLog, Layout
from jitsi_tenant_operator.logs.proof import Proof, Prover, Question
from jitsi_tenant_operator.logs.report import RunReport, TenantReport
from jitsi_tenant_operator.logs.storage import LocalStorage, Storage

PARIS = ZoneInfo("Europe/Paris")
POLICY: Mapping[str, str] = {
    "retention": "P6M",
    "compressAfter": "P1D",
    "disposal": "Delete",
    "source": "cgu-2026-05-19 11.3",
}


class HandClock:
    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def paris(text: str) -> datetime:
    """An instant on the clocks of Paris, such as 2026-11-25 00:15."""
    return datetime.fromisoformat(text).replace(tzinfo=PARIS)


@dataclass
class Site:
    """The volumes of one platform; `turn` says what time it is, `run` lets the archiver work."""

    root: Path
    clock: HandClock = field(default_factory=lambda: HandClock(paris("2026-11-25 00:30")))
    line_format: str = "Plain"
    tenants: dict[str, dict[str, Any]] = field(default_factory=dict)
    holds: Holds | None = field(default_factory=lambda: Holds(holds=()))
    storage: Storage = field(default_factory=LocalStorage)

    def __post_init__(self) -> None:
        self.layout = Layout(self.root / "current", self.root / "archives")
        self.layout.current.mkdir()
        self.layout.archives.mkdir()

    def turn(self, text: str) -> None:
        self.clock.at = paris(text)

    def tenant(
        self,
        name: str = "acme",
        components: Sequence[str] = ("jvb",),
        since: str = "2026-11-24",
        until: str | None = None,
        **policy: Any,
    ) -> None:
        """A tenant whose components log since a day."""
        self.tenants[name] = {
            "name": name,
            "policy": {**POLICY, **policy},
            "components": [
                {"name": each, "since": since} | ({"until": until} if until else {})
                for each in components
            ],
        }

    @property
    def configuration(self) -> Configuration:
        return Configuration.model_validate_json(
            orjson.dumps(
                {
                    "timeZone": "Europe/Paris",
                    "lineFormat": self.line_format,
                    "policy": POLICY,
                    "tenants": list(self.tenants.values()),
                }
            ),
            strict=True,
            extra="forbid",
        )

    def hold(self, name: str = "court-7", tenant: str = "acme", **scope: Any) -> None:
        """Hold logs from now on."""
        held = LogHold.model_validate_json(
            orjson.dumps({"name": name, "tenant": tenant, **scope}), extra="forbid"
        )
        before = self.holds.holds if self.holds else ()
        self.holds = Holds(holds=(*before, held))

    def release(self) -> None:
        self.holds = Holds(holds=())

    def log(
        self,
        content: bytes | Iterable[str],
        day: str = "2026-11-24",
        component: str = "jvb",
        tenant: str = "acme",
    ) -> Path:
        """Let the collector append to the log of a day; last written to as the day ended."""
        path = self.layout.raw(tenant, CurrentLog(component, date.fromisoformat(day)))
        path.parent.mkdir(exist_ok=True)
        text = (
            content if isinstance(content, bytes) else "".join(f"{x}\n" for x in content).encode()
        )
        with path.open("ab") as file:
            file.write(text)
        self.last_written(path, datetime.combine(date.fromisoformat(day), time(23, 59), PARIS))
        return path

    def last_written(self, path: Path, at: datetime) -> None:
        os.utime(path, (at.timestamp(), at.timestamp()))

    def run(self, *only: str, dry_run: bool = False) -> RunReport:
        run = Run(
            self.layout, self.storage, self.configuration, self.holds, self.clock, dry_run=dry_run
        )
        return run.all(only)

    def prove(self, tenant: str = "acme", *, thorough: bool = True, **question: Any) -> Proof:
        now = self.clock.now()
        prover = Prover(self.layout, self.configuration, self.holds, now, thorough=thorough)
        return prover.prove(Question(tenant, **question))

    def run_for(self, tenant: str = "acme") -> TenantReport:
        [report] = self.run(tenant).tenants
        return report

    def archive(
        self,
        day: str = "2026-11-24",
        part: int = 0,
        *,
        component: str = "jvb",
        tenant: str = "acme",
        anonymised: bool = False,
    ) -> Path:
        found = Archive(component, date.fromisoformat(day), part, anonymised)
        return self.layout.archive(tenant, found)

    def content(self, day: str = "2026-11-24", part: int = 0, **where: Any) -> bytes:
        """What the command `zstd -d` makes of an archive."""
        command = ["zstd", "-dc", str(self.archive(day, part, **where))]
        return subprocess.run(command, check=True, capture_output=True).stdout

    def entries(self, tenant: str = "acme") -> list[dict[str, Any]]:
        """The manifest, whose chain holds by plain SHA-256."""
        path = self.layout.manifest(tenant)
        previous, found = "0" * 64, []
        for number, line in enumerate(path.read_bytes().splitlines(), 1):
            entry = orjson.loads(line)
            assert (entry["number"], entry["previous"]) == (number, previous)
            previous = hashlib.sha256(line).hexdigest()
            found.append(entry)
        return found

    def events(self, tenant: str = "acme") -> list[tuple[str, str | None]]:
        return [(entry["event"], entry.get("day")) for entry in self.entries(tenant)]

    def files(self) -> dict[str, bytes]:
        """Everything on the volumes but for locks."""
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and path.name != ".lock"
        }


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
