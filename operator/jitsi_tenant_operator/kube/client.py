"""Requests to the API server: plain dicts in and out, errors sorted by what one can do."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Literal, Self, cast
from urllib.parse import urlencode

import orjson

from jitsi_tenant_operator.api.objects import JsonObject, ObjectRef
from jitsi_tenant_operator.clock import Clock
from jitsi_tenant_operator.kube.connection import Connection
from jitsi_tenant_operator.kube.errors import Unavailable, error_of_status
from jitsi_tenant_operator.kube.metrics import KubeMetrics
from jitsi_tenant_operator.kube.resources import LEASES, SECRETS, Resource, ResourceRegistry
from jitsi_tenant_operator.kube.transport import JSON, Request, Transport

_APPLY = "application/apply-patch+yaml"
_MERGE_PATCH = "application/merge-patch+json"
_JSON_PATCH = "application/json-patch+json"
_METADATA = "application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1"

Propagation = Literal["Background", "Foreground", "Orphan"]
_Answer = tuple[Request, asyncio.Task[bytes]]

MAX_IN_FLIGHT = 64
"""How many requests may be under way at once: a third of what an API server takes by default."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list; `resource_version` is that of the whole list."""

    items: list[JsonObject]
    resource_version: str


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One line of a watch. A BOOKMARK's object has only metadata.resourceVersion."""

    type: str
    object: JsonObject


@dataclass(frozen=True, slots=True)
class Selection:
    """Which objects of a kind: label and field selectors in the API's own syntax."""

    namespace: str = ""
    label_selector: str = ""
    field_selector: str = ""
    metadata_only: bool = False

    def query(self) -> dict[str, str]:
        """The query parameters of the selectors."""
        pairs = {"labelSelector": self.label_selector, "fieldSelector": self.field_selector}
        return {name: value for name, value in pairs.items() if value}


