"""Backups on the tenant's side: its nightly CronJob, and what that is told and may reach.

The pods hold what adds to the tenant's own repository, and nothing that deletes, reads that of
another tenant, or reaches the off-site copy. They talk to no API server.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import orjson

from jitsi_tenant_operator.api.objects import API_VERSION, JsonObject
from jitsi_tenant_operator.api.platform import AccessMode, BackupRepository
from jitsi_tenant_operator.backup.configuration import Part, Sources
from jitsi_tenant_operator.render import backup_configuration as told
from jitsi_tenant_operator.render import credentials, names, nights, pods, volume_claims
from jitsi_tenant_operator.render.backup_configuration import Promise, promise
from jitsi_tenant_operator.render.backup_pods import (
    COMPONENT,
    DRILL_MEBIBYTES,
    SCRATCH_MEBIBYTES,
    ProgramPod,
    Step,
    secret_files,
)
from jitsi_tenant_operator.render.context import SourceKind, TenantContext
from jitsi_tenant_operator.render.labels import Component, labels, selector
from jitsi_tenant_operator.render.sources import generated, given

RESTORED = "/restored"
"""Where the volume of a restore elsewhere is mounted; each part gets a folder of its name."""
_ANYWHERE = ("0.0.0.0/0", "::/0")
_TENANT_FILE = "tenant.json"
_READ = 0o440
_PORTS = {"https": 443, "http": 80}


def children(context: TenantContext) -> Iterator[JsonObject]:
    """The ServiceAccount, the configuration, the policy and the CronJob; nothing without a
    repository.
    """
    promised = promise(context)
    if promised is None:
        return
    account = _object(context, "v1", "ServiceAccount")
    account["automountServiceAccountToken"] = False
    yield account
    yield _configuration(context, promised)
    yield _policy(context, promised.platform.primary)
    obj = _object(context, "batch/v1", "CronJob")
    yield _pod(context, ("backup",)).cron_job(context, obj, nights.backup(context).schedule)


def job(context: TenantContext, name: str, group: str, owner: JsonObject) -> JsonObject:
    """The Job of one backup on demand, of `group`; `owner` is the reference that it gets."""
    pod = _pod(context, ("backup", "--group", group))
    obj = _object(context, "batch/v1", "Job")
    obj["metadata"] |= {"name": name, "ownerReferences": [owner]}
    obj["spec"] = pod.job_spec(context)
    return obj


@dataclass(frozen=True, slots=True)
class Restoring:
    """What a restore brings back: the arguments of its program, and where it writes.

    `claim` is the volume claim that it writes to, None for the tenant's own volumes, which a drill
    does not touch.
    """

    arguments: tuple[str, ...]
    claim: str | None = None
    drill: bool = False


def restore_job(
    context: TenantContext, name: str, restoring: Restoring, owner: JsonObject
) -> JsonObject:
    """The Job of a restore or a drill; `owner` is the reference that it gets.

    It is tried once: what a failed run has left is for a person to look at.
    """
    volumes = [_keys()]
    arguments = ["restore", *restoring.arguments]
    if restoring.drill:
        arguments[0] = "drill"
    elif restoring.claim is not None:
        source = {"persistentVolumeClaim": {"claimName": restoring.claim}}
        volumes.append(pods.Volume("target", RESTORED, source))
        arguments += ["--into", RESTORED]
    else:
        volumes += [replace(each, read_only=False) for each in _data(context)]
    own = not restoring.drill and restoring.claim is None
    pod = ProgramPod(
        steps=[Step(arguments[0], arguments)],
        configuration=context.child(COMPONENT),
        service_account=context.child(COMPONENT),
        labels=_labels(context),
        volumes=volumes,
        affinity=_affinity(context) if own else {},
        attempts=0,
        scratch=DRILL_MEBIBYTES if restoring.drill else SCRATCH_MEBIBYTES,
    )
    obj = _object(context, "batch/v1", "Job")
    obj["metadata"] |= {"name": name, "ownerReferences": [owner]}
    obj["spec"] = pod.job_spec(context)
    return obj


def parts(context: TenantContext) -> tuple[str, ...]:
    """The parts of a backup that can be restored in place: those with a volume of their own."""
    named = {Component.PROSODY: Part.ACCOUNTS, Component.JIBRI: Part.RECORDINGS}
    return tuple(named[component].value for component in _claims(context))


def _object(context: TenantContext, api_version: str, kind: str) -> JsonObject:
    obj = context.object(api_version, kind, context.child(COMPONENT))
    obj["metadata"]["labels"] = _labels(context)
    return obj


def _labels(context: TenantContext) -> dict[str, str]:
    return {**labels(context.name), "app.kubernetes.io/component": COMPONENT}


def _pod(context: TenantContext, arguments: tuple[str, ...]) -> ProgramPod:
    return ProgramPod(
        steps=[Step(arguments[0], arguments)],
        configuration=context.child(COMPONENT),
        service_account=context.child(COMPONENT),
        labels=_labels(context),
        volumes=[_keys(), *_data(context), _own_objects(context)],
        affinity=_affinity(context),
    )


def _configuration(context: TenantContext, promised: Promise) -> JsonObject:
    obj = _object(context, "v1", "ConfigMap")
    claims = _claims(context)
    sources = Sources(
        recordings=told.RECORDINGS if Component.JIBRI in claims else None,
        accounts=told.ACCOUNTS if Component.PROSODY in claims else None,
        configuration=told.CONFIGURATION,
    )
    configuration = told.of_tenant(context, promised, sources)
    obj["data"] = {**told.files(configuration, promised), _TENANT_FILE: _tenant(context)}
    return obj


def _tenant(context: TenantContext) -> str:
    """The JitsiTenant as it would be applied again."""
    body = {
        "apiVersion": API_VERSION,
        "kind": "JitsiTenant",
        "metadata": {"name": context.name, "namespace": context.namespace},
        "spec": context.spec.to_json(),
    }
    return orjson.dumps(body, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode() + "\n"


def _keys() -> pods.Volume:
    return secret_files("keys", told.KEYS, names.CREDENTIALS, credentials.BACKUP_FILES)


def _claims(context: TenantContext) -> dict[Component, str]:
    """The volume claims with data, by the component that has them; those that are there count,
    also where nothing writes to them any more.
    """
    wanted = {obj["metadata"]["name"] for obj in volume_claims.children(context)}
    named = {
        Component.PROSODY: volume_claims.accounts_name(context),
        Component.JIBRI: volume_claims.recordings_name(context),
    }
    there = wanted | context.observed.volumes.keys()
    return {component: name for component, name in named.items() if name in there}


def _data(context: TenantContext) -> Iterator[pods.Volume]:
    paths = {Component.PROSODY: ("accounts", told.ACCOUNTS)}
    paths[Component.JIBRI] = ("recordings", told.RECORDINGS)
    for component, claim in _claims(context).items():
        name, path = paths[component]
        # Read-only in the mount alone: a volume cannot be mounted on one node both ways.
        source = {"persistentVolumeClaim": {"claimName": claim}}
        yield pods.Volume(name, path, source, read_only=True)


def _own_objects(context: TenantContext) -> pods.Volume:
    """The JitsiTenant, its passwords, and what it names; but never the key of the backups."""
    parts: list[JsonObject] = [
        {
            "configMap": {
                "name": context.child(COMPONENT),
                "items": [{"key": _TENANT_FILE, "path": _TENANT_FILE}],
            }
        }
    ]
    keys = [credentials.SALT_KEY, *(source.key for source in generated(context))]
    parts += [_part(SourceKind.SECRET, names.CREDENTIALS, key) for key in keys]
    parts += [_part(each.kind, each.name, each.key) for each in sorted(set(given(context)))]
    source = {"projected": {"sources": parts, "defaultMode": _READ}}
    return pods.Volume("objects", told.CONFIGURATION, source, read_only=True)


def _part(kind: SourceKind, name: str, key: str) -> JsonObject:
    folder = "secrets" if kind is SourceKind.SECRET else "configmaps"
    return {
        "secret" if kind is SourceKind.SECRET else "configMap": {
            "name": name,
            "items": [{"key": key, "path": f"{folder}/{name}/{key}"}],
            # What somebody deleted must not keep the rest from being backed up.
            "optional": True,
        }
    }


def _affinity(context: TenantContext) -> JsonObject:
    """Leads the pod to the node where a volume that only one node can mount is in use.

    Where nobody uses it any node will do. Two such volumes in use on different nodes leave the pod
    waiting, until its time is over: that shows as a backup that failed.
    """
    running = {Component.PROSODY: context.conducting, Component.JIBRI: context.records}
    near = [
        {
            "labelSelector": {"matchLabels": selector(context.name, component)},
            "topologyKey": "kubernetes.io/hostname",
        }
        for component, claim in _claims(context).items()
        if running[component] and not _is_shared(context, component, claim)
    ]
    if not near:
        return {}
    return {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": near}}


def _is_shared(context: TenantContext, component: Component, claim: str) -> bool:
    held = context.observed.volumes.get(claim)
    if held is not None:
        return AccessMode.READ_WRITE_MANY in held.access_modes
    storage = context.platform.storage
    store = storage.accounts if component is Component.PROSODY else storage.recordings
    return store.access_mode is AccessMode.READ_WRITE_MANY


def _policy(context: TenantContext, primary: BackupRepository) -> JsonObject:
    """Out to the primary repository, and nowhere else but to the names of the default policy."""
    obj = _object(context, "networking.k8s.io/v1", "NetworkPolicy")
    networks = [{"ipBlock": {"cidr": each}} for each in primary.networks or _ANYWHERE]
    chosen = selector(context.name, Component.WEB) | {"app.kubernetes.io/component": COMPONENT}
    obj["spec"] = {
        "podSelector": {"matchLabels": chosen},
        "policyTypes": ["Ingress", "Egress"],
        "egress": [{"to": networks, "ports": [{"port": port(primary.address), "protocol": "TCP"}]}],
    }
    return obj


def port(address: str) -> int:
    """The TCP port of a server at `address`, as restic writes it: rest:https://HOST[:PORT]/."""
    scheme, _, place = address.removeprefix("rest:").partition("://")
    host = place.partition("/")[0]
    _, separator, number = host.rpartition(":")
    return int(number) if separator and number.isdecimal() else _PORTS[scheme]
