"""The namespace of a tenant: stable, distinct, and within the 32 characters of a component."""

from __future__ import annotations

import hashlib
import re

PARENT = "tenants"
"""The namespace that those of all tenants are in; the operator's token administers it."""
LONGEST = 32
"""How many characters a component of a namespace has at most, by Proxmox's schema."""

_DIGEST = 10
_ENDS_LIKE_A_DIGEST = re.compile(rf"-[0-9a-f]{{{_DIGEST}}}$")
_COMPONENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


def component(name: str) -> str:
    """A Kubernetes name as a component: itself, or a cut of it that ends in a hash.

    A name that looks as if it had been cut is cut as well, so that a kept name never equals a cut
    one; see also `jitsi_tenant_operator.render.names.head`. ValueError for a name that cannot
    begin a component.
    """
    if _COMPONENT.fullmatch(name) is None:
        raise ValueError(f"{name!r} has no letter or digit to begin with")
    if len(name) <= LONGEST and not _ENDS_LIKE_A_DIGEST.search(name):
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST]
    return f"{name[: LONGEST - _DIGEST - 1].rstrip('-.')}-{digest}"


def tenant_namespace(namespace: str, parent: str = PARENT) -> str:
    """Where the backups of the tenant in this Kubernetes namespace are.

    A namespace holds one tenant, and its name is unique in the cluster, as that of a tenant is not.
    """
    return f"{parent}/{component(namespace)}"
