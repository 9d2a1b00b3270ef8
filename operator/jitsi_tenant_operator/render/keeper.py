"""Backups on the operator's side: what copies them off-site, deletes and verifies them.

All of it is in the operator's namespace, since its logins can delete and reach every tenant's
repositories. It has no owner: backups are kept and deleted by date also when the tenant is gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from jitsi_tenant_operator.api.objects import JsonObject
from jitsi_tenant_operator.render import backup_configuration as told
from jitsi_tenant_operator.render import names, nights, pods
from jitsi_tenant_operator.render.backup_configuration import Promise, promise
from jitsi_tenant_operator.render.backup_pods import (
    COMPONENT,
    DRILL_MEBIBYTES,
    ProgramPod,
    Step,
    secret_files,
)
from jitsi_tenant_operator.render.context import TenantContext
from jitsi_tenant_operator.render.labels import TENANT_NAMESPACE_LABEL, child_annotations, labels

SERVER_LINE = "htpasswd"
"""The key of the line that lets the backup server know the tenant's login."""
VAULT_KEYS = (told.KEY, told.OFFSITE_KEY, told.USERNAME, told.PASSWORD, SERVER_LINE)
"""The keys of the Secret with a tenant's own keys and login."""
_SERVICE_ACCOUNT = "default"
"""Its token is not mounted: the programs talk to no API server."""
_LOGIN = {told.USERNAME: told.USERNAME, told.PASSWORD: told.PASSWORD}


def children(context: TenantContext) -> Iterator[JsonObject]:
    """The configuration and the CronJobs; nothing without a repository."""
    promised = promise(context)
    if promised is None:
        return
    configuration = _object(context, "v1", "ConfigMap", "backup")
    configuration["data"] = told.files(told.of_keeper(context, promised), promised)
    yield configuration
    # Deleting comes first: what is over must go, also while the other site cannot be reached.
    steps = ["sweep", *(["copy"] if promised.offsite else []), "verify"]
    keep = _pod(context, promised, *(Step(each, [each]) for each in steps))
    obj = _object(context, "batch/v1", "CronJob", "keep")
    yield keep.cron_job(context, obj, nights.keeping(context).schedule)
    # The copy that nobody else ever reads is the one to try.
    tried = "offsite" if promised.offsite else "primary"
    drill = _pod(context, promised, Step("drill", ["drill", "--copy", tried]))
    drill = replace(drill, scratch=DRILL_MEBIBYTES)
    obj = _object(context, "batch/v1", "CronJob", "drill")
    yield drill.cron_job(context, obj, nights.drill(context))


def vault(context: TenantContext, values: dict[str, str]) -> JsonObject:
    """The Secret with the keys and the login of a tenant's repositories, to be created once."""
    obj = _object(context, "v1", "Secret", "backup")
    obj["type"] = "Opaque"
    obj["stringData"] = values
    return obj


def _pod(context: TenantContext, promised: Promise, *steps: Step) -> ProgramPod:
    platform = promised.platform
    volumes: list[pods.Volume] = [
        secret_files(
            "keys",
            told.KEYS,
            _name(context, "backup"),
            {told.KEY: told.KEY, told.OFFSITE_KEY: told.OFFSITE_KEY},
        ),
        secret_files("primary", told.PRIMARY_LOGIN, platform.primary.credentials, _LOGIN),
    ]
    if promised.offsite:
        credentials = platform.offsite.credentials
        volumes.append(secret_files("offsite", told.OFFSITE_LOGIN, credentials, _LOGIN))
    return ProgramPod(
        steps=steps,
        configuration=_name(context, "backup"),
        service_account=_SERVICE_ACCOUNT,
        labels=_labels(context),
        volumes=volumes,
    )


def _name(context: TenantContext, suffix: str) -> str:
    return names.beside(context.namespace, context.name, suffix)


def _labels(context: TenantContext) -> dict[str, str]:
    return {
        **labels(context.name),
        "app.kubernetes.io/component": COMPONENT,
        TENANT_NAMESPACE_LABEL: context.namespace,
    }


def _object(context: TenantContext, api_version: str, kind: str, suffix: str) -> JsonObject:
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {
            "name": _name(context, suffix),
            "namespace": context.operator_namespace,
            "labels": _labels(context),
            "annotations": child_annotations(retain=True),
        },
    }
