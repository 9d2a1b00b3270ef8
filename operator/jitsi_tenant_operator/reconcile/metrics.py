"""What the reconcile tells Prometheus; every name starts with `jitsi_operator_`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

PREFIX = "jitsi_operator"


@dataclass(frozen=True, slots=True)
class TenantCounts:
    """How many tenants there are by what their status says.

    `readiness` by status and reason of Ready, `conditions` by type and status of each condition,
    `phases` by phase.
    """

    readiness: Mapping[tuple[str, str], int]
    conditions: Mapping[tuple[str, str], int]
    phases: Mapping[str, int]


_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class QueuesMetrics:
    """How the work-queues are doing, by the label `queue`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.depth = Gauge(
            f"{PREFIX}_workqueue_depth",
            "Keys that wait, due or not, by queue: tenants, with all that they share, and notices.",
            ["queue"],
            registry=registry,
        )
        self.adds = Counter(
            f"{PREFIX}_workqueue_adds", "Times that a key was put in.", ["queue"], registry=registry
        )
        self.retries = Counter(
            f"{PREFIX}_workqueue_retries",
            "Times that a key came back after a failure.",
            ["queue"],
            registry=registry,
        )
        self.duration = Histogram(
            f"{PREFIX}_workqueue_work_duration_seconds",
            "Time that a piece of work took.",
            ["queue"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.longest_running = Gauge(
            f"{PREFIX}_workqueue_longest_running_seconds",
            "Age of the oldest piece of work that is going on.",
            ["queue"],
            registry=registry,
        )


class QueueMetrics:
    """How one work-queue is doing."""

    def __init__(self, of_all: QueuesMetrics, queue: str) -> None:
        self.depth = of_all.depth.labels(queue)
        self.adds = of_all.adds.labels(queue)
        self.retries = of_all.retries.labels(queue)
        self.duration = of_all.duration.labels(queue)
        self.longest_running = of_all.longest_running.labels(queue)


class ReconcileMetrics:
    """What the reconciles came to, and how the tenants are."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.results = Counter(
            f"{PREFIX}_reconcile",
            "Reconciles by result: succeeded; failed, to be tried again; defect, an error in the"
            " operator.",
            ["result"],
            registry=registry,
        )
        self.tenants = Gauge(
            f"{PREFIX}_tenants",
            "Tenants by status and reason of their condition Ready; the leader's only.",
            ["ready", "reason"],
            registry=registry,
        )
        self.conditions = Gauge(
            f"{PREFIX}_tenant_conditions",
            "Tenants by type and status of each of their conditions; the leader's only.",
            ["type", "status"],
            registry=registry,
        )
        self.phases = Gauge(
            f"{PREFIX}_tenant_phases",
            "Tenants by phase, Unknown while they have none; the leader's only.",
            ["phase"],
            registry=registry,
        )
        self.notices = Gauge(
            f"{PREFIX}_notices",
            "Notices by state: waiting, failing, sent, received, elsewhere (not sent by the"
            " operator, or withdrawn); the leader's only.",
            ["state"],
            registry=registry,
        )
        self._shown: dict[Gauge, set[tuple[str, ...]]] = {}

    def count_tenants(self, counts: TenantCounts) -> None:
        """Set the gauges of tenants; combinations that are gone go."""
        self._count(self.tenants, counts.readiness.items())
        self._count(self.conditions, counts.conditions.items())
        phases = [((phase,), number) for phase, number in counts.phases.items()]
        self._count(self.phases, phases)

    def _count(self, gauge: Gauge, counts: Collection[tuple[tuple[str, ...], int]]) -> None:
        shown = {labels for labels, _ in counts}
        for gone in self._shown.get(gauge, set()) - shown:
            gauge.remove(*gone)
        for labels, number in counts:
            gauge.labels(*labels).set(number)
        self._shown[gauge] = shown

    def count_notices(self, counts: Mapping[str, int]) -> None:
        """Set the gauge of notices by state."""
        for state in ("waiting", "failing", "sent", "received", "elsewhere"):
            self.notices.labels(state).set(counts.get(state, 0))
