"""Passwords: made once, completed, never changed, never adopted, and never told."""

from __future__ import annotations

import base64
import logging
import random
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef
from jitsi_tenant_operator.api.plan import Feature
from jitsi_tenant_operator.contract.terms import effective_terms
from jitsi_tenant_operator.kube.errors import Conflict, KubeError, NameTaken, Unavailable
from jitsi_tenant_operator.kube.secrets import secret_informer, secret_transform
from jitsi_tenant_operator.reconcile.conditions import Reason
from jitsi_tenant_operator.reconcile.resolve import Resolved, tenant_context
from jitsi_tenant_operator.reconcile.secrets import TenantSecrets
from jitsi_tenant_operator.render import credentials, sources
from jitsi_tenant_operator.render.context import TenantContext
from jitsi_tenant_operator.render.labels import labels
from jitsi_tenant_operator.render.names import CREDENTIALS

REF = ObjectRef("v1", "Secret", "tenant-acme", CREDENTIALS)
BASIC, ALL = {"salt", "jicofo", "jvb"}, {"salt", "jicofo", "jvb", "jibri", "recorder"}
JWT = {
    "access": {
        "authentication": "JWT",
        "jwt": {"appId": "acme", "secret": {"name": "jwt", "key": "secret"}},
    }
}
LOGO = {"branding": {"logo": {"configMap": "brand", "key": "logo.svg"}}}

Context = Callable[..., TenantContext]


@pytest.fixture
def context(make: Callable[..., Any]) -> Context:
    def build(recording: bool = False, **spec: Any) -> TenantContext:
        tenant = make("JitsiTenant", spec={**spec, "recording": {"enabled": recording}})
        resolved = Resolved(
            tenant=tenant,
            plan=make("JitsiPlan"),
            platform=make("JitsiPlatform"),
            documents=("cgu",),
            terms=effective_terms(tenant.spec.contract, [make("JitsiTerms")]),
            features=frozenset(Feature if recording else ()),
            host="meet.acme.example",
            release="stable-11146-2",
        )
        return tenant_context(resolved, "operator")

    return build


@pytest.fixture
def secrets(kube: Any) -> TenantSecrets:
    informer = secret_informer(kube, CREDENTIALS, salt_key=credentials.SALT_KEY)
    return TenantSecrets(kube, informer, random.Random(7))


def values(kube: Any) -> dict[str, str]:
    return {k: base64.b64decode(v).decode() for k, v in kube.objects[REF]["data"].items()}


def secret(name: str, **data: str) -> JsonObject:
    metadata = {"name": name, "namespace": "tenant-acme"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}


async def test_passwords_are_made_once(kube: Any, secrets: TenantSecrets, context: Context) -> None:
    await secrets.ensure(context())
    made = values(kube)
    assert made.keys() == BASIC
    assert len(set(made.values())) == len(made)
    assert all(value.isalnum() and len(value) >= 32 for value in made.values())
    assert "ownerReferences" not in kube.objects[REF]["metadata"], "keys outlive the tenant"
    await secrets.ensure(context())
    assert values(kube) == made
    assert kube.called() == [("create", REF)], "the second time without a request"


async def test_what_is_lacking_is_added_and_the_rest_left(
    kube: Any, secrets: TenantSecrets, context: Context
) -> None:
    await secrets.ensure(context())
    made = values(kube)
    await secrets.ensure(context(recording=True))
    completed = values(kube)
    assert completed.keys() == ALL
    assert {key: completed[key] for key in made} == made
    await secrets.ensure(context())
    assert values(kube) == completed, "what recording needed is kept"


async def test_a_restarted_operator_finds_the_passwords_of_before(
    kube: Any, secrets: TenantSecrets, context: Context
) -> None:
    await secrets.ensure(context())
    made = values(kube)
    informer = secret_informer(kube, CREDENTIALS, salt_key=credentials.SALT_KEY)
    restarted = TenantSecrets(kube, informer, random.Random(8))
    record = await restarted.ensure(context())
    assert values(kube) == made
    assert record.keys == BASIC


@pytest.mark.parametrize(
    "marks", [{}, labels("other"), {**labels("acme"), "app.kubernetes.io/managed-by": "Helm"}]
)
@pytest.mark.parametrize("known", [True, False], ids=["seen by the watch", "not seen yet"])
@pytest.mark.parametrize("complete", [True, False])
async def test_what_is_not_this_tenants_is_refused_and_not_touched(
    marks: dict[str, str],
    known: bool,
    complete: bool,
    kube: Any,
    context: Context,
) -> None:
    foreign = secret(CREDENTIALS, **dict.fromkeys(BASIC if complete else ["salt"], "theirs"))
    foreign["metadata"]["labels"] = marks
    stored = kube.put(foreign)
    informer = secret_informer(kube, CREDENTIALS, salt_key=credentials.SALT_KEY)
    if known:
        record = secret_transform(credentials.SALT_KEY)(kube.put(foreign), None)
        informer.observe(REF.namespace, REF.name, record)
        stored = kube.objects[REF]
    before = dict(stored["data"])
    with pytest.raises(NameTaken, match="jitsi-credentials"):
        await TenantSecrets(kube, informer, random.Random(7)).ensure(context())
    assert kube.objects[REF]["data"] == before
    assert not kube.called("patch")


