"""`python -m bench.logs`: the log archiver against `zstd -3` and `sha256sum`, in one run.

Each figure is the best of a few rounds, taken in turn with its floor, on files that are in memory.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import orjson

from jitsi_tenant_operator.clock import SystemClock
from jitsi_tenant_operator.logs.anonymised import anonymise
from jitsi_tenant_operator.logs.archiver import Run
from jitsi_tenant_operator.logs.configuration import Configuration, Holds
from jitsi_tenant_operator.logs.layout import CurrentLog, Layout
from jitsi_tenant_operator.logs.manifest import Manifest
from jitsi_tenant_operator.logs.proof import Prover, Question
from jitsi_tenant_operator.logs.storage import LocalStorage

MEBIBYTE = 1024 * 1024
DAY = date(2026, 6, 1)
COMPONENTS = ("web", "prosody", "jicofo", "jvb")
LINES = (
    '81.2.69.%d - - [01/Jun/2026:09:%02d:%02d +0200] "GET /Room%d HTTP/1.1" 200 %d "-" "curl/8.5"',
    "JVB 2026-06-01 09:%d:%02d.%03d INFO: [52] [conf_name=room%d@conference.example] received %d",
    "Jicofo 2026-06-01 09:%d:%02d.%03d INFO: [41] BridgeSelector.selectBridge#175: %d of %d",
    "2026-06-01 09:%d:%02d c2s5581f1a2b%d info\tClient connected from 2001:db8::%x port %d",
)
PROGRAM = """
import sys
from jitsi_tenant_operator.cli import main
status = main(sys.argv[1:])
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM:")))
sys.exit(status)
"""
"""Prints the most memory that it took, in KiB; what wait4 says counts its parent's as well."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the result."""

    name: str
    value: float
    unit: str
    promised: float | None = None
    """The least that is promised; None when nothing is."""

    @property
    def missed(self) -> bool:
        """Whether the promise is not kept."""
        return self.promised is not None and self.value < self.promised


class Volumes:
    """Current and archived logs of one tenant in a folder."""

    def __init__(self, root: Path, line_format: str = "Plain") -> None:
        self.layout = Layout(root / "current", root / "archives")
        (self.layout.current / "acme").mkdir(parents=True)
        self.layout.archives.mkdir()
        policy = {
            "retention": "P50Y",
            "compressAfter": "P1D",
            "disposal": "Delete",
            "source": "bench",
        }
        self.configuration = Configuration.model_validate_json(
            orjson.dumps({"timeZone": "Europe/Paris", "lineFormat": line_format, "policy": policy})
        )

    def log(self, day: date, component: str, source: Path) -> None:
        """Put a copy of `source` where the collector writes."""
        path = self.layout.raw("acme", CurrentLog(component, day))
        shutil.copyfile(source, path)
        os.utime(path, (0, 0))

    def archive(self) -> None:
        """Let the archiver run."""
        storage, clock = LocalStorage(), SystemClock()
        report = Run(self.layout, storage, self.configuration, Holds(holds=()), clock).all()
        assert report.good, report


def lines(size: int, *, otlp: bool) -> Iterator[bytes]:
    """At least `size` bytes of lines as four programs write them."""
    made = number = 0
    while made < size:
        batch = []
        for _ in range(100):
            number += 1
            n = number
            batch.append(LINES[n % 4] % (n % 60, n % 59, n % 997, n * 7919 % 10007, n % 65536))
        piece = (
            _request(batch, number) if otlp else "".join(_plain(each) for each in batch).encode()
        )
        made += len(piece)
        yield piece


def _plain(text: str) -> str:
    return f"2026-06-01T07:00:00.123456789Z acme-jvb-0 stdout {text}\n"


def _request(batch: list[str], number: int) -> bytes:
    stream = [{"key": "log.iostream", "value": {"stringValue": "stdout"}}]
    records = [
        {
            "timeUnixNano": str(1780297200000000000 + (number + place) * 1_000_003),
            "body": {"stringValue": text},
            "attributes": stream,
        }
        for place, text in enumerate(batch)
    ]
    pod = [{"key": "k8s.pod.name", "value": {"stringValue": "acme-jvb-0"}}]
    of_resource = {"resource": {"attributes": pod}, "scopeLogs": [{"logRecords": records}]}
    return orjson.dumps({"resourceLogs": [of_resource]}) + b"\n"


