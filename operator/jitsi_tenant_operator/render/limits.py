"""Limits: what a tenant's namespace may take, what a pod gets by default, what may be evicted."""

from __future__ import annotations

from collections.abc import Iterator

from jitsi_tenant_operator.api.media import Exposure
from jitsi_tenant_operator.api.objects import JsonObject
from jitsi_tenant_operator.api.plan import ComponentSize
from jitsi_tenant_operator.api.scalars import mebibytes
from jitsi_tenant_operator.api.tenant import UpdatePolicy
from jitsi_tenant_operator.render import backup_pods, service_accounts, storage, volume_claims
from jitsi_tenant_operator.render.backup_configuration import promise
from jitsi_tenant_operator.render.context import Requests, TenantContext
from jitsi_tenant_operator.render.labels import Component, selector
from jitsi_tenant_operator.render.quantities import cpu, memory, millicores, storage_mebibytes

_SPARE_PODS, _SPARE_MILLICORES, _SPARE_MEBIBYTES = 10, 2000, 4096
"""For what runs beside the pods that are always there: jobs, certificate challenges, updates."""
_BACKUP_RUNS = 2
"""That of the night, and one on demand or a restore, at the same time."""
_SPARE_CLAIMS = 2
_SPARE_SERVICES = 2
"""A creation that is cut off (the operator was killed) may count until the quota is worked out
anew, minutes later; it must not keep a bridge from its Service. And cert-manager answers a
challenge through a NodePort Service of its own."""
_DEFAULT_MILLICORES, _DEFAULT_MEBIBYTES = 50, 256

_EVICTABLE = {
    Component.WEB: 1,
    # There is only one of each, and meetings end with it: whoever empties a node has to want that,
    # and says so by the tenant's update policy.
    Component.PROSODY: 0,
    Component.JICOFO: 0,
    # These wait for their recordings to end before they leave.
    Component.JIBRI: 1,
}
"""How many pods of a component may be evicted at once; of bridges, see _bridges_that_stay."""


def children(context: TenantContext) -> Iterator[JsonObject]:
    """The ResourceQuota, the LimitRange and a PodDisruptionBudget for each component."""
    yield _quota(context)
    yield _defaults(context)
    for component in service_accounts.components(context):
        yield _budget(context, component)


def _quota(context: TenantContext) -> JsonObject:
    sizes = _pods(context)
    outgoing = _outgoing(context)
    milli = _SPARE_MILLICORES + sum(count * millicores(size.cpu) for size, count in sizes)
    milli += sum(each.millicores for each in outgoing)
    mebi = _SPARE_MEBIBYTES + sum(count * mebibytes(size.memory) for size, count in sizes)
    milli += _recorders(context) * millicores(storage.SIZE.cpu)
    mebi += _recorders(context) * mebibytes(storage.SIZE.memory)
    mebi += sum(each.mebibytes for each in outgoing)
    runs = _BACKUP_RUNS if promise(context) is not None else 0
    milli += runs * backup_pods.MILLICORES
    mebi += runs * backup_pods.MOST_MEBIBYTES
    exposure = context.platform.media.exposure
    public = context.plan.capacity.bridges.maximum + len(outgoing) + _SPARE_SERVICES
    obj = context.object("v1", "ResourceQuota", context.child("quota"))
    obj["spec"] = {
        "hard": {
            "pods": str(_SPARE_PODS + sum(count for _, count in sizes) + len(outgoing) + runs),
            "requests.cpu": cpu(milli),
            "requests.memory": memory(mebi),
            "limits.memory": memory(mebi),
            "persistentvolumeclaims": str(2 + _SPARE_CLAIMS),
            "requests.storage": memory(2 * _storage(context)),
            "services.loadbalancers": str(public if exposure is Exposure.LOAD_BALANCER else 0),
            "services.nodeports": str(
                _SPARE_SERVICES if exposure is Exposure.HOST_PORT else public
            ),
        }
    }
    return obj


def _pods(context: TenantContext) -> list[tuple[ComponentSize, int]]:
    """Each size with how many pods of it may be there, as far as the plan goes."""
    sizes, capacity = context.plan.sizes, context.plan.capacity
    return [
        (sizes.web, sizes.web.replicas),
        (sizes.prosody, 1),
        (sizes.jicofo, 1),
        (sizes.bridge, capacity.bridges.maximum),
        (sizes.recorder, _recorders(context)),
    ]


def _recorders(context: TenantContext) -> int:
    return context.plan.capacity.recorders if context.plan.features else 0


def _outgoing(context: TenantContext) -> tuple[Requests, ...]:
    """The bridges that are there beside those of the plan, one at least.

    Those that leave count for as long as their meetings take. They may be larger than what the
    plan holds now, and must keep none from its place.
    """
    size = context.plan.sizes.bridge
    one = Requests(millicores(size.cpu), mebibytes(size.memory))
    return context.observed.outgoing or (one,)


def _storage(context: TenantContext) -> int:
    """The MiB of all volumes; the quota has twice as much, since a restore writes beside them."""
    sizes = (
        context.plan.capacity.storage.accounts,
        volume_claims.recordings_size(context),
    )
    return sum(storage_mebibytes(size) for size in sizes)


def _defaults(context: TenantContext) -> JsonObject:
    obj = context.object("v1", "LimitRange", context.child("defaults"))
    obj["spec"] = {
        "limits": [
            {
                "type": "Container",
                # No default limit of CPU: it would throttle the pods above, which have none.
                "default": {"memory": memory(_DEFAULT_MEBIBYTES)},
                "defaultRequest": {
                    "cpu": cpu(_DEFAULT_MILLICORES),
                    "memory": memory(_DEFAULT_MEBIBYTES),
                },
            }
        ]
    }
    return obj


def _evictable(context: TenantContext, component: Component) -> int:
    at_once = context.spec.updates.policy is UpdatePolicy.IMMEDIATELY
    return 1 if at_once else _EVICTABLE[component]


def _bridges_that_stay(context: TenantContext) -> int:
    """How many bridges must be left when one is evicted.

    A number to keep, not one to spare: a bridge that ends has nothing that stands for it any more,
    and with maxUnavailable Kubernetes would let no other be evicted for the hours that it takes.
    """
    return max(0, context.bridges - 1)


def _budget(context: TenantContext, component: Component) -> JsonObject:
    name = context.child(component.value)
    obj = context.object("policy/v1", "PodDisruptionBudget", name, component=component)
    bound: JsonObject = (
        {"minAvailable": _bridges_that_stay(context)}
        if component is Component.JVB
        else {"maxUnavailable": _evictable(context, component)}
    )
    obj["spec"] = {
        **bound,
        "selector": {"matchLabels": selector(context.name, component)},
        # A pod that does not serve anyway holds up nobody who empties its node.
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    }
    return obj
