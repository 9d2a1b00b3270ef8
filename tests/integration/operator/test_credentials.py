"""Generated passwords are made once, completed if some lack, and shown nowhere."""

from __future__ import annotations

import base64
import json
import logging
import re
from typing import TYPE_CHECKING

import pytest

from jitsi_tenant_operator.api.objects import JsonObject
from jitsi_tenant_operator.render.credentials import BACKUP_FILES
from trial.cluster import RECORDING, Cluster, Tenant
from trial.expectation import assert_exact, exact
from trial.operating import Operating
from trial.settings import put
from trial.waiting import until

if TYPE_CHECKING:
    from tests.integration.operator.conftest import Operate

ALWAYS = {"salt", "jicofo", "jvb", *BACKUP_FILES}
USERNAME = "backup-username"
"""It is no secret."""
WITH_RECORDERS = ALWAYS | {"jibri", "recorder"}


async def data(tenant: Tenant) -> dict[str, str]:
    """The generated passwords as they are stored."""
    found: dict[str, str] = (await tenant.cluster.get(tenant.credentials))["data"]
    return found


async def revisions(tenant: Tenant) -> dict[str, int]:
    """How often the pod template of each Deployment and StatefulSet was changed."""
    found = {}
    for kind in ("Deployment", "StatefulSet"):
        for body in await tenant.cluster.list("apps/v1", kind, tenant.namespace):
            found[body["metadata"]["name"]] = int(body["metadata"]["generation"])
    return found


async def test_passwords_are_made_once_and_never_change(cluster: Cluster, operate: Operate) -> None:
    async with operate():
        tenant = await cluster.tenant()
        await tenant.ready()
        made = await data(tenant)
        assert made.keys() == ALWAYS
        made_up = made.keys() - {USERNAME}
        values = [base64.b64decode(made[key]).decode() for key in made_up]
        assert len(set(values)) == len(values)
        assert all(re.fullmatch(r"[A-Za-z0-9]{32}", value) for value in values)
        await tenant.change(RECORDING)
        await tenant.ready()
        with_recorders = await data(tenant)
        assert with_recorders.keys() == WITH_RECORDERS
        await tenant.change({"recording": None, "media": {"bridges": 2}})
        await tenant.ready()
    async with operate() as again:
        await again.caught_up()
        await again.quiet()
        assert await data(tenant) == with_recorders
    assert made.items() <= with_recorders.items()


async def test_a_deleted_secret_is_made_again_and_the_pods_start_anew_once(
    tenant: Tenant, cluster: Cluster, operator: Operating
) -> None:
    before, templates = await data(tenant), await revisions(tenant)
    await cluster.delete(tenant.credentials)

    async def look() -> bool:
        return await cluster.find(tenant.credentials) is not None

    await until(look)
    await exact(tenant)
    await tenant.ready()
    await operator.quiet()
    after = await data(tenant)
    assert after.keys() == before.keys()
    kept = {key for key in after if after[key] == before[key]}
    assert kept == BACKUP_FILES.keys(), "the backups can be read no more with another key"
    now = await revisions(tenant)
    assert now.pop("acme-jvb-1") == 1, "instead of the bridge another one has come"
    grown = {name: number - templates[name] for name, number in now.items()}
    assert grown == {"acme-web": 0, "acme-prosody": 1, "acme-jicofo": 1}


async def test_only_the_key_that_lacks_is_added(
    tenant: Tenant, cluster: Cluster, operator: Operating
) -> None:
    before = await data(tenant)
    await cluster.patch(tenant.credentials, {"data": {"jvb": None}, "stringData": {"mine": "x"}})

    async def look() -> bool:
        return "jvb" in await data(tenant)

    await until(look)
    await exact(tenant)
    after = await data(tenant)
    assert after.pop("jvb") != before.pop("jvb")
    assert base64.b64decode(after.pop("mine")) == b"x"
    assert after == before
    await tenant.ready()


async def test_a_password_that_a_person_changes_is_kept_and_reaches_the_pods(
    tenant: Tenant, cluster: Cluster, operator: Operating
) -> None:
    templates = await revisions(tenant)
    await cluster.patch(tenant.credentials, {"stringData": {"jvb": "abcdefghijklmnopqrstuvwxyz"}})

    async def look() -> bool:
        now = await revisions(tenant)
        return {name for name in now if now[name] > templates.get(name, 0)} == {
            "acme-prosody",
            "acme-jvb-1",
        }

    await until(look)
    await exact(tenant)
    await tenant.ready()
    assert base64.b64decode((await data(tenant))["jvb"]) == b"abcdefghijklmnopqrstuvwxyz"


async def test_no_secret_is_told_to_anyone(
    cluster: Cluster, operate: Operate, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    namespace = await cluster.namespace()
    own = "p0rtal-" + "secret" * 5
    await put(cluster, "Secret", namespace, "acme-jwt", {"secret": own})
    reference = {"name": "acme-jwt", "key": "secret"}
    access = {"authentication": "JWT", "jwt": {"appId": "portal", "secret": reference}}
    async with operate() as operator:
        tenant = await cluster.tenant({"access": access}, namespace=namespace)
        await tenant.ready()
        bad = own + "\n{{ }}"
        await put(cluster, "Secret", namespace, "acme-jwt", {"secret": bad})
        await tenant.change({"media": {"bridges": 2}})
        await tenant.refused("SecretInvalid", "acme-jwt", "secret")
        await operator.quiet()
    told: list[JsonObject] = await cluster.list("events.k8s.io/v1", "Event", namespace)
    told.append(await tenant.body())
    for kind in ("Deployment", "StatefulSet"):
        told += await cluster.list("apps/v1", kind, namespace)
    for kind in ("ConfigMap", "Pod"):
        told += await cluster.list("v1", kind, namespace)
    text = json.dumps(told) + caplog.text
    assert "acme-jwt" in text
    secrets = await data(tenant)
    del secrets[USERNAME]
    generated = [base64.b64decode(value).decode() for value in secrets.values()]
    stored = [base64.b64encode(value.encode()).decode() for value in (own, bad, *generated)]
    for secret in (own, *generated, *stored):
        assert secret not in text


async def test_the_secret_of_a_tenant_is_marked_as_what_outlives_it(tenant: Tenant) -> None:
    metadata = (await tenant.cluster.get(tenant.credentials))["metadata"]
    assert "ownerReferences" not in metadata
    assert metadata["annotations"]["jitsi.rezosocial.com/retain"] == "true"
    await assert_exact(tenant)
