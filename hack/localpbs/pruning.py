"""Which snapshots of a group stay, by the documented rule of Proxmox Backup Server.

The options are taken in a fixed order. Each one leaves alone the periods in which something is
kept already, and keeps the newest snapshot of each further period until it has kept as many as it
says. Periods are those of the server's zone; one without a backup does not count. Protected
snapshots stay and take nobody's place. See "Retention Settings" of its documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

PERIODS: Mapping[str, Callable[[datetime], object]] = {
    "keep-last": lambda local: local.timestamp(),
    "keep-hourly": lambda local: (local.date(), local.hour),
    "keep-daily": lambda local: local.date(),
    "keep-weekly": lambda local: local.isocalendar()[:2],
    "keep-monthly": lambda local: (local.year, local.month),
    "keep-yearly": lambda local: local.year,
}
"""How each option tells its periods, in the order in which options are taken."""


def kept(
    times: Iterable[int], options: Mapping[str, int], zone: ZoneInfo, protected: Iterable[int] = ()
) -> set[int]:
    """The times, in seconds of Unix time, of the snapshots that stay; all without options."""
    untouchable = set(protected)
    newest_first = sorted(set(times) - untouchable, reverse=True)
    if not options:
        return untouchable | set(newest_first)
    chosen: set[int] = set()
    passed_over: set[int] = set()
    for option, period in PERIODS.items():
        if option not in options:
            continue
        periods = {time: period(datetime.fromtimestamp(time, zone)) for time in newest_first}
        covered = {periods[time] for time in chosen}
        filled: set[object] = set()
        for time in newest_first:
            if time in chosen or time in passed_over or periods[time] in covered:
                continue
            if periods[time] in filled:
                passed_over.add(time)
            elif len(filled) == options[option]:
                break
            else:
                filled.add(periods[time])
                chosen.add(time)
    return untouchable | chosen
