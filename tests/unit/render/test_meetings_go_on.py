"""What may change without ending a meeting, and what a pod needs to come back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from jitsi_tenant_operator import render
from jitsi_tenant_operator.api.scalars import mebibytes
from jitsi_tenant_operator.render import BridgeSlots, MediaAddress, TenantContext
from jitsi_tenant_operator.render.context import Requests, VolumeClaim
from jitsi_tenant_operator.render.quantities import millicores

MakeContext = Callable[..., TenantContext]


def _template(context: TenantContext, kind: str, suffix: str) -> dict[str, Any]:
    children = {(ref.kind, ref.name): obj for ref, obj in render.tenant(context).items()}
    template: dict[str, Any] = children[kind, f"acme-{suffix}"]["spec"]["template"]
    return template


MEETING_PODS = [("StatefulSet", "prosody"), ("Deployment", "jicofo"), ("StatefulSet", "jvb-0")]


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


def test_a_pod_that_never_started_gives_way_to_a_correction(make: MakeContext) -> None:
    found = {r.name: o for r, o in render.tenant(make()).items() if r.kind == "StatefulSet"}
    assert found.keys() == {"acme-prosody", "acme-jvb-0"}
    assert {o["spec"]["podManagementPolicy"] for o in found.values()} == {"Parallel"}


def test_kubernetes_ends_no_bridge_for_a_change(make: MakeContext) -> None:
    found = {r.name: o for r, o in render.tenant(make()).items() if r.kind == "StatefulSet"}
    assert found["acme-jvb-0"]["spec"]["updateStrategy"] == {"type": "OnDelete"}


def test_the_quota_has_room_for_bridges_on_their_way_out(make: MakeContext) -> None:
    def hard(*outgoing: Requests) -> dict[str, str]:
        context = make(plan={"sizes": {"bridge": {"cpu": "1", "memory": "2Gi"}}})
        context = replace(context, observed=replace(context.observed, outgoing=outgoing))
        (found,) = (o for r, o in render.tenant(context).items() if r.kind == "ResourceQuota")
        limits: dict[str, str] = found["spec"]["hard"]
        return limits

    one, more = hard(), hard(Requests(1000, 2048), Requests(4000, 16384))
    assert hard(Requests(1000, 2048)) == one, "there is room for one at any time"
    assert int(more["pods"]) == int(one["pods"]) + 1
    assert int(more["services.nodeports"]) == int(one["services.nodeports"]) + 1
    for name, size, added in (
        ("requests.memory", mebibytes, 16384),
        ("limits.memory", mebibytes, 16384),
        ("requests.cpu", millicores, 4000),
    ):
        assert size(more[name]) == size(one[name]) + added, name


def test_bridges_can_be_evicted_one_by_one_while_others_end(make: MakeContext) -> None:
    for number, stay in ((1, 0), (3, 2)):
        context = make(
            {"media": {"bridges": number}}, plan={"capacity": {"bridges": {"maximum": 3}}}
        )
        (budget,) = (
            o
            for r, o in render.tenant(context).items()
            if r.kind == "PodDisruptionBudget" and r.name == "acme-jvb"
        )
        # Of maxUnavailable nothing is left while a bridge ends whose StatefulSet is gone.
        assert budget["spec"]["minAvailable"] == stay
        assert "maxUnavailable" not in budget["spec"]


def test_a_bridge_that_is_left_alone_is_not_rendered(make: MakeContext) -> None:
    context = make()
    slots = BridgeSlots(running=(1,), left=(0,), reserved=(4,))
    observed = replace(context.observed, slots=slots, media={1: MediaAddress(30101)})
    found = {
        (r.kind, r.name)
        for r in render.tenant(replace(context, observed=observed))
        if r.name.startswith("acme-jvb-")
    }
    assert found == {
        ("StatefulSet", "acme-jvb-1"),
        ("Service", "acme-jvb-1"),
        ("Service", "acme-jvb-4"),
    }


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
        return {
            o["metadata"]["name"]: o["spec"]["maxUnavailable"]
            for o in budgets
            if "maxUnavailable" in o["spec"]
        }

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
