"""Which keys a change puts into the work-queue."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from jitsi_tenant_operator.api.hold import JitsiLegalHold
from jitsi_tenant_operator.api.maintenance import JitsiMaintenance
from jitsi_tenant_operator.api.notice import JitsiNotice
from jitsi_tenant_operator.api.objects import API_VERSION, JsonObject, ObjectRef, TenantKey
from jitsi_tenant_operator.api.plan import JitsiPlan
from jitsi_tenant_operator.api.platform import JitsiPlatform
from jitsi_tenant_operator.api.record import JitsiTenantRecord
from jitsi_tenant_operator.api.tenant import JitsiTenant
from jitsi_tenant_operator.api.terms import JitsiTerms
from jitsi_tenant_operator.contract.decision import Window
from jitsi_tenant_operator.kube.informer import Change, ChangeType
from jitsi_tenant_operator.kube.metadata import MetadataRecord
from jitsi_tenant_operator.kube.secrets import SecretRecord
from jitsi_tenant_operator.reconcile.contract_objects import tenant_of_record
from jitsi_tenant_operator.reconcile.ports import HostPorts
from jitsi_tenant_operator.reconcile.queue import Priority, WorkQueue
from jitsi_tenant_operator.reconcile.workers import Key
from jitsi_tenant_operator.reconcile.world import DELETED, World
from jitsi_tenant_operator.render import names

CHILD_DELAY_SECONDS = 0.5
"""Children change in bursts while pods start; one look after the burst is enough."""

LOGS_DELAY_SECONDS = 0.1
"""Several tenants may change at once, which makes one change of what the archiver is told."""


class Dispatcher:
    """Keeps the world up to date, and has those reconciled whom a change concerns."""

    def __init__(
        self,
        world: World,
        queue: WorkQueue[Key],
        notices: WorkQueue[ObjectRef],
        ports: HostPorts,
        logs: ObjectRef | None = None,
    ) -> None:
        """`logs` is the key of the technical logs of all tenants together."""
        self._world = world
        self._queue = queue
        self._notices = notices
        self._ports = ports
        self._logs = logs

    def observe(self, kind: str, event: str | None, body: JsonObject) -> None:
        """Something was seen of an object of ours."""
        if kind == JitsiTenant.definition.kind:
            self._tenant_seen(event, body)
        elif kind == JitsiPlatform.definition.kind:
            if self._world.platforms.observe(event, body):
                self._world.rehost()
                self._add(self._world.tenants(), Priority.RESYNC)
                self._add_notices(self._world.around_contracts.pending_notices())
                self._queue.add(ObjectRef.of(body), Priority.SPEC)
                self.logs_changed()
        elif kind == JitsiPlan.definition.kind:
            if self._world.plans.observe(event, body):
                self._add(self._world.tenants_of_plan(body["metadata"]["name"]), Priority.RESYNC)
        elif kind == JitsiTerms.definition.kind:
            if self._world.terms.observe(event, body):
                self._add(self._world.tenants(), Priority.RESYNC)
                self._queue.add(ObjectRef.of(body), Priority.SPEC)
                self.logs_changed()
        elif self._world.observe_beside(kind, event, body):
            self._beside_changed(ObjectRef.of(body), event)

    def _tenant_seen(self, event: str | None, body: JsonObject) -> None:
        if event is None:
            self._ports.restore(*_recorded_ports(body))
        concerned = self._world.observe_tenant(event, body)
        # Whoever changes something while all are listed anew is served before the others.
        self._add(concerned, Priority.RESYNC if event is None else Priority.SPEC)
        # A new address of the client, or a mended spec, may be what a notice waits for.
        for key in concerned:
            self._add_notices(self._world.around_contracts.pending_notices(key.namespace))

    def _beside_changed(self, ref: ObjectRef, event: str | None) -> None:
        """A notice, hold, window, record, backup or restore changed, and not by our hand."""
        priority = Priority.RESYNC if event is None else Priority.SPEC
        if ref.kind == JitsiMaintenance.definition.kind:
            self._add(self._world.tenants(), Priority.RESYNC)
            self._queue.add(ref, priority)
        elif ref.kind == JitsiTenantRecord.definition.kind:
            # By its name, which says whose it is even when nothing else of it is left.
            key = tenant_of_record(ref)
            if self._world.tenant(key) is not None:
                self._queue.add(key, priority)
                self._add_notices(self._world.around_contracts.pending_notices(key.namespace))
        else:
            self._add(self._world.tenants_in(ref.namespace), priority)
            if ref.kind == JitsiNotice.definition.kind:
                self._notices.add(ref, priority)
            elif ref.kind == JitsiLegalHold.definition.kind:
                self.logs_changed()

    def windows_changed(self, key: TenantKey, windows: tuple[Window, ...]) -> None:
        """How maintenance windows stand towards a tenant was found out."""
        for name in self._world.learn_windows(key, windows):
            ref = ObjectRef(API_VERSION, JitsiMaintenance.definition.kind, "", name)
            self._queue.add(ref, Priority.CHILD, after=CHILD_DELAY_SECONDS)

    def notice_due(self, ref: ObjectRef) -> None:
        """A notice is to be sent, or not any more, as the operator found."""
        self._notices.add(ref, Priority.SPEC)

    def notice_changed(self, ref: ObjectRef) -> None:
        """The operator found out how a notice stands, which the contract may depend on."""
        self._add(self._world.tenants_in(ref.namespace), Priority.CHILD)

    def logs_changed(self) -> None:
        """What the archiver of logs is told may have changed."""
        if self._logs is not None:
            self._queue.add(self._logs, Priority.CHILD, after=LOGS_DELAY_SECONDS)

    def logs_reported(self, namespace: str) -> None:
        """The archiver of logs has said something new of the tenant in a namespace."""
        self._add(self._world.tenants_in(namespace), Priority.CHILD)

    def tenant_gone(self, body: JsonObject) -> None:
        """A tenant turned out to exist no longer."""
        self.observe(JitsiTenant.definition.kind, DELETED, body)

    def forget_others(self, kind: str, seen: Collection[ObjectRef], version: int) -> None:
        """Forget the objects of a kind that a list made at `version` does not hold."""
        for body in self._world.bodies(kind):
            metadata = body["metadata"]
            if ObjectRef.of(body) not in seen and int(metadata["resourceVersion"]) <= version:
                self.observe(kind, DELETED, body)

    def child_changed(self, key: TenantKey, _ref: ObjectRef, _type: ChangeType) -> None:
        """A child of a tenant changed, and not by our hand."""
        if self._world.tenant(key) is not None:
            self._queue.add(key, Priority.CHILD, after=CHILD_DELAY_SECONDS)

    def volume_changed(self, key: TenantKey) -> None:
        """The volume of a tenant's recordings became full, or has space again."""
        self._add([key], Priority.CHILD)

    def secret_changed(self, change: Change[SecretRecord]) -> None:
        """The Secret of generated passwords of a tenant changed."""
        record = change.new or change.old
        if record is not None:
            self._add(self._world.tenants_in(record.ref.namespace), Priority.CHILD)

    def namespace_changed(self, change: Change[MetadataRecord]) -> None:
        """A namespace changed; its labels say what pods may run in it."""
        old, new = change.old, change.new
        if old is not None and new is not None and old.labels != new.labels:
            self._add(self._world.tenants_in(new.ref.name), Priority.CHILD)

    def _add_notices(self, refs: Iterable[ObjectRef]) -> None:
        for ref in refs:
            self._notices.add(ref, Priority.CHILD)

    def ingress_class_changed(self, change: Change[MetadataRecord]) -> None:
        """An IngressClass changed; whether there is one says whether anybody serves the entry."""
        record = change.new or change.old
        platform = self._world.platform()
        if record is None or change.type is ChangeType.MODIFIED:
            return
        ingress = platform.spec.entry.ingress if isinstance(platform, JitsiPlatform) else None
        if ingress is not None and ingress.class_name == record.ref.name:
            self._add(self._world.tenants(), Priority.RESYNC)

    def _add(self, keys: Iterable[TenantKey], priority: Priority) -> None:
        for key in keys:
            self._queue.add(key, priority)


def _recorded_ports(body: JsonObject) -> tuple[TenantKey, dict[int, int]]:
    """The ports of a tenant's bridges by slot, as its status records them."""
    key = TenantKey(body["metadata"]["namespace"], body["metadata"]["name"])
    ports: dict[int, int] = {}
    for bridge in (body.get("status") or {}).get("bridges") or ():
        # A status can be written by hand; what is no bridge of this tenant has no port.
        slot = names.slot(key.name, bridge["name"])
        if slot is not None and "port" in bridge:
            ports[slot] = bridge["port"]
    return key, ports
