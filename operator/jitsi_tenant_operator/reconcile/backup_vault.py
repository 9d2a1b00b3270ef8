"""The keys and the login of each tenant's repositories, kept in the operator's namespace.

Made once and never again: without them no backup can be read. They outlive the tenant and its
namespace, as its backups do, so that a namespace made anew finds its backups again.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from random import Random

from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef
from jitsi_tenant_operator.kube.client import KubeClient
from jitsi_tenant_operator.kube.errors import AlreadyExists, NameTaken, NotFound
from jitsi_tenant_operator.render import backup_configuration as told
from jitsi_tenant_operator.render import credentials, keeper, names
from jitsi_tenant_operator.render.context import TenantContext

_KEPT = (told.KEY, told.OFFSITE_KEY, told.USERNAME, told.PASSWORD)


class BackupVault:
    """Makes the Secret of each tenant, and reads it when a tenant lacks its copy."""

    def __init__(self, client: KubeClient, random: Random) -> None:
        self._client = client
        self._random = random

    async def values(self, context: TenantContext) -> dict[str, str]:
        """The keys and the login of a tenant, made if there are none.

        Raises NameTaken when the Secret is not that of this tenant, and other KubeErrors.
        """
        body = keeper.vault(context, self._generate(context))
        try:
            found = await self._client.get(ObjectRef.of(body))
        except NotFound:
            try:
                found = await self._client.create(body)
            except AlreadyExists:
                found = await self._client.get(ObjectRef.of(body))
        return _read(found, body)

    def _generate(self, context: TenantContext) -> dict[str, str]:
        values = credentials.generate((told.KEY, told.OFFSITE_KEY, told.PASSWORD), self._random)
        user = names.repository(context.namespace, context.name)
        # The password is random and long enough that a plain digest of it gives nothing away.
        digest = hashlib.sha1(values[told.PASSWORD].encode(), usedforsecurity=False).digest()
        line = f"{user}:{{SHA}}{base64.b64encode(digest).decode()}"
        return {**values, told.USERNAME: user, keeper.SERVER_LINE: line}


def _read(found: JsonObject, wanted: JsonObject) -> dict[str, str]:
    ref, data = ObjectRef.of(wanted), found.get("data") or {}
    labels = found["metadata"].get("labels") or {}
    if not wanted["metadata"]["labels"].items() <= labels.items():
        raise NameTaken(ref, "it lacks the labels of this tenant")
    try:
        return {key: base64.b64decode(data[key], validate=True).decode() for key in _KEPT}
    except (KeyError, binascii.Error, UnicodeDecodeError):
        # Never completed: another key would leave the backups that are there unreadable.
        raise NameTaken(ref, f"it lacks one of {', '.join(_KEPT)}: restore it") from None
