"""A tenant's turn to be interrupted lasts until its pods are there again."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef, TenantKey
from jitsi_tenant_operator.kube.apply import Owner
from jitsi_tenant_operator.kube.facts import WorkloadFacts
from jitsi_tenant_operator.reconcile.interruptions import Interruptions
from jitsi_tenant_operator.reconcile.turns import Turns

KEY, OTHER = TenantKey("tenant-acme", "acme"), TenantKey("tenant-globex", "globex")
READY, STARTING = SimpleNamespace(complete=True), SimpleNamespace(complete=False)


class Cache:
    """What is known of the workloads, by the last word of their names."""

    def __init__(self, **facts: Any) -> None:
        self._facts = facts

    def facts(self, ref: ObjectRef, _kind: type[WorkloadFacts]) -> Any:
        return self._facts.get(ref.name.removeprefix("acme-"))


@pytest.mark.parametrize(
    ("workloads", "ended"),
    [
        ({"prosody": READY, "jicofo": READY}, True),
        ({"prosody": READY, "jicofo": STARTING}, False),
        ({"prosody": READY}, False),
        ({}, False),
    ],
    ids=["ready", "starting", "being made anew", "both being made anew"],
)
async def test_a_workload_that_is_not_there_is_not_ready(
    clock: Any, workloads: dict[str, Any], *, ended: bool
) -> None:
    turns = Turns(clock, at_once=1)
    assert turns.take(KEY)
    anything: Any = None
    interruptions = Interruptions(Cache(**workloads), anything, anything, turns)  # type: ignore[arg-type]
    context: Any = SimpleNamespace(
        conducting=True, namespace=KEY.namespace, name=KEY.name, child=lambda name: f"acme-{name}"
    )
    owner = Owner(ObjectRef("v1", "Owner", KEY.namespace, KEY.name), "uid", KEY)
    body: JsonObject = {"metadata": {"generation": 1}}
    await interruptions.hold(owner, body, context, anything, {})
    assert turns.take(OTHER) is ended
