"""How old the backups of each tenant are, for Prometheus; ages are worked out when it asks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from prometheus_client import CollectorRegistry, Gauge

from jitsi_tenant_operator.reconcile.backup_objects import BackupObjects, KnownBackup
from jitsi_tenant_operator.reconcile.metrics import PREFIX


class BackupMetrics:
    """Gauges with a series for each tenant that has backups."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._verified = Gauge(
            f"{PREFIX}_seconds_since_last_verified_backup",
            "Age of the newest backup whose repository was verified since.",
            ["namespace", "tenant"],
            registry=registry,
        )
        self._oldest = Gauge(
            f"{PREFIX}_oldest_backup_age_seconds",
            "Age of the oldest backup that is recorded.",
            ["namespace", "tenant"],
            registry=registry,
        )
        self._expired = Gauge(
            f"{PREFIX}_backups_expired_not_deleted",
            "Backups whose time is over and that are not known to be deleted.",
            ["namespace", "tenant"],
            registry=registry,
        )

    def show(self, objects: BackupObjects, now: datetime) -> None:
        """Set the gauges; series of tenants without backups go."""
        for gauge in (self._verified, self._oldest, self._expired):
            gauge.clear()
        for namespace in objects.backups.namespaces():
            backups = [each for each in objects.backups.within(namespace) if each.started]
            for tenant in {each.tenant for each in backups}:
                mine = [each for each in backups if each.tenant == tenant]
                self._show((namespace, tenant), mine, now)

    def _show(self, place: tuple[str, str], backups: Iterable[KnownBackup], now: datetime) -> None:
        known = list(backups)
        ages = [(now - each.started).total_seconds() for each in known if each.started is not None]
        good = [
            (now - each.started).total_seconds()
            for each in known
            if each.started is not None and each.verified is not None
        ]
        self._oldest.labels(*place).set(max(ages))
        if good:
            self._verified.labels(*place).set(min(good))
        late = sum(each.expires is not None and each.expires <= now for each in known)
        self._expired.labels(*place).set(late)
