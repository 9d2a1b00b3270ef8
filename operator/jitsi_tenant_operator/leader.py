"""The parts that work while this process holds the Lease, and how they are doing."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Mapping
from functools import partial
from typing import Any

import kopf
from prometheus_client import CollectorRegistry

from jitsi_tenant_operator import handlers
from jitsi_tenant_operator.api.kinds import KINDS
from jitsi_tenant_operator.api.objects import API_VERSION, GROUP, JsonObject, ObjectRef, TenantKey
from jitsi_tenant_operator.kube import resources as kinds
from jitsi_tenant_operator.kube.apply import Applier
from jitsi_tenant_operator.kube.children import ChildCache, Marks
from jitsi_tenant_operator.kube.client import KubeClient, Selection
from jitsi_tenant_operator.kube.connection import ConfigurationError
from jitsi_tenant_operator.kube.errors import KubeError, NotFound
from jitsi_tenant_operator.kube.events import EventRecorder
from jitsi_tenant_operator.kube.informer import Informer
from jitsi_tenant_operator.kube.metadata import MetadataRecord, metadata_record
from jitsi_tenant_operator.kube.secrets import secret_informer
from jitsi_tenant_operator.media.jicofo import JicofoStatistics
from jitsi_tenant_operator.media.storage import StorageReports
from jitsi_tenant_operator.post_office import PostOffice
from jitsi_tenant_operator.reconcile import log_archiver, log_terms
from jitsi_tenant_operator.reconcile.backup_metrics import BackupMetrics
from jitsi_tenant_operator.reconcile.backups import BackupFollower
from jitsi_tenant_operator.reconcile.bridges import Bridges
from jitsi_tenant_operator.reconcile.course import ContractFollower
from jitsi_tenant_operator.reconcile.dispatch import Dispatcher
from jitsi_tenant_operator.reconcile.endings import MeetingEndings
from jitsi_tenant_operator.reconcile.interruptions import Interruptions
from jitsi_tenant_operator.reconcile.logs import Calls, LogKeeping
from jitsi_tenant_operator.reconcile.media import MediaAddresses
from jitsi_tenant_operator.reconcile.metrics import QueueMetrics, QueuesMetrics, ReconcileMetrics
from jitsi_tenant_operator.reconcile.notices import NoticeReconciler
from jitsi_tenant_operator.reconcile.ports import HostPorts
from jitsi_tenant_operator.reconcile.publish import Publisher
from jitsi_tenant_operator.reconcile.queue import Backoff, Priority, WorkQueue
from jitsi_tenant_operator.reconcile.secrets import TenantSecrets
from jitsi_tenant_operator.reconcile.shared import SharedReconciler
from jitsi_tenant_operator.reconcile.storage import RecordingVolumes
from jitsi_tenant_operator.reconcile.tenant import (
    Collaborators,
    TenantReconciler,
)
from jitsi_tenant_operator.reconcile.turns import Turns
from jitsi_tenant_operator.reconcile.workers import Again, Key, Workers
from jitsi_tenant_operator.reconcile.world import World
from jitsi_tenant_operator.render import credentials, jicofo, storage
from jitsi_tenant_operator.render.labels import MANAGED, TENANT_LABEL, TENANT_NAMESPACE_LABEL
from jitsi_tenant_operator.render.names import CREDENTIALS

HASH_ANNOTATION = f"{GROUP}/applied-hash"
STUCK_SECONDS = 900.0
"""Work on one key that takes longer than this will not end by itself."""
RELOAD_SECONDS = 3600.0
"""How often our own kinds are read again, for deletions that nobody told of."""
PAGE_SIZE = 100
BELIEVED_SECONDS = 3600.0
"""For how long at most another system is left alone with notices because it asks for it."""
NOTICES_AT_ONCE = 2
"""How many notices are handed to the mail server at once."""

CHILD_KINDS = (
    kinds.CONFIG_MAPS,
    kinds.SERVICES,
    kinds.SERVICE_ACCOUNTS,
    kinds.PERSISTENT_VOLUME_CLAIMS,
    kinds.RESOURCE_QUOTAS,
    kinds.LIMIT_RANGES,
    kinds.DEPLOYMENTS,
    kinds.STATEFUL_SETS,
    kinds.CRON_JOBS,
    kinds.JOBS,
    kinds.INGRESSES,
    kinds.NETWORK_POLICIES,
    kinds.POD_DISRUPTION_BUDGETS,
    kinds.HTTP_ROUTES,
    kinds.PODS,
)
"""What is made of tenants, and the pods that others make of that."""

log = logging.getLogger(__name__)


class Leader:
    """Everything between the API server's events and its writes, wired together."""

    def __init__(
        self,
        client: KubeClient,
        registry: CollectorRegistry,
        *,
        namespace: str,
        identity: str,
        workers: int,
        image: str = "",
    ) -> None:
        self._client = client
        self._world = World()
        counted = QueuesMetrics(registry)
        self._metrics = ReconcileMetrics(registry)
        self._backup_metrics = BackupMetrics(registry)
        self._queue: WorkQueue[Key] = WorkQueue(client.clock, QueueMetrics(counted, "tenants"))
        self._notice_queue: WorkQueue[ObjectRef] = WorkQueue(
            client.clock, QueueMetrics(counted, "notices"), Backoff(believed=BELIEVED_SECONDS)
        )
        self._ports = HostPorts()
        self._dispatcher = self._dispatching(namespace)
        self._children = ChildCache(
            client,
            CHILD_KINDS,
            marks=Marks(MANAGED, partial(_owner_key, namespace), HASH_ANNOTATION),
            on_change=self._dispatcher.child_changed,
        )
        self._secrets = secret_informer(
            client,
            CREDENTIALS,
            salt_key=credentials.SALT_KEY,
            on_change=self._dispatcher.secret_changed,
        )
        self._namespaces = self._watch_namespaces()
        self._ingress_classes = Informer(
            client,
            kinds.INGRESS_CLASSES,
            transform=metadata_record,
            selection=Selection(metadata_only=True),
            on_change=self._dispatcher.ingress_class_changed,
        )
        self._logs, of_logs = self._log_keeping(namespace)
        self._informers = (self._secrets, self._namespaces, self._ingress_classes, *of_logs)
        self._events = EventRecorder(client, controller=f"{GROUP}/operator", instance=identity)
        self._volumes = self._watch_volumes()
        self._contracts = self._following()
        self._tenants = TenantReconciler(self._collaborators(namespace, image))
        self._shared = SharedReconciler(self._world, client, namespace)
        self._workers = Workers(self._queue, self._reconcile, self._metrics, number=workers)
        self._notice_workers = self._post(namespace)

    def _following(self) -> ContractFollower:
        return ContractFollower(
            self._world.around_contracts,
            self._client,
            self._dispatcher.notice_due,
            self._volumes.full_since,
            self._logs.reports.of,
        )

    def _watch_volumes(self) -> RecordingVolumes:
        return RecordingVolumes(
            self._world,
            self._children,
            StorageReports(storage.PORT),
            self._client.clock,
            self._dispatcher.volume_changed,
        )

    def _dispatching(self, namespace: str) -> Dispatcher:
        logs = log_terms.ref(namespace)
        return Dispatcher(self._world, self._queue, self._notice_queue, self._ports, logs)

    def _log_keeping(
        self, namespace: str
    ) -> tuple[LogKeeping, tuple[Informer[Any], Informer[Any]]]:
        """Who keeps the archiver of logs informed, and its informers."""
        keeping = LogKeeping(
            self._world,
            self._client,
            namespace,
            complete=lambda: self._workers.caught_up,
            calls=Calls(
                self._dispatcher.logs_changed,
                self._dispatcher.logs_reported,
                lambda pod: self._queue.add(pod, Priority.CHILD),
            ),
        )
        return keeping, log_archiver.informers(self._client, keeping)

    def _post(self, namespace: str) -> Workers[ObjectRef]:
        """Workers for notices: of their own, so that a mail server that hangs delays no tenant."""
        notices = NoticeReconciler(
            self._world,
            self._client,
            self._contracts,
            PostOffice(self._client, namespace),
            self._dispatcher.notice_changed,
        )
        return Workers(self._notice_queue, notices.reconcile, self._metrics, number=NOTICES_AT_ONCE)

    async def _reconcile(self, key: Key) -> Again | None:
        if key == self._logs.ref:
            return await self._logs.reconcile()
        if isinstance(key, ObjectRef) and key.kind == kinds.PODS.kind:
            await self._logs.read_whole(key)
            return None
        if isinstance(key, ObjectRef):
            return await self._shared.reconcile(key)
        return await self._tenants.reconcile(key)

    def _watch_namespaces(self) -> Informer[MetadataRecord]:
        """Their labels say what pods may run in them."""
        return Informer(
            self._client,
            kinds.NAMESPACES,
            transform=metadata_record,
            selection=Selection(metadata_only=True),
            on_change=self._dispatcher.namespace_changed,
        )

    def _collaborators(self, namespace: str, image: str) -> Collaborators:
        applier = Applier(self._client, self._children)
        return Collaborators(
            world=self._world,
            cache=self._children,
            applier=applier,
            secrets=TenantSecrets(self._client, self._secrets, random.SystemRandom()),
            bridges=Bridges(
                self._children, MediaAddresses(self._children, self._namespaces, self._ports)
            ),
            ingress_classes=self._ingress_classes,
            publisher=Publisher(self._world, self._client, self._events),
            contracts=self._contracts,
            logs=self._logs,
            endings=MeetingEndings(self._client, self._children),
            interruptions=Interruptions(
                self._children, applier, JicofoStatistics(jicofo.PORT), Turns(self._client.clock)
            ),
            backups=BackupFollower(
                self._world.of_backups,
                self._client,
                self._children,
                namespace=namespace,
                image=image,
            ),
            windows=self._dispatcher.windows_changed,
            gone=self._dispatcher.tenant_gone,
            operator_namespace=namespace,
            clock=self._client.clock,
        )

    async def lead(self) -> None:
        """Operate until cancelled, or until kopf is told by a signal to stop."""
        async with asyncio.TaskGroup() as group:
            sources = (self._children.run(), *(each.run() for each in self._informers))
            parts = [group.create_task(each) for each in (*sources, self._events.run())]
            await self._load()
            await self._synced()
            parts.append(group.create_task(self._workers.run()))
            parts.append(group.create_task(self._notice_workers.run()))
            parts.append(group.create_task(self._volumes.run()))
            parts.append(group.create_task(self._reload()))
            await self._watch_our_kinds()
            for part in parts:
                part.cancel()

    def observe(self, kind: str, event: str | None, body: JsonObject) -> None:
        """Something was seen of an object of ours."""
        self._dispatcher.observe(kind, event, body)

    def connection(self) -> kopf.ConnectionInfo:
        """How kopf reaches the API server: with the credentials that the client has now."""
        configuration = self._client.configuration
        return kopf.ConnectionInfo(
            server=configuration.host,
            ca_path=configuration.ssl_ca_cert,
            insecure=not configuration.verify_ssl,
            token=configuration.api_key.get("BearerToken", "").removeprefix("Bearer ") or None,
            certificate_path=configuration.cert_file,
            private_key_path=configuration.key_file,
            proxy_url=configuration.proxy,
        )

    def why_not_alive(self) -> str | None:
        """What only a restart can mend; None when all is well."""
        running = {
            "a reconcile": self._queue.longest_running(),
            "the sending of a notice": self._notice_queue.longest_running(),
        }
        return why_stuck(running)

    def why_not_ready(self) -> str | None:
        """Why the tenants as they were at the start have not all been looked at; None once so."""
        if not self._complete():
            errors = "; ".join(f"{kind}: {error}" for kind, error in self._last_errors().items())
            return "the caches are not complete" + (f": {errors}" if errors else "")
        if not self._workers.caught_up:
            return "the tenants that were there at the start are being looked at"
        now = self._client.clock.monotonic()
        if not all(part.healthy(now) for part in self._caches):
            return "nothing was heard of the API server for some time"
        return None

    def _last_errors(self) -> dict[str, str]:
        """For each kind that cannot be read at the moment, why."""
        found = self._children.last_errors()
        for informer in self._informers:
            if informer.last_error is not None:
                found[informer.resource.kind] = informer.last_error
        return found

    @property
    def _caches(self) -> tuple[ChildCache[TenantKey] | Informer[Any], ...]:
        return self._children, *self._informers

    def refresh_metrics(self) -> None:
        """Bring the gauges up to date that are worked out when they are asked for."""
        self._queue.refresh_metrics()
        self._notice_queue.refresh_metrics()
        self._metrics.count_tenants(self._world.counts())
        self._metrics.count_notices(self._world.around_contracts.notice_states())
        self._backup_metrics.show(self._world.of_backups, self._client.clock.now())

    async def _watch_our_kinds(self) -> None:
        """Let kopf watch until it is told by a signal to stop, or fails.

        Not by `kopf.operator`: at its end that cancels every task that was made since it began,
        those of leader election among them, so that the Lease would not be given back.
        """
        tasks = await kopf.spawn_tasks(
            registry=handlers.registry(self), clusterwide=True, standalone=True
        )
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        for result in ended:
            if isinstance(result, Exception):
                raise result

    async def _load(self) -> None:
        """Read all objects of our kinds, those that tenants refer to first.

        Finds also what was deleted while nobody watched, which kopf does not tell of.
        """
        for kind in KINDS:
            resource = self._client.resources.of(API_VERSION, kind.definition.kind)
            seen: set[ObjectRef] = set()
            version = 0
            try:
                async for page in self._client.list_pages(resource, page_size=PAGE_SIZE):
                    version = int(page.resource_version)
                    for body in page.items:
                        seen.add(ObjectRef.of(body))
                        self.observe(kind.definition.kind, None, body)
                    page.items.clear()  # a parsed page is large, and the next one is awaited now
            except NotFound as error:
                raise ConfigurationError(
                    f"the API server does not know {resource.plural}.{GROUP}: install the CRDs,"
                    " which the command `jitsi-tenant-operator crds` prints"
                ) from error
            self._dispatcher.forget_others(kind.definition.kind, seen, version)

    async def _reload(self) -> None:
        while True:
            await self._client.clock.sleep(RELOAD_SECONDS)
            try:
                await self._load()
            except (KubeError, ConfigurationError) as error:
                log.warning("our own kinds could not be read again: %s", error)

    async def _synced(self) -> None:
        await self._children.wait_synced()
        for informer in self._informers:
            await informer.synced.wait()
        self._workers.expect(self._world.tenants())
        log.info("the caches are complete: %d tenants", len(self._world.tenants()))

    def _complete(self) -> bool:
        return self._children.synced and all(each.synced.is_set() for each in self._informers)


def why_stuck(running: Mapping[str, float]) -> str | None:
    """What will not end by itself, of work with its age in seconds; None when there is none."""
    for what, seconds in running.items():
        if seconds > STUCK_SECONDS:
            return f"{what} has been going on for {seconds:.0f} seconds"
    return None


def _owner_key(own: str, namespace: str, labels: Mapping[str, str]) -> TenantKey | None:
    """The tenant that an object belongs to; in the operator's `own` namespace it says whose it is.

    In any other it belongs to a tenant there, whatever else its labels say.
    """
    tenant = labels.get(TENANT_LABEL)
    if namespace == own:
        namespace = labels.get(TENANT_NAMESPACE_LABEL, namespace)
    return TenantKey(namespace, tenant) if tenant else None
