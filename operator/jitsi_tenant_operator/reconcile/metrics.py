"""What the reconcile tells Prometheus; every name starts with `jitsi_operator_`."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

PREFIX = "jitsi_operator"

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class QueuesMetrics:
    """How the work-queues are doing, by the label `queue`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.depth = Gauge(
            f"{PREFIX}_workqueue_depth", "Keys that wait, due or not.", ["queue"], registry=registry
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
            f"{PREFIX}_reconcile", "Reconciles by result.", ["result"], registry=registry
        )
        self.tenants = Gauge(
            f"{PREFIX}_tenants",
            "Tenants by readiness and its reason.",
            ["ready", "reason"],
            registry=registry,
        )
        self.notices = Gauge(
            f"{PREFIX}_notices",
            "Notices by state: waiting, failing, sent, received, elsewhere.",
            ["state"],
            registry=registry,
        )
        self._shown: set[tuple[str, str]] = set()

    def count_tenants(self, counts: Mapping[tuple[str, str], int]) -> None:
        """Set the gauge of tenants by readiness and reason; combinations that are gone go."""
        for gone in self._shown - counts.keys():
            self.tenants.remove(*gone)
        for (ready, reason), number in counts.items():
            self.tenants.labels(ready, reason).set(number)
        self._shown = set(counts)

    def count_notices(self, counts: Mapping[str, int]) -> None:
        """Set the gauge of notices by state."""
        for state in ("waiting", "failing", "sent", "received", "elsewhere"):
            self.notices.labels(state).set(counts.get(state, 0))
