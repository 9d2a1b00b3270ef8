"""The terms of retention as options of Proxmox Backup Server: enough, but no promise.

Its options count backups, so they keep too little where there are several a day and too long where
there are none. They are for a comparison, and for whoever wants the server to prune as well: what
goes is decided by date (`jitsi_tenant_operator.backup.retention`).
See "Retention Settings" in its documentation.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache

from jitsi_tenant_operator.backup.retention import Terms
from jitsi_tenant_operator.contract.calendar import Calendar

_WEEK = 7
_CYCLE = [date(2028, 1, 1) + timedelta(days=day) for day in range(4 * 365 + 1)]
"""The days of four years: months and leap days in every order."""


@lru_cache(maxsize=64)
def keep_options(terms: Terms) -> Mapping[str, int]:
    """The fewest that remove nothing which the terms promise, with a backup every day.

    A daily is kept to the end of its last day, so on that morning there is one more than days. A
    weekly lives for the dailies, and seven days for each week that is counted. ValueError for terms
    in hours.
    """
    calendar = Calendar.of("UTC")
    dailies = [calendar.plus(day, terms.daily) for day in _CYCLE]
    daily = max((last - day).days for last, day in zip(dailies, _CYCLE, strict=True))
    weekly = max((calendar.plus(last, terms.weekly) - last).days for last in dailies)
    options = {"keep-daily": daily + 1}
    return options | ({"keep-weekly": -(-weekly // _WEEK)} if weekly else {})
