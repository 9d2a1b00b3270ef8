"""A change restarts the pods that read what changed, and no others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from jitsi_tenant_operator import render
from jitsi_tenant_operator.render import Observed, Source, SourceKind, TenantContext
from jitsi_tenant_operator.render.names import CREDENTIALS

if TYPE_CHECKING:
    from tests.unit.render.conftest import MakeContext

FULL: dict[str, Any] = {
    "branding": {"logo": {"configMap": "acme-branding", "key": "logo.svg"}},
    "media": {"bridges": 2},
}
PLAN = {"capacity": {"bridges": {"maximum": 3}}}


def templates(context: TenantContext) -> dict[str, Any]:
    """The pod template of each workload, without its tenant's name."""
    return {
        ref.name.removeprefix("acme-"): body["spec"]["template"]
        for ref, body in render.tenant(context).items()
        if "template" in body.get("spec", {})
    }


def rolled(before: TenantContext, after: TenantContext) -> set[str]:
    """The workloads that a change gives other pods."""
    old, new = templates(before), templates(after)
    return {name for name in old.keys() & new.keys() if old[name] != new[name]}


def laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` over `below`, section by section."""
    return {key: {**below.get(key, {}), **above.get(key, {})} for key in {*below, *above}}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"branding": {"applicationName": "Visio"}}, {"web"}),
        ({"meetings": {"language": "en"}}, {"web"}),
        ({"meetings": {"maxParticipants": 10}}, {"prosody"}),
        ({"meetings": {"roomPasswords": False}}, {"prosody"}),
        ({"meetings": {"polls": False}}, {"web", "prosody"}),
        ({"meetings": {"moderation": {"firstParticipantModerates": True}}}, {"jicofo"}),
        ({"media": {"bridges": 3}}, set()),
        ({"recording": {"recorders": 1}}, set()),
        ({"recording": {"resolution": "1920x1080"}}, {"jibri-0"}),
        ({"recording": {"storage": "80Gi"}}, set()),
        ({"contract": {"payment": {"overdueSince": "2026-05-01"}}}, set()),
    ],
)
def test_a_change_of_the_spec(
    make: MakeContext, change: dict[str, Any], expected: set[str]
) -> None:
    before = make(FULL, plan=PLAN, recording=True)
    after = make(laid_over(FULL, change), plan=PLAN, recording=True)
    assert rolled(before, after) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (Source(SourceKind.SECRET, CREDENTIALS, "jicofo"), {"prosody", "jicofo"}),
        (Source(SourceKind.SECRET, CREDENTIALS, "jvb"), {"prosody", "jvb-0", "jvb-1"}),
        (Source(SourceKind.SECRET, CREDENTIALS, "jibri"), {"prosody", "jibri-0"}),
        (Source(SourceKind.SECRET, CREDENTIALS, "recorder"), {"prosody", "jibri-0"}),
        (Source(SourceKind.CONFIG_MAP, "acme-branding", "logo.svg"), {"web"}),
    ],
)
def test_a_change_of_what_is_read(make: MakeContext, source: Source, expected: set[str]) -> None:
    before = make(FULL, plan=PLAN, recording=True)
    assert source in before.observed.digests
    digests = {**before.observed.digests, source: "another"}
    after = replace(before, observed=Observed(before.observed.media, digests))
    assert rolled(before, after) == expected


def test_a_change_of_the_shared_secret_of_tokens(contexts: dict[str, TenantContext]) -> None:
    before = contexts["jwt"]
    digests = {**before.observed.digests, Source(SourceKind.SECRET, "acme-jwt", "secret"): "other"}
    after = replace(before, observed=Observed(before.observed.media, digests))
    assert rolled(before, after) == {"prosody"}


def test_a_bridge_that_moves_to_another_port_is_alone(make: MakeContext) -> None:
    before = make(FULL, plan=PLAN)
    media = {**before.observed.media, 1: render.MediaAddress(30999)}
    after = replace(before, observed=Observed(media, before.observed.digests))
    assert rolled(before, after) == {"jvb-1"}


def test_a_release_moves_everything_together(make: MakeContext) -> None:
    before = make(FULL, plan=PLAN, recording=True)
    after = replace(before, release="stable-11200")
    assert rolled(before, after) == set(templates(before))


def restarted(context: TenantContext, at: str) -> TenantContext:
    """The same tenant with the annotation that asks for new pods."""
    annotations = {"jitsi.rezosocial.com/restarted-at": at}
    metadata = context.tenant.metadata.model_copy(update={"annotations": annotations})
    return replace(context, tenant=context.tenant.model_copy(update={"metadata": metadata}))


def test_a_restart_that_is_asked_for_replaces_all_pods(make: MakeContext) -> None:
    before = make(FULL, plan=PLAN, recording=True)
    first, second = (restarted(before, f"2027-03-0{day}T08:00:00Z") for day in (1, 2))
    assert rolled(before, first) == rolled(first, second) == set(templates(before))
    assert rolled(first, restarted(before, "2027-03-01T08:00:00Z")) == set()


@pytest.mark.parametrize("text", ["", "now", "2027-03-01", "2027-03-01T08:00:00Z\n", "{{ x }}"])
def test_what_is_no_instant_asks_for_no_restart(make: MakeContext, text: str) -> None:
    before = make(FULL, plan=PLAN, recording=True)
    assert rolled(before, restarted(before, text)) == set()


def test_pictures_that_do_not_exist_stop_no_pod(make: MakeContext) -> None:
    missing = make(FULL, digests={})
    (web,) = (each for name, each in templates(missing).items() if name == "web")
    assert "acme-branding" not in str(web)


def test_sources_name_all_that_is_read_from_elsewhere(contexts: dict[str, TenantContext]) -> None:
    read: set[tuple[str, str]] = set()
    for context in contexts.values():
        named = {(source.name, source.key) for source in render.sources(context)}
        for template in templates(context).values():
            for variable in template["spec"]["containers"][0]["env"]:
                reference = variable.get("valueFrom", {}).get("secretKeyRef")
                if reference is not None:
                    assert (reference["name"], reference["key"]) in named
                    read.add((reference["name"], reference["key"]))
    assert ("acme-jwt", "secret") in read
    assert ("acme-ldap", "password") in read


def test_the_salt_of_digests_restarts_nothing(case: tuple[str, TenantContext]) -> None:
    keys = {source.key for source in render.sources(case[1]) if source.name == CREDENTIALS}
    assert {"jicofo", "jvb"} <= keys
    assert "salt" not in keys
