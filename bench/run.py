"""One run: all measurements, in an order in which each finds what it needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import idle, latency, model, restart, tenants, throughput
from bench.cluster import Cluster, cluster
from bench.idle import Idle
from bench.latency import Sample
from bench.model import Model
from bench.operator_process import OperatorProcess
from bench.restart import Restart
from bench.throughput import Round, Side

ROUNDS = 4
_FIRST_NAME_OF_CHILDREN_ALONE = 50_000


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

    writes: list[str]
    """What the operator writes for one tenant: verb and resource, in its order."""
    rounds: list[Round]
    children_alone: Side
    """A bare client that sends the children of as many tenants as the last round had, and nothing
    else.
    """
    memory: list[Memory]
    idle: Idle
    restarts: list[Restart]
    samples: list[Sample]


def sizes(number: int) -> list[int]:
    """How many tenants each round makes, for so many in all with the model: with the first round
    there is a tenth of them, and the other rounds make equal parts of the rest.
    """
    first = max(1, number // 10 - 1)
    part, more = divmod(number - 1 - first, ROUNDS - 1)
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
        await self._own.stop_controllers()
        self._say("recording what is written for one tenant")
        sample = await model.record(self._own)
        self._made = 1
        rounds = await self._rounds([first], sample)
        await self._bring_to_ready()
        memory.append(self._memory())
        await self._own.stop_controllers()
        rounds += await self._rounds(more, sample)
        self._say(f"{more[-1]} new tenants, children alone")
        alone = await throughput.children_alone(
            self._bare, tenants.names(_FIRST_NAME_OF_CHILDREN_ALONE, more[-1]), sample
        )
        await self._bring_to_ready()
        memory.append(self._memory())
        self._say(f"looking on for {self._options.idle_seconds:g} s")
        quiet = await idle.measure(self._own, self._operator, self._options.idle_seconds)
        self._say(f"restarting {self._options.restarts} times")
        restarts, self._operator = await restart.measure(
            self._own, self._operator, self._options.restarts
        )
        self._say(f"{self._options.samples} tenants, one at a time")
        await self._own.stop_controllers()
        names = self._names(self._options.samples)
        samples = await latency.measure(self._own, self._bare, names, sample)
        await self._operator.stop()
        writes = [" ".join(write.key[:2]) for write in sample.writes]
        return Measurements(writes, rounds, alone, memory, quiet, restarts, samples)

    async def _rounds(self, sizes: Sequence[int], sample: Model) -> list[Round]:
        """So many tenants in each round; controllers may not run."""
        rounds = []
        for index, size in enumerate(sizes):
            self._say(f"{size} new tenants")
            found = await throughput.measure(
                self._own,
                self._operator,
                self._bare,
                self._names(size),
                sample,
                floor_first=index % 2 == 0,
            )
            rounds.append(found)
        return rounds

    async def _bring_to_ready(self) -> None:
        self._say(f"bringing {self._made} tenants to Ready")
        await self._own.start_controllers()
        await self._own.settle(self._own.workloads_ready, self._own.tenants_ready)

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
