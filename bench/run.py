"""One run: all measurements, in an order in which each finds what it needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import idle, latency, restart, tenants, throughput
from bench.cluster import Cluster, cluster
from bench.idle import Idle
from bench.latency import Sample
from bench.operator_process import OperatorProcess
from bench.restart import Restart
from bench.throughput import Round

ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Options:
    """How much is measured."""

    tenants: int = 1000
    samples: int = 15
    """Single tenants, on top of `tenants`, for the time that one takes."""
    idle_seconds: float = 60.0
    restarts: int = 5


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory of the operator with so many tenants, everything at rest."""

    tenants: int
    resident_bytes: int
    highest_bytes: int


@dataclass(frozen=True, slots=True)
class Measurements:
    """Everything that one run found."""

    rounds: list[Round]
    memory: list[Memory]
    idle: Idle
    restarts: list[Restart]
    samples: list[Sample]


def sizes(number: int) -> list[int]:
    """How many tenants each round makes: a tenth first, and the rest in equal parts."""
    first = max(1, number // 10)
    part, more = divmod(number - first, ROUNDS - 1)
    return [first, *(part + (index < more) for index in range(ROUNDS - 1))]


async def measure(options: Options, folder: Path, say: Callable[[str], None]) -> Measurements:
    """Start what is needed below `folder` and measure. `say` is told what is being done.

    Raises localplane.PlaneError, toolbox.ToolError, TimeoutError, RuntimeError.
    """
    say("starting two control planes")
    async with (
        cluster(folder / "own", controllers=True) as own,
        cluster(folder / "bare", controllers=False) as bare,
    ):
        operator = await OperatorProcess.start(own)
        try:
            return await _Run(options, own, bare, operator, say).all()
        except BaseException:
            await operator.stop()
            raise


class _Run:
    def __init__(
        self,
        options: Options,
        own: Cluster,
        bare: Cluster,
        operator: OperatorProcess,
        say: Callable[[str], None],
    ) -> None:
        self._options = options
        self._own = own
        self._bare = bare
        self._operator = operator
        self._say = say
        self._made = 0

    async def all(self) -> Measurements:
        """All measurements; the operator is stopped after them."""
        first, *more = sizes(self._options.tenants)
        memory = [self._memory()]
        rounds = await self._rounds([first])
        memory.append(self._memory())
        rounds += await self._rounds(more)
        memory.append(self._memory())
        self._say(f"looking on for {self._options.idle_seconds:g} s")
        quiet = await idle.measure(self._own, self._operator, self._options.idle_seconds)
        self._say(f"restarting {self._options.restarts} times")
        restarts, self._operator = await restart.measure(
            self._own, self._operator, self._options.restarts
        )
        self._say(f"{self._options.samples} tenants, one at a time")
        await self._own.stop_controllers()
        samples = await latency.measure(self._own, self._bare, self._names(self._options.samples))
        await self._operator.stop()
        return Measurements(rounds, memory, quiet, restarts, samples)

    async def _rounds(self, sizes: Sequence[int]) -> list[Round]:
        """So many tenants in each round; all of them are Ready in the end."""
        await self._own.stop_controllers()
        rounds = []
        for index, size in enumerate(sizes):
            self._say(f"{size} new tenants")
            found = await throughput.measure(
                self._own,
                self._operator,
                self._bare,
                self._names(size),
                floor_first=index % 2 == 0,
            )
            rounds.append(found)
        self._say(f"bringing {self._made} tenants to Ready")
        await self._own.start_controllers()
        await self._own.settle(self._own.workloads_ready, self._own.tenants_ready)
        return rounds

    def _names(self, number: int) -> list[str]:
        names = tenants.names(self._made, number)
        self._made += number
        return names

    def _memory(self) -> Memory:
        return Memory(
            tenants=self._made,
            resident_bytes=self._operator.resident_bytes(),
            highest_bytes=self._operator.resident_bytes("VmHWM"),
        )
