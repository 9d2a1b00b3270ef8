"""Makes way for a workload that the API server refuses to change, as fields of it are immutable.

The object is deleted, and the one that is desired created in its place. Wherever this is cut off,
the name is either still taken by an object that is being deleted, or free: for both the applier
knows what to do, and nothing needs to be remembered.

Pods go on where they can: deleted with propagation Orphan, the workload leaves them behind, and
its successor adopts what its selector matches. Where it would not adopt them all, or could not
work with them, they are deleted with the workload, so that none is left without one.
"""

from __future__ import annotations

import hashlib
import logging
from typing import Any

import orjson

from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef
from jitsi_tenant_operator.kube.client import KubeClient, Propagation
from jitsi_tenant_operator.kube.errors import Conflict, Immutable, NotFound

REPLACEABLE = frozenset({"Deployment", "StatefulSet"})
"""Kinds that are only a plan for pods. In others is what nobody gives back: data, an address."""

_LONGEST_HEAD = 50
"""So much of a name is left in that of the trial, which must not be longer than names may be."""

log = logging.getLogger(__name__)


async def make_way(client: KubeClient, desired: JsonObject, uid: str, refusal: Immutable) -> bool:
    """Delete the workload that has the name of `desired`, if its uid is `uid`; whether it was.

    Not before the API server has said that it would accept `desired`: the errors of that are those
    of `KubeClient.create`, and nothing is touched. `refusal` is raised when volumes would be
    deleted with the workload.
    """
    ref = ObjectRef.of(desired)
    try:
        live = await client.get(ref)
        if live["metadata"]["uid"] != uid:
            return False
        propagation, _ = await foresee(client, live, desired, refusal)
        await client.delete(ref, uid=uid, propagation=propagation)
    except (NotFound, Conflict):
        return False  # it is gone, or another has its name: the next apply tells
    fate = "its pods go on" if propagation == "Orphan" else "its pods are replaced"
    log.warning("%s: made anew, %s: %s", ref, fate, ", ".join(c.field for c in refusal.causes))
    return True


async def foresee(
    client: KubeClient, live: JsonObject, desired: JsonObject, refusal: Immutable
) -> tuple[Propagation, JsonObject]:
    """How `live` would be deleted, and what the API server would make of `desired` in its place.

    Nothing is changed. Raises what `make_way` would, NotFound when the namespace is gone.
    """
    propagation = propagation_for(live, desired)
    if propagation != "Orphan" and _takes_volumes_along(live):
        raise refusal
    return propagation, await client.create(_trial(desired), dry_run=True)


def propagation_for(live: JsonObject, desired: JsonObject) -> Propagation:
    """Orphan when `desired` can take over every pod that `live` may have.

    Else Background, or Foreground for a Deployment that recreates: it is gone when its pods are, so
    that those of the new one never run beside them.

    All pods of a workload match its selector, which never changed. So they match a selector that
    demands nothing else. A StatefulSet also changes its pods until they have a volume for each of
    its claim templates, which the API server refuses for ever.
    """
    before, after = live["spec"], desired["spec"]
    adopted = _demands(after) <= _demands(before) and _claims(after) <= _claims(before)
    if adopted:
        return "Orphan"
    recreates = (after.get("strategy") or {}).get("type") == "Recreate"
    return "Foreground" if recreates else "Background"


def _demands(spec: JsonObject) -> set[bytes]:
    selector = spec.get("selector") or {}
    labels: list[Any] = list((selector.get("matchLabels") or {}).items())
    expressions = [
        {**each, "values": sorted(each.get("values") or ())}
        for each in selector.get("matchExpressions") or ()
    ]
    return {orjson.dumps(each, option=orjson.OPT_SORT_KEYS) for each in labels + expressions}


def _claims(spec: JsonObject) -> set[str]:
    return {each["metadata"]["name"] for each in spec.get("volumeClaimTemplates") or ()}


def _takes_volumes_along(live: JsonObject) -> bool:
    policy = live["spec"].get("persistentVolumeClaimRetentionPolicy") or {}
    return bool(policy.get("whenDeleted") == "Delete")


def _trial(desired: JsonObject) -> JsonObject:
    """`desired` under a name that nobody has, the same each time so that messages do not vary."""
    name = desired["metadata"]["name"]
    ending = hashlib.sha256(orjson.dumps(desired, option=orjson.OPT_SORT_KEYS)).hexdigest()[:8]
    return {
        **desired,
        "metadata": {**desired["metadata"], "name": f"{name[:_LONGEST_HEAD]}-{ending}"},
    }
