"""What may change without ending a meeting, and what a pod needs to come back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from jitsi_tenant_operator import render
from jitsi_tenant_operator.render import TenantContext
from jitsi_tenant_operator.render.context import VolumeClaim

MakeContext = Callable[..., TenantContext]


def _template(context: TenantContext, kind: str, suffix: str) -> dict[str, Any]:
    children = {(ref.kind, ref.name): obj for ref, obj in render.tenant(context).items()}
    template: dict[str, Any] = children[kind, f"acme-{suffix}"]["spec"]["template"]
    return template


MEETING_PODS = [("StatefulSet", "prosody"), ("Deployment", "jicofo"), ("Deployment", "jvb-0")]


@pytest.mark.parametrize(("kind", "suffix"), MEETING_PODS)
def test_switching_recording_on_or_off_ends_no_meeting(
    make: MakeContext, kind: str, suffix: str
) -> None:
    off, on = make(subscribed=True), make(subscribed=True, recording=True)
    assert _template(off, kind, suffix) == _template(on, kind, suffix)


def test_a_recorder_keeps_its_network_while_it_finishes(make: MakeContext) -> None:
    def policies(context: TenantContext) -> dict[str, Any]:
        return {r.name: o for r, o in render.tenant(context).items() if r.kind == "NetworkPolicy"}

    assert policies(make(subscribed=True)) == policies(make(subscribed=True, recording=True))


@pytest.mark.parametrize(("kind", "suffix"), MEETING_PODS)
def test_letting_monitoring_in_ends_no_meeting(make: MakeContext, kind: str, suffix: str) -> None:
    watched = make(platform={"monitoringNamespaces": {"team": "monitoring"}})
    assert _template(make(), kind, suffix) == _template(watched, kind, suffix)


def test_the_quota_stays_while_recorders_finish(make: MakeContext) -> None:
    def quota(context: TenantContext) -> dict[str, Any]:
        (found,) = (o for r, o in render.tenant(context).items() if r.kind == "ResourceQuota")
        hard: dict[str, Any] = found["spec"]["hard"]
        return {name: hard[name] for name in ("pods", "requests.memory", "limits.memory")}

    assert quota(make(subscribed=True)) == quota(make(subscribed=True, recording=True))


@pytest.mark.parametrize("exposure", ["NodePort", "LoadBalancer", "HostPort"])
def test_a_certificate_challenge_has_room_in_the_quota(make: MakeContext, exposure: str) -> None:
    context = make(platform={"media": {"exposure": exposure}})
    children = render.tenant(context)
    (quota,) = (o for r, o in children.items() if r.kind == "ResourceQuota")
    own = sum(
        o["spec"].get("type") == "NodePort" for r, o in children.items() if r.kind == "Service"
    )
    assert int(quota["spec"]["hard"]["services.nodeports"]) >= own + 1


def test_a_prosody_that_never_started_gives_way_to_a_correction(make: MakeContext) -> None:
    (found,) = (o for r, o in render.tenant(make()).items() if r.kind == "StatefulSet")
    assert found["spec"]["podManagementPolicy"] == "Parallel"


def test_only_accounts_of_people_outlive_prosody(make: MakeContext) -> None:
    pod = _template(make(), "StatefulSet", "prosody")["spec"]
    claimed = {v["name"] for v in pod["volumes"] if "persistentVolumeClaim" in v}
    mounts = pod["containers"][0]["volumeMounts"]
    assert [m["mountPath"] for m in mounts if m["name"] in claimed] == [
        "/var/lib/prosody/data/meet%2ejitsi"
    ]


@pytest.mark.parametrize(("kind", "suffix"), MEETING_PODS)
def test_a_pod_that_hangs_is_restarted_at_once(make: MakeContext, kind: str, suffix: str) -> None:
    container = _template(make(), kind, suffix)["spec"]["containers"][0]
    assert container["livenessProbe"]["terminationGracePeriodSeconds"] <= 60


def test_who_takes_changes_at_once_lets_nodes_be_emptied(make: MakeContext) -> None:
    def evictable(context: TenantContext) -> dict[str, int]:
        budgets = (o for r, o in render.tenant(context).items() if r.kind == "PodDisruptionBudget")
        return {o["metadata"]["name"]: o["spec"]["maxUnavailable"] for o in budgets}

    assert evictable(make())["acme-prosody"] == 0
    assert set(evictable(make({"updates": {"policy": "Immediately"}})).values()) == {1}


def test_a_volume_that_is_there_keeps_what_nobody_can_change(make: MakeContext) -> None:
    context = make(platform={"storage": {"accounts": {"className": "new"}}})
    there = VolumeClaim("old", ("ReadWriteMany",), "5Gi")
    observed = replace(context.observed, volumes={"acme-accounts": there})
    (claim,) = (
        obj
        for ref, obj in render.tenant(replace(context, observed=observed)).items()
        if ref.name == "acme-accounts"
    )
    assert claim["spec"] == {
        "accessModes": ["ReadWriteMany"],
        "resources": {"requests": {"storage": "5Gi"}},
        "storageClassName": "old",
    }
