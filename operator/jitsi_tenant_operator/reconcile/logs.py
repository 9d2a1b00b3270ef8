"""The reconcile of the technical logs: tells the archiver what to do, and hears what it did."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from jitsi_tenant_operator.api.objects import ObjectRef, TenantKey
from jitsi_tenant_operator.api.platform import JitsiPlatform
from jitsi_tenant_operator.api.terms import JitsiTerms
from jitsi_tenant_operator.contract.calendar import Calendar
from jitsi_tenant_operator.kube.client import KubeClient
from jitsi_tenant_operator.kube.errors import NotFound
from jitsi_tenant_operator.kube.informer import Change
from jitsi_tenant_operator.logs.configuration import TenantLogs
from jitsi_tenant_operator.reconcile import log_reports, log_terms
from jitsi_tenant_operator.reconcile.log_reports import ARCHIVER, EndedRun, LogReports
from jitsi_tenant_operator.reconcile.log_terms import Told
from jitsi_tenant_operator.reconcile.workers import Again
from jitsi_tenant_operator.reconcile.world import World

RESYNC_SECONDS = 36_000.0
WAIT_SECONDS = 0.5
"""How often it is looked whether every tenant that was there at the start has been looked at."""
_MOST_BYTES = 16 * 1024 * 1024

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Calls:
    """What is called when there is something to do."""

    changed: Callable[[], None]
    """The ConfigMap has to be looked at."""
    reported: Callable[[str], None]
    """With the namespace of a tenant of which there is news."""
    unfinished: Callable[[ObjectRef], None]
    """With a pod whose whole report is in its log."""


class LogKeeping:
    """Keeps the ConfigMap of the archiver, and takes in its reports."""

    def __init__(
        self,
        world: World,
        client: KubeClient,
        namespace: str,
        *,
        complete: Callable[[], bool],
        calls: Calls,
    ) -> None:
        """`complete` says whether every tenant has been looked at."""
        self._world = world
        self._client = client
        self._namespace = namespace
        self._told: Told | None = None
        self._complete = complete
        self._calls = calls
        self._tenants: dict[TenantKey, TenantLogs] = {}
        self.reports = LogReports(calls.reported)

    @property
    def ref(self) -> ObjectRef:
        """The ConfigMap."""
        return log_terms.ref(self._namespace)

    def learn(self, key: TenantKey, logs: TenantLogs | None) -> None:
        """Note how the logs of a tenant are to be kept; None when it is gone.

        A tenant that is gone is not told of any more: the manifest of its archives has the terms.
        """
        if self._tenants.get(key) == logs:
            return
        if logs is None:
            self._tenants.pop(key, None)
        else:
            self._tenants[key] = logs
        self._calls.changed()

    def see(self, told: Told | None) -> None:
        """Note how the ConfigMap is stored; None where there is none."""
        known = self._told
        if told is None or known is None or known.resource_version < told.resource_version:
            self._told = told
            self._calls.changed()

    async def reconcile(self) -> Again | None:
        """Write the ConfigMap if it says anything new; raises KubeError."""
        platform = self._world.platform()
        if not isinstance(platform, JitsiPlatform):
            return None
        # Of a tenant that was not looked at yet, the archiver must not think that it is gone.
        if not self._complete():
            return Again(WAIT_SECONDS)
        documents = [self._world.document(name) for name in platform.spec.documents]
        calendar = Calendar.of(platform.spec.time_zone)
        policy = log_terms.standing_policy(
            (each for each in documents if isinstance(each, JitsiTerms)),
            self._tenants.values(),
            calendar,
        )
        if policy is None:
            return None
        now = self._client.clock.now()
        around = self._world.around_contracts
        body = log_terms.config_map(
            self._namespace,
            log_terms.configuration(
                platform.spec.time_zone,
                policy,
                {logs.name: logs for logs in self._tenants.values()},
            ),
            log_terms.holds(around, calendar, now),
        )
        if self._told is None or self._told.data != body["data"]:
            self._told = log_terms.told(await self._client.apply(body))
        release = log_terms.next_release(around, calendar, now)
        seconds = None if release is None else (release - now).total_seconds()
        return Again(RESYNC_SECONDS, seconds)

    def hear(self, change: Change[EndedRun]) -> None:
        """A pod of the archiver changed: take in what it said when it ended."""
        run = change.new
        if run is None or run.message is None:
            return
        report, whole = log_reports.read(run.message)
        if report is None:
            log.warning("%s ended without a report", run.ref)
            return
        self.reports.take(report)
        if not whole:
            self._calls.unfinished(run.ref)

    async def read_whole(self, pod: ObjectRef) -> None:
        """Take in the report from the log of a pod, where its message had no room for all of it.

        Raises KubeError.
        """
        path = f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}/log"
        query = f"container={ARCHIVER}&limitBytes={_MOST_BYTES}"
        try:
            text = await self._client.get_raw(f"{path}?{query}")
        except NotFound:
            return
        report, _ = log_reports.read(text)
        if report is None:
            log.warning("the log of %s is no report", pod)
        else:
            self.reports.take(report)
