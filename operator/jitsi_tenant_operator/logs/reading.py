"""The lines of a tenant's logs in a span of time, from archives and current logs, as a stream.

Whoever reads archives is recorded first, in a chain beside the manifest; who cannot be recorded
reads none.
"""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from jitsi_tenant_operator import __version__
from jitsi_tenant_operator.logs import compression
from jitsi_tenant_operator.logs.chain import Chain
from jitsi_tenant_operator.logs.configuration import Configuration
from jitsi_tenant_operator.logs.content import content, time_of
from jitsi_tenant_operator.logs.keeping import Keeping
from jitsi_tenant_operator.logs.layout import CurrentLog, Layout
from jitsi_tenant_operator.logs.manifest import Event, Kept, Manifest
from jitsi_tenant_operator.logs.storage import Storage, locked, open_regular
from jitsi_tenant_operator.logs.strangers import current_logs

LONGEST_LINE = 1024 * 1024
"""In bytes; a longer line is shown in pieces."""
_DAY = "P1D"


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be shown, and to whom."""

    tenant: str
    components: tuple[str, ...]
    """All when empty."""
    first: datetime
    last: datetime
    by: str
    """Who asks."""
    why: str
    """What for."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line, and whose it is."""

    component: str
    text: bytes
    """With its line break, if it has one."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Shows logs, and records who reads archives."""

    layout: Layout
    storage: Storage
    configuration: Configuration
    now: datetime

    def lines(self, request: Request) -> Iterator[Line]:
        """The lines from `first` up to `last`, by time as far as they tell one.

        A line without a time belongs to the one before it, and before all to the beginning of the
        day. Raises AlteredError, BrokenChainError,
        BusyError when another access is being recorded, and OSError.
        """
        keeping = Keeping.of(self.configuration)
        manifest = Manifest.read(request.tenant, self.layout.manifest(request.tenant))
        # A line may be in the log of a day next to its own.
        day = keeping.calendar.minus(keeping.calendar.day_of(request.first), _DAY)
        end = keeping.calendar.plus(keeping.calendar.day_of(request.last), _DAY)
        archives = [
            kept
            for kept in manifest.archives()
            if day <= kept.archive.day <= end
            and kept.disposal is not Event.DELETED
            and _wanted(kept.archive.component, request)
        ]
        current = [
            log
            for log in current_logs(self.layout, request.tenant)
            if day <= log.day <= end and _wanted(log.component, request)
        ]
        if archives:
            self._record(request, archives)
        days = {*(kept.archive.day for kept in archives), *(log.day for log in current)}
        for each in sorted(days):
            yield from self._of_day(
                request,
                keeping.calendar.start_of(each),
                [kept for kept in archives if kept.archive.day == each],
                [log for log in current if log.day == each],
            )

    def _of_day(
        self,
        request: Request,
        begins: datetime,
        archives: Sequence[Kept],
        current: Sequence[CurrentLog],
    ) -> Iterator[Line]:
        streams = [
            _timed(kept.archive.component, begins, self._archived(request.tenant, kept))
            for kept in archives
        ] + [_timed(log.component, begins, self._current(request.tenant, log)) for log in current]
        for at, _, line in heapq.merge(*streams, key=lambda each: each[:2]):
            if request.first <= at < request.last:
                yield line

    def _archived(self, tenant: str, kept: Kept) -> Iterator[bytes]:
        return compression.pieces_of(self.layout.archive(tenant, kept.archive))

    def _current(self, tenant: str, log: CurrentLog) -> Iterator[bytes]:
        reader = content(self.configuration.line_format)
        with open_regular(self.layout.raw(tenant, log)) as raw:
            for _, made in reader.pieces(raw, os.fstat(raw.fileno()).st_size):
                yield made

    def _record(self, request: Request, archives: Sequence[Kept]) -> None:
        path = self.layout.access(request.tenant)
        chain = Chain(path)
        with locked(self.layout.access_lock(request.tenant)):
            for _ in chain.read():
                pass
            chain.add(
                {
                    "at": self.now.astimezone(UTC).isoformat(),
                    "by": request.by,
                    "why": request.why,
                    "version": __version__,
                    "from": request.first.astimezone(UTC).isoformat(),
                    "until": request.last.astimezone(UTC).isoformat(),
                    "archives": len(archives),
                    "components": sorted({kept.archive.component for kept in archives}),
                    "firstDay": min(kept.archive.day for kept in archives).isoformat(),
                    "lastDay": max(kept.archive.day for kept in archives).isoformat(),
                },
                self.storage,
            )


def _wanted(component: str, request: Request) -> bool:
    return not request.components or component in request.components


def _timed(
    component: str, at: datetime, pieces: Iterator[bytes]
) -> Iterator[tuple[datetime, str, Line]]:
    for line in _lines(pieces):
        at = time_of(line) or at
        yield at, component, Line(component, line)


def _lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    begun = b""
    for piece in pieces:
        lines = (begun + piece).split(b"\n")
        begun = lines.pop()
        for line in lines:
            yield line + b"\n"
        if len(begun) > LONGEST_LINE:
            yield begun
            begun = b""
    if begun:
        yield begun