def source(folder: Path, mebibytes: int, *, otlp: bool = False) -> Path:
    """A file of lines."""
    path = folder / f"{mebibytes}-{'otlp' if otlp else 'plain'}.log"
    with path.open("wb") as file:
        file.writelines(lines(mebibytes * MEBIBYTE, otlp=otlp))
    return path


def seconds(work: Callable[[], object]) -> float:
    """How long something takes."""
    return costs(work)[0]


def costs(work: Callable[[], object]) -> tuple[float, float]:
    """How long something takes, and how much CPU time of this process and of those it runs."""
    began, before = time.perf_counter(), os.times()
    work()
    used = sum(os.times()[:4]) - sum(before[:4])
    return time.perf_counter() - began, used


def throughput(folder: Path, mebibytes: int, rounds: int) -> Iterator[Figure]:
    """The archiver against the two commands that do the least of what it does."""
    plain, otlp = source(folder, mebibytes), source(folder, mebibytes, otlp=True)
    best = dict.fromkeys(("floor", "Plain", "Otlp"), 1e9)
    least = dict.fromkeys(best, 1e9)

    def measure(name: str, work: Callable[[], object]) -> None:
        taken, used = costs(work)
        best[name], least[name] = min(best[name], taken), min(least[name], used)

    for number in range(rounds):
        measure("floor", lambda: _commands(plain))
        for form, file in (("Plain", plain), ("Otlp", otlp)):
            volumes = Volumes(folder / f"{form}-{number}", form)
            volumes.log(DAY, "jvb", file)
            measure(form, volumes.archive)
            shutil.rmtree(volumes.layout.current.parent)
    floor, size = best["floor"], plain.stat().st_size / 1e6
    yield Figure("zstd -3 and sha256sum", size / floor, "MB/s")
    yield Figure("archiver, plain lines", size / best["Plain"], "MB/s")
    yield Figure("archiver, plain lines, of the floor", floor / best["Plain"], "", 0.8)
    yield Figure("the same by CPU time", least["floor"] / least["Plain"], "")
    yield Figure("archiver, OTLP, by CPU time", otlp.stat().st_size / 1e6 / least["Otlp"], "MB/s")
    yield Figure("archiver, OTLP", otlp.stat().st_size / 1e6 / best["Otlp"], "MB/s of OTLP")


def _commands(file: Path) -> None:
    made = file.with_suffix(".zst")
    subprocess.run(["zstd", "-3", "-q", "-f", str(file), "-o", str(made)], check=True)
    subprocess.run(["sha256sum", str(file)], check=True, stdout=subprocess.DEVNULL)
    made.unlink()


def anonymiser(folder: Path, mebibytes: int) -> Iterator[Figure]:
    """The anonymiser with its check, from archive to archive."""
    file = source(folder, mebibytes)
    volumes = Volumes(folder / "anonymise")
    volumes.log(DAY, "jvb", file)
    volumes.archive()
    manifest = Manifest.read("acme", volumes.layout.manifest("acme"))
    [kept] = manifest.archives()
    archive = volumes.layout.archive("acme", kept.archive)
    target = archive.with_suffix(".made")
    taken, used = costs(lambda: anonymise(archive, kept.archived, target, LocalStorage()))
    yield Figure("anonymiser", file.stat().st_size / 1e6 / taken, "MB/s")
    yield Figure("anonymiser, by CPU time", file.stat().st_size / 1e6 / used, "MB/s")
    shutil.rmtree(volumes.layout.current.parent)


