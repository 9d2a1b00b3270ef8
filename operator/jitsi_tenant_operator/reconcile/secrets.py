"""The Secrets of a tenant: generated passwords, made once, and those that the spec names.

The operator never lists Secrets. It watches those called `jitsi-credentials` and reads the others
by name, when a tenant that names them is reconciled.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from random import Random

from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef
from jitsi_tenant_operator.kube.client import KubeClient
from jitsi_tenant_operator.kube.errors import AlreadyExists, NameTaken, NotFound
from jitsi_tenant_operator.kube.informer import Informer
from jitsi_tenant_operator.kube.secrets import SecretRecord, secret_transform
from jitsi_tenant_operator.reconcile.backup_vault import BackupVault
from jitsi_tenant_operator.reconcile.conditions import Reason
from jitsi_tenant_operator.reconcile.resolve import Problem
from jitsi_tenant_operator.render import credentials, sources
from jitsi_tenant_operator.render.backup_configuration import promise
from jitsi_tenant_operator.render.context import Source, SourceKind, TenantContext
from jitsi_tenant_operator.render.labels import MANAGER, TENANT_LABEL
from jitsi_tenant_operator.render.names import CREDENTIALS

_read_record = secret_transform(credentials.SALT_KEY)


class TenantSecrets:
    """Makes, completes and reads the Secrets that the pods of a tenant use."""

    def __init__(self, client: KubeClient, records: Informer[SecretRecord], random: Random) -> None:
        self._client = client
        self._records = records
        self._random = random
        self._vault = BackupVault(client, random)

    async def ensure(self, context: TenantContext) -> SecretRecord:
        """The tenant's generated passwords, made if there are none, completed if some lack.

        A key that is there is never changed. Raises NameTaken when the Secret is not this
        tenant's, and other KubeErrors.
        """
        record = self._records.get(context.namespace, CREDENTIALS)
        if record is None or record.deleting:
            record = await self._create(context)
        _refuse_foreign(context, record)
        lacking = [key for key in _required(context) if key not in record.keys]
        return await self._complete(context, record, lacking) if lacking else record

    async def _create(self, context: TenantContext) -> SecretRecord:
        body = credentials.secret(context, await self._values(context, _required(context)))
        try:
            answer = await self._client.create(body)
        except AlreadyExists:
            # The watch lags, or it is what an earlier tenant of this name left behind.
            answer = await self._client.get(ObjectRef.of(body))
        return self._learn(answer)

    async def _values(self, context: TenantContext, keys: Iterable[str]) -> dict[str, str]:
        """A value for each of `keys`: those of backups from the vault, the others new."""
        wanted = set(keys)
        backup = wanted & credentials.BACKUP_FILES.keys()
        values = credentials.generate(sorted(wanted - backup), self._random)
        if backup:
            kept = await self._vault.values(context)
            values |= {key: kept[credentials.BACKUP_FILES[key]] for key in backup}
        return values

    async def _complete(
        self, context: TenantContext, record: SecretRecord, lacking: Iterable[str]
    ) -> SecretRecord:
        values = await self._values(context, lacking)
        answer = await self._client.merge_patch(
            record.ref,
            {
                # Nobody may have completed it meanwhile: a key that is there must stay.
                "metadata": {"uid": record.uid, "resourceVersion": str(record.resource_version)},
                "data": {key: _encoded(value) for key, value in values.items()},
            },
        )
        return self._learn(answer)

    def _learn(self, answer: JsonObject) -> SecretRecord:
        record = _read_record(answer, None)
        return self._records.observe(record.ref.namespace, record.ref.name, record) or record

    async def digests(
        self, context: TenantContext, generated: SecretRecord
    ) -> tuple[dict[Source, str], list[Problem]]:
        """What changes with each value that pods read at start, and which of them cannot be used.

        Raises KubeError when the API server does not answer.
        """
        digests: dict[Source, str] = {}
        problems: list[Problem] = []
        named: list[Source] = []
        for source in sources(context):
            if source.kind is SourceKind.SECRET and source.name == CREDENTIALS:
                digests[source] = generated.digest([source.key]) or ""
            else:
                named.append(source)
        if named:
            salt = await self._salt(context)
            for source in named:
                digest = await self._digest(context, source, salt)
                if isinstance(digest, Problem):
                    problems.append(digest)
                else:
                    digests[source] = digest
        return digests, problems

    async def _salt(self, context: TenantContext) -> bytes:
        """What keeps the digest of a weak password from being tried against a list."""
        found = await self._client.get(ObjectRef("v1", "Secret", context.namespace, CREDENTIALS))
        return _decoded(found.get("data") or {}, credentials.SALT_KEY) or b""

    async def _digest(self, context: TenantContext, source: Source, salt: bytes) -> str | Problem:
        missing = Problem(
            Reason.SECRET_NOT_FOUND
            if source.kind is SourceKind.SECRET
            else Reason.CONFIG_MAP_NOT_FOUND,
            f"{source.kind} {source.name} with the key {source.key} is not in the namespace"
            f" {context.namespace}: create it, or correct the reference to it in spec",
        )
        try:
            found = await self._client.get(
                ObjectRef("v1", source.kind.value, context.namespace, source.name)
            )
        except NotFound:
            return missing
        if source.kind is SourceKind.CONFIG_MAP:
            return _content(found, source.key) or missing
        value = _decoded(found.get("data") or {}, source.key)
        if value is None:
            return missing
        why = credentials.problem(value.decode(errors="replace"))
        if why is not None:
            return Problem(Reason.SECRET_INVALID, f"Secret {source.name}, key {source.key}: {why}")
        return hmac.new(salt, value, hashlib.sha256).hexdigest()


def _required(context: TenantContext) -> tuple[str, ...]:
    keys = credentials.required_keys(context)
    return keys if promise(context) is None else (*keys, *credentials.BACKUP_FILES)


def _refuse_foreign(context: TenantContext, found: SecretRecord) -> None:
    ours = (
        found.labels.get("app.kubernetes.io/managed-by") == MANAGER
        and found.labels.get(TENANT_LABEL) == context.name
    )
    if not ours:
        raise NameTaken(
            found.ref,
            f"it lacks the label {TENANT_LABEL}={context.name} of this tenant",
        )


def _content(config_map: JsonObject, key: str) -> str | None:
    for part in ("data", "binaryData"):
        value = (config_map.get(part) or {}).get(key)
        if value is not None:
            return hashlib.sha256(value.encode()).hexdigest()
    return None


def _encoded(value: str) -> str:
    return base64.b64encode(value.encode()).decode()


def _decoded(data: Mapping[str, str], key: str) -> bytes | None:
    try:
        return base64.b64decode(data[key], validate=True)
    except (KeyError, binascii.Error):
        return None
