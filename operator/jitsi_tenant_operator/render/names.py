"""Names of children: valid, distinct, stable, and short enough for what controllers append."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

from jitsi_tenant_operator.api.tenant import BRIDGE_SLOTS

CREDENTIALS = "jitsi-credentials"
"""The Secret of generated passwords; the same in every namespace, so that a role can name it."""

LONGEST = 46
"""Longest name of a workload: a ReplicaSet's hash and a pod's suffix add up to 17 characters, and
a pod's name is also its host name and a label value, which end at 63."""

_BRIDGE = "jvb-"
_LONGEST_SUFFIX = len("-jibri-19")
_HEAD = LONGEST - _LONGEST_SUFFIX
_DIGEST = 8
_ENDS_LIKE_A_DIGEST = re.compile(rf"-[0-9a-f]{{{_DIGEST}}}$")


@lru_cache(maxsize=8192)
def head(tenant: str) -> str:
    """What all children of `tenant` start with: its name, or a cut of it that ends in a hash.

    A name is kept when it is short enough and starts with a letter, as the names of Services must.
    A name that looks as if it had been cut is cut as well, so that a kept name never equals a cut
    one.
    """
    kept = len(tenant) <= _HEAD and tenant[0].isalpha() and not _ENDS_LIKE_A_DIGEST.search(tenant)
    if kept:
        return tenant
    digest = hashlib.sha256(tenant.encode()).hexdigest()[:_DIGEST]
    stem = tenant if tenant[0].isalpha() else f"t{tenant}"
    return f"{stem[: _HEAD - _DIGEST - 1].rstrip('-')}-{digest}"


def child(tenant: str, suffix: str) -> str:
    """The name of the child of `tenant` that `suffix` says, for instance acme-web."""
    return f"{head(tenant)}-{suffix}"


def bridge(tenant: str, slot: int) -> str:
    """The name of the bridge in this slot, from 0: of its StatefulSet and of its Service."""
    return child(tenant, f"{_BRIDGE}{slot}")


def bridge_pod(tenant: str, slot: int) -> str:
    """The name of the one pod of that bridge, as the StatefulSet gives it."""
    return f"{bridge(tenant, slot)}-0"


def slot(tenant: str, name: str) -> int | None:
    """The slot of the bridge that is called `name`; None for whatever else has that name."""
    if _BRIDGE not in name:
        return None
    text = name.removeprefix(child(tenant, _BRIDGE))
    if not text.isdecimal() or not text.isascii() or int(text) >= BRIDGE_SLOTS:
        return None
    return int(text) if name == bridge(tenant, int(text)) else None


def recorder(tenant: str, index: int) -> str:
    """The name of the recorder with this index, from 0."""
    return child(tenant, f"jibri-{index}")


def run(tenant: str, suffix: str, uid: str) -> str:
    """The name of the Job that carries out the object with this uid, for instance
    acme-backup-1a2b3c4d.
    """
    return child(tenant, f"{suffix}-{hashlib.sha256(uid.encode()).hexdigest()[:_DIGEST]}")


def repository(namespace: str, tenant: str) -> str:
    """What the repository of a tenant is called, and the user who adds to it: at most 127
    characters, and no other tenant's, not even after it is gone.
    """
    return f"{tenant}.{namespace}"


def beside(namespace: str, tenant: str, suffix: str) -> str:
    """The name of what belongs to a tenant in the operator's namespace, for instance
    acme-1a2b3c4d-keep; a suffix has at most six characters, since to the name of a CronJob eleven
    are appended.
    """
    digest = hashlib.sha256(f"{namespace}/{tenant}".encode()).hexdigest()[:_DIGEST]
    return f"{head(tenant)[: LONGEST - _DIGEST - 8].rstrip('-')}-{digest}-{suffix}"
