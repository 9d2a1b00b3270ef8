"""From what was measured to the figures that are promised, and whether each is met.

Ratios and memory are promised for a thousand tenants. With fewer, what is there once (the start of
the process, the first tenants) outweighs the rest, so that these are shown without a verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import median

from bench.run import Measurements

TENANTS = 1000
APPLY_RATIO = 0.8
READY_RATIO = 2.0
RESIDENT_MEGABYTES = 200.0
KILOBYTES_PER_TENANT = 100.0

_MEGABYTE = 1e6
_KILOBYTE = 1e3


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the result. `met` is None where nothing is promised, or not for so few."""

    name: str
    value: float
    unit: str
    floor: float | None = None
    ratio: float | None = None
    target: str = ""
    met: bool | None = None


def figures(found: Measurements) -> list[Figure]:
    """All figures; where something was repeated, medians (also of ratios)."""
    return [*_new_tenants(found), *_idle(found), *_restart(found), *_one(found), *_memory(found)]


def _new_tenants(found: Measurements) -> Iterator[Figure]:
    rounds = found.rounds
    # Each round has a ratio of its own, so that a noisy one does not decide.
    ratio = median(each.floor.seconds / each.operator.seconds for each in rounds)
    yield Figure(
        name=f"{sum(each.tenants for each in rounds)} new tenants: writes",
        value=median(each.writes / each.operator.seconds for each in rounds),
        unit="1/s",
        floor=median(each.writes / each.floor.seconds for each in rounds),
        ratio=ratio,
        target=f">= {APPLY_RATIO:g} of the floor",
        met=ratio >= APPLY_RATIO if _enough(found) else None,
    )
    writes = sum(each.writes for each in rounds)
    used = sum(each.operator.cpu_seconds for each in rounds)
    floor = sum(each.floor.cpu_seconds for each in rounds)
    yield Figure(
        name="  CPU time of the client for each write",
        value=used / writes * 1e3,
        unit="ms",
        floor=floor / writes * 1e3,
        ratio=used / floor if floor else None,
    )
    last, alone = rounds[-1], found.children_alone
    yield Figure(
        name="  last round, against children alone",
        value=last.children / last.operator.children_seconds,
        unit="1/s",
        floor=last.children / alone.children_seconds,
        ratio=alone.children_seconds / last.operator.children_seconds,
    )


def _idle(found: Measurements) -> Iterator[Figure]:
    yield Figure(
        name=f"steady state, {found.idle.seconds:g} s: requests but watches and Lease",
        value=found.idle.requests,
        unit="",
        target="0",
        met=found.idle.requests == 0,
    )
    yield Figure(
        name="  CPU time for each minute",
        value=found.idle.cpu_seconds / found.idle.seconds * 60,
        unit="s",
    )


def _restart(found: Measurements) -> Iterator[Figure]:
    ratio = median(each.seconds / each.floor_seconds for each in found.restarts)
    writes = max(each.writes for each in found.restarts)
    yield Figure(
        name="restart: until ready",
        value=median(each.seconds for each in found.restarts),
        unit="s",
        floor=median(each.floor_seconds for each in found.restarts),
        ratio=ratio,
        target=f"<= {READY_RATIO:g} of the floor",
        met=ratio <= READY_RATIO if _enough(found) else None,
    )
    yield Figure(name="restart: writes", value=writes, unit="", target="0", met=writes == 0)


def _one(found: Measurements) -> Iterator[Figure]:
    yield Figure(
        name="one new tenant: until its last write",
        value=median(each.operator for each in found.samples) * 1e3,
        unit="ms",
        floor=median(each.floor for each in found.samples) * 1e3,
        ratio=median(each.operator / each.floor for each in found.samples),
    )


def _memory(found: Measurements) -> Iterator[Figure]:
    first, warm, last = found.memory[0], found.memory[1], found.memory[-1]
    for each in (first, warm):
        yield Figure(
            f"resident memory with {each.tenants} tenants", _megabytes(each.resident_bytes), "MB"
        )
    yield Figure(
        name=f"resident memory with {last.tenants} tenants",
        value=_megabytes(last.resident_bytes),
        unit="MB",
        target=f"< {RESIDENT_MEGABYTES:g}",
        met=_megabytes(last.resident_bytes) < RESIDENT_MEGABYTES if _enough(found) else None,
    )
    grown = last.resident_bytes - warm.resident_bytes
    each_tenant = grown / (last.tenants - warm.tenants) / _KILOBYTE
    yield Figure(
        name="  for each further tenant",
        value=each_tenant,
        unit="kB",
        target=f"< {KILOBYTES_PER_TENANT:g}",
        met=each_tenant < KILOBYTES_PER_TENANT if _enough(found) else None,
    )
    yield Figure("  highest ever", _megabytes(last.highest_bytes), "MB")
    restarted = median(each.resident_bytes for each in found.restarts)
    yield Figure("  after a restart", _megabytes(restarted), "MB")


def missed(found: Iterable[Figure]) -> list[Figure]:
    """Those that are not as promised."""
    return [each for each in found if each.met is False]


def _enough(found: Measurements) -> bool:
    return found.memory[-1].tenants >= TENANTS


def _megabytes(number: float) -> float:
    return number / _MEGABYTE
