"""Secrets are watched for what they hold, without the operator keeping any of it.

Of each Secret only the names of its keys stay in memory, and for each key a digest that tells
whether its value changed. The digest is an HMAC under a salt which the Secret itself holds, so
that equal passwords of two tenants give different digests, and a digest that shows up elsewhere
(in a pod template's annotation) cannot be tried against a list of passwords.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass

from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef
from jitsi_tenant_operator.kube.client import KubeClient, Selection
from jitsi_tenant_operator.kube.informer import Change, Informer
from jitsi_tenant_operator.kube.resources import SECRETS

_DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class SecretRecord:
    """What is known of a Secret. `digests` is empty when it holds no salt."""

    ref: ObjectRef
    uid: str
    resource_version: int
    owner_uid: str | None
    labels: Mapping[str, str]
    keys: frozenset[str]
    digests: Mapping[str, bytes]
    deleting: bool

    def digest(self, keys: Iterable[str] | None = None) -> str | None:
        """A hex digest of the values of `keys` (all but the salt by default), in any order.

        It changes when and only when one of these values changes, appears or disappears. None
        when the Secret holds no salt.
        """
        if not self.digests:
            return None
        chosen = self.digests.keys() if keys is None else set(keys)
        text = b"".join(
            key.encode() + b"\0" + self.digests.get(key, b"") + b"\0" for key in sorted(chosen)
        )
        return hashlib.sha256(text).hexdigest()


def secret_transform(
    salt_key: str,
) -> Callable[[JsonObject, SecretRecord | None], SecretRecord]:
    """The `transform` of an informer of Secrets; `salt_key` names the key with the salt."""

    def transform(obj: JsonObject, _old: SecretRecord | None) -> SecretRecord:
        metadata = obj["metadata"]
        data: Mapping[str, str] = obj.pop("data", None) or {}
        owners = metadata.get("ownerReferences") or ()
        return SecretRecord(
            ref=ObjectRef.of(obj),
            uid=metadata["uid"],
            resource_version=int(metadata["resourceVersion"]),
            owner_uid=next((o["uid"] for o in owners if o.get("controller")), None),
            labels=metadata.get("labels") or {},
            keys=frozenset(data),
            digests=_digests(data, salt_key),
            deleting="deletionTimestamp" in metadata,
        )

    return transform


def _digests(data: Mapping[str, str], salt_key: str) -> dict[str, bytes]:
    salt = _decoded(data.get(salt_key, ""))
    if not salt:
        return {}
    return {
        key: hmac.digest(salt, key.encode() + b"\0" + _decoded(value), "sha256")[:_DIGEST_BYTES]
        for key, value in data.items()
        if key != salt_key
    }


def _decoded(value: str) -> bytes:
    try:
        return base64.b64decode(value)
    except binascii.Error:
        return b""


def secret_informer(
    client: KubeClient,
    name: str,
    *,
    salt_key: str,
    key: Callable[[SecretRecord], Hashable | None] | None = None,
    on_change: Callable[[Change[SecretRecord]], None] | None = None,
) -> Informer[SecretRecord]:
    """Watches the Secrets called `name` in all namespaces, and no other.

    It never lists: a ClusterRole that grants `watch` on secrets with resourceNames [name] is
    all it needs, because the API server takes the object's name for authorization from the
    field selector metadata.name.
    """
    return Informer(
        client,
        SECRETS,
        transform=secret_transform(salt_key),
        selection=Selection(field_selector=f"metadata.name={name}"),
        key=key,
        on_change=on_change,
        never_list=True,
    )
