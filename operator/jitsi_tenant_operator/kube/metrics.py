"""What is counted about the traffic with the API server."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge


class KubeMetrics:
    """Prometheus metrics of this package, made in the registry that is passed in.

    `prefix` starts every name. Labels are verbs, kinds and codes only, so that the number of
    series does not grow with the number of objects.
    """

    def __init__(self, registry: CollectorRegistry, prefix: str) -> None:
        self.requests = Counter(
            f"{prefix}_api_requests_total",
            "Requests to the API server; code is the HTTP status, timeout or connection.",
            ["verb", "resource", "code"],
            registry=registry,
        )
        self.informer_synced = Gauge(
            f"{prefix}_informer_synced",
            "1 when the cache of the kind holds everything that was there at the start.",
            ["kind"],
            registry=registry,
        )
        self.informer_objects = Gauge(
            f"{prefix}_informer_objects", "Objects in the cache.", ["kind"], registry=registry
        )
        self.informer_errors = Counter(
            f"{prefix}_informer_errors_total",
            "Failed lists and broken watches.",
            ["kind", "reason"],
            registry=registry,
        )
        self.informer_relists = Counter(
            f"{prefix}_informer_relists_total",
            "Complete reads of a kind after the first one.",
            ["kind"],
            registry=registry,
        )
        self.children_applied = Counter(
            f"{prefix}_children_applied_total",
            "Children by op: create, update, delete, and replace: deleted to be made anew, because"
            " fields of it are immutable.",
            ["kind", "op"],
            registry=registry,
        )
        self.drift_corrections = Counter(
            f"{prefix}_drift_corrections_total",
            "Children changed by someone else and put back.",
            ["kind"],
            registry=registry,
        )
        self.events = Counter(
            f"{prefix}_events_total",
            "Kubernetes Events by result: sent, failed, dropped.",
            ["result"],
            registry=registry,
        )
        self.leader = Gauge(
            f"{prefix}_leader", "1 while this process holds the Lease.", registry=registry
        )