def proofs(folder: Path, tenants: int, days: int) -> Iterator[Figure]:
    """`logs prove` for many tenants, whose archives are the same files."""
    volumes = Volumes(folder / "prove")
    small = folder / "small.log"
    small.write_bytes(b"".join(lines(20_000, otlp=False)))
    for passed in range(days):
        for component in COMPONENTS:
            volumes.log(DAY - timedelta(days=passed), component, small)
    volumes.archive()
    first = volumes.layout.archives / "acme"
    for number in range(1, tenants):
        copy = volumes.layout.archives / f"acme-{number}"
        shutil.copytree(first, copy, copy_function=os.link)
    names = ["acme", *(f"acme-{number}" for number in range(1, tenants))]
    now = datetime(2026, 6, 2, 12, tzinfo=UTC)
    prover = Prover(volumes.layout, volumes.configuration, Holds(holds=()), now)

    def prove() -> None:
        for name in names:
            assert prover.prove(Question(name)).proved

    floor = seconds(lambda: _sums(volumes.layout.archives))
    taken = seconds(prove)
    archives = tenants * days * len(COMPONENTS)
    yield Figure(f"logs prove, {tenants} tenants, {days} days, {archives} archives", taken, "s")
    yield Figure("sha256sum of the same files", floor, "s")
    yield Figure("archives proved", archives / taken, "1/s")
    shutil.rmtree(volumes.layout.current.parent)


def _sums(folder: Path) -> None:
    find = subprocess.Popen(
        ["find", str(folder), "-name", "*.zst", "-print0"], stdout=subprocess.PIPE
    )
    subprocess.run(
        ["xargs", "-0", "sha256sum"], check=True, stdin=find.stdout, stdout=subprocess.DEVNULL
    )
    find.wait()


def memory(folder: Path, mebibytes: int) -> Iterator[Figure]:
    """The most memory that the archiver takes, for a file and for one eight times its size."""
    for form in ("Plain", "Otlp"):
        taken = []
        for size in (mebibytes // 8, mebibytes):
            volumes = Volumes(folder / f"memory-{form}-{size}", form)
            file = source(folder, size, otlp=form == "Otlp")
            volumes.log(DAY, "jvb", file)
            taken.append(_most_memory(volumes))
            shutil.rmtree(volumes.layout.current.parent)
        small, large = taken
        yield Figure(f"memory, {form}, {mebibytes // 8} MiB of log", small / MEBIBYTE, "MiB")
        yield Figure(f"memory, {form}, {mebibytes} MiB of log", large / MEBIBYTE, "MiB")


def _most_memory(volumes: Volumes) -> int:
    root = volumes.layout.current.parent
    (root / "logs.json").write_text(volumes.configuration.model_dump_json(by_alias=True))
    (root / "holds.json").write_text('{"holds": []}')
    program = [sys.executable, "-c", PROGRAM, "archive-logs"]
    program += [f"--current={volumes.layout.current}", f"--archives={volumes.layout.archives}"]
    program += [f"--configuration={root / 'logs.json'}", f"--holds={root / 'holds.json'}"]
    told = subprocess.run(program, check=True, capture_output=True, text=True).stdout
    return int(told.split()[-1]) * 1024


def main() -> int:
    """Print the figures; exit status 1 when one with --check was missed."""
    parser = argparse.ArgumentParser(prog="bench.logs", description=__doc__)
    parser.add_argument("--mebibytes", type=int, default=512, help="size of a log (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds (%(default)s)")
    parser.add_argument("--tenants", type=int, default=1000, help="tenants (%(default)s)")
    parser.add_argument("--days", type=int, default=182, help="days proved (%(default)s)")
    parser.add_argument("--check", action="store_true", help="fail when a promise is not kept")
    options = parser.parse_args()
    found: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="bench-logs-") as name:
        folder = Path(name)
        for figures in (
            throughput(folder, options.mebibytes, options.rounds),
            anonymiser(folder, max(1, options.mebibytes // 16)),
            memory(folder, options.mebibytes),
            proofs(folder, options.tenants, options.days),
        ):
            for figure in figures:
                found.append(figure)
                promise = f"  (at least {figure.promised})" if figure.promised else ""
                print(f"{figure.name:60} {figure.value:10.2f} {figure.unit}{promise}", flush=True)
    return 1 if options.check and any(figure.missed for figure in found) else 0


if __name__ == "__main__":
    raise SystemExit(main())
