"""Lines of containers reach the files that are archived: each of them, and once where possible."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from jitsi_tenant_operator.render.labels import Component
from trial import collector
from trial.containers import LONGEST_PART, Container
from trial.waiting import until

from .conftest import ZONE, Pipeline

ROTATIONS = 4
"""How often files are rotated while nobody reads them: the kubelet keeps as many, and one."""
LINES = 40


def burst(containers: list[Container], rotations: int) -> None:
    """What containers log while their files are rotated some times."""
    for _ in range(rotations):
        for container in containers:
            container.write(LINES)
            container.rotate()
    for container in containers:
        container.write(LINES, longest=3 * LONGEST_PART)


async def test_no_line_is_lost_when_either_end_is_restarted_or_killed(
    pipeline: Pipeline, namespaces: list[str]
) -> None:
    components = (Component.JVB, Component.WEB)
    containers = [
        pipeline.container(namespace, "acme", components[number % 2])
        for number, namespace in enumerate(namespaces)
    ]
    pipeline.start_aggregator()
    pipeline.start_agent()
    burst(containers, 1)
    await pipeline.complete(containers)
    ends = (pipeline.agent, pipeline.start_agent), (pipeline.aggregator, pipeline.start_aggregator)
    for end, start in ends:
        for kill in (False, True):
            await _away(pipeline, containers, partial(end.stop, kill=kill), start)
    found = await pipeline.complete(containers)
    written = {line for container in containers for line in container.lines()}
    assert written - found.keys() == set()
    doubled = sum(found.values()) - len(found)
    # What was under way when an end was killed is sent again.
    assert doubled < len(written) / 10


async def _away(
    pipeline: Pipeline,
    containers: list[Container],
    end: Callable[[], None],
    start: Callable[[], None],
) -> None:
    for container in containers:
        container.write(LINES)
    end()
    burst(containers, ROTATIONS)
    start()
    await pipeline.complete(containers)


async def test_each_line_is_whole_and_lies_with_its_tenant_component_and_day(
    pipeline: Pipeline, namespaces: list[str]
) -> None:
    ours = pipeline.container(namespaces[0], "acme", Component.JIBRI)
    others = pipeline.container(namespaces[1], None, Component.WEB)
    pipeline.start_aggregator()
    pipeline.start_agent()
    others.write(LINES)
    ours.write(1)
    ours.write(1, longest=5 * LONGEST_PART)
    late = f"{namespaces[0]} jibri line 2 came late"
    ours.append(f"2026-01-15T08:00:00.000000001Z stdout F {late}\n")
    await pipeline.complete([ours])

    async def all_read() -> bool:
        return pipeline.agent.counted("otelcol_processor_filter_logs_filtered") >= LINES

    await until(all_read)
    found = list(collector.collected(pipeline.current))
    # The day is that of the line, but of a line that comes late, that on which it came.
    today = datetime.now(ZoneInfo(ZONE)).date()
    assert {path.relative_to(pipeline.current).as_posix() for path, _ in found} <= {
        f"{namespaces[0]}/jibri-{day}.log" for day in (today, today - timedelta(days=1))
    }
    texts = [text for _, text in found]
    assert late in texts
    assert [len(text) for text in texts if len(text) > LONGEST_PART] == [5 * LONGEST_PART]


async def test_nobody_without_a_certificate_is_listened_to(
    pipeline: Pipeline, namespaces: list[str], tmp_path: Path
) -> None:
    ours = pipeline.container(namespaces[0], "acme", Component.WEB)
    ours.write(LINES)
    # An authority of the same name, and a certificate by it.
    collector.write_certificates(tmp_path / "forged")
    known = (tmp_path / "certificates").rename(tmp_path / "known")
    (tmp_path / "certificates").mkdir()
    for name, source in (("ca.crt", known), ("client.crt", tmp_path / "forged")):
        shutil.copy(source / name, tmp_path / "certificates" / name)
    shutil.copy(tmp_path / "forged" / "client.key", tmp_path / "certificates" / "client.key")
    for name in ("server.crt", "server.key"):
        shutil.copy(known / name, tmp_path / "certificates" / name)
    pipeline.start_aggregator()
    pipeline.start_agent()

    async def refused() -> bool:
        return "tls" in pipeline.agent.log().lower()

    await until(refused)
    assert not list(collector.collected(pipeline.current))
    for name in ("client.crt", "client.key"):
        shutil.copy(known / name, tmp_path / "certificates" / name)
    pipeline.agent.stop()
    pipeline.start_agent()
    await pipeline.complete([ours])


@pytest.fixture
def small_volume(pipeline: Pipeline) -> Iterator[Path]:
    """A volume of one megabyte for current logs."""
    pipeline.current.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(pipeline.current)]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root may mount a small volume, and not everywhere")
    try:
        yield pipeline.current
    finally:
        pipeline.aggregator.stop(kill=True)
        subprocess.run(["umount", str(pipeline.current)], check=True)


async def test_a_full_volume_loses_what_is_counted_and_nothing_else(
    pipeline: Pipeline, namespaces: list[str], small_volume: Path
) -> None:
    ours = pipeline.container(namespaces[0], "acme", Component.WEB)
    pipeline.start_aggregator()
    pipeline.start_agent()
    ours.write(LINES)
    await pipeline.complete([ours])
    filler = small_volume / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    ours.write(10 * LINES)

    def lost() -> float:
        return pipeline.aggregator.counted("otelcol_exporter_send_failed_log_records")

    async def given_up() -> bool:
        return lost() > 0

    await until(given_up)
    filler.unlink()
    ours.write(LINES)

    async def accounted_for() -> bool:
        found = pipeline.collected()
        names = [line for line in ours.lines() if line in found]
        assert len(names) + lost() >= ours.written, (len(names), lost())
        return True

    await until(accounted_for)
    # What comes once there is room is whole, also right behind what was cut off.
    found = pipeline.collected()
    assert all(line in found for line in list(ours.lines())[-LINES:])
