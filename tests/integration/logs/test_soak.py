"""The pipeline at full speed for some time: `make soak-logs`, which prints the figures."""

from __future__ import annotations

import asyncio
import os
import sys
import time

import pytest

from jitsi_tenant_operator.render.labels import Component
from trial.containers import Container

from .conftest import Pipeline

LINES_PER_SECOND = 10_000
ROTATE_EVERY = 3.0
"""Seconds between two rotations of a container's file; the kubelet looks every ten."""
TICK = 0.1

SECONDS = float(os.environ.get("SOAK_SECONDS", "0"))


@pytest.mark.skipif(SECONDS == 0, reason="make soak-logs runs it")
async def test_ten_thousand_lines_a_second_with_restarts(
    pipeline: Pipeline, namespaces: list[str]
) -> None:
    containers = [pipeline.container(name, "acme", Component.JVB) for name in namespaces]
    pipeline.start_aggregator()
    pipeline.start_agent()
    restarts = [
        (0.2, pipeline.agent.stop, pipeline.start_agent),
        (0.5, pipeline.aggregator.stop, pipeline.start_aggregator),
        (0.8, lambda: pipeline.agent.stop(kill=True), pipeline.start_agent),
    ]
    began = time.monotonic()
    rotated, each = began, round(LINES_PER_SECOND * TICK / len(containers))
    while (passed := time.monotonic() - began) < SECONDS:
        for container in containers:
            container.write(each)
        if time.monotonic() - rotated > ROTATE_EVERY:
            rotated = time.monotonic()
            await asyncio.to_thread(rotate, containers)
        if restarts and passed > restarts[0][0] * SECONDS:
            _, end, start = restarts.pop(0)
            await asyncio.to_thread(end)
            start()
        await asyncio.sleep(max(0.0, TICK - (time.monotonic() - began - passed)))
    written = sum(container.written for container in containers)
    spent = time.monotonic() - began
    found = await pipeline.complete(containers)
    behind = time.monotonic() - began - spent
    missing = written - len(found)
    doubled = sum(found.values()) - len(found)
    sys.stdout.write(
        f"\n{written} lines in {spent:.0f} s, {written / spent:.0f} a second;"
        f" complete {behind:.1f} s later; {missing} lost, {doubled} doubled\n"
    )
    assert missing == 0


def rotate(containers: list[Container]) -> None:
    for container in containers:
        container.rotate()
