"""The client against an HTTP server that misbehaves on purpose."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any, cast

import orjson
import pytest
from aiohttp import web
from kubernetes.aio.client.configuration import Configuration

from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef
from jitsi_tenant_operator.kube.client import KubeClient, Selection
from jitsi_tenant_operator.kube.connection import ConfigurationError, Connection, load_configuration
from jitsi_tenant_operator.kube.errors import (
    ClientClosed,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    KubeError,
    NotFound,
    SilentStream,
    Unauthorized,
    Unavailable,
)
from jitsi_tenant_operator.kube.resources import CONFIG_MAPS, LEASES, SECRETS, ResourceRegistry

REF = ObjectRef("v1", "ConfigMap", "ns", "a")
OBJECT: JsonObject = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"namespace": "ns", "name": "a"},
}


def _status(code: int, reason: str = "", **rest: Any) -> JsonObject:
    return {"kind": "Status", "status": "Failure", "code": code, "reason": reason, **rest}


async def _outcome(clock: Any, work: Any, seconds: float = 60.0) -> Any:
    """The result or the error of a call, however long it waits by the clock."""
    task = asyncio.ensure_future(work)
    for _ in range(200):
        done, _ = await asyncio.wait({task}, timeout=0.02)
        if done:
            break
        await clock.advance(seconds / 200)
    return task.exception() or task.result()


def _requests(client: KubeClient, verb: str, resource: str, code: str) -> float:
    value: float = client.metrics.requests.labels(verb, resource, code)._value.get()
    return value


CALLS: dict[str, Callable[[KubeClient], Any]] = {
    "get": lambda c: c.get(REF),
    "apply": lambda c: c.apply(OBJECT),
    "patch": lambda c: c.merge_patch(REF, {}),
    "delete": lambda c: c.delete(REF),
    "create": lambda c: c.create(OBJECT),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("code", [429, 500, 503, 504])
async def test_what_can_be_repeated_is_tried_three_times(
    client: KubeClient, script: Any, clock: Any, call: str, code: int
) -> None:
    script.add(_status(code, "ServiceUnavailable", message="later"), status=code)
    error = await _outcome(clock, CALLS[call](client))
    assert type(error) is Unavailable
    repeated = call != "create" or code == 429  # a creation may have happened all the same
    assert len(script.requests) == (3 if repeated else 1)
    assert len(set(script.bodies)) == 1
    assert _requests(client, call, "configmaps", str(code)) == len(script.requests)


@pytest.mark.parametrize("code", [400, 403, 404, 409, 410, 422])
async def test_what_will_not_change_is_not_repeated(
    client: KubeClient, script: Any, clock: Any, code: int
) -> None:
    script.add(_status(code), status=code)
    assert isinstance(await _outcome(clock, client.apply(OBJECT)), KubeError)
    assert len(script.requests) == 1


async def test_a_passing_failure_is_not_seen_by_the_caller(
    client: KubeClient, script: Any, clock: Any
) -> None:
    script.add(_status(503), status=503).add(_status(429), status=429).add(OBJECT)
    assert await _outcome(clock, client.apply(OBJECT)) == OBJECT


async def test_the_server_decides_when_to_come_back_within_reason(
    client: KubeClient, script: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    script.add(_status(429), status=429, headers={"Retry-After": "4"}).add(OBJECT)
    waited: list[float] = []
    sleep = clock.sleep

    async def noted(seconds: float) -> None:
        waited.append(seconds)
        await sleep(seconds)

    monkeypatch.setattr(clock, "sleep", noted)
    assert await _outcome(clock, client.get(REF)) == OBJECT
    assert len(waited) == 1
    assert 4 <= waited[0] <= 5, "never earlier, a little later"
    script.answers.clear()
    script.add(_status(429), status=429, headers={"Retry-After": "60"})
    error = await _outcome(clock, client.get(REF))
    assert error.retry_after == 60
    assert len(script.requests) == 3


async def test_a_broken_connection_is_unavailable(
    client: KubeClient, script: Any, clock: Any
) -> None:
    async def hang_up(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    script.answers = [hang_up]
    error = await _outcome(clock, client.apply(OBJECT))
    assert type(error) is Unavailable
    assert error.status is None
    assert error.reason == "Connection"
    assert _requests(client, "apply", "configmaps", "connection") == 3


async def test_an_answer_that_is_no_json_is_unavailable(
    client: KubeClient, script: Any, clock: Any
) -> None:
    script.add(b"<html>Welcome</html>")
    assert type(await _outcome(clock, client.get(REF))) is Unavailable


@pytest.mark.parametrize(
    ("code", "kind"), [(404, NotFound), (409, Conflict), (403, Forbidden), (422, Invalid)]
)
async def test_errors_have_their_kind(
    client: KubeClient, script: Any, code: int, kind: type[KubeError]
) -> None:
    script.add(_status(code, message="words of the server"), status=code)
    with pytest.raises(kind, match="words of the server"):
        await client.get(REF)


async def test_an_apply_sends_the_whole_intent_as_its_manager(
    client: KubeClient, script: Any
) -> None:
    script.add(OBJECT)
    await client.apply(OBJECT, subresource="status", field_manager="other", force=False)
    (request,) = script.requests
    assert (request.method, request.path) == ("PATCH", "/api/v1/namespaces/ns/configmaps/a/status")
    assert dict(request.query) == {"fieldManager": "other", "force": "false"}
    assert request.headers["Content-Type"] == "application/apply-patch+yaml"
    assert request.headers["Authorization"] == "Bearer first"
    assert request.headers["User-Agent"] == "test/1"
    assert orjson.loads(script.bodies[0]) == OBJECT


async def test_a_creation_can_be_tried_without_one(client: KubeClient, script: Any) -> None:
    script.add(OBJECT)
    await client.create(OBJECT, dry_run=True)
    (request,) = script.requests
    assert (request.method, dict(request.query)["dryRun"]) == ("POST", "All")


async def test_a_delete_can_be_bound_to_one_object(client: KubeClient, script: Any) -> None:
    script.add(OBJECT)
    await client.delete(REF, uid="u-1", propagation="Foreground")
    options = orjson.loads(script.bodies[0])
    assert options["preconditions"] == {"uid": "u-1"}
    assert options["propagationPolicy"] == "Foreground"


async def test_a_list_is_read_page_by_page(client: KubeClient, script: Any) -> None:
    script.add(
        {"metadata": {"resourceVersion": "7", "continue": "x y"}, "items": [{"metadata": {}}]}
    )
    script.add({"metadata": {"resourceVersion": "7"}, "items": None})
    selection = Selection(label_selector="a=b,c", field_selector="metadata.name=x")
    pages = [page async for page in client.list_pages(CONFIG_MAPS, selection, page_size=1)]
    assert [page.resource_version for page in pages] == ["7", "7"]
    assert pages[0].items == [{"metadata": {}, "apiVersion": "v1", "kind": "ConfigMap"}]
    first, second = (dict(request.query) for request in script.requests)
    assert first == {"labelSelector": "a=b,c", "fieldSelector": "metadata.name=x", "limit": "1"}
    assert second == {**first, "continue": "x y"}


async def test_a_list_that_is_left_early_leaves_nothing_behind(
    client: KubeClient, script: Any, caplog: pytest.LogCaptureFixture
) -> None:
    script.add({"metadata": {"resourceVersion": "7", "continue": "x"}, "items": []})
    script.add(_status(410, "Expired"), status=410)
    async with aclosing(client.list_pages(CONFIG_MAPS)) as pages:
        async for _ in pages:
            await script.received(2)
            break
    assert not _under_way()
    assert not caplog.records


async def test_a_page_is_not_parsed_before_it_is_asked_for(
    client: KubeClient, script: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    script.add({"metadata": {"resourceVersion": "7", "continue": "x"}, "items": []})
    script.add({"metadata": {"resourceVersion": "7"}, "items": []})
    parsed: list[bytes] = []
    loads = orjson.loads

    def count(text: bytes) -> Any:
        parsed.append(text)
        return loads(text)

    async with aclosing(client.list_pages(CONFIG_MAPS)) as pages:
        monkeypatch.setattr(orjson, "loads", count)
        await anext(pages)
        await asyncio.wait(_under_way())
        assert (len(script.requests), len(parsed)) == (2, 1)
        await anext(pages)
        assert len(parsed) == 2


def _under_way() -> set[asyncio.Task[Any]]:
    """The requests that the client has under way on its own."""
    ours = "jitsi_tenant_operator"
    return {
        task
        for task in asyncio.all_tasks()
        if ours in cast("Any", task.get_coro()).cr_code.co_filename
    }


def _lines(*lines: bytes, then: asyncio.Event | None = None) -> Any:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for line in lines:
            await response.write(line)
        if then is not None:
            await then.wait()
        return response

    return answer


def _event(kind: str, /, **obj: Any) -> bytes:
    return orjson.dumps({"type": kind, "object": obj}) + b"\n"


async def test_a_watch_gives_the_events_whatever_the_chunks(
    client: KubeClient, script: Any
) -> None:
    text = _event("ADDED", metadata={"name": "a"}) + _event("BOOKMARK", metadata={"x": "é" * 300})
    script.answers = [_lines(*(text[i : i + 7] for i in range(0, len(text), 7)))]
    events = [event async for event in client.watch(CONFIG_MAPS, resource_version="5")]
    assert [event.type for event in events] == ["ADDED", "BOOKMARK"]
    assert events[0].object == {"metadata": {"name": "a"}, "apiVersion": "v1", "kind": "ConfigMap"}
    query = dict(script.requests[0].query)
    assert 300 <= int(query.pop("timeoutSeconds")) <= 400
    assert query == {"watch": "1", "allowWatchBookmarks": "true", "resourceVersion": "5"}


async def _all(events: Any) -> None:
    async for _ in events:
        pass


async def test_an_error_event_is_raised_as_what_it_is(client: KubeClient, script: Any) -> None:
    script.answers = [_lines(_event("ERROR", **_status(410, "Expired", message="too old")))]
    with pytest.raises(Gone, match="too old"):
        await _all(client.watch(CONFIG_MAPS, resource_version="5"))


@pytest.mark.parametrize("line", [b"<html>\n", b"[]\n", b'{"type": "ADDED"}\n'])
async def test_a_line_that_is_no_event_is_unavailable(
    client: KubeClient, script: Any, line: bytes
) -> None:
    script.answers = [_lines(line)]
    with pytest.raises(Unavailable):
        await _all(client.watch(CONFIG_MAPS, resource_version="5"))


async def test_a_watch_that_dies_silently_is_noticed(client: KubeClient, script: Any) -> None:
    for_ever = asyncio.Event()
    script.answers = [_lines(_event("BOOKMARK", metadata={}), then=for_ever)]
    with pytest.raises(SilentStream, match=r"nothing heard for 0\.1 s"):
        await _all(client.watch(CONFIG_MAPS, resource_version="5", inactivity=0.1))
    for_ever.set()


async def test_a_watch_that_is_left_closes_its_connection(client: KubeClient, script: Any) -> None:
    ended = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(_event("ADDED", metadata={}))
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return response

    script.answers = [answer]
    async with aclosing(client.watch(CONFIG_MAPS, resource_version="5")) as events:
        async for _ in events:
            break
    await client.close()
    await asyncio.wait_for(ended.wait(), 5)


async def test_requests_in_flight_are_bounded_but_for_watches_and_leases(
    client: KubeClient, script: Any
) -> None:
    inside, most, release = 0, 0, asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal inside, most
        if "leases" not in request.path and "watch" not in request.query:
            inside += 1
            most = max(most, inside)
            await release.wait()
            inside -= 1
        return web.json_response(OBJECT)

    script.answers = [answer]
    calls = [asyncio.create_task(client.apply(OBJECT)) for _ in range(12)]
    await script.received(3)
    async with asyncio.timeout(5):
        await client.get(ObjectRef(LEASES.api_version, LEASES.kind, "ns", "lease"))
    release.set()
    await asyncio.gather(*calls)
    assert most == 3


async def test_a_pause_between_tries_holds_up_nobody_else(
    client: KubeClient, script: Any, clock: Any
) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/bad"):
            return web.json_response(_status(503), status=503)
        return web.json_response(OBJECT)

    script.answers = [answer]
    bad = ObjectRef("v1", "ConfigMap", "ns", "bad")
    waiting = [asyncio.create_task(client.get(bad)) for _ in range(3)]
    await script.received(3)
    assert await asyncio.wait_for(client.get(REF), 5) == OBJECT
    for task in waiting:
        task.cancel()


def _kubeconfig(path: Path, server: str, token_file: Path) -> str:
    name = {"name": "x"}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "x",
        "clusters": [{**name, "cluster": {"server": server}}],
        "users": [{**name, "user": {"tokenFile": str(token_file)}}],
        "contexts": [{**name, "context": {"cluster": "x", "user": "x"}}],
    }
    path.write_text(json.dumps(config))
    return str(path)


async def test_a_rotated_token_is_read_again(
    script: Any, clock: Any, metrics: Any, tmp_path: Path
) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.headers["Authorization"] == "Bearer new":
            return web.json_response(OBJECT)
        return web.json_response(_status(401, "Unauthorized"), status=401)

    script.answers = [answer]
    token = tmp_path / "token"
    token.write_text("old")
    path = _kubeconfig(tmp_path / "config", script.url, token)
    client = await KubeClient.connect(
        kubeconfig=path,
        resources=ResourceRegistry(),
        metrics=metrics,
        clock=clock,
        user_agent="t",
        field_manager="t",
    )
    async with client:
        with pytest.raises(Unauthorized):
            await client.get(REF)
        assert len(script.requests) == 1  # the same token again would not help
        token.write_text("new")
        results = await asyncio.gather(*(client.get(REF) for _ in range(3)))
        assert results == [OBJECT] * 3
        refused = _requests(client, "get", "configmaps", "401")
        await client.get(REF)
        assert _requests(client, "get", "configmaps", "401") == refused


async def test_credentials_that_are_never_accepted_are_not_tried_for_ever(
    script: Any, clock: Any, metrics: Any, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("0")

    async def answer(_: web.Request) -> web.StreamResponse:
        token.write_text(str(len(script.requests)))
        return web.json_response(_status(401, "Unauthorized"), status=401)

    script.answers = [answer]
    client = await KubeClient.connect(
        kubeconfig=_kubeconfig(tmp_path / "config", script.url, token),
        resources=ResourceRegistry(),
        metrics=metrics,
        clock=clock,
        user_agent="t",
        field_manager="t",
    )
    async with client, asyncio.timeout(5):
        with pytest.raises(Unauthorized):
            await client.get(REF)
    assert len(script.requests) == 2


async def test_a_refused_watch_reads_the_token_again_for_the_next_one(
    script: Any, clock: Any, metrics: Any, tmp_path: Path
) -> None:
    script.add(_status(401, "Unauthorized"), status=401)
    token = tmp_path / "token"
    token.write_text("old")
    configuration = await load_configuration(
        _kubeconfig(tmp_path / "config", script.url, token), None
    )
    connection = Connection(configuration, source=(str(tmp_path / "config"), None))
    client = KubeClient(
        connection,
        resources=ResourceRegistry(),
        metrics=metrics,
        clock=clock,
        user_agent="t",
        field_manager="t",
    )
    token.write_text("new")
    async with client:
        with pytest.raises(Unauthorized):
            await _all(client.watch(CONFIG_MAPS))
        assert await connection.authorization() == "Bearer new"


async def test_a_session_that_was_closed_is_opened_again_but_not_after_close(
    client: KubeClient, script: Any
) -> None:
    script.add(OBJECT)
    await client.get(REF)
    await client._transport.connection.session().close()
    assert await client.get(REF) == OBJECT
    await client.close()
    with pytest.raises(ClientClosed):
        await client.get(REF)


async def test_no_configuration_says_where_it_was_looked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    missing = str(tmp_path / "none")
    monkeypatch.setenv("KUBECONFIG", missing)
    with pytest.raises(ConfigurationError, match=missing):
        await load_configuration(None, None)
    broken = tmp_path / "broken"
    broken.write_text("apiVersion: v1\n")
    with pytest.raises(ConfigurationError):
        await load_configuration(str(broken), None)


async def test_nothing_of_a_secret_reaches_logs_or_errors(
    client: KubeClient, script: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = {**OBJECT, "kind": SECRETS.kind, "data": {"k": "aHVudGVyMg=="}}
    script.add(_status(422, "Invalid", message="data[k]: Invalid value: aHVudGVyMg=="), status=422)
    with pytest.raises(Invalid) as caught:
        await client.create(secret)
    assert "aHVudGVyMg" not in str(caught.value)
    assert "aHVudGVyMg" not in caplog.text
    assert "Bearer first" not in caplog.text


def test_importing_the_package_does_not_load_the_generated_models() -> None:
    code = """
import pathlib, pkgutil, sys
import jitsi_tenant_operator.kube as kube
for module in pkgutil.iter_modules(kube.__path__):
    __import__(f"{kube.__name__}.{module.name}")
assert sum(name.startswith("kubernetes.aio.client.models.") for name in sys.modules) < 5
assert sum(name.startswith("kubernetes.client.models.") for name in sys.modules) < 5
resident_pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
print(resident_pages * 4096 // 2**20)
"""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert int(result.stdout) < 90


async def test_a_configuration_without_token_sends_none(
    script: Any, clock: Any, metrics: Any
) -> None:
    script.add(OBJECT)
    client = KubeClient(
        Connection(Configuration(host=script.url), source=(None, None)),
        resources=ResourceRegistry(),
        metrics=metrics,
        clock=clock,
        user_agent="t",
        field_manager="t",
    )
    async with client:
        await client.get(REF)
    assert "Authorization" not in script.requests[0].headers
