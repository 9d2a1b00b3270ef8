"""A volume on which one operation goes wrong: the program is killed, or the operation refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from jitsi_tenant_operator.logs.storage import LocalStorage, Sink


class KilledError(BaseException):
    """The program ends here: nothing of it catches this."""


class FaultyStorage:
    """Counts every operation that changes a file, and has one of them go wrong.

    `when` is Before, Halfway (of what can be half done) or After the operation with this number.
    """

    def __init__(self, at: int, when: str, error: Callable[[], BaseException]) -> None:
        self._storage = LocalStorage()
        self._at, self._when, self._error = at, when, error
        self.done = 0
        self.struck = False

    def _step(self, whole: Callable[[], None], half: Callable[[], None] | None = None) -> None:
        self.done += 1
        if self.done != self._at:
            return whole()
        self.struck = True
        if self._when == "Halfway" and half is not None:
            half()
        if self._when == "After":
            whole()
        raise self._error()

    def make_folders(self, path: Path, below: Path) -> None:
        self._step(
            lambda: self._storage.make_folders(path, below),
            lambda: self._storage.make_folders(
                below.joinpath(*path.relative_to(below).parts[:1]), below
            ),
        )

    def create(self, path: Path) -> Sink:
        sink: list[Sink] = []
        self._step(lambda: sink.append(self._storage.create(path)))
        return _FaultySink(sink[0], self)

    def append(self, path: Path, data: bytes) -> None:
        half = data[: len(data) // 2]
        self._step(
            lambda: self._storage.append(path, data), lambda: self._storage.append(path, half)
        )

    def cut(self, path: Path, size: int) -> None:
        self._step(lambda: self._storage.cut(path, size))

    def rename(self, old: Path, new: Path) -> None:
        self._step(lambda: self._storage.rename(old, new))

    def remove(self, path: Path) -> None:
        self._step(lambda: self._storage.remove(path))


class _FaultySink:
    def __init__(self, sink: Sink, storage: FaultyStorage) -> None:
        self._sink, self._storage = sink, storage

    def write(self, data: bytes) -> None:
        self._storage._step(
            lambda: self._sink.write(data), lambda: self._sink.write(data[: len(data) // 2])
        )

    def finish(self) -> None:
        self._storage._step(self._sink.finish)

    def abandon(self) -> None:
        self._sink.abandon()