async def test_a_password_that_someone_else_added_meanwhile_stands(
    kube: Any, secrets: TenantSecrets, context: Context
) -> None:
    await secrets.ensure(context())
    theirs = kube.objects[REF]
    theirs["data"]["jibri"] = base64.b64encode(b"theirs").decode()
    kube.put(theirs)
    with pytest.raises(Conflict):
        await secrets.ensure(context(recording=True))
    assert values(kube)["jibri"] == "theirs"


async def test_digests_change_when_and_only_when_content_does(
    kube: Any, secrets: TenantSecrets, context: Context
) -> None:
    tenant = context(**JWT, **LOGO)
    kube.put(secret("jwt", secret="first", unused="x"))
    brand = {"name": "brand", "namespace": "tenant-acme"}
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": brand}
    kube.put({**config_map, "data": {"logo.svg": "<svg/>"}})
    generated = await secrets.ensure(tenant)
    first, problems = await secrets.digests(tenant, generated)
    assert problems == []
    assert first.keys() == set(sources(tenant))
    assert all(first.values())

    kube.put(secret("jwt", secret="first", unused="y"))
    assert await secrets.digests(tenant, generated) == (first, [])
    kube.put(secret("jwt", secret="second", unused="y"))
    second, _ = await secrets.digests(tenant, generated)
    assert [source.name for source in first if first[source] != second[source]] == ["jwt"]
    kube.put({**config_map, "data": {"logo.svg": "<svg></svg>"}})
    third, _ = await secrets.digests(tenant, generated)
    assert [source.name for source in first if second[source] != third[source]] == ["brand"]


async def test_equal_secrets_of_two_tenants_have_different_digests(
    kube: Any, secrets: TenantSecrets, context: Context
) -> None:
    """Else a digest would tell who shares a password, and could be tried against a list."""
    tenant = context(**JWT)
    kube.put(secret("jwt", secret="password1"))
    first, _ = await secrets.digests(tenant, await secrets.ensure(tenant))
    informer = secret_informer(kube, CREDENTIALS, salt_key=credentials.SALT_KEY)
    other = TenantSecrets(kube, informer, random.Random(99))
    del kube.objects[REF]
    second, _ = await other.digests(tenant, await other.ensure(tenant))
    assert not set(first.values()) & set(second.values())


@pytest.mark.parametrize(
    ("given", "reason", "words"),
    [
        (None, Reason.SECRET_NOT_FOUND, "create it"),
        ({"other": "x"}, Reason.SECRET_NOT_FOUND, "secret"),
        ({"secret": ""}, Reason.SECRET_INVALID, "empty"),
        ({"secret": 'top"secret'}, Reason.SECRET_INVALID, "quote"),
    ],
)
async def test_what_cannot_be_used_is_named_and_not_quoted(
    given: dict[str, str] | None,
    reason: Reason,
    words: str,
    kube: Any,
    secrets: TenantSecrets,
    context: Context,
) -> None:
    tenant = context(**JWT)
    if given is not None:
        kube.put(secret("jwt", **given) if any(given.values()) else _empty("jwt", given))
    _, (problem,) = await secrets.digests(tenant, await secrets.ensure(tenant))
    assert problem.reason is reason
    assert "jwt" in problem.message
    assert words in problem.message
    assert "top" not in problem.message


def _empty(name: str, data: dict[str, str]) -> JsonObject:
    return {**secret(name), "data": data}


async def test_a_missing_logo_is_named(kube: Any, secrets: TenantSecrets, context: Context) -> None:
    tenant = context(**LOGO)
    _, (problem,) = await secrets.digests(tenant, await secrets.ensure(tenant))
    assert problem.reason is Reason.CONFIG_MAP_NOT_FOUND
    assert "brand" in problem.message
    assert "logo.svg" in problem.message


@pytest.mark.parametrize("calls_before_the_fault", range(6))
async def test_no_value_is_ever_told(
    calls_before_the_fault: int,
    kube: Any,
    secrets: TenantSecrets,
    context: Context,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whatever request fails: not in logs or errors, nor in what a traceback or debugger shows."""
    caplog.set_level(logging.DEBUG)
    kube.put(secret("jwt", secret="our-jwt-secret"))
    kube.faults = [None] * calls_before_the_fault + [Unavailable("no answer", status=503)]
    told = []
    for tenant in (context(**JWT), context(recording=True, **JWT), context(recording=True, **JWT)):
        try:
            generated = await secrets.ensure(tenant)
            told.append(repr((generated, *await secrets.digests(tenant, generated))))
        except KubeError as error:
            told += [*traceback.format_exception(error), repr(error)]
    told.append(caplog.text)
    hidden = [*values(kube).values(), "our-jwt-secret"]
    assert len(hidden) == len(ALL) + 1
    for value in hidden:
        assert value not in "".join(told)
        assert base64.b64encode(value.encode()).decode() not in "".join(told)