class KubeClient:
    """The calls that an operator makes, over one session.

    All requests but watches share `max_in_flight`. Transient failures of requests that can be
    repeated are tried three times in all; a longer Retry-After is left to the caller, in
    `KubeError.retry_after`. A 401 makes the client load its credentials again, once a request.
    Bodies are never logged, nor are they part of an error about a Secret.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        resources: ResourceRegistry,
        metrics: KubeMetrics,
        clock: Clock,
        user_agent: str,
        field_manager: str,
        max_in_flight: int = MAX_IN_FLIGHT,
    ) -> None:
        self.resources = resources
        self.metrics = metrics
        self.clock = clock
        self._field_manager = field_manager
        self._transport = Transport(
            connection,
            metrics=metrics,
            clock=clock,
            user_agent=user_agent,
            max_in_flight=max_in_flight,
        )

    @classmethod
    async def connect(
        cls, *, kubeconfig: str | None = None, context: str | None = None, **rest: Any
    ) -> Self:
        """A client for the cluster of the kubeconfig (see `load_configuration`).

        `rest` are the arguments of the constructor. Raises ConfigurationError.
        """
        return cls(await Connection.open(kubeconfig, context), **rest)

    @property
    def configuration(self) -> Any:
        """The `kubernetes.aio` configuration in use: address, certificates, token."""
        return self._transport.connection.configuration

    async def close(self) -> None:
        """End all watches and close the session."""
        await self._transport.connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def get(self, ref: ObjectRef, *, metadata_only: bool = False) -> JsonObject:
        """The object, or only its metadata. Raises NotFound."""
        resource = self.resources.of_ref(ref)
        accept = _METADATA.format("") if metadata_only else JSON
        path = resource.path(ref.namespace, ref.name)
        obj = await self._json(_request("get", resource, "GET", path, accept=accept))
        return _named(obj, resource)

    async def get_raw(self, path: str) -> bytes:
        """The answer at a path that is no resource, such as "/version"."""
        return await self._transport.send(Request("get", "", "GET", path))

    async def list_pages(
        self, resource: Resource, selection: Selection | None = None, *, page_size: int = 500
    ) -> AsyncGenerator[Page]:
        """The most recent objects, in pages of one consistent list.

        Raises Gone when the list became too old between two pages: start again.

        A page is parsed when it is asked for: parsed, it is ten times as large, and many lists
        are read at once when the operator starts.
        """
        selection = selection or Selection()
        accept = _METADATA.format("List") if selection.metadata_only else JSON
        query = {**selection.query(), "limit": str(page_size)}

        def read() -> _Answer:
            path = _with_query(resource.path(selection.namespace), query)
            request = _request("list", resource, "GET", path, accept=accept)
            return request, asyncio.create_task(self._transport.send(request))

        page: _Answer | None = read()
        try:
            while page is not None:
                answer = _parsed(page[0], await page[1])
                query["continue"] = answer["metadata"].get("continue", "")
                # The server makes the next page while the caller works on this one.
                page = read() if query["continue"] else None
                items = [_named(item, resource) for item in answer.pop("items", None) or ()]
                yield Page(items, answer["metadata"]["resourceVersion"])
                del answer, items  # a parsed page is large, and the next one is awaited now
        finally:
            if page is not None:
                page[1].cancel()
                await asyncio.gather(page[1], return_exceptions=True)

    async def watch(
        self,
        resource: Resource,
        selection: Selection | None = None,
        *,
        resource_version: str = "",
        timeout: float = 400.0,  # noqa: ASYNC109 - the server's, not ours
        inactivity: float = 90.0,
    ) -> AsyncGenerator[WatchEvent]:
        """Changes after `resource_version`, until the server ends the stream (`timeout` seconds).

        With an empty `resource_version` the stream begins with one ADDED event for each object
        there is, closed by a bookmark with the annotation k8s.io/initial-events-end (streaming
        lists of the API, needs the verb watch alone). Bookmarks come about every minute, so a
        stream that says nothing for `inactivity` seconds is dead: SilentStream is raised.
        ERROR events are raised as the error they describe, Gone for 410.
        """
        selection = selection or Selection()
        query = {**selection.query(), "watch": "1", "allowWatchBookmarks": "true"}
        query["timeoutSeconds"] = str(int(timeout * random.uniform(0.75, 1.0)))  # noqa: S311
        if resource_version:
            query["resourceVersion"] = resource_version
        else:
            query |= {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
        accept = _METADATA.format("") if selection.metadata_only else JSON
        path = _with_query(resource.path(selection.namespace), query)
        request = _request("watch", resource, "GET", path, accept=accept)
        async with aclosing(self._transport.lines(request, inactivity)) as lines:
            async for line in lines:
                event = _event(line, request.path)
                if event.type == "ERROR":
                    raise error_of_status(event.object, sensitive=request.sensitive)
                _named(event.object, resource)
                yield event

    async def apply(
        self,
        obj: JsonObject,
        *,
        subresource: str = "",
        field_manager: str | None = None,
        force: bool = True,
        dry_run: bool = False,
    ) -> JsonObject:
        """Server-side apply of a complete intent; the object as it is stored afterwards.

        Fields that the same manager applied before and that are missing now are removed.
        Without `force` a field of another manager is a Conflict. With `dry_run` nothing is stored;
        the answer is what would be.
        """
        resource, path = self._place(obj, subresource)
        manager = field_manager or self._field_manager
        query = {"fieldManager": manager, "force": "true" if force else "false"}
        if dry_run:
            query["dryRun"] = "All"
        return await self._json(
            _request(
                "apply",
                resource,
                "PATCH",
                _with_query(path, query),
                body=orjson.dumps(obj),
                content_type=_APPLY,
            )
        )

    async def create(self, obj: JsonObject, *, dry_run: bool = False) -> JsonObject:
        """Create the object; it may have metadata.generateName. Raises AlreadyExists.

        With `dry_run` it passes defaults, validation and admission, and is not stored.
        """
        resource = self.resources.of(obj["apiVersion"], obj["kind"])
        path = resource.path(obj["metadata"].get("namespace") or "")
        query = {"fieldManager": self._field_manager} | ({"dryRun": "All"} if dry_run else {})
        path = _with_query(path, query)
        return await self._json(
            _request("create", resource, "POST", path, body=orjson.dumps(obj), repeatable=False)
        )

    async def merge_patch(
        self, ref: ObjectRef, patch: JsonObject, *, subresource: str = ""
    ) -> JsonObject:
        """JSON merge patch (RFC 7386): null removes. The object as it is stored afterwards.

        metadata.resourceVersion in the patch makes it conditional (Conflict otherwise), so does
        metadata.uid (Invalid otherwise).
        """
        resource = self.resources.of_ref(ref)
        path = resource.path(ref.namespace, ref.name, subresource)
        path = _with_query(path, {"fieldManager": self._field_manager})
        return await self._json(
            _request(
                "patch",
                resource,
                "PATCH",
                path,
                body=orjson.dumps(patch),
                content_type=_MERGE_PATCH,
            )
        )

    async def json_patch(self, ref: ObjectRef, operations: list[JsonObject]) -> JsonObject:
        """JSON patch (RFC 6902), all operations or none; the object as it is stored afterwards.

        Invalid when a `test` among them fails.
        """
        resource = self.resources.of_ref(ref)
        path = resource.path(ref.namespace, ref.name)
        path = _with_query(path, {"fieldManager": self._field_manager})
        return await self._json(
            _request(
                "patch",
                resource,
                "PATCH",
                path,
                body=orjson.dumps(operations),
                content_type=_JSON_PATCH,
                repeatable=False,
            )
        )

    async def delete(
        self,
        ref: ObjectRef,
        *,
        uid: str | None = None,
        propagation: Propagation = "Background",
        grace_seconds: int | None = None,
    ) -> None:
        """Delete the object, with `uid` only if it is still that one (Conflict otherwise).

        `grace_seconds` is what a pod has to end; its own time when not given. Raises NotFound.
        Finalizers may keep the object for a while.
        """
        resource = self.resources.of_ref(ref)
        options: JsonObject = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": propagation,
        }
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        path = resource.path(ref.namespace, ref.name)
        await self._transport.send(
            _request("delete", resource, "DELETE", path, body=orjson.dumps(options))
        )

    def _place(self, obj: JsonObject, subresource: str) -> tuple[Resource, str]:
        resource = self.resources.of(obj["apiVersion"], obj["kind"])
        metadata = obj["metadata"]
        path = resource.path(metadata.get("namespace") or "", metadata["name"], subresource)
        return resource, path

    async def _json(self, request: Request) -> JsonObject:
        return _parsed(request, await self._transport.send(request))


def _request(verb: str, resource: Resource, method: str, path: str, **rest: Any) -> Request:
    return Request(
        verb,
        resource.plural,
        method,
        path,
        sensitive=resource == SECRETS,
        # A busy operator must not lose its Lease because the renewal waits behind its applies.
        queued=resource != LEASES,
        **rest,
    )


def _parsed(request: Request, body: bytes) -> JsonObject:
    try:
        return cast("JsonObject", orjson.loads(body))
    except orjson.JSONDecodeError as error:
        raise Unavailable(f"{request.verb} {request.path}: no JSON in the answer") from error


def _event(line: bytes, path: str) -> WatchEvent:
    try:
        parsed = orjson.loads(line)
        return WatchEvent(parsed["type"], parsed["object"])
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise Unavailable(f"{path}: no event of a watch in the answer") from error


def _with_query(path: str, query: dict[str, str]) -> str:
    return f"{path}?{urlencode(query)}"


def _named(obj: JsonObject, resource: Resource) -> JsonObject:
    """Items of typed lists come without apiVersion and kind, metadata with that of its own."""
    obj["apiVersion"] = resource.api_version
    obj["kind"] = resource.kind
    return obj
